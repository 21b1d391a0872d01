"""The neural networks; they know nothing of files or training."""
