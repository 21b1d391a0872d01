"""Pages of AFM campaigns, training data sets, and generated or translated descriptors: a montage of a few samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from kadi_battgen.kadi_plugin.appearance import DESCRIPTORS, PROPERTIES, TYPE_MAP_CLASSES
from kadi_battgen.kadi_plugin.hdf5.paging import Column, choose
from kadi_battgen.kadi_plugin.hdf5.reading import ReadError, attribute, column, dataset, document, has, names, row
from kadi_battgen.kadi_plugin.kinds import Kind
from kadi_battgen.kadi_plugin.limits import MOST_IMAGES
from kadi_battgen.kadi_plugin.pictures import colour_limits, grey_picture, rgb_picture, viridis_picture
from kadi_battgen.kadi_plugin.values import formula_label, label, number, plain_text, read_json, shown, with_unit

#: Units as files write them, and as people read them.
_UNITS = {"A": "Å", "Angstrom": "Å", "1": "", "fraction": ""}


def page(file: h5py.File, kind: Kind, start: int, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of samples with their pictures.

    Raises
    ------
    ReadError
        If the file cannot be shown.
    """
    descriptors = dataset(file, "descriptors", 4)
    stacks = dataset(file, "stacks", 4) if has(file, "stacks") else None
    total = len(descriptors)
    if stacks is not None and len(stacks) != total:
        raise ReadError(f"The file holds {len(stacks)} stacks and descriptors of {total} samples.")
    for images in (descriptors, stacks):
        if images is not None and (images.shape[1] > MOST_IMAGES or 0 in images.shape[1:]):
            raise ReadError(f"{images.name} has {images.shape[1]} images of {images.shape[2:]} pixels a sample.")
    chosen = choose(total, _columns(file, total), filters, start, kind.samples)
    columns = _columns(file, total)
    electrodes = _Electrodes(file, total)
    return {
        "title": kind.title,
        "facts": _facts(file, stacks, descriptors),
        "legend": [{"colour": colour, "name": name} for colour, name in TYPE_MAP_CLASSES],
        "samples": [
            {
                "index": index,
                **electrodes.describe(index),
                "facts": [{"name": entry.label, "value": entry.of(index)} for entry in columns],
                "stack": None if stacks is None else _stack(file, stacks, index),
                "descriptors": _descriptors(descriptors, index),
            }
            for index in chosen.pop("indices")
        ],
        **chosen,
    }


def _columns(file: h5py.File, total: int) -> list[Column]:
    found = []
    for name, title, options in (("part", "Part", "parts"), ("working_ion", "Working ion", "working_ions")):
        if has(file, name) and (known := names(attribute(file, options))):
            found.append(Column(name, title, column(file, name, total), known))
    if has(file, "valid"):
        valid = column(file, "valid", total).astype(np.int8)
        found.append(Column("valid", "Brightest pixel inside the window", valid, ["no", "yes"]))
    return found


def _facts(file: h5py.File, stacks: h5py.Dataset | None, descriptors: h5py.Dataset) -> list[dict[str, str]]:
    conventions = document(file, "conventions")
    facts = {"Samples": shown(len(descriptors))}
    for name in ("electrodes", "failures"):
        if has(file, name):
            facts[label(name)] = shown(len(dataset(file, name, 1)))
    rows, columns = descriptors.shape[2:]
    facts["Images"] = f"{rows} × {columns} pixels" + (f", {stacks.shape[1]} heights" if stacks is not None else "")
    window, pixel = (_entry(conventions, name) for name in ("window", "pixel_size"))
    sides = [side for end in _list(window.get("x")) if (side := number(end)) is not None]
    if len(sides) == 2:
        facts["Scan window"] = with_unit(sides[1] - sides[0], _unit(window.get("unit")))
    if (size := number(pixel.get("value"))) is not None:
        facts["Pixel"] = with_unit(size, _unit(pixel.get("unit")))
    target = document(file, "target")
    facts |= {f"Target: {label(name)}": plain_text(value, 200) for name, value in list(target.items())[:20]}
    return [{"name": name, "value": value} for name, value in facts.items()]


def _entry(conventions: dict[str, Any], name: str) -> dict[str, Any]:
    found = conventions.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _unit(unit: Any) -> str:
    text = plain_text(unit or "", 20)
    return _UNITS.get(text, text)


def _stack(file: h5py.File, stacks: h5py.Dataset, index: int) -> dict[str, Any]:
    """Return the slices of a sample on one grey scale, so that the growth of the force on approach shows."""
    values = np.asarray(row(stacks, index), dtype=np.float32)
    scale, unit = number(attribute(stacks, "scale")), attribute(stacks, "unit")
    if scale is None:
        # A training data set: the scale undoes what its stacks were divided by.
        scale, unit = number(attribute(file, "stack_scale")), attribute(file, "stack_unit")
    values *= 1.0 if scale is None else scale
    low, high = colour_limits(values, 0.1)
    heights = _list(attribute(file, "heights")) or _list(_entry(document(file, "conventions"), "heights").get("values"))
    heights = heights if len(heights) == len(values) else [None] * len(values)
    slices = []
    for position, (image, height) in enumerate(zip(values, heights, strict=True), start=1):
        place = number(height)
        caption = f"slice {position}" if place is None else f"{place:.2f} Å".replace("-", "−")
        where = f"slice {position} of {len(values)}" + ("" if place is None else f", tip–sample distance {caption}")
        slices.append({"caption": caption, "alt": f"AFM image, {where}", "src": grey_picture(image, low, high)})
    name = "Frequency shift" if unit == "Hz" else "Signal"
    range_ = f"{name} from {with_unit(low, _unit(unit), 3)} (black) to {with_unit(high, _unit(unit), 3)} (white)"
    return {"range": range_, "pictures": slices}


def _descriptors(descriptors: h5py.Dataset, index: int) -> list[dict[str, str]]:
    values = np.asarray(row(descriptors, index), dtype=np.float32)
    shown_channels = set()
    pictures = []
    for name, channels in DESCRIPTORS:
        if max(channels) >= len(values):
            continue
        shown_channels |= set(channels)
        if len(channels) == 3:
            coloured = values[list(channels)]
            picture = rgb_picture(coloured, *colour_limits(coloured, 0.0))
            alt = f"{name}: blue working ion, green gases, red other elements"
        else:
            low, high = colour_limits(values[channels[0]], 0.5)
            picture = viridis_picture(values[channels[0]], low, high)
            alt = f"{name}, from {shown(low, 3)} (dark) to {shown(high, 3)} (bright)"
        pictures.append({"caption": name, "alt": alt, "src": picture})
    for channel in sorted(set(range(len(values))) - shown_channels):
        low, high = colour_limits(values[channel], 0.5)
        caption = f"Channel {channel}"
        pictures.append({"caption": caption, "alt": caption, "src": viridis_picture(values[channel], low, high)})
    return pictures


class _Electrodes:
    """What a file tells of the electrode of a sample."""

    def __init__(self, file: h5py.File, total: int) -> None:
        self._file = file
        self._index = column(file, "electrode_index", total) if has(file, "electrode_index") else None
        self._rank = column(file, "orientation_rank", total) if has(file, "orientation_rank") else None
        self._conditions = dataset(file, "conditions", 2) if has(file, "conditions") else None

    def describe(self, index: int) -> dict[str, Any]:
        """Return title, subtitle and properties of a sample."""
        if self._index is None:
            formula = row(dataset(self._file, "formulas", 1), index) if has(self._file, "formulas") else ""
            return {"title": formula_label(formula) or f"Sample {index}", "subtitle": "", "properties": []}
        found = read_json(row(dataset(self._file, "electrodes", 1), int(self._index[index])))
        electrode = found if isinstance(found, dict) else {}
        told = [plain_text(electrode.get("id", "unknown electrode"), 80)]
        for name, text in (("working_ion", "working ion {}"), ("formula_charge", "charged {}")):
            if electrode.get(name):
                told.append(text.format(formula_label(electrode[name])))
        if electrode.get("framework"):
            told.append(plain_text(electrode["framework"], 80))
        if self._rank is not None:
            told.append(f"orientation {int(self._rank[index]) + 1}")
        return {
            "title": formula_label(electrode.get("formula_discharge", "Unknown electrode")),
            "subtitle": ", ".join(told),
            "properties": self._properties(electrode, index),
        }

    def _properties(self, electrode: dict[str, Any], index: int) -> list[dict[str, str]]:
        """Return the functional properties with their units, and what a data set conditions on."""
        values = electrode.get("properties")
        values = values if isinstance(values, dict) else {}
        scaled: dict[str, float] = {}
        if self._conditions is not None:
            order = names(document(self._file, "conditions_scaling").get("names")) or list(PROPERTIES)
            scaled = dict(zip(order, (float(value) for value in row(self._conditions, index)), strict=False))
        listed = []
        for name in dict.fromkeys((*PROPERTIES, *list(values)[:40])):
            title, unit = PROPERTIES.get(name, (label(name), ""))
            value = values.get(name)
            listed.append(
                {
                    "name": title,
                    "value": with_unit(value, unit),
                    "scaled": shown(scaled[name], 3) if name in scaled else "",
                }
            )
        return listed
