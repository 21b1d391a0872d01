"""What bf16 and channels-last bring to a training step on this processor or GPU, for the networks of the presets.

A step is forward, backward and Adam on the mean absolute error of a batch of stacks of 10 x 128 x 128 pixels. The four
combinations of precision and memory layout take turns; medians over the rounds, in processor time of this process on a CPU
(other programs do not count) and in wall time on a GPU. Writes ``results/training_speed.json`` and ``.md``.

    OMP_NUM_THREADS=1 python benchmarks/training_speed.py --rounds 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import nn

from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.baseline import BaselineTranslator
from kadi_battgen.training.settings import load_settings

RESULTS = Path(__file__).parent / "results"
VARIANTS = [
    (precision, layout) for precision in ("32-true", "bf16-mixed") for layout in ("contiguous", "channels-last")
]


def networks() -> dict[str, Callable[[], nn.Module]]:
    """Return the networks by name, as the presets have them."""
    demo, thesis = (load_settings("translation", preset) for preset in ("demo", "thesis"))

    def translator(settings) -> nn.Module:
        return TranslationAutoencoder(
            channels=settings.channels,
            residual_blocks=settings.residual_blocks,
            attention_levels=settings.attention_levels,
            latent_channels=settings.latent_channels,
            patch_size=settings.patch_size,
        )

    return {
        "translator of demo": lambda: translator(demo),
        "U-Net of demo": lambda: BaselineTranslator(features=demo.baseline_features, patch_size=demo.patch_size),
        "translator of thesis, on 2 x 2 patches": lambda: translator(thesis.model_copy(update={"patch_size": 2})),
    }


def step(fabric: Fabric, network: nn.Module, optimizer: torch.optim.Optimizer, stack, truth) -> float:
    """Take one step and return its time in seconds."""
    clock = time.perf_counter if fabric.device.type == "cuda" else time.process_time
    started = clock()
    with fabric.autocast():
        predicted = network(stack).descriptors.float()
    loss = (predicted - truth).abs().mean()
    optimizer.zero_grad()
    fabric.backward(loss)
    optimizer.step()
    loss.item()
    return clock() - started


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=8)
    arguments = parser.parse_args()
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    document = {"device": torch.cuda.get_device_name() if accelerator == "cuda" else _processor(), "networks": {}}
    for name, make in networks().items():
        runs = []
        for precision, layout in VARIANTS:
            fabric = Fabric(accelerator=accelerator, devices=1, precision=precision)
            layout_of_torch = torch.channels_last if layout == "channels-last" else torch.contiguous_format
            network = make().to(fabric.device, memory_format=layout_of_torch)
            stack = 0.01 * torch.randn(arguments.batch_size, 10, 128, 128, device=fabric.device)
            truth = torch.rand(arguments.batch_size, 6, 128, 128, device=fabric.device)
            runs.append((fabric, network, torch.optim.AdamW(network.parameters()), stack, truth))
        times: list[list[float]] = [[] for _ in runs]
        for number in range(arguments.rounds + 1):
            for index, run in enumerate(runs):
                seconds = step(*run)
                if number:  # the first round warms up
                    times[index].append(1e3 * seconds / arguments.batch_size)
        medians = [statistics.median(values) for values in times]
        document["networks"][name] = {
            "parameters": sum(parameter.numel() for parameter in runs[0][1].parameters()),
            "milliseconds_per_sample": {
                f"{p}, {layout}": round(m, 2) for (p, layout), m in zip(VARIANTS, medians, strict=True)
            },
            "speed_up": {
                f"{p}, {layout}": round(medians[0] / m, 2) for (p, layout), m in zip(VARIANTS, medians, strict=True)
            },
        }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "training_speed.json").write_text(json.dumps(document, indent=2) + "\n")
    lines = [
        "# Training step: precision and memory layout",
        "",
        f"{document['device']}, {torch.get_num_threads()} thread.",
        "",
    ]
    lines += ["| network | parameters | " + " | ".join(f"{p}, {layout}" for p, layout in VARIANTS) + " |"]
    lines += ["|---|---:|" + "---:|" * len(VARIANTS)]
    for name, values in document["networks"].items():
        cells = [
            f"{milliseconds} ms ({ratio}x)"
            for milliseconds, ratio in zip(
                values["milliseconds_per_sample"].values(), values["speed_up"].values(), strict=True
            )
        ]
        lines.append(f"| {name} | {values['parameters']:,} | " + " | ".join(cells) + " |")
    lines += ["", "Time of a step per sample, and how many times faster than 32-true, contiguous.", ""]
    (RESULTS / "training_speed.md").write_text("\n".join(lines))
    print("\n".join(lines))


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return f"{models[0] if models else 'CPU'}{' with AVX512-BF16' if 'avx512_bf16' in text else ''}"


if __name__ == "__main__":
    main()
