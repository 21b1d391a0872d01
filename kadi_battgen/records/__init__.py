"""One record per run, so that every result can be traced to its source."""
