"""One step and one validation of the property-regressor variational autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from kadi_battgen.networks.property_regressor import combined
from kadi_battgen.networks.sei_autoencoder import SeiAutoencoder, SeiReconstruction, layer_profiles
from kadi_battgen.training.loop import descend, make_fabric, seeded
from kadi_battgen.training.losses import (
    BetaSchedule,
    categorical_cross_entropy,
    gaussian_negative_log_likelihood,
    kl_between_normals,
    kl_to_standard_normal,
    share_divergence,
    uncertainty_weighted,
    unweighted_probabilities,
)
from kadi_battgen.training.sei.settings import PrvaeSettings

#: Configurations that are validated together.
_BLOCK = 256


@dataclass(frozen=True)
class SeiSamples:
    """One part of a data set in memory.

    Attributes
    ----------
    configurations
        Codes of the species, uint8, (N, rows, columns).
    properties
        Standardised properties, float32, (N, properties).
    barriers
        Barriers scaled to [0, 1], float32, (N, 15); None where the model does not see them.
    """

    configurations: Tensor
    properties: Tensor
    barriers: Tensor | None

    def __len__(self) -> int:
        return len(self.configurations)

    def batch(self, positions: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return some samples on a device."""
        barriers = None if self.barriers is None else self.barriers[positions].to(device)
        return self.configurations[positions].to(device), self.properties[positions].to(device), barriers


class PrvaeTask:
    """Reconstruction, Kullback-Leibler term and regression.

    Parameters
    ----------
    settings
        Weights of the losses, and the loop.
    network
        The autoencoder.
    training, validation
        The two parts.
    class_weights
        Weight of each species in the reconstruction, (categories,).
    seed
        Seed of the noise of the validation, the same in every epoch.
    """

    name = "Training the SEI autoencoder"

    def __init__(
        self,
        settings: PrvaeSettings,
        network: SeiAutoencoder,
        training: SeiSamples,
        validation: SeiSamples,
        class_weights: Tensor,
        seed: int,
    ) -> None:
        self.settings, self.training, self.validation, self.seed = settings, training, validation, seed
        self.fabric = make_fabric(settings.loop.precision)
        # Learned weights of the properties belong to the training and not to the model.
        self.balance = _LearnedWeights(len(settings.properties))
        optimizer = torch.optim.AdamW(
            [{"params": network.parameters()}, {"params": self.balance.parameters(), "weight_decay": 0.0}],
            lr=settings.loop.learning_rate,
            weight_decay=settings.loop.weight_decay,
        )
        self.network, optimizer = self.fabric.setup(network, optimizer)
        self.balance.to(self.fabric.device)
        self.modules: dict[str, nn.Module] = {"autoencoder": network, "balance": self.balance}
        self.optimizers = {"autoencoder": optimizer}
        self.class_weights = class_weights.float().to(self.fabric.device)
        given = settings.property_weights or (1.0,) * len(settings.properties)
        self.property_weights = torch.tensor(given, device=self.fabric.device)
        self.beta = BetaSchedule(
            settings.beta, settings.beta_schedule, max(1, settings.loop.epochs), rise=settings.beta_rise
        )

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one optimizer step."""
        codes, properties, barriers = self.training.batch(torch.as_tensor(indices), self.fabric.device)
        if self.settings.mirror:
            turned = torch.rand(len(codes), generator=generator).to(codes.device) < 0.5
            codes = torch.where(turned[:, None, None], codes.flip(2), codes)
        noise = torch.randn(len(codes), self._latent_size, generator=generator).to(codes.device)
        losses = self._losses(self.network(codes, barriers, noise), codes, properties)
        loss = self._total(losses, self.beta(epoch))
        descend(self.fabric, self.network, self.optimizers["autoencoder"], loss, self.settings.loop.gradient_norm)
        return {"loss": loss.item(), **{name: value.item() for name, value in losses.items()}}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the losses with the full beta, and the coefficient of determination of each property."""
        generator = seeded(self.seed, 1)
        sums: dict[str, float] = {}
        predictions = []
        for start in range(0, len(self.validation), _BLOCK):
            positions = torch.arange(start, min(start + _BLOCK, len(self.validation)))
            codes, properties, barriers = self.validation.batch(positions, self.fabric.device)
            noise = torch.randn(len(codes), self._latent_size, generator=generator).to(codes.device)
            outcome = self.network(codes, barriers, noise)
            losses = self._losses(outcome, codes, properties)
            # The loss of the last epoch: its own weight of the divergence would favour the epochs before the rise.
            losses["loss"] = self._total(losses, self.settings.beta)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item() * len(codes)
            if outcome.predicted is not None and outcome.log_variance is not None:
                predictions.append(combined(outcome.predicted, outcome.log_variance)[0].cpu())
        row = {f"validation_{name}": value / len(self.validation) for name, value in sums.items()}
        if predictions:
            true = self.validation.properties
            error = (torch.cat(predictions) - true).square().mean(dim=0)
            spread = true.var(dim=0, correction=0)
            for name, value in zip(self.settings.properties, (1 - error / spread).tolist(), strict=True):
                row[f"validation_r2_{name}"] = value
        return row

    @property
    def _latent_size(self) -> int:
        return self.settings.latent_size

    def _losses(self, outcome: SeiReconstruction, codes: Tensor, properties: Tensor) -> dict[str, Tensor]:
        losses = {"reconstruction": categorical_cross_entropy(outcome.logits, codes, self.class_weights)}
        if outcome.prior_mean is None or outcome.prior_standard_deviation is None:
            divergence = kl_to_standard_normal(outcome.mean, outcome.standard_deviation)
        else:
            divergence = kl_between_normals(
                outcome.mean, outcome.standard_deviation, outcome.prior_mean, outcome.prior_standard_deviation
            )
        # Per site like the reconstruction, so that beta 1 is the evidence lower bound.
        losses["divergence"] = divergence * self._latent_size / codes[0].numel()
        if self.settings.profile_weight:
            wanted = layer_profiles(self.network.one_hot(codes))
            shares = unweighted_probabilities(outcome.logits, self.class_weights).mean(dim=-1)
            shown = torch.cat([shares, outcome.covered[:, None]], dim=1)
            losses["profile"] = share_divergence(shown, wanted).sum(dim=(1, 2)).mean()
        if outcome.predicted is not None and outcome.log_variance is not None:
            losses["regression"] = self._regression(outcome.predicted, outcome.log_variance, properties)
        return losses

    def _regression(self, predicted: Tensor, log_variance: Tensor, properties: Tensor) -> Tensor:
        if self.settings.regression_loss == "heteroscedastic":
            each = gaussian_negative_log_likelihood(predicted, log_variance, properties)
            return (each * self.property_weights).mean()
        each = (predicted - properties).square().flatten(0, -2).mean(dim=0) * self.property_weights
        if self.settings.regression_loss == "uncertainty":
            return uncertainty_weighted(each, self.balance.log_variances) / len(each)
        return each.mean()

    def _total(self, losses: dict[str, Tensor], beta: float) -> Tensor:
        total = losses["reconstruction"] + beta * losses["divergence"]
        if "profile" in losses:
            total = total + self.settings.profile_weight * losses["profile"]
        if "regression" in losses:
            total = total + self.settings.regression_weight * losses["regression"]
        return total


class _LearnedWeights(nn.Module):
    def __init__(self, properties: int) -> None:
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(properties))
