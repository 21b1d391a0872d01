"""Nodes that report on runs."""
