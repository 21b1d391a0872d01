"""What an evaluation found: metrics, and the arrays that figures are drawn from."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
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
        Plain JSON values: ``part``, ``translation``, ``composition``, ``screening``, each with its baselines.
    examples
        A few samples of the part: ``stack`` (n, slices, H, W), ``truth``, ``prediction`` and ``baseline`` (n, 6, H, W),
        all scaled, and ``titles``: a good, a typical and the worst translation.
    compositions
        ``true`` and ``predicted`` (electrodes, 112), atoms per reduced formula, predictions pooled over orientations.
    screened
        A few held-out targets: ``truth`` and ``generated`` (n, 6, H, W), scaled, and ``titles``, from the best met target to
        the worst.
    """

    metrics: dict[str, Any]
    examples: dict[str, Any]
    compositions: dict[str, np.ndarray]
    screened: dict[str, Any]

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``metrics.json`` and ``arrays.npz`` into a folder and return their paths."""
        metrics, arrays = Path(folder) / "metrics.json", Path(folder) / "arrays.npz"
        shown = [name for name in _EXAMPLE_IMAGES if self.examples[name] is not None]
        content: dict[str, Any] = {f"example_{name}": self.examples[name] for name in shown}
        content.update(self.compositions, titles=np.array(self.examples["titles"]))
        content.update({f"screened_{name}": np.asarray(value) for name, value in self.screened.items()})
        with atomic_path(arrays) as temporary, open(temporary, "wb") as stream:
            np.savez_compressed(stream, **content)
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
                examples: dict[str, Any] = {name: arrays.get(f"example_{name}") for name in _EXAMPLE_IMAGES}
                examples["titles"] = [str(title) for title in arrays["titles"]]
                screened: dict[str, Any] = {name: arrays[f"screened_{name}"] for name in ("truth", "generated")}
                screened["titles"] = [str(title) for title in arrays["screened_titles"]]
                return cls(metrics, examples, {name: arrays[name] for name in ("true", "predicted")}, screened)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is empty, truncated or not an evaluation: run battgen evaluate again.") from error


_EXAMPLE_IMAGES = ("stack", "truth", "prediction", "baseline")
