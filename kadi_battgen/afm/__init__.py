"""Simulated atomic force microscopy of electrode surfaces."""
