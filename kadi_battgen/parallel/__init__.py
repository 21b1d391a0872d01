"""Work spread over processes and machines with Dask; the results do not depend on how many there are."""
