"""Settings of the training of the property-regressor variational autoencoder, filled from a preset, a file and options."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from kadi_battgen.sei.observables import MAIN_OBSERVABLES, OBSERVABLES
from kadi_battgen.training.settings import LoopSettings, Settings, Width, settings_from_preset

#: What the training is called in a file with the settings of several.
KIND = "prvae"

#: The plain autoencoder, the one with a property regressor, and the one that the barriers condition as well.
VARIANTS = ("vae", "prvae", "conditional-prvae")

Stride = Annotated[int, Field(ge=1, le=4)]


class PrvaeSettings(Settings):
    """Architecture, losses and loop; see :class:`kadi_battgen.networks.sei_autoencoder.SeiAutoencoder`."""

    loop: LoopSettings
    variant: Literal["vae", "prvae", "conditional-prvae"] = Field(
        description="vae has no regressor; the decoder of conditional-prvae also sees the reaction barriers"
    )
    properties: tuple[str, ...] = Field(
        default=MAIN_OBSERVABLES, min_length=1, description="observables that the regressor predicts and guides by"
    )
    channels: tuple[Width, ...] = Field(min_length=1, description="channels of the encoder's convolutions")
    strides: tuple[Stride, ...] = Field(description="stride of each convolution")
    dense: int = Field(ge=1, description="width of the dense layer beside the latent")
    latent_size: int = Field(ge=1, description="length of the latent")
    full_resolution: bool = Field(description="whether the decoder's last features are computed at every site")
    profiles: tuple[Width, ...] = Field(description="dense layers on the row profiles; none for convolutions alone")
    row_head: bool = Field(description="whether the decoder also sees each row as a whole")
    regressor: tuple[Width, ...] = Field(description="hidden layers of the property regressor")
    members: int = Field(ge=1, le=64, description="regressors in the ensemble")
    prior: tuple[Width, ...] = Field(
        description="dense layers of the prior that the barriers condition; none for the prior N(0, 1)"
    )
    mirror: bool = Field(description="whether configurations are mirrored at random, a symmetry of the model")
    class_weight_exponent: float = Field(
        ge=0, le=1, description="0 for equal weights of the species, 1 for weights of inverse frequency"
    )
    profile_weight: float = Field(ge=0, description="weight of the divergence of the decoded row profiles")
    beta: float = Field(ge=0, description="weight of the Kullback-Leibler term; 1 is the evidence lower bound")
    beta_schedule: Literal["constant", "linear", "cyclical"] = Field(description="how beta rises over the training")
    beta_rise: float = Field(gt=0, le=1, description="share of the training (or cycle) in which beta rises")
    regression_loss: Literal["squared-error", "uncertainty", "heteroscedastic"] = Field(
        description="squared error with given weights, with learned weights, or the likelihood with a learned variance"
    )
    regression_weight: float = Field(ge=0, description="weight of the regression in the loss")
    property_weights: tuple[float, ...] | None = Field(
        default=None, description="given weight of each property; equal by default"
    )

    @field_validator("properties")
    @classmethod
    def _check_properties(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in OBSERVABLES]
        if unknown or len(set(names)) < len(names):
            raise ValueError(
                f"{unknown[0] if unknown else 'a property given twice'} is no property: choose from {', '.join(OBSERVABLES)}"
            )
        return names

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if len(self.strides) != len(self.channels):
            raise ValueError(
                f"strides {list(self.strides)} and channels {list(self.channels)} differ in length: give one for each layer"
            )
        if self.property_weights is not None and len(self.property_weights) != len(self.properties):
            raise ValueError(
                f"{len(self.property_weights)} property_weights do not fit {len(self.properties)} properties: give one each"
            )
        if self.property_weights is not None and min(self.property_weights) < 0:
            raise ValueError("a property weight is negative: give weights from 0 on")
        return self

    @property
    def regresses(self) -> bool:
        """Whether there is a property regressor."""
        return self.variant != "vae"

    @property
    def conditional(self) -> bool:
        """Whether the decoder is conditioned on the barriers."""
        return self.variant == "conditional-prvae"


def load_prvae_settings(
    preset: str,
    config: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
    **fields: Any,
) -> PrvaeSettings:
    """Return the settings of one training.

    Parameters
    ----------
    preset, config, overrides, only
        As for :func:`~kadi_battgen.training.settings.loading.settings_from_preset`.
    **fields
        Top-level values that replace all others, such as ``variant``; ``None`` values are passed over.

    Raises
    ------
    UserError
        If the preset or a field is unknown, or a value is out of range.
    """
    package = "kadi_battgen.training.sei"
    return settings_from_preset(package, KIND, PrvaeSettings, preset, config, overrides, only, fields)
