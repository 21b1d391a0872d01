"""Training the feature networks that ship with the package.

``python -m kadi_battgen.training.features --dataset dataset.h5 --output descriptor_features.safetensors`` writes the weights
and, beside them, a card that says how well they classify unseen compositions and how they answer to spoiled images.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.composition import ELEMENTS
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.metrics.images import GROUPS
from kadi_battgen.networks.features import FEATURE_GROUPS, DescriptorFeatures, save_feature_networks
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.loop import batches, learning_rate_factor, seeded
from kadi_battgen.training.samples import ImageSamples, square_symmetry

#: Elements in fewer training samples than this are not asked for.
MINIMUM_SAMPLES = 24


def train_feature_network(
    samples: ImageSamples,
    group: str,
    *,
    epochs: int,
    seed: int,
    batch_size: int = 25,
    learning_rate: float = 3e-3,
    progress: bool = True,
) -> DescriptorFeatures:
    """Return a network that tells elements and working ions from one group of descriptors, in evaluation mode.

    Every batch is turned and mirrored at random, so that the features do not depend on the lateral orientation of the scan.

    Parameters
    ----------
    samples
        The training part of a data set.
    group
        One of ``FEATURE_GROUPS``.
    epochs
        Passes over the samples.
    seed
        Seed of weights, order and symmetries.
    """
    present = torch.from_numpy(samples.column("composition")) > 0
    common = present.sum(dim=0) >= MINIMUM_SAMPLES
    common &= (~present).sum(dim=0) >= MINIMUM_SAMPLES
    targets = present[:, common].float()
    ions = torch.from_numpy(samples.column("working_ion").astype(np.int64))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = DescriptorFeatures(
            elements=[ELEMENTS[index] for index in torch.nonzero(common)[:, 0].tolist()], working_ions=WORKING_IONS
        )
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=2e-2)
    network.train()
    steps, step = epochs * -(-len(samples) // batch_size), 0
    for epoch in progress_bar(range(epochs), description=f"Training {group} features", unit="epoch", enabled=progress):
        generator = seeded(seed, FEATURE_GROUPS.index(group), epoch)
        for positions in batches(len(samples), batch_size, generator):
            images = group_images(samples, group, positions)
            images = square_symmetry(images, int(torch.randint(8, (1,), generator=generator)))
            images, strength = damaged(images, generator)
            presence, ion, damage = network.heads(images)
            loss = F.binary_cross_entropy_with_logits(presence, targets[positions])
            loss = loss + 0.25 * F.cross_entropy(ion, ions[positions]) + 0.25 * F.mse_loss(damage, strength)
            optimizer.param_groups[0]["lr"] = learning_rate * learning_rate_factor(step, steps)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    _standardise(network.eval(), samples, group)
    return network


def damaged(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return images of which a quarter is noisy and a quarter blurred, and the strengths of both.

    A network that has only seen clean simulations answers to the faintest noise without bound, and a distance of its
    features would say nothing but that there is noise.

    Parameters
    ----------
    images
        (batch, 3, H, W).
    generator
        Draws the strengths, up to 2 each, and the noise.

    Returns
    -------
    tuple of torch.Tensor
        The images, and their strengths in the order of ``DAMAGES``, (batch, 2).
    """
    quarter = len(images) // 4
    strength = torch.zeros(len(images), 2)
    strength[:quarter, 0] = 2 * torch.rand(quarter, generator=generator)
    blur = 0.1 + 1.9 * float(torch.rand((), generator=generator))
    strength[quarter : 2 * quarter, 1] = blur
    noise = torch.randn((quarter, *images.shape[1:]), generator=generator)
    result = images.clone()
    result[:quarter] = noisy(images[:quarter], strength[:quarter, 0], noise)
    result[quarter : 2 * quarter] = blurred(images[quarter : 2 * quarter], blur)
    return result, strength


def noisy(images: Tensor, strength: Tensor, noise: Tensor) -> Tensor:
    """Return images plus 0.1 `strength` times `noise`, cut off at [0, 1] as everything that is measured."""
    return (images + 0.1 * strength.reshape(-1, 1, 1, 1) * noise).clamp(0.0, 1.0)


def blurred(images: Tensor, strength: float) -> Tensor:
    """Return images convolved with a Gaussian of standard deviation 2 `strength` pixels, mirrored at the borders."""
    deviation = 2 * strength
    reach = min(int(np.ceil(3 * deviation)), min(images.shape[-2:]) - 1)
    distance = torch.arange(-reach, reach + 1, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (distance / deviation).square())
    kernel = kernel / kernel.sum()
    flat = F.pad(images.flatten(0, 1)[:, None], (reach, reach, reach, reach), mode="reflect")
    rows = F.conv2d(flat, kernel[None, None, :, None])
    return F.conv2d(rows, kernel[None, None, None, :]).reshape(images.shape)


def group_images(samples: ImageSamples, group: str, positions: np.ndarray) -> Tensor:
    """Return one group of scaled descriptors of samples, (batch, 3, H, W)."""
    return samples.descriptors(positions)[:, GROUPS[group]].contiguous()


@torch.no_grad()
def _standardise(network: DescriptorFeatures, samples: ImageSamples, group: str) -> None:
    pooled = torch.cat(
        [
            network.pooled(group_images(samples, group, np.arange(start, min(start + 64, len(samples)))))
            for start in range(0, len(samples), 64)
        ]
    )
    network.feature_mean.copy_(pooled.mean(dim=0))  # type: ignore[operator]
    # One scale for all: a feature that hardly varies on clean images would be blown up by one of its own.
    network.feature_deviation.copy_(pooled.var(dim=0).mean().sqrt())  # type: ignore[operator]


def main(arguments: list[str] | None = None) -> int:
    """Train the feature networks of both groups and write them with their card; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m kadi_battgen.training.features",
        description="Train the small feature networks that FID, KID and perceptual losses are computed with. Takes "
        "some three minutes on one core for the demo's data set.",
    )
    parser.add_argument("--dataset", type=Path, required=True, help="data set written by battgen build-dataset")
    parser.add_argument("--output", type=Path, required=True, help="weights to write, .safetensors")
    parser.add_argument("--card", type=Path, help="card to write, .md (default: beside the output)")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training part (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the training (default: 1)")
    parser.add_argument("--note", default="", help="paragraph for the card about where the data set comes from")
    options = parser.parse_args(arguments)
    # On several threads sums are taken in another order, and the weights would differ in their last digits.
    torch.set_num_threads(1)
    try:
        with TrainingDataset.open(options.dataset) as dataset:
            training = ImageSamples(dataset, "training")
            networks = {
                group: train_feature_network(training, group, epochs=options.epochs, seed=options.seed)
                for group in FEATURE_GROUPS
            }
            save_feature_networks(options.output, networks)
            # Imported here, for the card measures with what this module offers.
            from kadi_battgen.training.features_card import write_card

            card = options.card or options.output.with_name(f"{options.output.name.split('.')[0]}.card.md")
            training_options = {"epochs": options.epochs, "seed": options.seed, "note": options.note}
            write_card(card, dataset, networks, weights=options.output, **training_options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.output}\n{card}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
