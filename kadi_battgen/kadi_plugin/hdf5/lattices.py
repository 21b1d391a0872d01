"""Pages of SEI campaigns and SEI data sets: coloured lattices with their observables and barriers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from kadi_battgen.kadi_plugin.appearance import OBSERVABLES, SPECIES, UNKNOWN_SPECIES
from kadi_battgen.kadi_plugin.hdf5.paging import Column, choose
from kadi_battgen.kadi_plugin.hdf5.reading import ReadError, attribute, column, dataset, document, has, names, row
from kadi_battgen.kadi_plugin.kinds import Kind
from kadi_battgen.kadi_plugin.limits import LARGEST_COLUMN
from kadi_battgen.kadi_plugin.pictures import category_picture
from kadi_battgen.kadi_plugin.values import label, number, plain_text, shown, with_unit

#: Observables told below a lattice; the details have all.
_CAPTION = {"flux": "{}", "thickness": "{} thick"}

#: Most observables and barriers of a file.
_MOST = 60


def page(file: h5py.File, kind: Kind, start: int, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of configurations.

    Raises
    ------
    ReadError
        If the file cannot be shown.
    """
    place = "categories" if has(file, "categories") else "configurations"
    lattices = dataset(file, place, 3)
    if lattices.dtype.kind not in "u" or 0 in lattices.shape[1:]:
        raise ReadError(f"{place} of type {lattices.dtype} and shape {lattices.shape} are no configurations.")
    total = len(lattices)
    columns = list(_columns(file, total))
    chosen = choose(total, columns, filters, start, kind.samples)
    symbols = names(attribute(file, "categories")) or names(attribute(lattices, "species")) or list(SPECIES)
    legend = [
        {"symbol": symbol, "colour": colour, "name": name}
        for symbol, (colour, name) in (
            (symbol, SPECIES.get(symbol, (UNKNOWN_SPECIES, symbol))) for symbol in symbols[:50]
        )
    ]
    colours = [entry["colour"] for entry in legend] + [UNKNOWN_SPECIES]
    quantities = _Quantities(file, total)
    samples = []
    for index in chosen.pop("indices"):
        lattice = np.asarray(row(lattices, index))
        step = -(-max(lattice.shape) // 512)
        told = quantities.of(index)
        facts = [{"name": entry.label, "value": entry.of(index)} for entry in columns]
        kinds = ", ".join(fact["value"] for fact in facts)
        values = {entry["key"]: entry["value"] for entry in told["observables"]}
        caption = ", ".join(words.format(values[key]) for key, words in _CAPTION.items() if key in values)
        samples.append(
            {
                "index": index,
                "title": f"{'Run' if kind.name == 'sei-campaign' else 'Sample'} {index}",
                "subtitle": kinds,
                "caption": caption,
                "alt": f"SEI configuration {index}, electrode at the bottom: {kinds or 'lattice'}; {caption}",
                "src": category_picture(lattice[::step, ::step], colours),
                "facts": facts + quantities.facts(index),
                **told,
            }
        )
    rows, width = lattices.shape[1:]
    return {
        "title": kind.title,
        "facts": [
            {"name": "Configurations", "value": shown(total)},
            {"name": "Lattice", "value": f"{rows} × {width} sites of 1 nm, electrode at the bottom"},
            *_settings(file),
        ],
        "legend": legend,
        "samples": samples,
        **chosen,
    }


def _columns(file: h5py.File, total: int) -> Iterator[Column]:
    for name, title, place in (
        ("regime", "Regime", "regimes"),
        ("part", "Part", "parts"),
        ("stop_reason", "Stopped by", ""),
    ):
        if has(file, name):
            codes = column(file, name, total)
            options = names(attribute(file, place)) if place else []
            options = options or names(attribute(file[name], "names"))
            if options and codes.dtype.kind in "iu":
                yield Column(name, title, codes.astype(np.int64), options)


def _settings(file: h5py.File) -> list[dict[str, str]]:
    """Return what decided the runs: temperature, stop criteria, seed."""
    request = document(file, "request")
    model = request.get("model") if request else document(file, "model")
    settings = request.get("settings") if isinstance(request.get("settings"), dict) else {}
    told = []
    for place, name, title, unit in (
        (model, "temperature", "Temperature", "K"),
        (settings, "max_events", "Events at most", ""),
        (settings, "max_time", "Time at most", "s"),
        (settings, "seed", "Seed", ""),
    ):
        value = place.get(name) if isinstance(place, dict) else None
        if isinstance(value, int | float):
            told.append({"name": title, "value": with_unit(value, unit)})
    return told


class _Quantities:
    """Observables and barriers of a sample in their units, undoing the scaling of a data set."""

    def __init__(self, file: h5py.File, total: int) -> None:
        self._file = file
        self._total = total
        self._scaled = has(file, "observables") and isinstance(file["observables"], h5py.Dataset)
        self._scalings = {name: document(file, f"{name}_scaling") for name in ("observables", "barriers")}

    def of(self, index: int) -> dict[str, list[dict[str, str]]]:
        """Return the observables and the barriers of a sample with their units."""
        observables = self._rows("observables", index) if self._scaled else list(self._observables(index))
        if self._scaled:
            barriers = self._rows("barriers", index)
        elif has(self._file, "barriers"):
            table = dataset(self._file, "barriers", 2)
            titles = names(attribute(table, "names"))
            barriers = [
                {"key": title, "name": title, "value": with_unit(float(value), "eV", 3)}
                for title, value in zip(titles, row(table, index), strict=False)
            ]
        else:
            barriers = []
        return {"observables": observables[:_MOST], "barriers": barriers[:_MOST]}

    def facts(self, index: int) -> list[dict[str, str]]:
        """Return further numbers of a sample."""
        told = []
        for name, title, unit in (
            ("events", "Events", ""),
            ("time", "Simulated time", "s"),
            ("seed", "Seed", ""),
            ("run", "Row in its campaign", ""),
        ):
            if has(self._file, name):
                values = dataset(self._file, name, 1)
                if len(values) == self._total and values.dtype.kind in "iuf":
                    told.append({"name": title, "value": with_unit(values[index].item(), unit, 3)})
        return told

    def _observables(self, index: int) -> Iterator[dict[str, str]]:
        if not has(self._file, "observables"):
            return
        group = self._file["observables"]
        for name in sorted(list(group)[:_MOST], key=_place):
            values = dataset(self._file, f"observables/{name}", 1)
            if len(values) == self._total and values.dtype.itemsize * self._total <= LARGEST_COLUMN:
                title, unit = OBSERVABLES.get(name, (label(name), ""))
                title = plain_text(attribute(values, "label") or title, 80)
                unit = plain_text(attribute(values, "unit") or unit, 20)
                yield {"key": name, "name": title, "value": with_unit(float(values[index]), unit, 3)}

    def _rows(self, name: str, index: int) -> list[dict[str, str]]:
        """Return scaled values in their units, or as scaled where the file does not say how."""
        if not has(self._file, name):
            return []
        values = np.asarray(row(dataset(self._file, name, 2), index), dtype=np.float64)
        scaling = self._scalings[name]
        titles = names(scaling.get("names")) or [f"{name} {position}" for position in range(len(values))]
        units = names(scaling.get("units")) or [""] * len(titles)
        ends: list[Any] = [scaling.get(end) for end in ("minimum", "maximum")]
        known = all(isinstance(end, list) and len(end) == len(values) for end in ends)
        listed = []
        for position, (title, unit, value) in enumerate(zip(titles, units, values, strict=False)):
            low, high = (number(end[position]) for end in ends) if known else (None, None)
            if low is None or high is None:
                text = f"{shown(float(value), 3)} (scaled)"
            else:
                text = with_unit(low + float(value) * (high - low), unit, 3)
            listed.append({"key": title, "name": OBSERVABLES.get(title, (title, ""))[0], "value": text})
        return listed


def _place(name: str) -> int:
    """Return where an observable stands in a table, what is unknown last."""
    return list(OBSERVABLES).index(name) if name in OBSERVABLES else len(OBSERVABLES)
