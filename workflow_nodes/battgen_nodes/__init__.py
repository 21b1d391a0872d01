"""The sub-commands of battgen, one module each."""
