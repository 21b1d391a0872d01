"""The model card for people: scope, data, architecture, results, speed and limits, written from ``card.json``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.files import read_json, write_text
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.training.resources import read_resources

#: File beside the card.
MODEL_CARD = "card.md"

_SCOPE = {
    "translation": (
        "Turns a stack of constant-height AFM images of an electrode material into its descriptors: height map, van der "
        "Waals spheres, atomic disks and type map.",
        "Trained on simulated stacks of one tip at the heights named below. Experimental images have drift, noise and other "
        "tips, of which it has seen at most what augmentation imitates. It shows the topmost atoms and knows nothing of "
        "deeper ones.",
    ),
    "composition": (
        "Reads the number of atoms per formula unit of 112 elements from the latent of an AFM stack.",
        "A stack shows the top atoms of one orientation while a formula counts all of them, so that elements below the "
        "surface are guessed from what is usual. Trust it for elements that are frequent in the training data, and pool "
        "several orientations of a material.",
    ),
    "screening": (
        "Proposes electrode materials for a working ion and any subset of six functional properties, each as a formula with "
        "an image latent that a translator decodes to descriptors.",
        "Candidates are proposals for a closer look, not predictions of stability or of measured performance. Targets beyond "
        "the training ranges below are extrapolations. The properties it learned from are computed, not measured.",
    ),
    "prvae": (
        "Encodes configurations of the solid electrolyte interphase, reads their observables from the latent, and generates "
        "configurations for wanted ones.",
        "Trained on configurations that one kinetic Monte Carlo model simulated; barriers beyond those of the training data "
        "are extrapolations.",
    ),
    "barrier_response": (
        "Expects the observables of the SEI that reaction barriers lead to, with the spread between runs, and so finds "
        "barriers for a wanted SEI.",
        "It holds for the chemistry and the stop criteria of the campaigns it was trained on. What it proposes is to be "
        "simulated to know.",
    ),
    "baseline": (
        "Translates AFM stacks into descriptors as a baseline: the translator is compared with it.",
        "It is there for comparison and has no latent that the other models could work on.",
    ),
}

#: Where results on unseen samples are, if not in what ``battgen evaluate`` writes.
_MEASURED = {"prvae": "`evaluation.json` beside this card holds those on the test part."}

#: Entries of a card that are told elsewhere or that no person reads.
_PLUMBING = ("schema", "schema_version", "kind", "architecture", "settings", "best", "normalisation", "conventions")


def write_model_card(folder: str | os.PathLike[str], card: Mapping[str, Any]) -> None:
    """Write ``card.md`` beside ``card.json``.

    Parameters
    ----------
    folder
        The model's folder, which may hold ``resources.json``.
    card
        Content of ``card.json``.
    """
    write_text(Path(folder) / MODEL_CARD, model_card(card, read_resources(folder)))


def read_models(
    model_folder: str | os.PathLike[str],
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return cards and resources of the trained models of a folder by kind, in the order of their trainings.

    Raises
    ------
    UserError
        If a card is broken.
    """
    order = ("translation", "composition", "screening")
    found = sorted(path.parent for path in Path(model_folder).glob("*/card.json"))
    cards = {folder.name: read_json(folder / "card.json") for folder in found}
    kinds = [kind for kind in order if kind in cards] + [kind for kind in cards if kind not in order]
    return {kind: cards[kind] for kind in kinds}, {kind: read_resources(Path(model_folder) / kind) for kind in kinds}


def model_card(card: Mapping[str, Any], resources: Mapping[str, Any]) -> str:
    """Return the text of a model card (Markdown).

    Parameters
    ----------
    card
        Content of ``card.json``.
    resources
        Content of ``resources.json``; empty where that is not known.
    """
    kind = str(card["kind"])
    scope, limits = _SCOPE.get("baseline" if kind.startswith("baseline") else kind, ("", ""))
    facts = {name: value for name, value in card.items() if name not in _PLUMBING and not isinstance(value, Mapping)}
    sections = {
        "Scope": [scope] if scope else [],
        "Training data": _bullets({"data set (SHA-256)": card.get("dataset_sha256"), **_conventions(card)}),
        "Architecture": _bullets({"parameters": card.get("parameters"), **_flat(card.get("architecture", {}))}),
        "Training": _bullets({**{n: facts.get(n) for n in ("preset", "seed", "device")}, **_flat(card["settings"])})
        if "settings" in card
        else [],
        "Results": [
            "Of the epoch whose weights are kept, on the training and validation parts. "
            + _MEASURED.get(kind, "`battgen evaluate` measures on compositions that no training has seen."),
            *_bullets(card.get("best", {})),
        ],
        "Speed": _bullets(_speed(resources)) or ["Not recorded."],
        "Training ranges": _ranges(card.get("training_ranges", {})),
        "Limits": [limits] if limits else [],
    }
    title = f"# Model card: {kind.replace('_', ' ')}"
    body = [f"## {name}\n\n{_paragraphs(lines)}" for name, lines in sections.items() if lines]
    return "\n\n".join([title, *body]) + "\n"


def _paragraphs(lines: list[str]) -> str:
    """Join lines, list items close together and everything else with a blank line between."""
    text = lines[0]
    for before, line in pairwise(lines):
        close = line[:1] == before[:1] and line[:1] in "-|"
        text += ("\n" if close else "\n\n") + line
    return text


def _bullets(entries: Mapping[str, Any]) -> list[str]:
    return [
        f"- {name.replace('_', ' ')}: {_text(value)}" for name, value in entries.items() if value not in (None, "", [])
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list | tuple):
        return ", ".join(_text(entry) for entry in value)
    return str(value)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix} {name}".strip()
        flat.update(_flat(value, path) if isinstance(value, Mapping) else {path: value})
    return flat


def _conventions(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return size and scale of the images and the conventions of the simulation, with their units."""
    facts: dict[str, Any] = {}
    if "image_shape" in card:
        facts["images"] = " x ".join(map(str, card["image_shape"])) + " pixels"
    scale = card.get("normalisation", {}).get("stack_scale")
    if scale is not None:
        facts["stacks divided by"] = f"{scale:.4g} {card['normalisation']['stack_unit']}"
    for name, value in card.get("conventions", {}).items():
        if isinstance(value, Mapping) and "unit" in value and "value" in value:
            facts[name] = f"{_text(value['value'])} {value['unit']}"
        elif isinstance(value, Mapping) and "unit" in value and value.get("values"):
            first, last = value["values"][0], value["values"][-1]
            facts[name] = f"{len(value['values'])} from {first:g} to {last:g} {value['unit']}"
        elif isinstance(value, str | int | float):
            facts[name] = value
    return facts


def _speed(resources: Mapping[str, Any]) -> dict[str, Any]:
    if not resources:
        return {}
    memory = f"{resources['peak_memory_bytes'] / 2**30:.2f} GiB of the {resources['memory_of']}"
    return {
        "training time": f"{resources['seconds']:.0f} s",
        "peak memory": memory,
        "device": resources["device"],
        "threads": resources["threads"],
        "interruptions": resources["interruptions"],
    }


def _ranges(ranges: Mapping[str, Any]) -> list[str]:
    """Return minimum and maximum of what the model was trained on, as a table.

    They are those of the functional properties per working ion, or of the observables of SEI configurations.
    """
    if not ranges:
        return []
    if ranges.keys() <= OBSERVABLES.keys():
        lines = ["| observable | unit | range |", "|---|---|---|"]
        for name, values in ranges.items():
            entry = OBSERVABLES[name]
            lines.append(f"| {entry.label.lower()} | {entry.unit} | {values[0]:.4g} to {values[-1]:.4g} |")
        return lines
    entries = FUNCTIONAL_PROPERTIES.values()
    head = ["working ion", "electrodes", *(f"{entry.label.lower()} / {entry.unit}" for entry in entries)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for ion, values in ranges.items():
        cells = [f"{values[entry.name][0]:.4g} to {values[entry.name][-1]:.4g}" for entry in entries]
        lines.append(f"| {ion} | {values['electrodes']} | {' | '.join(cells)} |")
    return lines
