"""A small autoencoder of an electrode's formula, whose latent the diffusion model generates beside the image latent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.electrodes.properties import WORKING_IONS

#: Most atoms of one element in a decoded formula.
LARGEST_COUNT = 100

#: Shares of the working ions that leave on charging: simple fractions, as both ends of an electrode are compounds.
EXTRACTED_SHARES = tuple(sorted({Fraction(n, d) for d in range(1, 7) for n in range(1, d + 1)}))


@dataclass(frozen=True)
class FormulaTensors:
    """Formulas of electrodes as tensors: what is in the discharged phase, what moves, and how much of it.

    Attributes
    ----------
    counts
        Atoms per reduced formula of the discharged phase, float, (batch, 112).
    ion
        Position of the working ion in ``WORKING_IONS``, integer, (batch,).
    share
        Position of the extracted share in :data:`EXTRACTED_SHARES`, integer, (batch,).
    """

    counts: Tensor
    ion: Tensor
    share: Tensor

    def __getitem__(self, chosen: Tensor) -> FormulaTensors:
        return FormulaTensors(self.counts[chosen], self.ion[chosen], self.share[chosen])

    def to(self, device: torch.device) -> FormulaTensors:
        """Return the formulas on a device."""
        return FormulaTensors(self.counts.to(device), self.ion.to(device), self.share.to(device))


@dataclass(frozen=True)
class FormulaHeads:
    """What a latent says of a formula: presence logits and ln(1 + count), (batch, 112), logits of ion and share."""

    presence: Tensor
    logarithm: Tensor
    ion: Tensor
    share: Tensor


class CompositionAutoencoder(nn.Module):
    """Dense autoencoder of atom counts, working ion and the share of the ions that leaves on charging.

    Presence and count have heads of their own, because a formula is two questions: which elements are there, and how many
    atoms of each. With a single regression head small leaks on a hundred absent elements would add up to a false formula.
    The share belongs to the formula, because the capacity does not follow from the discharged phase alone.

    Parameters
    ----------
    elements
        Length of the composition vector.
    latent_size
        Length of the composition latent.
    hidden
        Width of the hidden layers.
    """

    def __init__(self, *, elements: int = 112, latent_size: int = 32, hidden: int = 256) -> None:
        super().__init__()
        self.latent_size = latent_size
        ions, shares = len(WORKING_IONS), len(EXTRACTED_SHARES)
        self.encoder = nn.Sequential(
            nn.Linear(2 * elements + ions + shares, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, latent_size),
            nn.LayerNorm(latent_size, elementwise_affine=False),
        )
        self.trunk = nn.Sequential(nn.Linear(latent_size, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.presence = nn.Linear(hidden, elements)
        self.logarithm = nn.Linear(hidden, elements)
        self.ion = nn.Linear(hidden, ions)
        self.share = nn.Linear(hidden, shares)
        self.register_buffer(
            "ion_columns", torch.tensor([ELEMENT_INDEX[ion] for ion in WORKING_IONS]), persistent=False
        )

    def encode(self, formulas: FormulaTensors) -> Tensor:
        """Return latents (batch, latent_size), of zero mean and unit variance each."""
        counts = formulas.counts
        ion = F.one_hot(formulas.ion, len(WORKING_IONS)).to(counts.dtype)
        share = F.one_hot(formulas.share, len(EXTRACTED_SHARES)).to(counts.dtype)
        return self.encoder(torch.cat([torch.log1p(counts), (counts > 0).to(counts.dtype), ion, share], dim=1))

    def decode_heads(self, latent: Tensor) -> FormulaHeads:
        """Return what latents (batch, latent_size) say of their formulas."""
        hidden = self.trunk(latent)
        return FormulaHeads(self.presence(hidden), self.logarithm(hidden), self.ion(hidden), self.share(hidden))

    def decode(self, latent: Tensor) -> FormulaTensors:
        """Return the formulas of latents, counts not rounded; elements judged absent are exactly zero.

        Elements judged present have at least one atom and at most :data:`LARGEST_COUNT`, however far a latent lies from
        those of the training. The working ion is the likeliest one that is present, or the likeliest where none is.
        """
        heads = self.decode_heads(latent)
        counts = torch.expm1(heads.logarithm.clamp(max=math.log1p(LARGEST_COUNT))).clamp(min=1.0)
        counts = torch.where(heads.presence > 0, counts, torch.zeros_like(counts))
        there = counts[:, self.ion_columns] > 0
        # A large penalty and not an infinite one: where no ion is present, all of them are still compared.
        ion = (heads.ion - 1e4 * (~there).to(heads.ion.dtype)).argmax(dim=1)
        return FormulaTensors(counts, ion, heads.share.argmax(dim=1))
