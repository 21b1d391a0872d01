"""Composition regressors trained side by side, and compositions that they recognise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from kadi_battgen.networks.composition_memory import ImageMemory
from kadi_battgen.networks.composition_regressor import CompositionOutput, CompositionRegressor


@dataclass(frozen=True)
class EnsembleOutput:
    """What an ensemble says of sets of orientations; means over the members but for `members`.

    Attributes
    ----------
    counts
        Expected atoms per reduced formula, (sets, elements).
    presence
        Probability that an element is there, (sets, elements).
    count_if_present
        Atoms per reduced formula if the element is there, (sets, elements).
    members
        Counts of each member, (members, sets, elements).
    """

    counts: Tensor
    presence: Tensor
    count_if_present: Tensor
    members: Tensor


class CompositionEnsemble(nn.Module):
    """Regressors of one architecture that start from different weights.

    Where compositions are known, each member also says which of them an orientation shows. What n orientations of a set say is
    multiplied, each to the power of ``n ** (independence - 1)``: 1 for orientations that err independently of one another, 0
    for such that say the same n times (a logarithmic opinion pool: Genest and Zidek, Stat. Sci. 1, 114 (1986)). The counts
    are a mixture: ``(1 - t) regressed + t recognised`` with ``t = trust * p ** sharpness``, p being the largest probability of
    a known composition. All three are fitted on held-out electrodes; trust is near 1 where these are crystals that were seen
    from other sides, near 0 where they are new.

    Parameters
    ----------
    members
        Number of regressors.
    known
        Number of known compositions.
    memory
        Arguments of :class:`ImageMemory`, for an ensemble that also remembers the training images; None for none. What they
        say of counts is mixed in with the share ``memory_share``, what they say of presence with ``presence_share``. Both are
        fitted on held-out electrodes too: the few neighbours of an image are a good guess at a formula, but a poor
        probability.
    architecture
        Arguments of :class:`CompositionRegressor`.
    """

    def __init__(
        self, *, members: int = 1, known: int = 0, memory: dict[str, Any] | None = None, **architecture: Any
    ) -> None:
        super().__init__()
        self.memory = None if memory is None else ImageMemory(**memory)
        self.register_buffer("memory_share", torch.tensor(0.0))
        self.register_buffer("presence_share", torch.tensor(0.0))
        self.members = nn.ModuleList(CompositionRegressor(known=known, **architecture) for _ in range(members))
        self.register_buffer("known_compositions", torch.zeros(known, self.members[0].count.out_features))
        self.register_buffer("independence", torch.tensor(0.0))
        self.register_buffer("trust", torch.tensor(0.0))
        self.register_buffer("sharpness", torch.tensor(1.0))

    @property
    def recognises(self) -> bool:
        """Whether there are known compositions."""
        return len(self.known_compositions) > 0

    def embed(self, images: Tensor) -> Tensor:
        """Return the features of images (batch, channels, h, w) for each member, (members, batch, features)."""
        return torch.stack([member.embed(images) for member in self.members])

    def outputs(self, features: Tensor, conditions: Tensor | None = None) -> list[CompositionOutput]:
        """Return what each member says of sets of features (members, sets, orientations, features)."""
        return [member.read(own, conditions) for member, own in zip(self.members, features, strict=True)]

    def outputs_alone_and_together(
        self, images: Tensor, size: int, together: int, conditions: Tensor | None
    ) -> tuple[list[CompositionOutput], list[CompositionOutput]]:
        """Return what each member says of images one by one, and of the first `together` of each set of `size` images.

        Parameters
        ----------
        images
            (sets * size, channels, h, w), set after set.
        size, together
            Images of a set, and how many of them are pooled.
        conditions
            What is told of the cell of each set, (sets, CONDITION_SIZE); None for nothing.
        """
        features = self.embed(images).float()
        alone = None if conditions is None else conditions.repeat_interleave(size, dim=0)
        sets = features.unflatten(1, (-1, size))[:, :, :together]
        return self.outputs(features[:, :, None], alone), self.outputs(sets, conditions)

    def read(
        self, features: Tensor, conditions: Tensor | None = None, recalled: Tensor | None = None
    ) -> EnsembleOutput:
        """Return what all members together say of sets of images.

        Parameters
        ----------
        features
            (members, sets, orientations, features).
        conditions
            What is known of the cell of each set, (sets, CONDITION_SIZE); None where nothing is.
        recalled
            Counts and presence that remembered images say, (sets, 2, elements); None without a memory.
        """
        counts, presences, shares_of_counts, logarithms = [], [], [], []
        for member, own in zip(self.members, features, strict=True):
            output = member.read(own, conditions)
            count, presence = self._mixed(output, self._recognised(member, own, conditions))
            there = presence
            if recalled is not None:
                count = count.lerp(recalled[:, 0], self.memory_share)
                there = presence.lerp(recalled[:, 1], self.memory_share)
                presence = presence.lerp(recalled[:, 1], self.presence_share)
            counts.append(count)
            shares_of_counts.append(there)
            presences.append(presence)
            logarithms.append(output.logarithm)
        members = torch.stack(counts)
        mean, there = members.mean(dim=0), torch.stack(shares_of_counts).mean(dim=0)
        # Where a crystal is recognised, its atoms count; else those that the networks would expect.
        if_present = (mean / there.clamp(min=1e-3)).where(there > 0.5, torch.expm1(torch.stack(logarithms).mean(dim=0)))
        # Rounding in the means and mixtures of probabilities may exceed one, which no probability does.
        return EnsembleOutput(mean, torch.stack(presences).mean(dim=0).clamp(0.0, 1.0), if_present, members)

    def _recognised(self, member: CompositionRegressor, features: Tensor, conditions: Tensor | None) -> Tensor | None:
        """Return the probabilities of the known compositions, (sets, known), from features (sets, orientations, features).

        None where none are known, or where what is recognised is not trusted.
        """
        if not self.recognises or not bool(self.trust > 0):
            return None
        views = features.shape[1]
        each = None if conditions is None else conditions.repeat_interleave(views, dim=0)
        logit = member.read(features.flatten(0, 1)[:, None], each).known_logit
        assert logit is not None
        said = logit.log_softmax(dim=1).unflatten(0, (-1, views)).sum(dim=1)
        return (said * views ** (self.independence - 1.0)).softmax(dim=1)

    def _mixed(self, output: CompositionOutput, known: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return counts and presence, (sets, elements), with what is recognised mixed in."""
        if known is None:
            return output.counts, output.presence
        share = self.trust * known.amax(dim=1, keepdim=True) ** self.sharpness
        there = (known @ (self.known_compositions > 0).to(known.dtype)).clamp(0.0, 1.0)
        return output.counts.lerp(known @ self.known_compositions, share), output.presence.lerp(there, share)

    def forward(self, images: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return atoms per reduced formula, (batch, elements), of single images (batch, channels, h, w)."""
        recalled = None if self.memory is None else self.memory.recall(images)[0]
        return self.read(self.embed(images)[:, :, None], conditions, recalled).counts
