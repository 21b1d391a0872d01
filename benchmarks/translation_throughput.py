"""Throughput of our translator against MONAI's AutoencoderKL of the same number of parameters, in the same run.

A training step is forward, backward and Adam on the mean absolute error of a batch of stacks of 10 x 128 x 128 pixels;
translating is the forward pass without gradients. Our network folds pixels into channels as its preset says and, as in
trainings, computes in bf16 where the processor does; the peer works on single pixels in single precision, as MONAI's own
examples do, and once more in our precision. Rounds of all alternate, so that whatever else the machine does strikes them
alike; medians over the rounds count, in processor time on a CPU and in wall time on a GPU. Writes
``results/translation_throughput.json`` and ``.md``.

    OMP_NUM_THREADS=1 python benchmarks/translation_throughput.py --preset demo --rounds 5
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from lightning.fabric import Fabric
from monai.networks.nets.autoencoderkl import AutoencoderKL
from throughput import Contestant, absolute_error, compare, matching_width, write_results
from torch import Tensor, nn

from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.training.devices import make_fabric
from kadi_battgen.training.settings import load_settings

RESULTS = Path(__file__).parent / "results"
SLICES, CHANNELS, SIDE = 10, 6, 128


def ours(settings) -> TranslationAutoencoder:
    """Return the translator of a preset."""
    return TranslationAutoencoder(
        channels=settings.channels,
        residual_blocks=settings.residual_blocks,
        attention_levels=settings.attention_levels,
        latent_channels=settings.latent_channels,
        patch_size=settings.patch_size,
    )


def peer(settings, factor: float) -> AutoencoderKL:
    """Return MONAI's network with the same levels, its channels multiplied by a factor."""
    attention = bool(settings.attention_levels[-1])
    return AutoencoderKL(
        spatial_dims=2,
        in_channels=SLICES,
        out_channels=CHANNELS,
        channels=tuple(8 * max(1, round(factor * width / 8)) for width in settings.channels),
        num_res_blocks=settings.residual_blocks,
        attention_levels=tuple(settings.attention_levels),
        latent_channels=settings.latent_channels,
        norm_num_groups=8,
        with_encoder_nonlocal_attn=attention,
        with_decoder_nonlocal_attn=attention,
    )


class Training:
    """Steps and translations of one network."""

    def __init__(self, network: nn.Module, fabric: Fabric, batch_size: int) -> None:
        self.fabric, self.network = fabric, network.to(fabric.device)
        self.optimizer = torch.optim.AdamW(network.parameters())
        generator = torch.Generator().manual_seed(0)
        self.stack = (0.01 * torch.randn(batch_size, SLICES, SIDE, SIDE, generator=generator)).to(fabric.device)
        self.truth = torch.rand(batch_size, CHANNELS, SIDE, SIDE, generator=generator).to(fabric.device)

    def predict(self) -> Tensor:
        """Return the translated batch."""
        with self.fabric.autocast():
            predicted = self.network(self.stack)
        # MONAI returns reconstruction, mean and deviation.
        return getattr(predicted, "descriptors", predicted[0]).float()

    def step(self) -> None:
        """Take one training step."""
        loss = absolute_error(self.predict(), self.truth)
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.optimizer.step()

    @torch.no_grad()
    def translate(self) -> None:
        """Translate the batch."""
        self.predict()


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="demo", help="sizes of our network")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, whose median counts")
    parser.add_argument("--batch-size", type=int, default=8, help="stacks in a batch")
    arguments = parser.parse_args()
    settings = load_settings("translation", arguments.preset)
    network = ours(settings)
    factor = matching_width(network, lambda width: peer(settings, width))
    single, trained = make_fabric("32-true"), make_fabric("auto")
    networks = {
        "kadi-battgen": (network, trained),
        "kadi-battgen, single precision": (ours(settings), single),
        "MONAI AutoencoderKL": (peer(settings, factor), single),
        "MONAI AutoencoderKL in our precision": (peer(settings, factor), trained),
    }
    runs = {name: Training(one, fabric, arguments.batch_size) for name, (one, fabric) in networks.items()}
    contestants = [
        Contestant(name, one, {"training step": runs[name].step, "translation": runs[name].translate})
        for name, (one, _) in networks.items()
    ]
    table = compare(contestants, "MONAI AutoencoderKL", arguments.rounds, arguments.batch_size)
    title = f"Throughput of the translator, preset {arguments.preset}, {SIDE} x {SIDE} pixels"
    write_results(RESULTS / "translation_throughput", title, "stacks", table)


if __name__ == "__main__":
    main()
