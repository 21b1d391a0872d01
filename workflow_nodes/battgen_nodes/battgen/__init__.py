"""Nodes that train and use the BattGen models."""
