"""Samples per second of each augmentation, and of the chains that ship, beside MONAI's transforms in the same run.

A sample is a stack of 10 x 128 x 128 pixels with its six descriptor channels, float32. Every transform is forced to act on
every sample. MONAI's counterparts take all 16 channels at once where they move pixels, and the stack where they change its
values; it has none for what a microscope does. One thread each, processor time of this process, medians of several rounds in
which the sides take turns.

    python benchmarks/augmentation.py --samples 20 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from kadi_battgen.datasets.augmentation import Augmentation, AugmentationSettings
from kadi_battgen.datasets.augmentation.settings import CHAINS

#: Geometry of the default scan.
PIXELS, PIXEL_SIZE, HEIGHTS = 128, 21.0 / 127, np.linspace(0.85, -0.05, 10)

#: What a transform of ours does, in the terms of the settings.
OPERATIONS = (
    {"name": "quarter_turns"},
    {"name": "reflection"},
    {"name": "translation", "distance": 1.0},
    {"name": "crop", "side": 0.9},
    {"name": "crop", "side": 0.9, "restore": "resize"},
    {"name": "elastic_deformation", "amplitude": 0.2, "correlation_length": 3.0},
    {"name": "height_offset", "offset": 0.05},
    {"name": "tilt", "angle": 0.3},
    {"name": "tip_blur", "radius": 0.3},
    {"name": "tip_blur", "radius": 0.3, "shape": "dilation"},
    {"name": "line_drift", "jitter": 5.0},
    {"name": "thermal_drift", "speed": 0.002},
    {"name": "scan_line_noise", "standard_deviation": 0.02},
    {"name": "gaussian_noise", "standard_deviation": 0.02},
    {"name": "poisson_noise", "counts": 1e3},
    {"name": "contrast", "factor": 1.1},
    {"name": "histogram_equalisation", "strength": 0.3},
)

Images = tuple[np.ndarray, np.ndarray]


def ours(operations: list[dict[str, object]]) -> Callable[[Images, int], object]:
    """Return a function that augments a sample with operations of ours."""
    settings = AugmentationSettings.model_validate({"operations": operations})
    augmentation = Augmentation(settings, PIXEL_SIZE, HEIGHTS.tolist())
    return lambda images, seed: augmentation.apply(*images, seed)


def peers() -> dict[str, Callable[[Images, int], object]]:
    """Return MONAI's counterparts by the names of ours, with a chain of the four."""
    import torch
    from monai.transforms import Rand2DElastic, RandFlip, RandGaussianNoise, RandRotate90

    torch.set_num_threads(1)
    turn, flip = RandRotate90(prob=1.0), RandFlip(prob=1.0, spatial_axis=1)
    elastic = Rand2DElastic(
        spacing=(18, 18), magnitude_range=(1.2, 1.2), prob=1.0, mode="bilinear", padding_mode="border"
    )
    noise = RandGaussianNoise(prob=1.0, std=0.02)

    def moved(*transforms: Callable[..., object]) -> Callable[[Images, int], object]:
        def act(images: Images, seed: int) -> object:
            everything = torch.from_numpy(np.concatenate(images))
            for transform in transforms:
                transform.set_random_state(seed)
                everything = transform(everything)
            return everything

        return act

    def noisy(images: Images, seed: int) -> object:
        noise.set_random_state(seed)
        return noise(torch.from_numpy(images[0]))

    def chain(images: Images, seed: int) -> object:
        everything = moved(turn, flip, elastic)(images, seed)
        noise.set_random_state(seed)
        return noise(everything[:10]), everything[10:]

    return {
        "quarter_turns": moved(turn),
        "reflection": moved(flip),
        "elastic_deformation": moved(elastic),
        "gaussian_noise": noisy,
        "turn, mirror, deform, noise": chain,
    }


def rate(transform: Callable[[Images, int], object], images: Images, samples: int) -> float:
    """Return samples per second of processor time."""
    started = time.process_time()
    for seed in range(samples):
        transform(images, seed)
    return samples / max(time.process_time() - started, 1e-9)


def main() -> int:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20, help="samples a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    images = tuple(random.standard_normal((n, PIXELS, PIXELS)).astype(np.float32) for n in (10, 6))
    sides = {f"ours: {_label(entry)}": ours([entry]) for entry in OPERATIONS}
    four = ("quarter_turns", "reflection", "elastic_deformation", "gaussian_noise")
    by_name = {entry["name"]: entry for entry in OPERATIONS}
    sides["ours: turn, mirror, deform, noise"] = ours([by_name[name] for name in four])
    sides |= {f"ours: chain {name}": ours(chain) for name, chain in CHAINS.items()}
    sides |= {f"MONAI: {name}": transform for name, transform in peers().items()}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for transform in sides.values():
        transform(images, 0)
    for _ in range(options.rounds):
        for name, transform in sides.items():
            rates[name].append(rate(transform, images, options.samples))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    report = {
        "samples_per_second": {name: round(value, 1) for name, value in medians.items()},
        "ours_is_faster_by": {
            name.removeprefix("MONAI: "): round(medians[name.replace("MONAI", "ours")] / value, 2)
            for name, value in medians.items()
            if name.startswith("MONAI")
        },
    }
    print(json.dumps(report, indent=2))
    return 0


def _label(entry: dict[str, object]) -> str:
    kind = entry.get("restore") or entry.get("shape")
    return f"{entry['name']} ({kind})" if kind else str(entry["name"])


if __name__ == "__main__":
    sys.exit(main())
