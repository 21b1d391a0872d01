"""Losses, the training loop, checkpoints and one module per model."""
