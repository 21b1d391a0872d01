"""What a report says of an evaluation: numbers with intervals, the thesis beside, worst cases, failures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kadi_battgen.applications.evaluation.result import Evaluation
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.metrics.regression import composition_metrics
from kadi_battgen.plots.chain_report.composition import composition_section
from kadi_battgen.plots.chain_report.evaluation import headline
from kadi_battgen.plots.chain_report.failures import failures_section
from kadi_battgen.plots.chain_report.metrics import flat_metrics, metric_table, with_interval
from kadi_battgen.plots.chain_report.repetitions import trainings_section
from kadi_battgen.plots.chain_report.screening import screening_section
from kadi_battgen.plots.chain_report.translation import translation_section

RNG = np.random.default_rng(0)
TRUE = np.stack([composition_vector(f) for f in ("LiFePO4", "Li2MnSiO4", "LiCoO2", "Li3VO4", "NaFeO2", "NaMnO2")] * 2)
PREDICTED = np.clip(TRUE + RNG.normal(scale=0.2, size=TRUE.shape) * (TRUE.max(axis=0) > 0), 0, None)
IONS = ["Li", "Li", "Li", "Li", "Na", "Na"] * 2


def interval(estimate: float) -> dict[str, float]:
    return {"estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1, "level": 0.95}


def images(ssim: float) -> dict[str, Any]:
    """Return the scores of one network in one group of descriptors."""
    scores = {"mean_absolute_error": 0.1, "ssim": ssim, "psnr_db": 20.0, "kid_descriptors_v1": 0.01}
    return {**scores, "intervals": {"ssim": interval(ssim)}}


WORST = {
    "electrode": "mp-1",
    "formula": "NaFeO2",
    "orientation_rank": 3,
    "grey": {"mean_absolute_error": 0.4, "ssim": 0.11},
    "type_map": {"mean_absolute_error": 0.5, "ssim": 0.22},
}
TARGETS = {"working_ion_present_fraction": 0.8, "capacity_within_15_percent_fraction": 0.5, "targets": 6}
METRICS: dict[str, Any] = {
    "part": "test",
    "samples": 12,
    "electrodes": 6,
    "translation": {
        "translator": {"grey": images(0.7), "type_map": {**images(0.6), "class_accuracy": 0.9}, "worst_cases": [WORST]},
        "unet_l1": {"grey": images(0.8), "type_map": images(0.5)},
    },
    "composition": {
        "training_mean": composition_metrics(TRUE, np.broadcast_to(TRUE.mean(axis=0), TRUE.shape)),
        "regressor_pooled": composition_metrics(TRUE, PREDICTED),
    },
    "screening": {
        "conditional": {**TARGETS, "intervals": {"working_ion_present_fraction": interval(0.8)}},
        "retrieval": {**TARGETS, "working_ion_present_fraction": 1.0},
    },
}
MAPS = RNG.uniform(size=(2, 6, 16, 16))
EVALUATION = Evaluation(
    METRICS,
    {
        "stack": RNG.normal(size=(2, 10, 16, 16)),
        "truth": MAPS,
        "prediction": MAPS * 0.9,
        "baseline": None,
        "titles": ["LiFePO4 (a good one)", "NaFeO2 (the worst)"],
    },
    {"true": TRUE, "predicted": PREDICTED, "working_ions": np.array(IONS)},
    {
        "truth": MAPS,
        "generated": MAPS,
        "titles": ["LiFePO4 asked, LiCoO2 generated", "NaFeO2 asked, no element generated"],
    },
)


def test_an_evaluation_comes_back_from_its_files(tmp_path: Any) -> None:
    EVALUATION.save(tmp_path)
    again = Evaluation.load(tmp_path)
    assert again.metrics == METRICS
    assert again.examples["titles"] == EVALUATION.examples["titles"]
    assert again.examples["baseline"] is None
    assert again.compositions["working_ions"] == IONS
    np.testing.assert_array_equal(again.screened["generated"], MAPS)


def test_numbers_stand_with_their_intervals() -> None:
    group = METRICS["translation"]["translator"]["grey"]
    assert with_interval(group, "ssim", 2) == "0.70 (0.60 to 0.80)"
    assert with_interval(group, "psnr_db", 1) == 20.0
    assert with_interval(group, "absent") is None
    table = metric_table({"translator": group}, [("ssim", "SSIM", "", 2), ("absent", "Absent", "", 1)], "Network")
    assert table is not None
    assert [column.label for column in table.columns] == ["Network", "SSIM"]
    assert metric_table({"translator": group}, [("absent", "Absent", "", 1)], "Network") is None


def test_a_record_gets_the_numbers_and_not_the_intervals() -> None:
    names = dict.fromkeys(name for name, _, _ in flat_metrics(METRICS))
    assert "translation.translator.grey.ssim" in names
    assert not [name for name in names if "intervals" in name]
    assert {unit for name, _, unit in flat_metrics(METRICS) if name.endswith("psnr_db")} == {"dB"}


def test_the_translation_shows_the_worst_and_names_the_feature_network() -> None:
    section = translation_section(EVALUATION, 1.0, "Hz", 0.3)
    assert len(section.figures) == 3
    captions = [table.caption for table in section.tables]
    assert any("most wrong" in caption for caption in captions)
    worst = next(table for table in section.tables if "most wrong" in table.caption)
    assert worst.rows[0][:3] == ("mp-1", "NaFeO2", 3)
    heads = [column.label for table in section.tables for column in table.columns]
    assert "KID, descriptors v1" in heads


def test_table_41_stands_beside_the_thesis_and_says_how() -> None:
    section = composition_section(EVALUATION)
    table = next(table for table in section.tables if "table 4.1" in table.caption)
    lithium = next(row for row in table.rows if row[0] == "Li")
    assert lithium[1] == 8
    assert lithium[-3:] == (0.021, 0.0236, 0.9989)
    errors = np.abs(PREDICTED[:, 2] - TRUE[:, 2])
    assert lithium[2] == pytest.approx(errors.mean(), abs=1e-4)
    assert any("3,154 electrodes" in text for text in section.paragraphs)
    assert len(section.figures) == 3


@pytest.mark.parametrize(
    "words",
    [
        "U-Net trained with L1 alone translates grey descriptors better in SSIM: 0.8 against 0.7.",
        "The worst translation is that of NaFeO2, with an SSIM of 0.11",
        "20% of the candidates fail at the presence of the asked ion.",
        "better at the presence of the asked ion: 1.00 against 0.80.",
        "50% of the candidates fail at meeting the asked capacity within 15 %.",
    ],
)
def test_failures_are_said_plainly(words: str) -> None:
    text = "\n".join(failures_section(METRICS).paragraphs)
    assert words in text
    assert "type maps better in SSIM" not in text


def test_elements_that_are_hardly_told_are_named() -> None:
    backwards = composition_metrics(TRUE, TRUE.max(axis=0) - TRUE)
    metrics = {**METRICS, "composition": {**METRICS["composition"], "regressor_pooled": backwards}}
    text = "\n".join(failures_section(metrics).paragraphs)
    assert "is hardly told (area under the curve below 0.7)" in text
    assert "predicted no better than by their mean" in text


def test_held_out_targets_are_shown_beside_what_was_generated() -> None:
    section = screening_section(EVALUATION, 0.3)
    assert len(section.figures) == 1
    assert section.tables[0].rows[0][1] == "0.80 (0.70 to 0.90)"


def test_several_trainings_give_a_mean_with_its_interval() -> None:
    entry = {"estimate": 0.7, "low": 0.6, "high": 0.8, "level": 0.95, "values": [0.65, 0.75]}
    metrics = {"translation.translator.grey.ssim": entry, "translation.translator.grey.kid_x": entry}
    repeated = Evaluation({**METRICS, "trainings": {"count": 2, "metrics": metrics}}, {}, {})
    section = trainings_section(repeated)
    assert section is not None
    (row,) = section.tables[0].rows
    assert row[2:] == ("grey ssim", 0.7, 0.6, 0.8, "0.650, 0.750")
    assert trainings_section(EVALUATION) is None


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"unet_l1": 0.8, "unet_pix2pix": 0.7}, "U-Net trained with L1 alone 0.800"),
        ({"unet_pix2pix": 0.7}, "pix2pix U-Net 0.700"),
        ({}, "training mean 0.600"),
    ],
)
def test_the_first_numbers_stand_beside_the_strongest_baseline(others, words):
    similarity = {"translator": 0.9, "training_mean": 0.6, **others}
    asked = {"working_ion_present_fraction": 1.0, "capacity_within_15_percent_fraction": 0.9}
    metrics = {
        "translation": {name: {"grey": {"ssim": value}} for name, value in similarity.items()},
        "composition": {
            "training_mean": {"mean_presence_auc": 0.5},
            "nearest_training_image_pooled": {"mean_presence_auc": 0.75},
            "regressor_pooled": {"mean_presence_auc": 0.85},
        },
        "screening": {"conditional": asked, "unconditional": asked},
    }
    similar, presence, *_ = headline(metrics)
    assert (similar.value, similar.remark) == (0.9, words)
    assert (presence.value, presence.remark) == (0.85, "nearest training images 0.750")
