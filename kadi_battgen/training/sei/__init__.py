"""Training of the models of the solid electrolyte interphase."""
