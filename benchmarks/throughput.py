"""What the throughput benchmarks share: networks of one size, alternating rounds, medians, ratios and tables."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Contestant:
    """A network and what it is timed at.

    Attributes
    ----------
    name
        What it is called.
    network
        The network.
    tasks
        Functions by what they do; each works on one batch.
    """

    name: str
    network: nn.Module
    tasks: dict[str, Callable[[], None]]


def parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def absolute_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute error, with a plain name for a plain loss."""
    return (predicted - truth).abs().mean()


def matching_width(network: nn.Module, make: Callable[[float], nn.Module]) -> float:
    """Return the factor of the peer's widths that brings its number of parameters nearest to that of `network`."""
    wanted = parameters(network)
    factors = [0.25 * 1.02**step for step in range(140)]
    # Built on no device: only the shapes count.
    with torch.device("meta"):
        sizes = {factor: parameters(make(factor)) for factor in factors}
    return min(factors, key=lambda factor: abs(sizes[factor] - wanted))


def compare(contestants: Sequence[Contestant], against: str, rounds: int, batch_size: int) -> list[dict[str, Any]]:
    """Return items per second of every contestant at every task, and how many times faster than `against` it is.

    The first round warms up and does not count. The ratio is the median of the ratios of single rounds, in which both had
    the same machine.
    """
    times: dict[tuple[str, str], list[float]] = {}
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    for number in range(rounds + 1):
        for contestant in contestants:
            for task, run in contestant.tasks.items():
                started = clock()
                run()
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                if number:
                    times.setdefault((contestant.name, task), []).append(clock() - started)
    rows = []
    for contestant in contestants:
        for task in contestant.tasks:
            own, other = times[contestant.name, task], times[against, task]
            ratios = sorted(b / a for a, b in zip(own, other, strict=True))
            rows.append(
                {
                    "network": contestant.name,
                    "parameters": parameters(contestant.network),
                    "task": task,
                    "per_second": batch_size / statistics.median(own),
                    "ratio": statistics.median(ratios),
                    "ratio_lowest": ratios[0],
                    "ratio_highest": ratios[-1],
                }
            )
    return rows


def write_results(path: Path, title: str, items: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write a table as JSON and Markdown, and print it."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor()
    document = {"title": title, "device": device, "threads": torch.get_num_threads(), "torch": torch.__version__}
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps({**document, "rows": list(rows)}, indent=2) + "\n")
    lines = [f"# {title}", "", f"{device}, {torch.get_num_threads()} thread(s), torch {torch.__version__}.", ""]
    lines += [
        f"| network | parameters | task | {items}/s | times the peer (range of rounds) |",
        "|---|---:|---|---:|---:|",
    ]
    for row in rows:
        ratio = f"{row['ratio']:.2f} ({row['ratio_lowest']:.2f} to {row['ratio_highest']:.2f})"
        lines.append(
            f"| {row['network']} | {row['parameters']:,} | {row['task']} | {row['per_second']:.3g} | {ratio} |"
        )
    text = "\n".join([*lines, ""])
    path.with_suffix(".md").write_text(text)
    print(text)


def processor() -> str:
    """Return the processor's name and whether it computes in bf16."""
    information = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    names = [line.split(":", 1)[1].strip() for line in information.splitlines() if line.startswith("model name")]
    return f"{names[0] if names else 'CPU'}{' with AVX512-BF16' if 'avx512_bf16' in information else ''}"
