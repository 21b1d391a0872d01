"""Training the property model: what voltage, density and volume change a formula is likely to have.

It shares nothing with the diffusion model but the training part, so that it can tell whether a generated formula is likely
to have the properties that it was generated for. Gravimetric capacity follows from the formula itself, and the other
properties from these: volumetric values by the density, energies by the voltage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kadi_battgen.electrodes.composition import ELEMENTS
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.metrics.regression import regression_metrics
from kadi_battgen.networks.composition_autoencoder import FormulaTensors
from kadi_battgen.networks.property_ensemble import SMALLEST_CHANGE, PropertyEnsemble
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.loop import seeded
from kadi_battgen.training.screening.formulas import SHARES, FormulaSamples, formula_capacities

#: Properties of an element that the networks see the statistics of (pymatgen's names; radii in Angstrom, mass in u).
ELEMENTAL_PROPERTIES = (
    "atomic_mass",
    "X",
    "atomic_radius",
    "average_ionic_radius",
    "group",
    "row",
    "mendeleev_no",
)

#: Nominal coverage of the intervals, a fraction.
LEVEL = 0.9

_BATCH = 256


@dataclass(frozen=True)
class PredictedProperties:
    """Functional properties with intervals, in the order of ``FUNCTIONAL_PROPERTIES`` and in their units.

    Attributes
    ----------
    mean, low, high
        (samples, 6); the capacity by mass follows from the formula, and its interval has no width.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def elemental_table() -> np.ndarray:
    """Return the elements' properties, float32, (112, properties); what is not known is the mean over the others."""
    import warnings

    from pymatgen.core import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [[_number(getattr(Element(symbol), name)) for name in ELEMENTAL_PROPERTIES] for symbol in ELEMENTS]
    table = np.array(rows)
    table = np.where(np.isnan(table), np.nanmean(table, axis=0), table)
    return ((table - table.mean(axis=0)) / table.std(axis=0)).astype(np.float32)


def _number(value: Any) -> float:
    number = np.nan if value is None else float(value)
    # pymatgen gives a radius of zero where there is none.
    return number if number != 0 else np.nan


def train_property_model(
    training: FormulaSamples, *, members: int, steps: int, seed: int, progress: bool = True
) -> PropertyEnsemble:
    """Return an ensemble trained on electrodes, each member on a bootstrap sample of them, in evaluation mode.

    Parameters
    ----------
    training
        Electrodes of the training part with all their properties.
    members
        Number of networks.
    steps
        Optimizer steps; the learning rate falls to zero along a cosine.
    seed
        Seed of the initial weights and the bootstrap samples.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = PropertyEnsemble(members=members)
    generator = seeded(seed, 3)
    formulas, targets = training.tensors(), _quantities(training)
    with torch.no_grad():
        network.elemental.copy_(torch.from_numpy(elemental_table()))
        features = network.features(formulas)
        network.feature_mean.copy_(features.mean(dim=0))
        deviation = features.std(dim=0)
        # An element that no training electrode holds must not blow up where a candidate holds it.
        network.feature_deviation.copy_(torch.where(deviation > 1e-4, deviation, torch.ones_like(deviation)))
        network.target_mean.copy_(targets.mean(dim=0))
        network.target_deviation.copy_(targets.std(dim=0).clamp(min=1e-6))
        features = (features - network.feature_mean) / network.feature_deviation
    drawn = torch.randint(len(training), (members, len(training)), generator=generator)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in progress_bar(range(steps), description="Training the property model", unit="step", enabled=progress):
        places = torch.randint(len(training), (members, min(_BATCH, len(training))), generator=generator)
        rows = drawn.gather(1, places)
        # A little noise on the inputs: formulas of one family differ in little else than an element.
        noisy = features[rows] + 0.1 * torch.randn((*rows.shape, features.shape[1]), generator=generator)
        error = (network.predict(noisy) - targets[rows]) / network.target_deviation
        loss = torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _quantities(samples: FormulaSamples) -> torch.Tensor:
    columns = list(FUNCTIONAL_PROPERTIES)
    values = {name: samples.properties[:, columns.index(name)] for name in columns}
    density = values["volumetric_capacity"] / values["gravimetric_capacity"]
    change = np.log(values["volume_change"] + SMALLEST_CHANGE)
    return torch.from_numpy(np.stack([values["average_voltage"], np.log(density), change], axis=1)).float()


@torch.no_grad()
def predict_properties(
    network: PropertyEnsemble, formulas: FormulaTensors, widening: np.ndarray | None = None
) -> PredictedProperties:
    """Return the functional properties that formulas are likely to have.

    Parameters
    ----------
    network
        The trained ensemble.
    formulas
        Formulas, counts as whole numbers.
    widening
        What the standard deviation over the members is multiplied with to give half an interval, (6,); by default 1.
    """
    members = network(formulas).double().numpy()
    voltage, density = members[..., 0], np.exp(members[..., 1])
    change = np.maximum(np.exp(members[..., 2]) - SMALLEST_CHANGE, 0.0)
    compositions = formulas.counts.numpy()
    capacity = formula_capacities(compositions, formulas.ion.numpy(), SHARES[formulas.share.numpy()])
    capacity = np.broadcast_to(capacity, voltage.shape)
    by_name = {
        "average_voltage": voltage,
        "gravimetric_capacity": capacity,
        "volumetric_capacity": capacity * density,
        "gravimetric_energy": capacity * voltage,
        "volumetric_energy": capacity * density * voltage,
        "volume_change": change,
    }
    values = np.stack([by_name[name] for name in FUNCTIONAL_PROPERTIES], axis=-1)
    mean = values.mean(axis=0)
    half = values.std(axis=0) * (1.0 if widening is None else widening)
    low, high = mean - half, mean + half
    change_column = list(FUNCTIONAL_PROPERTIES).index("volume_change")
    low[:, change_column] = np.maximum(low[:, change_column], 0.0)
    return PredictedProperties(mean, low, high)


def interval_widening(network: PropertyEnsemble, held_out: FormulaSamples) -> np.ndarray:
    """Return what makes the intervals hold :data:`LEVEL` of held-out electrodes, (6,).

    Source: split conformal prediction with normalised residuals, Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018),
    section 5.2. Members of an ensemble agree more with one another than with the truth, so it is above 1.
    """
    predicted = predict_properties(network, held_out.tensors())
    spread = predicted.high - predicted.mean
    # The capacity by mass follows from the formula: it has no spread, and its residual is rounding.
    scores = np.abs(held_out.properties - predicted.mean) / np.where(spread > 1e-6 * predicted.mean, spread, np.inf)
    rank = min(1.0, np.ceil((len(held_out) + 1) * LEVEL) / len(held_out))
    return np.quantile(scores, rank, axis=0, method="higher")


def property_errors(
    network: PropertyEnsemble, held_out: FormulaSamples, widening: np.ndarray, training: FormulaSamples
) -> dict[str, dict[str, Any]]:
    """Return errors on held-out electrodes by property, beside those of the training mean.

    Parameters
    ----------
    network, widening
        As in :func:`predict_properties`.
    held_out
        Electrodes that neither the networks nor the intervals have seen.
    training
        The training electrodes.

    Returns
    -------
    dict
        Per property: its unit, the regression metrics in it, the share of electrodes inside their interval, the interval's
        mean width, and the mean absolute error of the training mean.
    """
    predicted = predict_properties(network, held_out.tensors(), widening)
    errors = {}
    for column, (name, entry) in enumerate(FUNCTIONAL_PROPERTIES.items()):
        true, mean = held_out.properties[:, column], predicted.mean[:, column]
        inside = (true >= predicted.low[:, column]) & (true <= predicted.high[:, column])
        errors[name] = {
            "unit": entry.unit,
            **regression_metrics(true, mean),
            "interval_coverage_fraction": float(inside.mean()),
            "interval_mean_width": float((predicted.high - predicted.low)[:, column].mean()),
            "training_mean_absolute_error": float(np.abs(true - training.properties[:, column].mean()).mean()),
        }
    return errors
