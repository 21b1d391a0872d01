"""Augmentation that keeps the physics: what happens to a stack happens to its descriptors."""
