"""Metrics in tables and records: what networks are called, units, names, intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kadi_battgen.metrics.nested import interval_of, numbers
from kadi_battgen.plots.report import Column, Table, format_number

#: How the networks and baselines are called in tables.
LABELS = {
    "translator": "Translator (variational autoencoder with discriminators)",
    "same_network_l1": "Baseline: the same network trained with L1 alone",
    "unet_l1": "Baseline: U-Net trained with L1 alone",
    "unet_pix2pix": "Baseline: pix2pix U-Net",
    "training_mean": "Baseline: training mean",
    "nearest_training_image": "Baseline: composition of the nearest training image",
    "nearest_training_image_pooled": "Baseline: nearest training images, orientations pooled",
    "regressor_per_stack": "Composition regressor, one stack",
    "regressor_pooled": "Composition regressor, orientations pooled",
    "regressor_pooled_ion_told": "Composition regressor, orientations pooled, working ion told",
    "regressor_pooled_cell_told": "Composition regressor, orientations pooled, working ion and functional properties told",
    "conditional": "Screening model, formula from the composition latent",
    "conditional_single_draw": "The same, one formula drawn for each candidate",
    "conditional_from_image_latent": "Screening model, formula regressed from the image latent (thesis)",
    "unconditional": "Baseline: same model without conditions",
    "unconditional_best_of_draws": "Baseline: the same, best of several formulas",
    "retrieval": "Baseline: nearest known electrode by its properties",
}

#: Units of the metrics by the last part of their name; all others are pure numbers.
_UNITS = {"psnr_db": "dB"}


def label(name: str) -> str:
    """Return what a network or a baseline is called in tables."""
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def flat_metrics(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of every number in nested metrics; names are joined with dots."""
    for path, value in numbers(metrics, prefix):
        yield path, value, _UNITS.get(path.rsplit(".", 1)[-1], "1")


def with_interval(group: Mapping[str, Any], name: str, decimals: int = 3) -> Any:
    """Return a number of a group of metrics with the ends of its interval; the number alone where it has none."""
    value, interval = group.get(name), interval_of(group, name)
    if value is None or interval is None:
        return None if value is None else round(float(value), decimals)
    ends = " to ".join(format_number(end, decimals) for end in (interval.low, interval.high))
    return f"{format_number(float(value), decimals)} ({ends})"


def metric_table(
    rows: Mapping[str, Mapping[str, Any]], columns: Sequence[tuple[str, str, str, int]], first: str, caption: str = ""
) -> Table | None:
    """Return a table of metrics, one row a network or a way; None where no row has any of them.

    Parameters
    ----------
    rows
        Groups of metrics by name.
    columns
        Name, label, unit and decimals of the metrics; those that no row has are left out.
    first
        Head of the first column.
    caption
        Text above the table.
    """
    shown = [column for column in columns if any(group.get(column[0]) is not None for group in rows.values())]
    if not shown:
        return None
    heads = [Column(first)] + [
        Column(head, unit=unit, kind="number", decimals=places) for _, head, unit, places in shown
    ]
    cells = [
        (label(name), *(with_interval(group, metric, places) for metric, _, _, places in shown))
        for name, group in rows.items()
    ]
    return Table(heads, cells, caption)
