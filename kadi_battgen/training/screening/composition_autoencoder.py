"""Training the small autoencoder of an electrode's formula."""

from __future__ import annotations

from typing import Any

import torch

from kadi_battgen.networks.composition_autoencoder import CompositionAutoencoder, FormulaTensors
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.loop import seeded
from kadi_battgen.training.losses import formula_loss


def train_composition_autoencoder(
    formulas: FormulaTensors,
    architecture: dict[str, Any],
    *,
    steps: int,
    seed: int,
    latent_noise: float = 0.2,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    progress: bool = True,
) -> CompositionAutoencoder:
    """Return an autoencoder trained on formulas, in evaluation mode.

    Parameters
    ----------
    formulas
        Formulas of the training part and their substitutions.
    architecture
        Arguments of :class:`CompositionAutoencoder`.
    steps
        Optimizer steps; the learning rate falls to zero along a cosine.
    seed
        Seed of the initial weights and of everything drawn.
    latent_noise
        Standard deviation of the noise added to the latents, in units of theirs: it leaves room around each formula, since
        a diffusion model will not hit exactly.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = CompositionAutoencoder(**architecture)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = seeded(seed, 1)
    bar = range(steps)
    for _ in progress_bar(bar, description="Training the composition autoencoder", unit="step", enabled=progress):
        batch = formulas[torch.randint(len(formulas.ion), (batch_size,), generator=generator)]
        latent = network.encode(batch)
        latent = latent + latent_noise * torch.randn(latent.shape, generator=generator)
        loss = formula_loss(network.decode_heads(latent), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def share_recovered(network: CompositionAutoencoder, formulas: FormulaTensors) -> float:
    """Return the fraction of formulas that come back exactly: all counts rounded, the ion and the share."""
    decoded = network.decode(network.encode(formulas))
    same = (decoded.counts.round() == formulas.counts.round()).all(dim=1)
    return float((same & (decoded.ion == formulas.ion) & (decoded.share == formulas.share)).float().mean())
