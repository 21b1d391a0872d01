"""The anion class of a composition: phosphate, fluoride, sulfide, oxide or another."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.metrics.regression import presence_auc

#: The classes, in the order in which they are looked for: a phosphate holds oxygen too, an oxyfluoride is a fluoride.
ANION_CLASSES = ("P", "F", "S", "O", "other")

_COLUMNS = [ELEMENT_INDEX[symbol] for symbol in ANION_CLASSES[:-1]]


def anion_class_probabilities(presence: np.ndarray) -> np.ndarray:
    """Return the probability of each of :data:`ANION_CLASSES`, (samples, 5).

    Parameters
    ----------
    presence
        Probability that each element is there, (samples, 112); 0 or 1 for known compositions.
    """
    given = np.clip(np.asarray(presence, dtype=np.float64)[:, _COLUMNS], 0.0, 1.0)
    none_before = np.cumprod(np.concatenate([np.ones((len(given), 1)), 1.0 - given], axis=1), axis=1)
    return np.concatenate([given * none_before[:, :-1], none_before[:, -1:]], axis=1)


def anion_class_metrics(true: np.ndarray, presence: np.ndarray) -> dict[str, Any]:
    """Return how well the anion class is told.

    Parameters
    ----------
    true
        Atoms per reduced formula, (samples, 112).
    presence
        Probability that each element is there, (samples, 112).

    Returns
    -------
    dict
        ``accuracy`` of the most probable class, ``majority_accuracy`` of always naming the most frequent one, and by class
        ``samples`` and ``auc``, the area under the curve of this class against the rest (None where a class is missing).
    """
    label = anion_class_probabilities(np.asarray(true) > 0).argmax(axis=1)
    probability = anion_class_probabilities(presence)
    counts = np.bincount(label, minlength=len(ANION_CLASSES))
    return {
        "accuracy": float((probability.argmax(axis=1) == label).mean()),
        "majority_accuracy": float(counts.max() / len(label)),
        "classes": {
            name: {"samples": int(counts[n]), "auc": presence_auc(label == n, probability[:, n])}
            for n, name in enumerate(ANION_CLASSES)
        },
    }
