"""What the settings of all trainings have in common."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: Width of a layer.
Width = Annotated[int, Field(ge=1)]

#: Descriptions of fields that several trainings have.
AUGMENTATION = "operations on training samples (see kadi_battgen.datasets.augmentation.settings); none if absent"
BALANCE = "how the training part is balanced between the working ions"


class Settings(BaseModel):
    """Settings that do not change and hold no field but their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LevelSettings(Settings):
    """Networks whose features come in resolution levels."""

    channels: tuple[Width, ...] = Field(min_length=1, description="channels per resolution level, multiples of 8")
    attention_levels: tuple[bool, ...] = Field(description="levels with self-attention")

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
        if len(self.channels) != len(self.attention_levels):
            raise ValueError(
                f"channels {list(self.channels)} and attention_levels {list(self.attention_levels)} differ in length: "
                "give one entry of each per level"
            )
        if any(width % 8 for width in self.channels):
            raise ValueError(f"channels {list(self.channels)} are not all multiples of 8, the number of their groups")
        return self


class LoopSettings(Settings):
    """What every training has in common."""

    epochs: int = Field(ge=1, description="passes over the training part")
    batch_size: int = Field(ge=1, description="samples per step")
    learning_rate: float = Field(gt=0, description="peak learning rate of Adam")
    weight_decay: float = Field(default=0.0, ge=0, description="decoupled weight decay")
    patience: int = Field(default=20, ge=1, description="epochs without improvement before stopping early")
    gradient_norm: float = Field(default=1.0, gt=0, description="largest norm of the gradient")
    averaging: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="decay per step of the moving average of the weights that is kept; 0 for none",
    )
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        default="auto", description="auto takes bf16 where the processor or GPU computes in it"
    )
    channels_last: bool | None = Field(
        default=None,
        description="whether images lie in memory with channels last; by default on GPUs that compute in bf16",
    )
    devices: int = Field(default=1, ge=1, description="processes on each machine, one GPU each where there are GPUs")
    num_nodes: int = Field(default=1, ge=1, description="machines; with more than one, start torchrun on each")
