"""Cleaning a table of electrodes, each decision kept in an audit."""
