"""Settings of the training of the translator."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from kadi_battgen.datasets.augmentation.settings import AugmentationSettings
from kadi_battgen.datasets.balancing import SamplingMethod
from kadi_battgen.training.settings.common import AUGMENTATION, BALANCE, LevelSettings, LoopSettings, Width

#: Name of a loss on a group of descriptors.
Reconstruction = Literal["l1", "l2", "l1-and-l2", "binary-cross-entropy"]


class TranslationSettings(LevelSettings):
    """Translator, what it is trained to minimise, its discriminators, and the baselines it is compared with."""

    loop: LoopSettings
    augmentation: AugmentationSettings | None = Field(default=None, description=AUGMENTATION)
    balance: SamplingMethod = Field(default="sampling", description=BALANCE)
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
