"""Generated SEI configurations in the layout of a campaign file, marked as what they are: not simulated.

Beside the data sets of :mod:`kadi_battgen.sei.store` such a file holds, for N configurations and a latent of length L:

============================  ============  ==========================================================================
data set                      shape, type   content
============================  ============  ==========================================================================
generated/latent              (N, L) f8     latent that the configuration was decoded from
generated/asked/<name>        (N,) f8       value that was asked for, in the observable's unit
generated/predicted/<name>    (N,) f8       what the property regressor expects, in the observable's unit
generated/deviation/<name>    (N,) f8       its standard deviation, in the observable's unit
generated/miss                (N,) f8       largest miss of the target by a measured observable, a fraction of the nearer bound
generated/changed_sites       (N,) i8       sites that were mended so that the configuration is one that can be reached
generated/unfamiliarity       (N,) f8       out-of-distribution score of the configuration, dimensionless
============================  ============  ==========================================================================

``observables`` are those measured on the configurations, as in every campaign.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kadi_battgen.files import atomic_path
from kadi_battgen.sei.chemistry import BARRIERS, PROCESS_COUNT
from kadi_battgen.sei.observables import OBSERVABLES, observables
from kadi_battgen.sei.partial import campaign_key, canonical
from kadi_battgen.sei.regimes import regimes
from kadi_battgen.sei.simulation import STOP_REASONS
from kadi_battgen.sei.store import NOT_SIMULATED, SCHEMA_VERSION, described, write_campaign

#: Name of the design of a file that a model generated.
GENERATED: Final = "generated"

#: Species whose escape through the boundary a simulation counts.
_ESCAPING: Final = 4


@dataclass(frozen=True)
class GeneratedConfigurations:
    """Configurations that a model made, with what it was asked and what it expects.

    Attributes
    ----------
    configurations
        Codes of the species, uint8, (N, rows, columns).
    barriers
        Reaction barriers that they were decoded for, in eV, (N, 15); None where none were given.
    seeds
        Seed of each, uint64, (N,).
    latent
        (N, L).
    asked, predicted, deviation
        By observable, each (N,) in its unit: the values asked for, and mean and standard deviation that the regressor expects.
    miss
        Largest miss of the target, a fraction of the nearer bound, (N,).
    changed_sites
        Sites that were mended, (N,).
    unfamiliarity
        Out-of-distribution score, (N,).
    """

    configurations: np.ndarray
    barriers: np.ndarray | None
    seeds: np.ndarray
    latent: np.ndarray
    asked: Mapping[str, np.ndarray]
    predicted: Mapping[str, np.ndarray]
    deviation: Mapping[str, np.ndarray]
    miss: np.ndarray
    changed_sites: np.ndarray
    unfamiliarity: np.ndarray

    def __len__(self) -> int:
        return len(self.configurations)


def write_generated(
    path: str | os.PathLike[str],
    generated: GeneratedConfigurations,
    *,
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> None:
    """Write generated configurations so that they can be read like a campaign; the same content gives the same bytes.

    Parameters
    ----------
    path
        The file, written under a temporary name and renamed.
    generated
        The configurations.
    model
        Chemistry of the simulations that the generating model was trained on.
    settings
        What decided the generation: seed, number of draws, and the like.
    origin
        Where they come from, beside the name "generated": checksum of the model, target.
    """
    count = len(generated)
    request = {
        "settings": {"runs": count, "max_events": None, "max_time": None, "snapshots": 0, **settings},
        "model": dict(model),
        "design": {"name": GENERATED, **origin},
        "versions": {"schema": SCHEMA_VERSION},
    }
    with atomic_path(path) as temporary:
        write_campaign(
            temporary,
            blocks=[_columns(generated)],
            runs=count,
            attributes={"request": canonical(request), "campaign_key": campaign_key(request)},
            described=_described(generated),
        )


def _columns(generated: GeneratedConfigurations) -> dict[str, np.ndarray]:
    """Return the data sets; what only a simulation has is empty or not a number."""
    count = len(generated)
    measured = observables(generated.configurations)
    barriers = generated.barriers if generated.barriers is not None else np.full((count, BARRIERS), np.nan)
    columns: dict[str, np.ndarray] = {
        "configurations": generated.configurations.astype(np.uint8),
        "barriers": barriers.astype(np.float64),
        "events": np.zeros(count, dtype=np.int64),
        "time": np.full(count, np.nan),
        "seed": generated.seeds.astype(np.uint64),
        "stop_reason": np.full(count, len(STOP_REASONS), dtype=np.uint8),
        "regime": regimes(measured),
        "process_counts": np.zeros((count, PROCESS_COUNT), dtype=np.int64),
        "escaped": np.zeros((count, _ESCAPING), dtype=np.int64),
        "generated/latent": generated.latent.astype(np.float64),
        "generated/miss": generated.miss.astype(np.float64),
        "generated/changed_sites": generated.changed_sites.astype(np.int64),
        "generated/unfamiliarity": generated.unfamiliarity.astype(np.float64),
    }
    columns.update({f"observables/{name}": values for name, values in measured.items()})
    for group in ("asked", "predicted", "deviation"):
        columns.update(
            {
                f"generated/{group}/{name}": values.astype(np.float64)
                for name, values in getattr(generated, group).items()
            }
        )
    return columns


def _described(generated: GeneratedConfigurations) -> dict[str, dict[str, Any]]:
    entries = described()
    entries["stop_reason"] = {"names": [*STOP_REASONS, NOT_SIMULATED]}
    entries["generated/miss"] = {"unit": "fraction"}
    for group in ("asked", "predicted", "deviation"):
        entries.update(
            {f"generated/{group}/{name}": {"unit": OBSERVABLES[name].unit} for name in getattr(generated, group)}
        )
    return entries
