"""How well compositions are read from stacks under a data set's split, against the training mean and the nearest image."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kadi_battgen.applications.composition.model import CompositionModel
from kadi_battgen.electrodes.composition import ELEMENT_INDEX, formula_from_vector, parse_formula
from kadi_battgen.electrodes.decoding import decode_formula
from kadi_battgen.metrics.anions import anion_class_metrics
from kadi_battgen.metrics.calibration import calibration_table, interval_score
from kadi_battgen.metrics.regression import composition_metrics, working_ion_table
from kadi_battgen.metrics.reliability import reliability_table
from kadi_battgen.metrics.resampling import with_intervals
from kadi_battgen.networks.composition_memory import nearest_thumbnails, stack_thumbnails
from kadi_battgen.training.composition.orientation_sets import electrode_positions
from kadi_battgen.training.composition.reading import ReadCompositions, single_sets
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.translation.translator import typical_stretch

#: Elements in at least this fraction of the electrodes are common.
COMMON = 0.05

#: Electrodes whose predictions are shown as the worst.
WORST = 8

#: Draws of the bootstrap, of some milliseconds each.
RESAMPLES = 100


def evaluate_composition(
    model: CompositionModel | None,
    samples: ImageSamples,
    training: ImageSamples,
    progress: bool = True,
    *,
    decode: bool = True,
    nearest_image: bool = True,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure the composition regressor of a model folder on one part, per stack and with an electrode's stacks pooled.

    Parameters
    ----------
    model
        The regressor; None to measure the baselines alone.
    samples
        The part that is measured.
    training
        The training part, for the baselines.
    decode
        Whether formulas are decoded too, which takes a tenth of a second an electrode.
    nearest_image
        Whether nearest training images are looked up, which compares all pairs of stacks.

    Returns
    -------
    tuple
        Metrics by method: ``training_mean``, ``nearest_training_image``, ``nearest_training_image_pooled`` and, of the
        regressor, ``regressor_per_stack``, ``regressor_pooled`` and, where it takes them, ``regressor_pooled_ion_told``
        and ``regressor_pooled_cell_told``, the latter with the functional properties too. Each holds what
        :func:`composition_metrics` returns, and

        - ``working_ions``: the rows of table 4.1 (:func:`working_ion_table`),
        - ``anion_class``: O, F, S, P class (:func:`anion_class_metrics`),
        - ``common_elements``: symbols of elements in at least :data:`COMMON` of the electrodes, and
          ``minimum_common_presence_auc`` over them;

        each number with its 95 % interval over electrodes under ``intervals``. The regressor's hold also ``calibration``, the
        coverage of its calibrated intervals (:func:`calibration_table`) with ``interval_score_90``, and ``reliability``, how
        often elements are there by their predicted probability (:func:`reliability_table`); ``regressor_pooled`` also
        ``formula`` (fraction of formulas and of element sets that are right, mean confidence) and ``worst``, the electrodes
        with the largest errors.

        Arrays, over electrodes, (electrodes, 112) in atoms per reduced formula: ``true``, ``predicted`` (pooled), ``low``
        and ``high`` (90 % interval), ``presence``; ``working_ions`` (electrodes,); and over stacks ``true_per_stack``,
        ``predicted_per_stack`` and ``working_ions_per_stack``.
    """
    part = _Part(samples)
    mean = training.column("composition").mean(axis=0)
    frequency = (training.column("composition") > 0).mean(axis=0)
    everywhere = np.broadcast_to(mean, part.true.shape)
    metrics = {"training_mean": part.measure(everywhere, np.broadcast_to(frequency, part.true.shape), pooled=True)}
    if nearest_image:
        nearest = nearest_training_compositions(samples, training)
        metrics["nearest_training_image"] = part.measure(nearest, nearest > 0, pooled=False)
        votes = np.stack([nearest[group].mean(axis=0) for group in part.groups])
        shares = np.stack([(nearest[group] > 0).mean(axis=0) for group in part.groups])
        metrics["nearest_training_image_pooled"] = part.measure(votes, shares, pooled=True)
    arrays = {
        "true": part.true,
        "predicted": everywhere,
        "working_ions": part.ions,
        "true_per_stack": part.true_per_stack,
        "working_ions_per_stack": part.ions_per_stack,
    }
    if model is None:
        return metrics, arrays
    embedded = model.embed(samples.stacks, len(samples), progress=progress)
    single = model.read(embedded, single_sets(len(samples)))
    pooled = model.read(embedded, part.groups)
    metrics["regressor_per_stack"] = part.measure(single.counts, single.presence, pooled=False)
    metrics["regressor_pooled"] = part.measure(pooled.counts, pooled.presence, pooled=True)
    knowledge: dict[str, dict[str, bool]] = {}
    if model.takes_working_ion:
        knowledge["ion"] = {"working_ion": True}
    if model.takes_properties:
        knowledge["cell"] = {"working_ion": model.takes_working_ion, "properties": True}
    for name, known in knowledge.items():
        read = model.read(embedded, part.groups, model.told(part.electrodes, **known))
        metrics[f"regressor_pooled_{name}_told"] = part.measure(read.counts, read.presence, pooled=True)
    for name, read in (("regressor_per_stack", single), ("regressor_pooled", pooled)):
        together = name == "regressor_pooled"
        low, high = model.intervals(read.counts, pooled=together)
        true, level = part.truth(together), model.levels.index(0.9)
        metrics[name]["calibration"] = {
            **calibration_table(true, low, high, model.levels),
            "interval_score_90": interval_score(true, low[level], high[level], 0.9),
        }
        metrics[name]["reliability"] = reliability_table(true > 0, read.presence)
        if together:
            arrays.update(low=low[level], high=high[level])
    metrics["regressor_pooled"]["worst"] = _worst(part, pooled)
    if decode:
        metrics["regressor_pooled"]["formula"] = formula_metrics(part.true, pooled)
    arrays.update(predicted=pooled.counts, presence=pooled.presence, predicted_per_stack=single.counts)
    return metrics, arrays


class _Part:
    """Truth of a part, over stacks and over electrodes."""

    def __init__(self, samples: ImageSamples) -> None:
        owners = samples.column("electrode_index")
        self.groups = electrode_positions(owners)
        self.true_per_stack = samples.column("composition")
        electrodes = samples.dataset.electrodes
        self.ions_per_stack = np.array([electrodes[owner].working_ion for owner in owners])
        self.owners_per_stack = owners
        first = np.array([group[0] for group in self.groups])
        self.true, self.ions, self.owners = self.true_per_stack[first], self.ions_per_stack[first], owners[first]
        self.electrodes = [electrodes[owner] for owner in self.owners]

    def truth(self, pooled: bool) -> np.ndarray:
        """Return the true counts of electrodes or of stacks."""
        return self.true if pooled else self.true_per_stack

    def measure(self, counts: np.ndarray, presence: np.ndarray, *, pooled: bool) -> dict[str, Any]:
        """Return the metrics of predicted counts and presence probabilities."""
        true, ions = self.truth(pooled), self.ions if pooled else self.ions_per_stack
        measured = with_intervals(
            _measure,
            [true, counts, presence, ions],
            groups=None if pooled else self.owners_per_stack,
            leave_out=("samples",),
            resamples=RESAMPLES,
        )
        share = (self.true > 0).mean(axis=0)
        common = [
            symbol
            for symbol in measured["elements"]
            if share[ELEMENT_INDEX[symbol]] >= COMMON and measured["elements"][symbol]["presence_auc"] is not None
        ]
        return {
            **measured,
            "working_ions": list(measured["working_ions"].values()),
            "common_elements": common,
            "minimum_common_presence_auc": min(
                (measured["elements"][symbol]["presence_auc"] for symbol in common), default=None
            ),
        }


def _measure(true: np.ndarray, counts: np.ndarray, presence: np.ndarray, ions: np.ndarray) -> dict[str, Any]:
    """Return what is measured of all samples at once; the rows of table 4.1 by working ion."""
    return {
        **composition_metrics(true, counts, presence=presence),
        "working_ions": {row["working_ion"]: row for row in working_ion_table(true, counts, ions.tolist())},
        "anion_class": anion_class_metrics(true, presence),
    }


def nearest_training_compositions(samples: ImageSamples, training: ImageSamples, batch_size: int = 256) -> np.ndarray:
    """Return the composition of the training stack nearest to each stack of a part, (stacks, 112).

    Compared are thumbnails of 12 x 12 pixels of the highest and the lowest slice, after an arcsinh that lets small forces
    count, by the Euclidean distance over the eight symmetries of the square; no network is involved.
    """
    gain = typical_stretch(training)
    known, asked = _thumbnails(training, gain), _thumbnails(samples, gain)
    starts = range(0, len(asked), batch_size)
    rows = [nearest_thumbnails(asked[n : n + batch_size], known.flatten(1), 1)[1][:, 0] for n in starts]
    return training.column("composition")[torch.cat(rows).numpy()]


def _thumbnails(samples: ImageSamples, gain: float, batch_size: int = 512) -> torch.Tensor:
    starts = range(0, len(samples), batch_size)
    return torch.cat(
        [stack_thumbnails(samples.stacks(np.arange(n, min(n + batch_size, len(samples)))), gain) for n in starts]
    )


def formula_metrics(true: np.ndarray, read: ReadCompositions) -> dict[str, float]:
    """Return how often the decoded formula and its set of elements are right, and its mean confidence, as fractions."""
    decoded = [decode_formula(*row) for row in zip(read.count_if_present, read.presence, strict=True)]
    formulas = [formula_from_vector(vector) for vector in true]
    right = np.array([entry.formula == formula for entry, formula in zip(decoded, formulas, strict=True)])
    confidence = np.array([entry.confidence for entry in decoded])
    sets = [_elements(entry.formula) == _elements(formula) for entry, formula in zip(decoded, formulas, strict=True)]
    sure = confidence >= np.median(confidence)
    return {
        "right_fraction": float(right.mean()),
        "element_set_right_fraction": float(np.mean(sets)),
        "charge_balanced_fraction": float(np.mean([entry.oxidation_states is not None for entry in decoded])),
        "mean_confidence_fraction": float(confidence.mean()),
        "right_fraction_of_the_surer_half": float(right[sure].mean()),
    }


def _elements(formula: str) -> set[str]:
    return set(parse_formula(formula)) if formula else set()


def _worst(part: _Part, pooled: ReadCompositions) -> list[dict[str, Any]]:
    errors = np.abs(pooled.counts - part.true).sum(axis=1)
    return [
        {
            "electrode_id": part.electrodes[row].id,
            "formula_discharge": part.electrodes[row].formula_discharge,
            "predicted_formula": decode_formula(pooled.count_if_present[row], pooled.presence[row]).formula,
            "stacks": len(part.groups[row]),
            "absolute_error_atoms_per_formula": float(errors[row]),
        }
        for row in np.argsort(-errors, kind="stable")[:WORST]
    ]
