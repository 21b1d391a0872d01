"""What the workers of a queue's job load first: each binds itself to one of the job's cores.

Workers started by hand load it with ``dask worker ADDRESS --nthreads 1 --preload kadi_battgen.parallel.preload``.
"""

from __future__ import annotations

import os
import re
import warnings
from typing import Any

from kadi_battgen.parallel.settings import available_cores
from kadi_battgen.parallel.worker import bind_to_core


def dask_setup(worker: Any) -> None:
    """Bind a worker to the core of its number, where the queue gave its job cores that no other job has."""
    warnings.filterwarnings("ignore")
    cores = available_cores()
    if os.environ.get("SLURM_CPUS_PER_TASK") == str(len(cores)):
        number = re.search(r"\d+$", str(worker.name))
        bind_to_core(cores[int(number.group() if number else 0) % len(cores)])
