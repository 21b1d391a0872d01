"""The Kullback-Leibler term of a variational autoencoder and the schedules of its weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from kadi_battgen.errors import UserError


def kl_to_standard_normal(mean: Tensor, standard_deviation: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of N(mean, sd^2) from N(0, 1), averaged over batch and latent elements.

    Closed form of Kingma and Welling, ICLR 2014, appendix B, per element: (mean^2 + sd^2 - 1 - ln sd^2) / 2.
    """
    variance = standard_deviation.square()
    return 0.5 * (mean.square() + variance - 1 - variance.clamp(min=1e-12).log()).mean()


def kl_between_normals(
    mean: Tensor, standard_deviation: Tensor, prior_mean: Tensor, prior_standard_deviation: Tensor
) -> Tensor:
    """Return the Kullback-Leibler divergence of N(mean, sd^2) from N(prior mean, prior sd^2), averaged over all elements.

    Closed form per element: ln(prior sd / sd) + (sd^2 + (mean - prior mean)^2) / (2 prior sd^2) - 1/2.
    """
    ratio = (standard_deviation / prior_standard_deviation).square()
    shift = ((mean - prior_mean) / prior_standard_deviation).square()
    return 0.5 * (ratio + shift - 1 - ratio.clamp(min=1e-12).log()).mean()


@dataclass(frozen=True)
class BetaSchedule:
    """Weight beta of the Kullback-Leibler term over a training (beta-VAE: Higgins et al., ICLR 2017, equation 4).

    A decoder that starts against the full weight learns to ignore the latent; a weight that rises from zero lets it in first.

    Attributes
    ----------
    beta
        The weight at the end of a rise.
    kind
        ``constant``; ``linear``: one rise from 0 and then constant (Bowman et al., CoNLL 2016, section 3.1); ``cyclical``:
        several rises, each followed by its share at the full weight (Fu et al., NAACL 2019, equations 6 to 8).
    steps
        Length of the whole training; steps or epochs, whatever the weight is asked for.
    cycles
        Number of rises of the cyclical schedule.
    rise
        Share of the training (linear) or of each cycle (cyclical) in which the weight rises, in (0, 1].

    Raises
    ------
    UserError
        If a field is out of range.
    """

    beta: float
    kind: Literal["constant", "linear", "cyclical"] = "constant"
    steps: int = 1
    cycles: int = 4
    rise: float = 0.5

    def __post_init__(self) -> None:
        kinds = ("constant", "linear", "cyclical")
        if self.kind not in kinds:
            raise UserError(f"Schedule {self.kind!r} of beta is not known: choose from {', '.join(kinds)}.")
        if self.beta < 0 or self.steps < 1 or self.cycles < 1 or not 0 < self.rise <= 1:
            raise UserError(
                f"The schedule of beta (beta {self.beta}, steps {self.steps}, cycles {self.cycles}, rise {self.rise}) is out "
                "of range: beta is not negative, steps and cycles are at least 1, rise lies in (0, 1]."
            )

    def __call__(self, step: int) -> float:
        """Return the weight at a step (from 0)."""
        if self.kind == "constant":
            return self.beta
        period = self.steps / (self.cycles if self.kind == "cyclical" else 1)
        position = (step % period if self.kind == "cyclical" else step) / period
        return self.beta * min(1.0, position / self.rise)
