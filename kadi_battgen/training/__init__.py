"""The training loop with its settings, losses and checkpoints, and a folder for the training of each model."""
