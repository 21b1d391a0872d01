"""What the models of a folder are worth on held-out compositions, against baselines in the same run."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.applications.screening import Generated, ScreeningModel, candidate_seed
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, existing_file, read_json, write_json
from kadi_battgen.metrics.candidates import target_metrics
from kadi_battgen.metrics.images import channel_errors, image_metrics
from kadi_battgen.metrics.regression import composition_metrics
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.checkpoints import CARD
from kadi_battgen.training.latents import check_same_images, encode_samples
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.translation import load_baseline, load_translator


@dataclass(frozen=True)
class Evaluation:
    """Measured results and the arrays that figures are drawn from.

    Attributes
    ----------
    metrics
        Plain JSON values: ``part``, ``translation``, ``composition``, ``screening``, each with its baselines.
    examples
        A few samples of the part: ``stack`` (n, slices, H, W), ``truth``, ``prediction`` and ``baseline`` (n, 6, H, W),
        all scaled, and ``titles``: a good, a typical and the worst translation.
    compositions
        ``true`` and ``predicted`` (electrodes, 112), atoms per reduced formula, predictions pooled over orientations.
    """

    metrics: dict[str, Any]
    examples: dict[str, Any]
    compositions: dict[str, np.ndarray]

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``metrics.json`` and ``arrays.npz`` into a folder and return their paths."""
        metrics, arrays = Path(folder) / "metrics.json", Path(folder) / "arrays.npz"
        shown = [name for name in _EXAMPLE_IMAGES if self.examples[name] is not None]
        content: dict[str, Any] = {f"example_{name}": self.examples[name] for name in shown}
        content.update(self.compositions, titles=np.array(self.examples["titles"]))
        with atomic_path(arrays) as temporary, open(temporary, "wb") as stream:
            np.savez_compressed(stream, **content)
        write_json(metrics, self.metrics)
        return [metrics, arrays]

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Evaluation:
        """Return the evaluation that :meth:`save` wrote.

        Raises
        ------
        UserError
            If a file is missing or broken.
        """
        metrics = read_json(Path(folder) / "metrics.json")
        path = existing_file(Path(folder) / "arrays.npz")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                examples: dict[str, Any] = {name: arrays.get(f"example_{name}") for name in _EXAMPLE_IMAGES}
                examples["titles"] = [str(title) for title in arrays["titles"]]
                return cls(metrics, examples, {name: arrays[name] for name in ("true", "predicted")})
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is empty, truncated or not an evaluation: run battgen evaluate again.") from error


_EXAMPLE_IMAGES = ("stack", "truth", "prediction", "baseline")


def evaluate(
    model_folder: str | os.PathLike[str],
    dataset_path: str | os.PathLike[str],
    *,
    part: str = "test",
    seed: int = 0,
    steps: int = 50,
    progress: bool = True,
) -> Evaluation:
    """Measure translation, composition and screening on one part of a data set.

    Baselines measured in the same run: the training mean (image, composition), the L1-trained U-Net without latent and
    discriminator, and for the screening the same model without conditions.

    Parameters
    ----------
    model_folder
        Folder with all trained models.
    dataset_path
        The data set they were trained on.
    part
        Part to measure on; its compositions are in no other part.
    seed
        Seed of the screening's noise.
    steps
        Sampler steps of the screening.

    Raises
    ------
    UserError
        If a model or the data set is missing or broken, or they do not belong together.
    """
    model = ScreeningModel(model_folder)
    with TrainingDataset.open(dataset_path) as dataset:
        check_same_images(model.translator_card, dataset)
        samples, training = ImageSamples(dataset, part), ImageSamples(dataset, "training")
        translation, examples = _evaluate_translation(Path(model_folder), samples, training, progress)
        composition, compositions = _evaluate_composition(model, samples, training, progress)
        screening = _evaluate_screening(model, dataset, samples, training, seed, steps, progress)
        owners = samples.column("electrode_index")
        metrics = {
            "part": part,
            "samples": len(samples),
            "electrodes": len(np.unique(owners)),
            "seed": seed,
            "translation": translation,
            "composition": composition,
            "screening": screening,
        }
    return Evaluation(metrics, examples, compositions)


def _evaluate_translation(
    folder: Path, samples: ImageSamples, training: ImageSamples, progress: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    translator, _ = load_translator(folder)
    truth = samples.descriptors(np.arange(len(samples))).numpy()
    predicted = {"translator": _predict(lambda x: translator(x).descriptors, samples, "Translating", progress)}
    if (folder / "baseline" / CARD).is_file():
        baseline, _ = load_baseline(folder)
        predicted["l1_baseline"] = _predict(baseline, samples, "Translating with the L1 baseline", progress)
    mean = np.mean([training.descriptors(np.array([n]))[0].numpy() for n in range(len(training))], axis=0)
    predicted["training_mean"] = np.broadcast_to(mean, truth.shape)
    names = samples.dataset.descriptor_scaling.names
    metrics = {
        name: {**image_metrics(truth, images), "channel_errors": channel_errors(truth, images, names)}
        for name, images in predicted.items()
    }
    errors = np.abs(predicted["translator"] - truth).mean(axis=(1, 2, 3))
    order = np.argsort(errors, kind="stable")
    chosen = [int(order[round(q * (len(order) - 1))]) for q in (0.1, 0.5, 1.0)]
    owners = samples.column("electrode_index")
    words = ("a good one", "a typical one", "the worst")
    examples = {
        "stack": samples.stacks(np.array(chosen)).numpy(),
        "truth": truth[chosen],
        "prediction": predicted["translator"][chosen],
        "baseline": predicted["l1_baseline"][chosen] if "l1_baseline" in predicted else None,
        "titles": [
            f"{samples.dataset.electrodes[owners[n]].formula_discharge} ({word})"
            for n, word in zip(chosen, words, strict=True)
        ],
    }
    return metrics, examples


@torch.no_grad()
def _predict(
    network: Callable[[Tensor], Tensor], samples: ImageSamples, description: str, progress: bool, batch_size: int = 32
) -> np.ndarray:
    starts = range(0, len(samples), batch_size)
    return np.concatenate(
        [
            network(samples.stacks(np.arange(start, min(start + batch_size, len(samples))))).numpy()
            for start in progress_bar(starts, description=description, unit="batch", enabled=progress)
        ]
    )


@torch.no_grad()
def _evaluate_composition(
    model: ScreeningModel, samples: ImageSamples, training: ImageSamples, progress: bool
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    true = samples.column("composition")
    mean = np.broadcast_to(training.column("composition").mean(axis=0), true.shape)
    owners = samples.column("electrode_index")
    _, first = np.unique(owners, return_index=True)
    metrics: dict[str, Any] = {"training_mean": composition_metrics(true[first], mean[first])}
    pooled = mean[first]
    if model.regressor is not None:
        latent, _ = encode_samples(model.translator, samples, progress=progress)
        predicted = model.regressor(model.regressor_scale.normalise(latent)).numpy()
        pooled = np.stack([predicted[owners == owner].mean(axis=0) for owner in owners[first]])
        metrics["regressor_per_stack"] = composition_metrics(true, predicted)
        metrics["regressor_pooled"] = composition_metrics(true[first], pooled)
    return metrics, {"true": true[first], "predicted": pooled}


def _evaluate_screening(
    model: ScreeningModel,
    dataset: TrainingDataset,
    samples: ImageSamples,
    training: ImageSamples,
    seed: int,
    steps: int,
    progress: bool,
) -> dict[str, Any]:
    owners = np.unique(samples.column("electrode_index"))
    electrodes = [dataset.electrodes[owner] for owner in owners]
    properties = np.stack([electrode.properties.as_vector() for electrode in electrodes])
    ions = np.array([WORKING_IONS.index(electrode.working_ion) for electrode in electrodes])
    seeds = [candidate_seed(seed, int(owner)) for owner in owners]
    conditional = model.generate(properties, ions, seeds, steps=steps, progress=progress)
    nothing = np.full_like(properties, np.nan)
    unconditional = model.generate(nothing, np.full_like(ions, -1), seeds, steps=steps, progress=progress)
    known = {formula_from_vector(vector) for vector in np.unique(training.column("composition"), axis=0)}
    results = {
        "conditional": _meet_targets(electrodes, conditional.compositions, known),
        "unconditional": _meet_targets(electrodes, unconditional.compositions, known),
    }
    results.update(_thesis_way(electrodes, conditional, known))
    mean = np.broadcast_to(training.column("composition").mean(axis=0), conditional.compositions.shape)
    results["training_mean"] = _meet_targets(electrodes, mean, known)
    return results


def _thesis_way(electrodes: list[Electrode], generated: Generated, known: set[str]) -> dict[str, Any]:
    if generated.regressed is None:
        return {}
    return {"conditional_from_image_latent": _meet_targets(electrodes, generated.regressed, known)}


def _meet_targets(electrodes: list[Electrode], compositions: np.ndarray, known: set[str]) -> dict[str, Any]:
    """Return how well generated compositions meet the targets taken from held-out electrodes."""
    return target_metrics(
        compositions,
        [electrode.working_ion for electrode in electrodes],
        np.array([electrode.properties.gravimetric_capacity for electrode in electrodes]),
        np.stack([electrode.composition for electrode in electrodes]),
        known,
    )
