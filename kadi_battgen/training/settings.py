"""Settings of the three trainings: one pydantic model each, filled from a preset, a YAML file and options."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kadi_battgen.datasets.augmentation.settings import AugmentationSettings
from kadi_battgen.datasets.balancing import BalanceMethod, SamplingMethod
from kadi_battgen.electrodes.collection import describe_validation
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

#: Presets that ship, from minutes on two cores to the thesis's sizes on a GPU.
PRESETS = ("demo", "small", "thesis")


Settings = TypeVar("Settings", bound=BaseModel)

#: Width of a layer.
Width = Annotated[int, Field(ge=1)]

#: Name of a loss on a group of descriptors.
Reconstruction = Literal["l1", "l2", "l1-and-l2", "binary-cross-entropy"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Levels(_Settings):
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


class LoopSettings(_Settings):
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


_AUGMENTATION = "operations on training samples (see kadi_battgen.datasets.augmentation.settings); none if absent"
_BALANCE = "how the training part is balanced between the working ions"


class TranslationSettings(_Levels):
    """Translator, what it is trained to minimise, its discriminators, and the baselines it is compared with."""

    loop: LoopSettings
    augmentation: AugmentationSettings | None = Field(default=None, description=_AUGMENTATION)
    balance: SamplingMethod = Field(default="sampling", description=_BALANCE)
    residual_blocks: int = Field(ge=1, description="residual blocks per level")
    latent_channels: int = Field(ge=1, description="channels of the latent")
    patch_size: int = Field(ge=1, description="pixels per side folded into channels")
    type_map: Literal["intensities", "classes"] = Field(
        default="intensities",
        description="what the decoder makes of the type map: intensities, or classes of which each pixel shows the spheres",
    )
    grey_loss: Reconstruction = Field(default="l1", description="reconstruction loss of the grey descriptors")
    grey_weight: float = Field(default=0.5, gt=0, description="weight of the grey descriptors' loss")
    type_map_loss: Reconstruction = Field(default="l2", description="reconstruction loss of the type map")
    type_map_weight: float = Field(default=1.0, ge=0, description="weight of the type map's loss")
    class_weight: float = Field(
        default=0.0, ge=0, description="weight of the cross-entropy of the atoms' classes; needs type_map: classes"
    )
    class_sharpness: float = Field(
        default=1.0,
        ge=1,
        description="factor on the classes' logits outside training: 1 shows probabilities, 10 nearly decisions",
    )
    structure_weight: float = Field(
        default=0.0, ge=0, description="weight of 1 - structural similarity, averaged over both groups of descriptors"
    )
    feature_weight: float = Field(default=0.0, ge=0, description="weight of the feature loss")
    style_weight: float = Field(default=0.0, ge=0, description="weight of the style (Gram matrix) loss")
    feature_network: str | None = Field(
        default=None, description="weights of the feature network of these two losses; the bundled one if absent"
    )
    kl_weight: float = Field(
        ge=0,
        description="weight beta of the Kullback-Leibler term per latent element; 0 for a latent that is not sampled",
    )
    kl_schedule: Literal["constant", "linear", "cyclical"] = Field(
        default="constant", description="how beta comes to its weight over the epochs"
    )
    kl_rise: float = Field(
        default=0.5, gt=0, le=1, description="share of the training, or of a cycle, in which beta rises"
    )
    kl_cycles: int = Field(default=4, ge=1, description="rises of the cyclical schedule")
    adversarial_loss: Literal["binary-cross-entropy", "least-squares", "wasserstein"] = Field(
        default="binary-cross-entropy", description="objective of translator and discriminators"
    )
    adversarial_weight: float = Field(ge=0, description="weight of the adversarial loss; 0 trains no discriminators")
    adversarial_start: int = Field(ge=0, description="first epoch (from 0) with discriminators")
    adversarial_rise: int = Field(
        default=0, ge=0, description="epochs in which the adversarial loss comes to its weight"
    )
    adversarial_adaptive: bool = Field(
        default=False, description="whether the weight is times that which balances the gradients at the last layer"
    )
    discriminator_branches: Literal[1, 2] = Field(
        default=2, description="2 judges grey descriptors and type map apart, 1 both together"
    )
    discriminator_channels: int = Field(ge=4, description="channels of the discriminators' first layer")
    discriminator_learning_rate: float = Field(gt=0, description="learning rate of the discriminators")
    discriminator_steps: int = Field(
        default=1, ge=1, description="steps of the discriminators per step of the translator"
    )
    baselines: tuple[Literal["same_network_l1", "unet_l1", "unet_pix2pix"], ...] = Field(
        default=("unet_l1",),
        description="what the translator is compared with: the same network trained with L1 alone, a U-Net trained with L1 "
        "alone, a plain pix2pix U-Net",
    )
    baseline_features: tuple[Width, Width, Width, Width, Width, Width] = Field(
        description="channels of the baseline U-Nets"
    )
    baseline_epochs: int = Field(ge=1, description="epochs of each baseline")

    @model_validator(mode="after")
    def _check_objective(self) -> Self:
        if self.class_weight and self.type_map != "classes":
            raise ValueError(
                f"class_weight {self.class_weight:g} needs a decoder that names classes: set type_map: classes, "
                "or class_weight: 0"
            )
        if not self.type_map_weight and not self.class_weight:
            raise ValueError("type_map_weight and class_weight are both 0, so nothing would train the type map")
        if self.feature_network is not None and not self.feature_weight and not self.style_weight:
            raise ValueError(
                f"feature_network {self.feature_network} is not used: set feature_weight or style_weight above 0"
            )
        if len(set(self.baselines)) < len(self.baselines):
            raise ValueError(f"baselines {list(self.baselines)} name one twice")
        return self


class CompositionSettings(_Settings):
    """Composition regressor."""

    loop: LoopSettings
    augmentation: AugmentationSettings | None = Field(default=None, description=_AUGMENTATION)
    balance: BalanceMethod = Field(default="weights", description=_BALANCE)
    input: Literal["latent", "stack"] = Field(
        default="latent", description="what is read: the translator's latent (the thesis), or the stack itself"
    )
    normalisation: Literal["arcsinh", "linear"] = Field(
        default="arcsinh",
        description="how forces of a stack are made comparable: arcsinh lets small ones count, linear leaves them as they are",
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
    recognition: float = Field(
        default=0.0, ge=0, description="weight of recognising the compositions of the training part; 0 for none"
    )
    memory: bool = Field(
        default=False,
        description="whether small versions of the training images are kept and the compositions of the nearest mixed in",
    )
    members: int = Field(default=1, ge=1, le=20, description="networks of the ensemble")

    @model_validator(mode="after")
    def _check_memory(self) -> Self:
        if self.memory and self.input != "stack":
            raise ValueError("memory needs the stacks themselves: set input: stack")
        return self


class ScreeningSettings(_Levels):
    """Conditional latent diffusion and the composition autoencoder beside it."""

    loop: LoopSettings
    balance: SamplingMethod = Field(default="sampling", description=_BALANCE)
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


#: Settings class of each training by its name in the preset files.
SETTINGS: dict[str, type[BaseModel]] = {
    "translation": TranslationSettings,
    "composition": CompositionSettings,
    "screening": ScreeningSettings,
}


def load_settings(
    kind: str,
    preset: str,
    config: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
) -> Any:
    """Return the settings of one training.

    Parameters
    ----------
    kind
        ``translation``, ``composition`` or ``screening``.
    preset
        One of ``PRESETS``.
    config
        YAML file with the same fields, which override the preset's; either those of one training, or several trainings'
        under their names.
    overrides
        Fields of the loop that override both (``epochs``, ``batch_size``...); ``None`` values are passed over.
    only
        Top-level fields of `config` to look at, where the file holds others' fields too.

    Raises
    ------
    UserError
        If the preset or a field is unknown, or a value is out of range.
    """
    text = (
        (files("kadi_battgen.training") / "presets" / f"{preset}.yaml").read_text(encoding="utf-8")
        if preset in PRESETS
        else None
    )
    return merged_settings(kind, SETTINGS[kind], preset, text, config, overrides, only)


def merged_settings(
    kind: str,
    settings_class: type[Settings],
    preset: str,
    text: str | None,
    config: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Settings:
    """Return settings from the text of a preset, a file and values, each going before the one before it.

    Parameters
    ----------
    kind
        What the training is called in a file with the settings of several.
    settings_class
        What to fill; its loop is called ``loop``.
    preset
        Name of the preset.
    text
        YAML of the preset, with the fields under `kind` or alone; None if there is no such preset.
    config, overrides, only
        As for :func:`load_settings`.
    fields
        Top-level values; ``None`` values are passed over.

    Raises
    ------
    UserError
        If the preset or a field is unknown, or a value is out of range.
    """
    if text is None:
        raise UserError(f"Preset {preset!r} is not known: choose from {', '.join(PRESETS)}.")
    document = yaml.safe_load(text)
    document = document.get(kind, document)
    origin = f"Preset {preset}"
    if config is not None:
        origin = str(existing_file(config))
        try:
            changes = yaml.safe_load(existing_file(config).read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{config} is not YAML ({str(error).splitlines()[0]}): mend the file.") from error
        if only is not None and isinstance(changes, dict):
            changes = {name: value for name, value in changes.items() if name in only}
        changes = _section(changes, kind, origin)
        loop = changes.get("loop") or {}
        if not isinstance(loop, dict):
            raise UserError(f"{config} holds no fields under loop: write it as 'loop: {{field: value}}'.")
        document = {**document, **changes, "loop": {**document["loop"], **loop}}
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    document = {**document, "loop": {**document["loop"], **given}}
    document |= {name: value for name, value in (fields or {}).items() if value is not None}
    try:
        return settings_class.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{origin}, {kind}: {describe_validation(error)}.") from error


def _section(changes: Any, kind: str, origin: str) -> dict[str, Any]:
    """Return the part of a settings file that is about one training."""
    trainings = dict.fromkeys((*SETTINGS, "prvae"))
    if isinstance(changes, dict) and changes.keys() & trainings.keys():
        unknown = sorted(str(name) for name in changes.keys() - trainings.keys())
        if unknown:
            raise UserError(f"{origin}: {unknown[0]} is not a training: choose from {', '.join(trainings)}.")
        changes = changes.get(kind) or {}
    if not isinstance(changes, dict):
        raise UserError(f"{origin} holds no fields: write it as 'field: value' lines.")
    return changes
