"""Work spread over processes and machines with Dask; the results do not depend on how many there are.

>>> from kadi_battgen.parallel import ClusterSettings, open_cluster
>>> with open_cluster(ClusterSettings(workers=2)) as cluster:
...     for position, value in cluster.run(function, tasks):
...         keep(position, value)
"""

from kadi_battgen.lazy import lazy_names

__all__ = ["Cluster", "ClusterSettings", "available_cores", "open_cluster"]

__getattr__ = lazy_names(
    __name__,
    {
        "Cluster": "cluster",
        "ClusterSettings": "settings",
        "available_cores": "settings",
        "open_cluster": "cluster",
    },
)
