"""What the models of a folder are worth on held-out compositions, against baselines in the same run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kadi_battgen.applications.composition.model import CompositionModel
from kadi_battgen.applications.evaluation.composition import evaluate_composition
from kadi_battgen.applications.evaluation.result import Evaluation
from kadi_battgen.applications.evaluation.screening import evaluate_screening
from kadi_battgen.applications.evaluation.translation import Extractors, evaluate_translation, translation_extractors
from kadi_battgen.applications.screening.model import ScreeningModel
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.errors import UserError
from kadi_battgen.metrics.nested import over_repetitions
from kadi_battgen.training.checkpoints import CARD, read_card
from kadi_battgen.training.latents import check_same_images
from kadi_battgen.training.samples import ImageSamples


def evaluate(
    model_folder: str | os.PathLike[str],
    dataset_path: str | os.PathLike[str],
    *,
    others: Sequence[str | os.PathLike[str]] = (),
    part: str = "test",
    seed: int = 0,
    steps: int = 20,
    inception: str | os.PathLike[str] | None = None,
    lpips: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Evaluation:
    """Measure translation, composition and screening on one part of a data set.

    Baselines measured in the same run: the training mean (image, composition), the translation baselines that the model
    folder holds, and for the screening the same model without conditions and the nearest known
    electrode.

    Parameters
    ----------
    model_folder
        Folder with all trained models.
    dataset_path
        The data set they were trained on.
    others
        Further model folders, trained like the first with other seeds: they are measured in the same way, and the mean of
        each number over all trainings stands under ``trainings`` with its interval.
    part
        Part to measure on; its compositions are in no other part.
    seed
        Seed of the screening's noise.
    steps
        Sampler steps of the screening.
    inception
        Weights of the FID Inception network, for FID, KID and Inception score besides those with the bundled network.
    lpips
        torchvision's AlexNet weights, for LPIPS besides the perceptual distance of the bundled network.

    Raises
    ------
    UserError
        If a model or the data set is missing or broken, they do not belong together, or a model is named twice.
    """
    extractors = translation_extractors(inception=inception, lpips=lpips)
    folders = [Path(folder) for folder in (model_folder, *others)]
    _check_different(folders)
    results = [_measure(folder, dataset_path, part, seed, steps, extractors, progress) for folder in folders]
    first = results[0]
    if len(results) > 1:
        first.metrics["trainings"] = {
            "count": len(results),
            "metrics": over_repetitions([{kind: found.metrics[kind] for kind in _KINDS} for found in results]),
        }
    return first


#: Models that are measured.
_KINDS = ("translation", "composition", "screening")


def _measure(
    folder: Path,
    dataset_path: str | os.PathLike[str],
    part: str,
    seed: int,
    steps: int,
    extractors: Sequence[Extractors],
    progress: bool,
) -> Evaluation:
    model = ScreeningModel(folder)
    with TrainingDataset.open(dataset_path) as dataset:
        check_same_images(model.translator_card, dataset)
        samples, training = ImageSamples(dataset, part), ImageSamples(dataset, "training")
        translation, examples = evaluate_translation(
            folder, samples, training, progress, extractors=extractors, seed=seed
        )
        regressor = CompositionModel(folder) if (folder / "composition" / CARD).is_file() else None
        composition, compositions = evaluate_composition(regressor, samples, training, progress)
        screening, screened = evaluate_screening(model, dataset, samples, training, seed, steps, progress)
        owners = np.unique(samples.column("electrode_index"))
        metrics = {
            "part": part,
            "samples": len(samples),
            "electrodes": len(owners),
            "split_rule": dataset.split_rule,
            "seed": seed,
            "translation": translation,
            "composition": composition,
            "screening": screening,
        }
    return Evaluation(metrics, examples, compositions, screened)


def _check_different(folders: Sequence[Path]) -> None:
    """Check that no two model folders hold the same translator: a training counted twice has no scatter."""
    seen: dict[str, Path] = {}
    for folder in folders:
        weights = str(read_card(folder / "translation", "translation")["weights_sha256"])
        if weights in seen:
            raise UserError(
                f"{folder} holds the same translator as {seen[weights]}: name trainings with different seeds."
            )
        seen[weights] = folder
