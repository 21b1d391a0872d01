"""Training the small autoencoder of the composition vector."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kadi_battgen.networks.composition_autoencoder import CompositionAutoencoder
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.formulas import substituted
from kadi_battgen.training.loop import seeded
from kadi_battgen.training.losses import presence_and_count_loss


def train_composition_autoencoder(
    counts: np.ndarray,
    architecture: dict[str, Any],
    *,
    steps: int,
    seed: int,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    progress: bool = True,
) -> CompositionAutoencoder:
    """Return an autoencoder trained on compositions and their substitutions, in evaluation mode.

    Parameters
    ----------
    counts
        Distinct compositions of the training part, atoms per formula, (compositions, 112).
    architecture
        Arguments of :class:`CompositionAutoencoder`.
    steps
        Optimizer steps; the learning rate falls to zero along a cosine.
    seed
        Seed of the initial weights and of everything drawn.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = CompositionAutoencoder(**architecture)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    chance, noise = np.random.default_rng(seed), seeded(seed, 1)
    bar = range(steps)
    for _ in progress_bar(bar, description="Training the composition autoencoder", unit="step", enabled=progress):
        batch = counts[chance.integers(len(counts), size=batch_size)]
        batch[batch_size // 4 :] = substituted(batch[batch_size // 4 :], chance)
        target = torch.from_numpy(batch)
        latent = network.encode(target)
        # A little noise on the latent leaves room around each composition, since the diffusion model will not hit exactly.
        latent = latent + 0.1 * torch.randn(latent.shape, generator=noise)
        loss = presence_and_count_loss(*network.decode_heads(latent), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def share_recovered(network: CompositionAutoencoder, counts: np.ndarray) -> float:
    """Return the fraction of compositions (compositions, 112) that come back exactly, all counts rounded."""
    decoded = network.decode(network.encode(torch.from_numpy(counts))).numpy()
    return float((np.rint(decoded) == np.rint(counts)).all(axis=1).mean())
