"""What an evaluation found: metrics, and the arrays that figures are drawn from."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, existing_file, read_json, write_json


@dataclass(frozen=True)
class Evaluation:
    """Measured results and the arrays that figures are drawn from.

    Attributes
    ----------
    metrics
        Plain JSON values: ``part``, ``translation``, ``composition``, ``screening``, each with its baselines; intervals
        stand beside the numbers they belong to (see :mod:`kadi_battgen.metrics.nested`). With several trainings also
        ``trainings``, the mean of each number over them with its interval.
    examples
        A few samples of the part: ``stack`` (n, slices, H, W), ``truth``, ``prediction`` and ``baseline`` (n, 6, H, W),
        all scaled, and ``titles``: a good, a typical and the worst translations.
    compositions
        ``true`` and ``predicted`` (electrodes, 112), atoms per reduced formula, predictions pooled over orientations;
        ``working_ions`` (electrodes,), symbols; and what else :func:`evaluate_composition` returns.
    screened
        A few held-out targets: ``truth`` and ``generated`` (n, 6, H, W), scaled, and ``titles``, from the best met target to
        the worst.
    """

    metrics: dict[str, Any]
    examples: dict[str, Any]
    compositions: dict[str, Any]
    screened: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``metrics.json`` and ``arrays.npz`` into a folder and return their paths."""
        metrics, arrays = Path(folder) / "metrics.json", Path(folder) / "arrays.npz"
        content = {
            f"{group}.{name}": np.asarray(values)
            for group in _GROUPS
            for name, values in getattr(self, group).items()
            if values is not None
        }
        with atomic_path(arrays) as temporary, open(temporary, "wb") as stream:
            np.savez_compressed(stream, **content)  # type: ignore[arg-type]
        write_json(metrics, self.metrics)
        return [metrics, arrays]

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Evaluation:
        """Return the evaluation that :meth:`save` wrote.

        Raises
        ------
        UserError
            If a file is missing or broken.
        """
        metrics = read_json(Path(folder) / "metrics.json")
        path = existing_file(Path(folder) / "arrays.npz")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                groups = {group: _group(arrays, f"{group}.") for group in _GROUPS}
            groups["examples"].setdefault("baseline", None)
            if not {"truth", "prediction", "titles"} <= groups["examples"].keys():
                raise KeyError("examples")
            return cls(metrics, **groups)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is empty, truncated or not an evaluation: run battgen evaluate again.") from error


#: Attributes that hold arrays.
_GROUPS = ("examples", "compositions", "screened")


def _group(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, Any]:
    """Return the arrays whose name begins with `prefix`; texts as a list."""
    found = {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
    return {name: values.tolist() if values.dtype.kind == "U" else values for name, values in found.items()}
