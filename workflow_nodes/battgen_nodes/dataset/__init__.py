"""Nodes that build training data."""
