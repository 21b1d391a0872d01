"""From a campaign to training samples: scaling, splitting, weighting and the HDF5 store."""
