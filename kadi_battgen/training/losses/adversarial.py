"""Adversarial objectives of translator and patch discriminators (thesis equations 2.46 to 2.51).

The discriminator returns the logits of one or more branches (grey and colour); each branch weighs the same, whatever the
number of its patches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from kadi_battgen.training.losses.reconstruction import known

#: A discriminator of descriptors alone, its condition already bound: descriptors to the logits of its branches.
Critic = Callable[[Tensor], Sequence[Tensor]]


class AdversarialLoss(Protocol):
    """What translator and discriminators minimise."""

    def generator(self, fake: Sequence[Tensor]) -> Tensor:
        """Return the translator's loss, from the logits of its own output."""
        ...

    def discriminator(self, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
        """Return the discriminators' loss, from the logits of true and translated descriptors."""
        ...

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what is added to the discriminators' loss for their slope; zero for most objectives."""
        ...


def adversarial_loss(logits: Sequence[Tensor], real: bool) -> Tensor:
    """Return the binary cross-entropy of patch logits against "real" or "translated", averaged over the branches.

    Source: Isola et al., CVPR 2017, equation 1. The generator uses it with ``real=True`` on its own output.
    """
    target = 1.0 if real else 0.0
    losses = [F.binary_cross_entropy_with_logits(x.float(), torch.full_like(x.float(), target)) for x in logits]
    return torch.stack(losses).mean()


def _mean(branches: Sequence[Tensor]) -> Tensor:
    return torch.stack([x.float().mean() for x in branches]).mean()


def _mean_square(branches: Sequence[Tensor], target: float) -> Tensor:
    return torch.stack([(x.float() - target).square().mean() for x in branches]).mean()


class _WithoutPenalty:
    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return zero: this objective does not ask for a slope."""
        return torch.zeros((), device=real.device)


@dataclass(frozen=True)
class BinaryCrossEntropyLoss(_WithoutPenalty):
    """Binary cross-entropy (thesis equations 2.47 and 2.48; Goodfellow et al., NeurIPS 2014, in its non-saturating form)."""

    def generator(self, fake: Sequence[Tensor]) -> Tensor:
        """Return -log D(fake)."""
        return adversarial_loss(fake, real=True)

    def discriminator(self, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
        """Return half of -log D(real) - log(1 - D(fake))."""
        return 0.5 * (adversarial_loss(real, real=True) + adversarial_loss(fake, real=False))


@dataclass(frozen=True)
class LeastSquaresLoss(_WithoutPenalty):
    """Least squares (thesis equations 2.49 and 2.50; Mao et al., ICCV 2017, equation 2).

    Attributes
    ----------
    fake_target, real_target, wanted
        The constants a, b and c.
    """

    fake_target: float = 0.0
    real_target: float = 1.0
    wanted: float = 1.0

    def generator(self, fake: Sequence[Tensor]) -> Tensor:
        """Return (D(fake) - c)^2 / 2."""
        return 0.5 * _mean_square(fake, self.wanted)

    def discriminator(self, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
        """Return ((D(real) - b)^2 + (D(fake) - a)^2) / 2."""
        return 0.5 * (_mean_square(real, self.real_target) + _mean_square(fake, self.fake_target))


@dataclass(frozen=True)
class WassersteinLoss:
    """Wasserstein distance with gradient penalty (thesis equation 2.51; Gulrajani et al., NeurIPS 2017, equation 3).

    Attributes
    ----------
    penalty_weight
        The paper's lambda.
    """

    penalty_weight: float = 10.0

    def generator(self, fake: Sequence[Tensor]) -> Tensor:
        """Return -D(fake)."""
        return -_mean(fake)

    def discriminator(self, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
        """Return D(fake) - D(real), the negative estimate of the distance."""
        return _mean(fake) - _mean(real)

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the weighted gradient penalty."""
        return self.penalty_weight * gradient_penalty(critic, real, fake, generator)


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return the mean of (norm of the critic's gradient - 1)^2 at random points between true and translated images.

    Source: Gulrajani et al., NeurIPS 2017, equation 3 and algorithm 1. A patch critic returns many values; its value for
    an image is the mean over the patches of a branch, averaged over the branches.

    Parameters
    ----------
    critic
        Descriptors (batch, channels, H, W) to the logits of its branches. It must treat samples one by one: no batch
        normalisation. In mixed precision it is the network itself and not what lightning.fabric wrapped, which refuses to be
        differentiated here.
    real, fake
        Descriptors of one shape.
    generator
        Draws the points; on the CPU.
    """
    shape = (len(real), *([1] * (real.dim() - 1)))
    share = torch.rand(shape, generator=generator).to(real.device)
    between = torch.lerp(fake.detach(), real.detach(), share).requires_grad_(True)
    with torch.enable_grad():
        branches = critic(between)
        values = torch.stack([x.float().flatten(1).mean(dim=1) for x in branches]).mean(dim=0)
        (slope,) = torch.autograd.grad(values.sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


#: Adversarial objectives by name, with the constants of their papers.
ADVERSARIAL_LOSSES: Mapping[str, Callable[[], AdversarialLoss]] = MappingProxyType(
    {
        "binary-cross-entropy": BinaryCrossEntropyLoss,
        "least-squares": LeastSquaresLoss,
        "wasserstein": WassersteinLoss,
    }
)


def adversarial_objective(kind: str) -> AdversarialLoss:
    """Return the adversarial objective of a name.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    return known(ADVERSARIAL_LOSSES, kind, "Adversarial loss")()
