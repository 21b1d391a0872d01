"""What a translating network is trained to minimise besides fooling its discriminators."""

from __future__ import annotations

from torch import Tensor, nn

from kadi_battgen.metrics.images import GROUPS
from kadi_battgen.networks.autoencoder import Translation
from kadi_battgen.training.losses import (
    BetaSchedule,
    DescriptorPerceptualLoss,
    class_cross_entropy,
    kl_to_standard_normal,
    reconstruction_objective,
    structure_loss,
)
from kadi_battgen.training.settings import TranslationSettings


class TranslationObjective(nn.Module):
    """The weighted losses of pairs of translated and true descriptors, and the weighted Kullback-Leibler term.

    Parameters
    ----------
    settings
        Kinds and weights of the losses.

    Raises
    ------
    UserError
        If the feature network is missing or broken.
    """

    def __init__(self, settings: TranslationSettings) -> None:
        super().__init__()
        self.settings = settings
        self.beta = BetaSchedule(
            settings.kl_weight, settings.kl_schedule, settings.loop.epochs, settings.kl_cycles, settings.kl_rise
        )
        self.reconstruction = {
            "grey": (settings.grey_weight, reconstruction_objective(settings.grey_loss)),
            "type_map": (settings.type_map_weight, reconstruction_objective(settings.type_map_loss)),
        }
        self.perceptual: DescriptorPerceptualLoss | None = None
        if settings.feature_weight or settings.style_weight:
            self.perceptual = DescriptorPerceptualLoss(
                settings.feature_weight, settings.style_weight, settings.feature_network
            )

    def paired(self, translation: Translation, truth: Tensor) -> dict[str, Tensor]:
        """Return the weighted losses that compare a translation with the truth, by name; their sum is validated on.

        Parameters
        ----------
        translation
            Of a batch.
        truth
            True scaled descriptors, (batch, 6, H, W).
        """
        predicted = translation.descriptors.float()
        losses = {
            group: weight * loss(predicted[:, GROUPS[group]], truth[:, GROUPS[group]])
            for group, (weight, loss) in self.reconstruction.items()
            if weight
        }
        if self.settings.class_weight and translation.class_logits is not None:
            cross_entropy = class_cross_entropy(translation.class_logits.float(), truth[:, GROUPS["type_map"]])
            losses["class"] = self.settings.class_weight * cross_entropy
        if self.settings.structure_weight:
            losses["structure"] = self.settings.structure_weight * structure_loss(predicted, truth)
        if self.perceptual is not None:
            losses["perceptual"] = self.perceptual(predicted, truth)
        return losses

    def latent(self, translation: Translation, epoch: int) -> dict[str, Tensor]:
        """Return the weighted Kullback-Leibler term of an epoch (from 0); nothing where the latent is not sampled."""
        if not self.settings.kl_weight or translation.mean is None or translation.standard_deviation is None:
            return {}
        divergence = kl_to_standard_normal(translation.mean.float(), translation.standard_deviation.float())
        return {"kl": self.beta(epoch) * divergence}
