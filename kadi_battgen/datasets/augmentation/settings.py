"""Which operations an augmentation applies, how often and how strongly: one pydantic model, written as YAML.

.. code-block:: yaml

    augmentation:
      operations:
        - {name: quarter_turns}
        - {name: translation, probability: 0.5, distance: [0, 1.0]}
        - {name: gaussian_noise, probability: 0.8, standard_deviation: [0.005, 0.02], unit: Hz}

Operations are applied in the order in which they stand. A range is a pair, or one number for a fixed value; values are
drawn evenly from it for every sample.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _as_pair(value: Any) -> Any:
    return (value, value) if isinstance(value, int | float) else value


def _in_order(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError(f"{list(pair)} falls: give the smaller number first")
    return pair


_NotNegative = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Degrees = Annotated[float, Field(ge=0, lt=45)]

#: Range that a parameter is drawn from.
Range = Annotated[tuple[float, float], BeforeValidator(_as_pair), AfterValidator(_in_order)]
#: Range of numbers that are not negative.
PositiveRange = Annotated[tuple[_NotNegative, _NotNegative], BeforeValidator(_as_pair), AfterValidator(_in_order)]
#: Range of fractions.
ShareRange = Annotated[tuple[_Share, _Share], BeforeValidator(_as_pair), AfterValidator(_in_order)]
#: Range of small angles in degrees.
AngleRange = Annotated[tuple[_Degrees, _Degrees], BeforeValidator(_as_pair), AfterValidator(_in_order)]

#: What shows where nothing was scanned: the nearest pixel, or nothing (0 in the stack, each descriptor's lowest value).
FillName = Literal["edge", "empty"]
#: Unit of a noise: that of the stack, or fractions of the stack's standard deviation.
NoiseUnit = Literal["Hz", "relative"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Operation(_Settings):
    probability: float = Field(1.0, ge=0, le=1, description="share of the samples that it is applied to")


class QuarterTurns(_Operation):
    """Turn stack and descriptors by 0, 90, 180 or 270 degrees; images that are not square by 0 or 180."""

    name: Literal["quarter_turns"]


class Reflection(_Operation):
    """Mirror stack and descriptors in x or in y; they then show the enantiomorphic crystal."""

    name: Literal["reflection"]


class Translation(_Operation):
    """Move stack and descriptors by whole pixels in a random direction."""

    name: Literal["translation"]
    distance: PositiveRange = Field(
        (0.0, 1.0), description="A; the window's margin around the atoms is 1.5 A by default"
    )
    fill: FillName = Field("edge", description="what comes into view")


class Crop(_Operation):
    """Keep a square box of stack and descriptors at a random place."""

    name: Literal["crop"]
    side: Annotated[
        tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]],
        BeforeValidator(_as_pair),
        AfterValidator(_in_order),
    ] = Field((0.9, 1.0), description="sides of the box as fractions of the sides of the image")
    restore: Literal["pad", "resize"] = Field(
        "pad", description="fill up around the box, which keeps the scale, or stretch the box, which changes it"
    )
    fill: FillName = Field("edge", description="what shows around the box when padded")


class ElasticDeformation(_Operation):
    """Deform stack and descriptors along one smooth random field of displacements."""

    name: Literal["elastic_deformation"]
    amplitude: PositiveRange = Field((0.0, 0.2), description="root mean square of each component in A")
    correlation_length: PositiveRange = Field((2.0, 4.0), description="length over which displacements vary in A")

    @model_validator(mode="after")
    def _check_folds(self) -> ElasticDeformation:
        # Strains are about amplitude / length: beyond a quarter, four standard deviations of it fold the image over.
        if self.amplitude[1] > 0.25 * self.correlation_length[0]:
            raise ValueError(
                f"an amplitude of {self.amplitude[1]:g} A folds the image over itself at a correlation_length of "
                f"{self.correlation_length[0]:g} A: keep it below a quarter of the length"
            )
        return self


class HeightOffset(_Operation):
    """Scan the stack with the tip farther away (positive) or closer than believed."""

    name: Literal["height_offset"]
    offset: Range = Field((-0.05, 0.05), description="A")


class Tilt(_Operation):
    """Tilt the scan plane against the surface in a random direction; the stack follows through its heights."""

    name: Literal["tilt"]
    angle: AngleRange = Field((0.0, 0.3), description="degrees")


class TipBlur(_Operation):
    """See the stack through a blunt tip."""

    name: Literal["tip_blur"]
    radius: PositiveRange = Field((0.0, 0.3), description="A")
    shape: Literal["gaussian", "dilation"] = Field("gaussian", description="average, or largest value under a disk")


class LineDrift(_Operation):
    """Displace each line of the stack against the one before it along the fast axis."""

    name: Literal["line_drift"]
    per_line: Range = Field((0.0, 0.0), description="steady displacement per line in pm")
    jitter: PositiveRange = Field((0.0, 5.0), description="standard deviation of the random part per line in pm")


class ThermalDrift(_Operation):
    """Let the sample creep in a random direction while the stack is scanned."""

    name: Literal["thermal_drift"]
    speed: PositiveRange = Field((0.0, 0.002), description="A/s")
    line_time: PositiveRange = Field((1.0, 1.0), description="time of a line, to and fro, in s")
    registered: bool = Field(True, description="whether the slices were aligned by their first lines afterwards")


class ScanLineNoise(_Operation):
    """Offset each line of the stack by noise whose power falls as 1/f^exponent along the slow axis."""

    name: Literal["scan_line_noise"]
    standard_deviation: PositiveRange = Field((0.0, 0.02), description="of the offsets, in `unit`")
    unit: NoiseUnit = "relative"
    exponent: Annotated[
        tuple[Annotated[float, Field(ge=0, le=3)], Annotated[float, Field(ge=0, le=3)]],
        BeforeValidator(_as_pair),
        AfterValidator(_in_order),
    ] = Field((1.0, 1.0), description="0 is white, 1 flicker noise, 2 a random walk")


class GaussianNoise(_Operation):
    """Add independent noise to every pixel of the stack."""

    name: Literal["gaussian_noise"]
    standard_deviation: PositiveRange = Field((0.0, 0.02), description="in `unit`")
    unit: NoiseUnit = "relative"


class PoissonNoise(_Operation):
    """Count every pixel of the stack in events."""

    name: Literal["poisson_noise"]
    counts: Annotated[
        tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]],
        BeforeValidator(_as_pair),
        AfterValidator(_in_order),
    ] = Field((1e3, 1e4), description="events per Hz of frequency shift")


class Contrast(_Operation):
    """Multiply deviations of the stack from its mean."""

    name: Literal["contrast"]
    factor: Annotated[
        tuple[Annotated[float, Field(ge=0, le=10)], Annotated[float, Field(ge=0, le=10)]],
        BeforeValidator(_as_pair),
        AfterValidator(_in_order),
    ] = Field((0.9, 1.1), description="dimensionless")


class HistogramEqualisation(_Operation):
    """Even out the histogram of the stack with one rising mapping for all slices."""

    name: Literal["histogram_equalisation"]
    strength: ShareRange = Field((0.0, 0.3), description="share of the equalised value, a fraction")


#: Any operation; its name says which.
Operation = Annotated[
    QuarterTurns
    | Reflection
    | Translation
    | Crop
    | ElasticDeformation
    | HeightOffset
    | Tilt
    | TipBlur
    | LineDrift
    | ThermalDrift
    | ScanLineNoise
    | GaussianNoise
    | PoissonNoise
    | Contrast
    | HistogramEqualisation,
    Field(discriminator="name"),
]

#: Names of the chains that come with the package, with their operations.
CHAINS: dict[str, list[dict[str, Any]]] = {
    "geometry": [
        {"name": "quarter_turns"},
        {"name": "reflection", "probability": 0.5},
        {"name": "translation", "probability": 0.5},
        {"name": "elastic_deformation", "probability": 0.3},
    ],
    # In the order of the measurement: what lies under the tip, how the tip moves, how the signal is read.
    "microscope": [
        {"name": "quarter_turns"},
        {"name": "reflection", "probability": 0.5},
        {"name": "translation", "probability": 0.5},
        {"name": "elastic_deformation", "probability": 0.3},
        {"name": "height_offset", "probability": 0.3},
        {"name": "tilt", "probability": 0.3},
        {"name": "tip_blur", "probability": 0.3},
        {"name": "thermal_drift", "probability": 0.3},
        {"name": "line_drift", "probability": 0.3},
        {"name": "scan_line_noise", "probability": 0.5},
        {"name": "gaussian_noise", "probability": 0.5},
        {"name": "contrast", "probability": 0.3},
    ],
}


def _named_chain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in CHAINS:
        raise ValueError(f"{value!r} is no chain: choose from {', '.join(CHAINS)}, or list operations")
    return {"operations": CHAINS[value]}


class AugmentationSettings(_Settings):
    """Operations in the order in which they are applied; the name of a chain of ``CHAINS`` may stand in their place."""

    operations: tuple[Operation, ...] = Field(min_length=1, description="operations in their order")

    @model_validator(mode="before")
    @classmethod
    def _take_a_chain(cls, value: Any) -> Any:
        return _named_chain(value)
