"""A chain of operations drawn anew for every sample, the same for the same seed wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from kadi_battgen.datasets.augmentation import elastic, geometric, heights, intensity, microscope
from kadi_battgen.datasets.augmentation import settings as operations
from kadi_battgen.datasets.augmentation.arrays import computed, stored_as
from kadi_battgen.datasets.augmentation.settings import AugmentationSettings
from kadi_battgen.errors import UserError


@dataclass(frozen=True)
class Sample:
    """A stack with what belongs to it.

    Attributes
    ----------
    stack
        (slices, H, W).
    descriptors
        (channels, H, W), or None where only the stack is wanted.
    scanned
        Boolean, (H, W): False where a repeated edge pixel or a fill shows and not what was scanned.
    applied
        Operations that were applied, in order, each with what was drawn for it.
    """

    stack: np.ndarray
    descriptors: np.ndarray | None
    scanned: np.ndarray
    applied: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Scan:
    """What lengths and forces in a stack mean.

    Attributes
    ----------
    pixel_size
        Distance between two pixels in A.
    heights
        Tip-sample distance of each slice in A.
    stack_scale
        Hz per unit of the stored stack.
    """

    pixel_size: float
    heights: np.ndarray
    stack_scale: float = 1.0


@dataclass(frozen=True)
class Augmentation:
    """Applies a chain of operations.

    Attributes
    ----------
    settings
        The operations.
    pixel_size
        Distance between two pixels in A.
    heights
        Tip-sample distance of each slice in A, in the order of the slices.
    stack_scale
        Hz per unit of the stored stack: what a data set's stacks were divided by, 1 for stacks in Hz.
    """

    settings: AugmentationSettings
    pixel_size: float
    heights: Sequence[float]
    stack_scale: float = 1.0
    scan: Scan = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = np.asarray(self.heights, dtype=float)
        object.__setattr__(self, "scan", Scan(self.pixel_size, values, self.stack_scale))

    @classmethod
    def from_conventions(
        cls, settings: AugmentationSettings, conventions: Mapping[str, Any], stack_scale: float = 1.0
    ) -> Self:
        """Return the augmentation of a campaign's or data set's stacks, given its conventions."""
        return cls(settings, conventions["pixel_size"]["value"], conventions["heights"]["values"], stack_scale)

    def check(self, image_shape: tuple[int, int]) -> None:
        """Check that no operation can leave the heights of the stacks, so that a training does not find out half-way.

        Parameters
        ----------
        image_shape
            (H, W) in pixels.

        Raises
        ------
        UserError
            If an operation may move the tip by more than the heights span.
        """
        span = float(np.ptp(self.scan.heights))
        half_diagonal = self.pixel_size * float(np.hypot(*(np.array(image_shape) - 1))) / 2
        for operation in self.settings.operations:
            largest = 0.0
            if isinstance(operation, operations.HeightOffset):
                largest = max(abs(bound) for bound in operation.offset)
            elif isinstance(operation, operations.Tilt):
                largest = half_diagonal * float(np.tan(np.deg2rad(operation.angle[1])))
            if largest > span + 1e-9:
                raise UserError(
                    f"augmentation: {operation.name} moves the tip by up to {largest:.3g} A, but the stacks span only "
                    f"{span:.3g} A of height: lower it or simulate more heights."
                )

    def apply(self, stack: np.ndarray, descriptors: np.ndarray | None, seed: int | Sequence[int]) -> Sample:
        """Augment one sample.

        Parameters
        ----------
        stack
            (slices, H, W), float16, float32 or float64; it is not changed.
        descriptors
            (channels, H, W) or None.
        seed
            What the draws depend on and on nothing else, such as (seed, epoch, index of the sample): the order in which
            samples are augmented, and by how many processes, does not matter.

        Returns
        -------
        Sample
            With arrays of the same shapes and types.

        Raises
        ------
        UserError
            If the stack has another number of slices than there are heights, or a tilt leaves their range.
        """
        if len(stack) != len(self.scan.heights):
            raise UserError(
                f"The stack has {len(stack)} slices, but {len(self.scan.heights)} heights are given: give one each."
            )
        sample = Sample(
            computed(stack),
            None if descriptors is None else computed(descriptors),
            np.ones(stack.shape[1:], dtype=bool),
        )
        # One stream for each operation: a change of one leaves what the others draw as it was.
        streams = np.random.SeedSequence(seed).spawn(len(self.settings.operations))
        for operation, stream in zip(self.settings.operations, streams, strict=True):
            generator = np.random.default_rng(stream)
            if generator.random() < operation.probability:
                sample, drawn = _OPERATIONS[operation.name](sample, operation, self.scan, generator)
                sample = replace(sample, applied=(*sample.applied, {"name": operation.name, **drawn}))
        return replace(
            sample,
            stack=np.ascontiguousarray(stored_as(sample.stack, stack.dtype)),
            descriptors=None
            if descriptors is None or sample.descriptors is None
            else np.ascontiguousarray(stored_as(sample.descriptors, descriptors.dtype)),
        )


_Result = tuple[Sample, dict[str, Any]]


def _draw(generator: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(generator.uniform(*bounds)) if bounds[1] > bounds[0] else bounds[0]


def _moved(sample: Sample, move: Callable[[np.ndarray], np.ndarray], scanned: np.ndarray) -> Sample:
    """Return the sample with one geometric operation on stack and descriptors."""
    descriptors = None if sample.descriptors is None else move(sample.descriptors)
    return replace(sample, stack=move(sample.stack), descriptors=descriptors, scanned=scanned)


def _quarter_turns(sample: Sample, own: operations.QuarterTurns, scan: Scan, random: np.random.Generator) -> _Result:
    turns = int(random.integers(4))
    if sample.stack.shape[-1] != sample.stack.shape[-2]:
        turns -= turns % 2
    moved = _moved(
        sample,
        lambda images: geometric.quarter_turned(images, turns),
        geometric.quarter_turned(sample.scanned, turns),
    )
    return moved, {"turns": turns}


def _reflection(sample: Sample, own: operations.Reflection, scan: Scan, random: np.random.Generator) -> _Result:
    axis = "xy"[int(random.integers(2))]

    def move(images: np.ndarray) -> np.ndarray:
        return geometric.mirrored(images) if axis == "x" else images[..., ::-1, :]

    return _moved(sample, move, move(sample.scanned)), {"axis": axis}


def _filled(sample: Sample, move: Callable[[np.ndarray, geometric.Fill], np.ndarray], fill: str) -> Sample:
    """Return the sample after an operation that brings pixels into view which were not scanned."""
    scanned = move(sample.scanned, False)
    descriptors = sample.descriptors
    if fill == "edge":
        return _moved(sample, lambda images: move(images, None), scanned)
    if descriptors is not None:
        descriptors = move(descriptors, descriptors.min(axis=(1, 2), keepdims=True))
    return replace(sample, stack=move(sample.stack, 0.0), descriptors=descriptors, scanned=scanned)


def _translation(sample: Sample, own: operations.Translation, scan: Scan, random: np.random.Generator) -> _Result:
    distance, direction = _draw(random, own.distance) / scan.pixel_size, random.uniform(0, 2 * np.pi)
    # Rounded towards zero: never farther than asked for.
    rows, columns = int(distance * np.sin(direction)), int(distance * np.cos(direction))
    moved = _filled(sample, lambda images, fill: geometric.translated(images, rows, columns, fill), own.fill)
    return moved, {"rows": rows, "columns": columns}


def _crop(sample: Sample, own: operations.Crop, scan: Scan, random: np.random.Generator) -> _Result:
    share = _draw(random, own.side)
    sizes = [max(2, round(share * size)) for size in sample.scanned.shape]
    starts = [int(random.integers(n - size + 1)) for n, size in zip(sample.scanned.shape, sizes, strict=True)]
    box = (starts[0], starts[1], sizes[0], sizes[1])
    if own.restore == "resize":
        scanned = geometric.magnified(sample.scanned[None].astype(np.float32), box)[0] > 0.999
        return _moved(sample, lambda images: geometric.magnified(images, box), scanned), {"box": box}
    return _filled(sample, lambda images, fill: geometric.cropped(images, box, fill), own.fill), {"box": box}


def _elastic(sample: Sample, own: operations.ElasticDeformation, scan: Scan, random: np.random.Generator) -> _Result:
    amplitude, length = _draw(random, own.amplitude), _draw(random, own.correlation_length)
    shape = (sample.scanned.shape[0], sample.scanned.shape[1])
    displacement = elastic.displacement_field(shape, scan.pixel_size, amplitude, length, random)

    def move(images: np.ndarray) -> np.ndarray:
        return elastic.deformed(images, displacement, scan.pixel_size)

    known = move(sample.scanned[None].astype(np.float32))[0] > 0.999
    scanned = known & elastic.scanned(displacement, scan.pixel_size)
    return _moved(sample, move, scanned), {"amplitude": amplitude, "correlation_length": length}


def _height_offset(sample: Sample, own: operations.HeightOffset, scan: Scan, random: np.random.Generator) -> _Result:
    offset = _draw(random, own.offset)
    return replace(sample, stack=heights.height_offset(sample.stack, scan.heights, offset)), {"offset": offset}


def _tilt(sample: Sample, own: operations.Tilt, scan: Scan, random: np.random.Generator) -> _Result:
    angle, direction = _draw(random, own.angle), float(random.uniform(0, 360))
    stack = heights.tilted(sample.stack, scan.heights, scan.pixel_size, angle, direction)
    return replace(sample, stack=stack), {"angle": angle, "direction": direction}


def _tip_blur(sample: Sample, own: operations.TipBlur, scan: Scan, random: np.random.Generator) -> _Result:
    radius = _draw(random, own.radius)
    return replace(sample, stack=microscope.tip_blurred(sample.stack, scan.pixel_size, radius, own.shape)), {
        "radius": radius
    }


def _line_drift(sample: Sample, own: operations.LineDrift, scan: Scan, random: np.random.Generator) -> _Result:
    per_line, jitter = _draw(random, own.per_line), _draw(random, own.jitter)
    # Settings are in pm, as drift is reported; images are in A.
    stack = microscope.line_drift(sample.stack, scan.pixel_size, per_line / 100, jitter / 100, random)
    return replace(sample, stack=stack), {"per_line": per_line, "jitter": jitter}


def _thermal_drift(sample: Sample, own: operations.ThermalDrift, scan: Scan, random: np.random.Generator) -> _Result:
    drawn = {
        "speed": _draw(random, own.speed),
        "direction": float(random.uniform(0, 360)),
        "line_time": _draw(random, own.line_time),
    }
    stack = microscope.thermal_drift(sample.stack, scan.pixel_size, **drawn, registered=own.registered)
    return replace(sample, stack=stack), drawn


def _in_stack_units(
    value: float, own: operations.GaussianNoise | operations.ScanLineNoise, sample: Sample, scan: Scan
) -> float:
    return value / scan.stack_scale if own.unit == "Hz" else value * float(sample.stack.std(dtype=np.float64))


def _scan_line_noise(sample: Sample, own: operations.ScanLineNoise, scan: Scan, random: np.random.Generator) -> _Result:
    drawn = {"standard_deviation": _draw(random, own.standard_deviation), "exponent": _draw(random, own.exponent)}
    deviation = _in_stack_units(drawn["standard_deviation"], own, sample, scan)
    stack = microscope.with_scan_line_noise(sample.stack, deviation, drawn["exponent"], random)
    return replace(sample, stack=stack), drawn


def _gaussian_noise(sample: Sample, own: operations.GaussianNoise, scan: Scan, random: np.random.Generator) -> _Result:
    drawn = _draw(random, own.standard_deviation)
    stack = intensity.with_gaussian_noise(sample.stack, _in_stack_units(drawn, own, sample, scan), random)
    return replace(sample, stack=stack), {"standard_deviation": drawn}


def _poisson_noise(sample: Sample, own: operations.PoissonNoise, scan: Scan, random: np.random.Generator) -> _Result:
    counts = _draw(random, own.counts)
    stack = intensity.with_poisson_noise(sample.stack, counts * scan.stack_scale, random)
    return replace(sample, stack=stack), {"counts": counts}


def _contrast(sample: Sample, own: operations.Contrast, scan: Scan, random: np.random.Generator) -> _Result:
    factor = _draw(random, own.factor)
    return replace(sample, stack=intensity.with_contrast(sample.stack, factor)), {"factor": factor}


def _equalisation(
    sample: Sample, own: operations.HistogramEqualisation, scan: Scan, random: np.random.Generator
) -> _Result:
    strength = _draw(random, own.strength)
    return replace(sample, stack=intensity.equalised(sample.stack, strength)), {"strength": strength}


_OPERATIONS: dict[str, Callable[[Sample, Any, Scan, np.random.Generator], _Result]] = {
    "quarter_turns": _quarter_turns,
    "reflection": _reflection,
    "translation": _translation,
    "crop": _crop,
    "elastic_deformation": _elastic,
    "height_offset": _height_offset,
    "tilt": _tilt,
    "tip_blur": _tip_blur,
    "line_drift": _line_drift,
    "thermal_drift": _thermal_drift,
    "scan_line_noise": _scan_line_noise,
    "gaussian_noise": _gaussian_noise,
    "poisson_noise": _poisson_noise,
    "contrast": _contrast,
    "histogram_equalisation": _equalisation,
}
