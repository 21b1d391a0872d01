"""Settings of the training of the screening model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kadi_battgen.datasets.balancing import SamplingMethod
from kadi_battgen.training.settings.common import BALANCE, LevelSettings, LoopSettings


class ScreeningSettings(LevelSettings):
    """Conditional latent diffusion and the composition autoencoder beside it."""

    loop: LoopSettings
    balance: SamplingMethod = Field(default="sampling", description=BALANCE)
    prediction: Literal["epsilon", "v"] = Field(
        default="epsilon", description="what the network predicts: epsilon, the noise (the thesis), or v, the velocity"
    )
    embedding_size: int = Field(ge=8, multiple_of=2, description="length of the embedding of time and composition")
    condition_channels: int = Field(default=24, ge=1, description="channels that the conditions enter every block with")
    composition_size: int = Field(ge=2, description="length of the composition latent")
    composition_width: int = Field(ge=16, description="width of the composition branch")
    composition_blocks: int = Field(ge=1, description="dense blocks of the composition branch")
    composition_steps: int = Field(ge=1, description="training steps of the composition branch, which needs no images")
    composition_learning_rate: float = Field(gt=0, description="peak learning rate of the composition branch")
    composition_averaging: float = Field(
        default=0.999,
        ge=0,
        lt=1,
        description="decay per step of the moving average of the composition branch's weights",
    )
    formula_batch: int = Field(ge=2, description="formulas per step of the composition branch")
    formula_copies: int = Field(ge=1, description="substitutions drawn of each training formula")
    composition_autoencoder_steps: int = Field(ge=1, description="training steps of the composition autoencoder")
    property_members: int = Field(default=8, ge=2, description="networks of the property model")
    property_steps: int = Field(ge=1, description="training steps of the property model")
    condition_dropout: float = Field(ge=0, lt=1, description="probability that a condition is hidden in training")
    timesteps: int = Field(ge=2, description="diffusion timesteps T")
    beta_start: float = Field(gt=0, lt=1, description="variance of the first step")
    beta_end: float = Field(gt=0, lt=1, description="variance of the last step")
