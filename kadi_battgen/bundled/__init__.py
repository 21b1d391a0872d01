"""Data that ships with the package, each file with its card."""
