"""Where the models fail, in plain sentences: what a reader of good numbers should know first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kadi_battgen.plots.chain_report.metrics import label
from kadi_battgen.plots.report import Section

#: Scores of translations by what they are called, and whether more is better.
_SCORES = (("ssim", "SSIM", True), ("psnr_db", "PSNR", True), ("mean_absolute_error", "mean absolute error", False))
_GROUPS = {"grey": "grey descriptors", "type_map": "type maps"}

#: Shares of met targets by what they are called.
_TARGETS = (
    ("working_ion_present_fraction", "the presence of the asked ion"),
    ("capacity_within_15_percent_fraction", "meeting the asked capacity within 15 %"),
)

#: Presence of an element is hardly told below this area under the curve.
_HARDLY_TOLD = 0.7


def failures_section(metrics: Mapping[str, Any]) -> Section:
    """Return the section that says where the models fail.

    Parameters
    ----------
    metrics
        Of an evaluation.
    """
    found = [*_translation(metrics["translation"]), *_composition(metrics["composition"])]
    found += _screening(metrics["screening"])
    paragraphs = found or ["No baseline is better in any score, and no element or target stands out as a failure."]
    return Section("Where the models fail", paragraphs)


def _translation(metrics: Mapping[str, Any]) -> Iterator[str]:
    own = metrics["translator"]
    for group, words in _GROUPS.items():
        for score, called, more in _SCORES:
            rivals = {name: found[group][score] for name, found in metrics.items() if name != "translator"}
            if rivals:
                best = (max if more else min)(rivals, key=rivals.__getitem__)
                value, other = own[group][score], rivals[best]
                if (other > value) if more else (other < value):
                    yield f"{label(best)} translates {words} better in {called}: {other:.3g} against {value:.3g}."
    cases = own.get("worst_cases") or []
    if cases:
        worst = cases[0]
        yield (
            f"The worst translation is that of {worst['formula']}, with an SSIM of {worst['grey']['ssim']:.2f} in the grey "
            f"descriptors and {worst['type_map']['ssim']:.2f} in the type map."
        )


def _composition(metrics: Mapping[str, Any]) -> Iterator[str]:
    own = metrics.get("regressor_pooled")
    if own is None:
        return
    for name, found in metrics.items():
        if (
            not name.startswith("regressor")
            and found["overall"]["mean_absolute_error"] < (own["overall"]["mean_absolute_error"])
        ):
            yield (
                f"{label(name)} has a smaller error in the atom counts than the regressor: "
                f"{found['overall']['mean_absolute_error']:.4f} against {own['overall']['mean_absolute_error']:.4f} atoms."
            )
    areas = {symbol: entry["presence_auc"] for symbol, entry in own["elements"].items()}
    weak = sorted((area, symbol) for symbol, area in areas.items() if area is not None and area < _HARDLY_TOLD)
    if weak:
        listed = ", ".join(f"{symbol} ({area:.2f})" for area, symbol in weak)
        yield (
            f"The presence of {len(weak)} of {len(areas)} elements is hardly told (area under the curve below "
            f"{_HARDLY_TOLD:g}): {listed}."
        )
    negative = [symbol for symbol, entry in own["elements"].items() if entry["r2"] is not None and entry["r2"] <= 0]
    if negative:
        yield f"The counts of {', '.join(negative)} are predicted no better than by their mean (R² of 0 or less)."


def _screening(metrics: Mapping[str, Any]) -> Iterator[str]:
    own = metrics["conditional"]
    for score, called in _TARGETS:
        missed = 1 - own[score]
        if missed > 0:
            yield f"{missed:.0%} of the candidates fail at {called}."
        for name, found in metrics.items():
            if not name.startswith("conditional") and found[score] > own[score]:
                yield f"{label(name)} is better at {called}: {found[score]:.2f} against {own[score]:.2f}."
