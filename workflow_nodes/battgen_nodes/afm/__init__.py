"""Nodes of the simulated atomic force microscope."""
