"""Nodes about KadiStudio workflows."""
