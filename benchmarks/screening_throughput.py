"""Throughput of our screening network against MONAI's DiffusionModelUNet of the same number of parameters, in the same run.

A training step is forward, backward and Adam on the error of the predicted noise of a batch of image latents; sampling goes
from noise to a latent with 20 denoiser calls. Our network also denoises a composition latent, which the peer does not; the
parameters that are compared are those of the U-Net, without our composition branch. The peer is used as its documentation
says: conditions are appended to the latent as channels, DDIM without clipping, single precision. Rounds of all alternate,
so that whatever else the machine does strikes them alike; medians over the rounds count, in processor time on a CPU and in
wall time on a GPU. Writes ``results/screening_throughput.json`` and ``.md``.

    OMP_NUM_THREADS=1 python benchmarks/screening_throughput.py --preset demo --rounds 5
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from lightning.fabric import Fabric
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from monai.networks.schedulers import DDIMScheduler
from throughput import Contestant, compare, matching_width, write_results
from torch import Tensor, nn

from kadi_battgen.datasets.conditions import CONDITION_SIZE
from kadi_battgen.diffusion.dpm_solver import sample_dpm_solver
from kadi_battgen.diffusion.samplers import sample_ddim
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.networks.screening import ScreeningNetwork, guided
from kadi_battgen.training.devices import make_fabric
from kadi_battgen.training.screening.model import network_architecture
from kadi_battgen.training.settings import load_settings

RESULTS = Path(__file__).parent / "results"
STEPS, SIDE = 20, 128


class Ours:
    """Training and sampling with our network."""

    def __init__(self, settings, latent_shape: tuple[int, int, int], batch_size: int, fabric: Fabric):
        self.network = ScreeningNetwork(**network_architecture(settings, latent_shape)).to(fabric.device)
        self.network.requires_grad_(False)
        self.network.unet.requires_grad_(True)
        self.network.unet.composition.requires_grad_(False)
        self.fabric = fabric
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trained)
        self.schedule = NoiseSchedule(settings.timesteps, settings.beta_start, settings.beta_end)
        generator = torch.Generator().manual_seed(0)
        self.noise = torch.randn(batch_size, self.network.size, generator=generator).to(fabric.device)
        conditions = torch.zeros(batch_size, CONDITION_SIZE)
        conditions[:, 6:13] = conditions[:, -1] = 1.0
        self.conditions = conditions.to(fabric.device)
        self.timestep = torch.randint(settings.timesteps, (batch_size,), generator=generator).to(fabric.device)

    def step(self) -> None:
        """Take one training step."""
        with self.fabric.autocast():
            predicted = self.network(self.noise, self.timestep, self.conditions)
        error, _ = self.network.split((predicted.float() - self.noise).square())
        self.optimizer.zero_grad()
        self.fabric.backward(error.mean())
        self.optimizer.step()

    def _predict(self, sample: Tensor, timestep: Tensor, conditions: Tensor) -> Tensor:
        with self.fabric.autocast():
            return self.network(sample, timestep, conditions).float()

    def sample(self, sampler: Callable, guidance: float = 1.0) -> None:
        """Sample a batch of latents."""
        with torch.no_grad():
            sampler(guided(self._predict, self.conditions, guidance), self.noise, self.schedule, STEPS)


class Peer:
    """Training and sampling with MONAI's network and scheduler."""

    def __init__(
        self, network: nn.Module, settings, latent_shape: tuple[int, int, int], batch_size: int, fabric: Fabric
    ):
        self.network, self.fabric = network.to(fabric.device), fabric
        self.optimizer = torch.optim.AdamW(network.parameters())
        self.scheduler = DDIMScheduler(
            num_train_timesteps=settings.timesteps,
            clip_sample=False,
            beta_start=settings.beta_start,
            beta_end=settings.beta_end,
        )
        self.scheduler.set_timesteps(STEPS)
        generator = torch.Generator().manual_seed(0)
        self.noise = torch.randn(batch_size, *latent_shape, generator=generator).to(fabric.device)
        self.maps = torch.zeros(batch_size, settings.condition_channels, *latent_shape[1:], device=fabric.device)
        self.timestep = torch.randint(settings.timesteps, (batch_size,), generator=generator).to(fabric.device)

    def _predict(self, sample: Tensor, maps: Tensor, timestep: Tensor) -> Tensor:
        with self.fabric.autocast():
            return self.network(torch.cat([sample, maps], dim=1), timestep).float()

    def step(self) -> None:
        """Take one training step."""
        error = (self._predict(self.noise, self.maps, self.timestep) - self.noise).square()
        self.optimizer.zero_grad()
        self.fabric.backward(error.mean())
        self.optimizer.step()

    @torch.no_grad()
    def sample(self, guidance: float = 1.0) -> None:
        """Sample a batch of latents."""
        sample = self.noise
        for t in self.scheduler.timesteps:
            timestep = torch.full((len(sample),), int(t), device=sample.device)
            if guidance == 1.0:
                predicted = self._predict(sample, self.maps, timestep)
            else:
                conditional = self._predict(sample, self.maps, timestep)
                absent = self._predict(sample, torch.zeros_like(self.maps), timestep)
                predicted = absent + guidance * (conditional - absent)
            sample, _ = self.scheduler.step(predicted, int(t), sample)


def peer(settings, latent_channels: int, factor: float) -> DiffusionModelUNet:
    """Return MONAI's network with the same levels, its channels multiplied by a factor."""
    channels = tuple(8 * max(1, round(factor * width / 8)) for width in settings.channels)
    return DiffusionModelUNet(
        spatial_dims=2,
        in_channels=latent_channels + settings.condition_channels,
        out_channels=latent_channels,
        channels=channels,
        attention_levels=tuple(settings.attention_levels),
        num_res_blocks=1,
        num_head_channels=8,
        norm_num_groups=8,
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="demo", help="sizes of our network")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, whose median counts")
    parser.add_argument("--batch-size", type=int, default=32, help="latents in a batch")
    arguments = parser.parse_args()
    settings, translation = (load_settings(kind, arguments.preset) for kind in ("screening", "translation"))
    side = SIDE // (translation.patch_size * 2 ** (len(translation.channels) - 1))
    shape = (translation.latent_channels, side, side)
    single, trained = make_fabric("32-true"), make_fabric("auto")
    size = arguments.batch_size
    plain, fast = (Ours(settings, shape, size, fabric) for fabric in (single, trained))
    factor = matching_width(plain.network, lambda width: peer(settings, shape[0], width))
    theirs = Peer(peer(settings, shape[0], factor), settings, shape, size, single)
    theirs_fast = Peer(peer(settings, shape[0], factor), settings, shape, size, trained)

    def tasks(entry: Ours | Peer) -> dict[str, Callable[[], None]]:
        if isinstance(entry, Peer):
            return {
                "training step": entry.step,
                f"sampling, DDIM {STEPS} steps": entry.sample,
                f"sampling, {STEPS} steps with guidance": lambda: entry.sample(1.5),
            }
        return {
            "training step": entry.step,
            f"sampling, DDIM {STEPS} steps": lambda: entry.sample(sample_ddim),
            f"sampling, {STEPS} steps with guidance": lambda: entry.sample(sample_dpm_solver, 1.5),
        }

    entries = {
        "kadi-battgen, bf16": fast,
        "kadi-battgen, single precision": plain,
        "MONAI DiffusionModelUNet": theirs,
        "MONAI DiffusionModelUNet, bf16": theirs_fast,
    }
    contestants = [Contestant(name, entry.network, tasks(entry)) for name, entry in entries.items()]
    table = compare(contestants, "MONAI DiffusionModelUNet", arguments.rounds, size)
    title = f"Throughput of the screening network, preset {arguments.preset}, latents of {' x '.join(map(str, shape))}"
    write_results(RESULTS / "screening_throughput", title, "latents", table)


if __name__ == "__main__":
    main()
