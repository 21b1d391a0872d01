"""Where electrodes come from: one module a source."""
