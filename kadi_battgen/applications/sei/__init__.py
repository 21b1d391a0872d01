"""What the trained autoencoder of the solid electrolyte interphase is for."""
