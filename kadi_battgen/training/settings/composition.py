"""Settings of the training of the composition regressor."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from kadi_battgen.datasets.augmentation.settings import AugmentationSettings
from kadi_battgen.datasets.balancing import BalanceMethod
from kadi_battgen.training.settings.common import AUGMENTATION, BALANCE, LoopSettings, Settings, Width


class CompositionSettings(Settings):
    """Composition regressor."""

    loop: LoopSettings
    augmentation: AugmentationSettings | None = Field(default=None, description=AUGMENTATION)
    balance: BalanceMethod = Field(default="weights", description=BALANCE)
    input: Literal["latent", "stack"] = Field(
        default="latent", description="what is read: the translator's latent (the thesis), or the stack itself"
    )
    normalisation: Literal["arcsinh", "linear"] = Field(
        default="arcsinh",
        description="how forces of a stack are made comparable: arcsinh lets small ones count, linear leaves them as they are",
    )
    pooling: int = Field(
        default=1,
        ge=1,
        le=16,
        description="pixels along each edge of a stack that are averaged to one before it is read; 1 for none",
    )
    orientations: int = Field(
        default=1,
        ge=1,
        description="stacks of an electrode drawn together, read one by one and pooled; 1 trains on single stacks",
    )
    channels: tuple[Width, ...] = Field(min_length=1, description="channels of the strided convolutions")
    dense: tuple[Width, ...] = Field(description="widths of the dense layers")
    dropout: float = Field(ge=0, lt=1, description="share of dense features dropped in training")
    loss: Literal["squared-error", "poisson", "presence-and-count"] = Field(description="loss on the atom counts")
    count_weight: float = Field(default=2.0, ge=0, description="weight of the counts in presence-and-count")
    element_weighting: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="power of the inverse frequency that weighs the elements in presence-and-count; 0 for none",
    )
    working_ion: bool = Field(
        default=False, description="whether the working ion may be given; it is then hidden from half of the samples"
    )
    properties: bool = Field(
        default=False,
        description="whether functional properties of the cell may be given: voltage in V, capacities in mAh/g and mAh/cm^3, "
        "energies in Wh/kg and Wh/L, volume change as a fraction; a random part of them is hidden from each sample",
    )
    recognition: float = Field(
        default=0.0, ge=0, description="weight of recognising the compositions of the training part; 0 for none"
    )
    memory: bool = Field(
        default=False,
        description="whether small versions of the training images are kept and the compositions of the nearest mixed in",
    )
    members: int = Field(default=1, ge=1, le=20, description="networks of the ensemble")

    @model_validator(mode="after")
    def _check_input(self) -> Self:
        if self.memory and self.input != "stack":
            raise ValueError("memory needs the stacks themselves: set input: stack")
        if self.pooling > 1 and self.input != "stack":
            raise ValueError("pooling is of the pixels of stacks: set input: stack")
        return self
