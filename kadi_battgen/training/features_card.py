"""The card of the feature networks: what they tell on unseen compositions, and how distances answer to spoiled images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.files import sha256_file, write_text
from kadi_battgen.metrics.frechet import frechet_feature_distance
from kadi_battgen.metrics.kernel import kernel_feature_distance
from kadi_battgen.metrics.regression import presence_auc
from kadi_battgen.networks.features import DESCRIPTOR_FEATURES, FEATURE_GROUPS, DescriptorFeatures
from kadi_battgen.training.features import blurred, group_images, noisy
from kadi_battgen.training.samples import ImageSamples

#: Parts of a data set that the networks have not seen.
HELD_OUT = ("validation", "test")

#: Strengths of noise and blur, numbers of working ions and of distinct images that distances are measured at.
BLURS = (0.25, 0.5, 1.0, 2.0)
NOISES = (0.2, 0.5, 1.0, 2.0)
IONS = (8, 6, 4, 2, 1)
DISTINCT = (50, 25, 10, 5, 2)

#: One row of a table: what was done, FID and KID.
Row = tuple[str, float, float]


@torch.no_grad()
def accuracies(network: DescriptorFeatures, samples: ImageSamples, group: str) -> dict[str, Any]:
    """Return how well a network tells elements and working ions on one part of a data set.

    Returns
    -------
    dict
        ``samples``, ``mean_presence_auc`` over the elements that occur and are missing, ``working_ion_accuracy`` and
        ``elements``, the area under the curve of each.
    """
    presence, ion, _ = network.heads(group_images(samples, group, np.arange(len(samples))))
    present = samples.column("composition") > 0
    areas = {
        symbol: presence_auc(present[:, ELEMENT_INDEX[symbol]], presence[:, column].numpy())
        for column, symbol in enumerate(network.elements)
    }
    elements = {symbol: area for symbol, area in areas.items() if area is not None}
    return {
        "samples": len(samples),
        "mean_presence_auc": float(np.mean(list(elements.values()))),
        "working_ion_accuracy": float((ion.argmax(dim=1).numpy() == samples.column("working_ion")).mean()),
        "elements": elements,
    }


def sensitivity(
    network: Callable[[Tensor], Tensor], images: Tensor, ions: np.ndarray, owners: np.ndarray, seed: int = 0
) -> list[Row]:
    """Return the distances between one half of real images and the other half as it is, spoiled, or with modes missing.

    Parameters
    ----------
    network
        Images to feature vectors.
    images
        One group of descriptors, (samples, 3, H, W).
    ions
        Working ion of each, any label.
    owners
        Electrode of each: as far as possible each half gets an orientation of every electrode.
    seed
        Seed of noise and draws; distances with missing modes are means over 20 draws.
    """
    chance = np.random.default_rng(seed)
    first, second = halves(owners, chance)
    reference, rest = _features(network, images[first]), images[second]

    def row(name: str, *sets: np.ndarray) -> Row:
        frechet = [frechet_feature_distance(reference, features) for features in sets]
        kernel = [kernel_feature_distance(reference, features).value for features in sets]
        return name, float(np.mean(frechet)), float(np.mean(kernel))

    untouched = _features(network, rest)
    rows = [row("as it is", untouched)]
    for strength in BLURS:
        rows.append(row(f"blur, {2 * strength:g} px", _features(network, blurred(rest, strength))))
    noise = torch.from_numpy(chance.standard_normal(rest.shape).astype(np.float32))
    for strength in NOISES:
        levels = torch.full((len(rest),), strength)
        rows.append(row(f"noise, {0.1 * strength:g}", _features(network, noisy(rest, levels, noise))))
    orders = [chance.permutation(np.unique(ions[second])) for _ in range(20)]
    for count in IONS:
        pools = [np.flatnonzero(np.isin(ions[second], order[:count])) for order in orders]
        rows.append(
            row(
                f"{count} working ion{'s' if count > 1 else ''}",
                *(untouched[chance.choice(pool, len(rest))] for pool in pools),
            )
        )
    orders = [chance.permutation(len(rest)) for _ in range(20)]
    for count in DISTINCT:
        sets = (untouched[chance.choice(order[:count], len(rest))] for order in orders)
        rows.append(row(f"{count} distinct images", *sets))
    return rows


def halves(owners: np.ndarray, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of two halves between which the images of each owner are dealt out at random."""
    shuffled = chance.permutation(len(owners))
    dealt = shuffled[np.argsort(owners[shuffled], kind="stable")]
    return np.sort(dealt[0::2]), np.sort(dealt[1::2])


@torch.no_grad()
def _features(network: Callable[[Tensor], Tensor], images: Tensor) -> np.ndarray:
    batches = [network(images[start : start + 64]) for start in range(0, len(images), 64)]
    return torch.cat(batches).double().numpy()


def write_card(
    path: Path,
    dataset: TrainingDataset,
    networks: Mapping[str, DescriptorFeatures],
    *,
    weights: Path,
    epochs: int,
    seed: int,
    note: str = "",
) -> None:
    """Measure the networks on the held-out parts and write their card.

    Parameters
    ----------
    path
        The card, Markdown.
    dataset
        The data set that they were trained on.
    networks
        The networks by group.
    weights
        Their file.
    epochs, seed
        Of the training.
    note
        A paragraph about where the data set comes from.
    """
    parts = {part: ImageSamples(dataset, part) for part in ("training", *HELD_OUT)}
    told = {g: {part: accuracies(networks[g], samples, g) for part, samples in parts.items()} for g in FEATURE_GROUPS}
    answers = {}
    for group in FEATURE_GROUPS:
        samples = [parts[part] for part in HELD_OUT]
        images = torch.cat([group_images(each, group, np.arange(len(each))) for each in samples])
        ions = np.concatenate([each.column("working_ion") for each in samples])
        owners = np.concatenate([each.column("electrode_index") for each in samples])
        answers[group] = sensitivity(networks[group], images, ions, owners)
    network = networks[FEATURE_GROUPS[0]]
    height, width = dataset.image_shape
    text = _CARD.format(
        name=DESCRIPTOR_FEATURES,
        file=weights.name,
        sha256=sha256_file(weights),
        size=weights.stat().st_size / 1e6,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        features=network.feature_mean.numel(),
        side=network.side,
        elements=", ".join(network.elements),
        epochs=epochs,
        seed=seed,
        samples=len(parts["training"]),
        electrodes=len(np.unique(parts["training"].column("electrode_index"))),
        all_electrodes=len(dataset.electrodes),
        note=note,
        dataset_sha256=sha256_file(dataset.path),
        split_seed=dataset.file.attrs["split_seed"],
        height=height,
        width=width,
        accuracy="\n".join(_accuracy_rows(told)),
        best="\n".join(_best_rows(told)),
        held_out=sum(len(parts[part]) for part in HELD_OUT),
        sensitivity="\n".join(_sensitivity_rows(answers)),
    )
    write_text(path, text)


def _accuracy_rows(told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    return [
        f"| {group} | {part} | {row['samples']} | {row['mean_presence_auc']:.2f} | {row['working_ion_accuracy']:.2f} |"
        for group, parts in told.items()
        for part, row in parts.items()
    ]


def _best_rows(told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    rows = []
    for group, parts in told.items():
        ranked = sorted(parts["test"]["elements"].items(), key=lambda item: -item[1])
        shown = ", ".join(f"{symbol} {area:.2f}" for symbol, area in ranked)
        rows.append(f"* {group}: {shown}")
    return rows


def _sensitivity_rows(answers: Mapping[str, list[Row]]) -> list[str]:
    rows = []
    for lines in zip(*(answers[group] for group in FEATURE_GROUPS), strict=True):
        figures = " | ".join(f"{frechet:.2f} | {kernel:+.2f}" for _, frechet, kernel in lines)
        rows.append(f"| {lines[0][0]} | {figures} |")
    return rows


_CARD = """# Card: feature networks for descriptor images

`{file}` ({size:.2f} MB) holds two small convolutional networks, one for the three grey
descriptors and one for the RGB type map. FID, KID, Inception score, perceptual distance and perceptual losses are computed
with them where no Inception or LPIPS weights are given. Numbers made with them carry their name, `{name}`;
they are not comparable with numbers from Inception features, nor with those of another version.

SHA-256 of the file: `{sha256}`.

## Networks

Each network has {parameters} parameters and {features} features: four strided convolutions with batch normalisation and
SiLU on images of {side} x {side} pixels (others are resized), averaged over the image. The features have zero mean over
the training part, and their variances average to one. Three linear heads were trained with them: presence of an element,
working ion, and the strengths of noise and blur.

Elements asked for: {elements}.

## Data and command

{samples} training samples of {electrodes} electrodes from a data set of {all_electrodes} bundled electrodes with two
orientations each, at {height} x {width} pixels, split by composition (seed {split_seed}) with the commands of `battgen demo`:

    battgen fetch-electrodes --limit 500 --output electrodes.json.gz
    battgen simulate-afm --electrodes electrodes.json.gz --orientations 2 --window 17 --skip-too-large --output afm.h5
    battgen build-dataset --afm afm.h5 --seed 1 --output dataset.h5
    python -m kadi_battgen.training.features --dataset dataset.h5 --epochs {epochs} --seed {seed} \\
        --output {file}

SHA-256 of the data set: `{dataset_sha256}`.
{note}

The training runs on one thread. Images are turned and mirrored at random; a quarter of each batch is noisy and a quarter is
blurred, so that features answer to both in proportion and not without bound. The loss is the cross-entropy of presence, a
quarter of that of the working ion, and a quarter of the squared error of the strengths.

## What they tell

Compositions of validation and test part are not among those trained on. The area under the curve is the mean over the
elements asked for; by chance it is 0.5, and the working ion is right in one of ten cases.

| group | part | samples | presence, area under the curve | working ion, fraction right |
|---|---|---|---|---|
{accuracy}

Area under the curve by element, test part:

{best}

These are modest classifiers: one scan shows the top atoms of one orientation, and many metals look alike. They serve to
compare sets of images, not to name compositions.

## How distances answer

{held_out} held-out images in two halves; every electrode has an image in each half where it has two. The first half
stays as it is. The distance to the second half, spoiled or with modes missing, in feature units (noise: standard
deviation of the intensity; blur: standard deviation of the Gaussian; working ions and distinct images: as many draws with
replacement, mean over 20 draws):

| second half | grey: FID | grey: KID | type map: FID | type map: KID |
|---|---|---|---|---|
{sensitivity}

The FID of two halves is not zero: with so few images it is biased upwards by the fit of covariances of
{features} x {features}. KID has no such bias. Compare FIDs of equal numbers of images only.

## Limits

* Trained on simulated scans of bundled electrodes with a window of 17 Angstrom. Other windows or probes are outside.
* The features see what tells elements and ions, noise and blur; another kind of fault may leave them cold.
* A generator trained with the perceptual loss on these networks will look better under them than it is: measure it with
  others as well.

## Licence

The weights: CC BY 4.0, as the bundled electrodes that they were trained on (`electrodes.card.md`).
"""
