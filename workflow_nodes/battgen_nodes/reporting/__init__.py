"""From records to the sections of a report: what is in the chain, and how each kind of record is shown."""
