"""What the models of a folder are worth on held-out compositions, against baselines in the same run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from kadi_battgen.applications.evaluation.composition import evaluate_composition
from kadi_battgen.applications.evaluation.result import Evaluation
from kadi_battgen.applications.evaluation.screening import evaluate_screening
from kadi_battgen.applications.evaluation.translation import evaluate_translation, translation_extractors
from kadi_battgen.applications.screening import ScreeningModel
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.training.latents import check_same_images
from kadi_battgen.training.samples import ImageSamples


def evaluate(
    model_folder: str | os.PathLike[str],
    dataset_path: str | os.PathLike[str],
    *,
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
        If a model or the data set is missing or broken, or they do not belong together.
    """
    model = ScreeningModel(model_folder)
    extractors = translation_extractors(inception=inception, lpips=lpips)
    with TrainingDataset.open(dataset_path) as dataset:
        check_same_images(model.translator_card, dataset)
        samples, training = ImageSamples(dataset, part), ImageSamples(dataset, "training")
        translation, examples = evaluate_translation(
            Path(model_folder), samples, training, progress, extractors=extractors, seed=seed
        )
        composition, compositions = evaluate_composition(model, samples, training, progress)
        screening, screened = evaluate_screening(model, dataset, samples, training, seed, steps, progress)
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
    return Evaluation(metrics, examples, compositions, screened)
