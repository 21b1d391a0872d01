"""Nodes that get and prepare electrodes."""
