"""Nodes for the solid electrolyte interphase."""
