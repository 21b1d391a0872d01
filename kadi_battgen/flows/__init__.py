"""Workflows for KadiStudio and Kadi4Mat: writing .flow files, checking them, drawing them, and running them headless."""
