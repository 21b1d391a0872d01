"""Augmentation that keeps the physics: what happens to a stack happens to its descriptors.

Geometric operations move stack and descriptors alike; intensity operations and the artefacts of microscopes change the
stack alone. Crystals are augmented before they are simulated. Only training samples are ever augmented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.lazy import lazy_names

if TYPE_CHECKING:
    from kadi_battgen.datasets.augmentation.crystals import CrystalAugmentation, augmented_copies, origin_id
    from kadi_battgen.datasets.augmentation.pipeline import Augmentation
    from kadi_battgen.datasets.augmentation.settings import AugmentationSettings

__all__ = ["Augmentation", "AugmentationSettings", "CrystalAugmentation", "augmented_copies", "origin_id"]

__getattr__ = lazy_names(
    __name__,
    {
        "Augmentation": "pipeline",
        "AugmentationSettings": "settings",
        "CrystalAugmentation": "crystals",
        "augmented_copies": "crystals",
        "origin_id": "crystals",
    },
)
