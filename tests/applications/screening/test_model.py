"""A trained screening model: batches, seeds, samplers, draws, intervals, and that its folder is all it needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kadi_battgen.applications import ScreeningModel, Target, screen
from kadi_battgen.applications.screening import sampling
from kadi_battgen.applications.screening.candidate_files import write_candidates
from kadi_battgen.errors import UserError

NOTHING = np.full((5, 6), np.nan)
SEEDS = [3, 14, 15, 92, 65]


@pytest.fixture(scope="module")
def model(screening_folder: Path) -> ScreeningModel:
    return ScreeningModel(screening_folder)


@pytest.fixture
def asked() -> tuple[np.ndarray, np.ndarray]:
    """Return five questions: nothing, an ion, a capacity, an ion with two properties, everything."""
    properties = NOTHING.copy()
    properties[2:, 1] = 150.0
    properties[3, 0] = 3.5
    properties[4] = [3.5, 150.0, 500.0, 525.0, 1750.0, 0.05]
    return properties, np.array([-1, 0, -1, 1, 5])


@pytest.mark.parametrize(
    "options", [{}, {"sampler": "ddim", "steps": 7}, {"sampler": "sde-dpm-solver++"}, {"sampler": "ddpm"}, {"draws": 3}]
)
def test_a_candidate_is_the_same_in_any_batch(model, asked, monkeypatch, options):
    together = model.generate(*asked, SEEDS, progress=False, **options)
    assert together.compositions.shape == (5, 112)
    assert together.images.shape == (5, 6, 32, 32)
    monkeypatch.setattr(sampling, "CHUNK", 2)
    order = [4, 1, 0, 3, 2]
    apart = model.generate(asked[0][order], asked[1][order], [SEEDS[n] for n in order], progress=False, **options)
    np.testing.assert_array_equal(apart.compositions, together.compositions[order])
    np.testing.assert_array_equal(apart.shares, together.shares[order])
    np.testing.assert_allclose(apart.images, together.images[order], atol=1e-4)


def test_the_seed_makes_the_candidate(model, asked):
    first, again = (model.generate(*asked, SEEDS, progress=False) for _ in range(2))
    np.testing.assert_array_equal(first.images, again.images)
    other = model.generate(*asked, [seed + 1 for seed in SEEDS], progress=False)
    assert (np.abs(first.images - other.images).max(axis=(1, 2, 3)) > 1e-3).all()


def test_conditions_reach_formula_and_image(model, asked):
    free = model.generate(NOTHING, np.full(5, -1), [7] * 5, progress=False)
    np.testing.assert_allclose(free.images, free.images[:1].repeat(5, axis=0), atol=1e-5)
    given = model.generate(*asked, [7] * 5, progress=False)
    latents = given.composition_latents
    for row in range(1, 5):
        assert np.abs(given.images[row] - given.images[0]).max() > 1e-5
        assert np.abs(latents[row] - latents[0]).max() > 1e-4


@pytest.mark.parametrize(("draws", "sampler"), [(1, "dpm-solver++"), (4, "dpm-solver++"), (4, "sde-dpm-solver++")])
def test_formulas_drawn_alone_are_those_of_the_candidates(model, asked, draws, sampler):
    generated = model.generate(*asked, SEEDS, draws=draws, sampler=sampler, progress=False)
    alone = model.draw_formulas(*asked, SEEDS, draws=draws)
    np.testing.assert_array_equal(alone.compositions, generated.compositions)
    np.testing.assert_array_equal(alone.ions, generated.ions)
    np.testing.assert_array_equal(alone.shares, generated.shares)


def test_more_draws_hold_the_asked_ion_more_often(model):
    ions = np.arange(40) % 3 * np.array([1])
    properties = np.full((40, 6), np.nan)
    held = []
    for draws in (1, 16):
        drawn = model.draw_formulas(properties, ions, range(40), draws=draws)
        held.append((drawn.compositions[np.arange(40), [[2, 10, 18][ion] for ion in ions]] > 0).sum())
    assert held[1] > held[0]


def test_intervals_hold_the_drawn_formula_s_neighbourhood(model, asked):
    generated = model.generate(*asked, SEEDS, progress=False)
    interval, again = (model.composition_interval(generated, *asked, SEEDS) for _ in range(2))
    np.testing.assert_array_equal(interval.low, again.low)
    assert interval.low.shape == interval.high.shape == (5, 112)
    assert (interval.low <= interval.high).all()
    assert ((interval.confidence >= 0) & (interval.confidence <= 1)).all()


def test_properties_are_predicted_with_intervals(model, asked):
    predicted = model.predict_properties(model.generate(*asked, SEEDS, progress=False))
    assert predicted.mean.shape == (5, 6)
    assert (predicted.low <= predicted.mean).all()
    errors = model.card["property_model"]["held_out_errors"]
    assert errors["average_voltage"]["mean_absolute_error"] > 0
    assert model.card["property_model"]["held_out_part"] == "test"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "euler"}, "Sampler 'euler' is not known: choose from dpm-solver"),
        ({"steps": 0}, "0 sampling steps are impossible"),
        ({"steps": 51}, "51 sampling steps are impossible: choose 1 to 50"),
        ({"draws": 0}, "0 draws of a formula are impossible"),
        ({"samples": 0}, "0 samples cannot be generated"),
    ],
)
def test_impossible_requests_are_refused(model, options, message):
    with pytest.raises(UserError, match=message):
        screen(model, Target(), progress=False, **options)


def test_a_fresh_process_screens_with_nothing_but_the_folder(screening_folder, model, tmp_path):
    target = Target.parse("Li", {"gravimetric_capacity": "150:", "volume_change": ":0.1"})
    candidates, _ = screen(model, target, samples=3, seed=2, steps=6, guidance=2.0, progress=False)
    write_candidates(tmp_path / "here.csv", candidates)
    shutil.copytree(screening_folder, tmp_path / "elsewhere" / "model")
    words = (
        "screen --model model --working-ion Li --gravimetric-capacity 150: --volume-change :0.1 --samples 3 --seed 2"
    )
    words += " --sampler dpm-solver++ --steps 6 --guidance 2 --no-record --output there.csv"
    code = "import torch; torch.set_num_threads(1); from battgen_nodes.main import battgen; battgen()"
    process = subprocess.run(
        [sys.executable, "-c", code, *words.split()], cwd=tmp_path / "elsewhere", capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "elsewhere" / "there.csv").read_text() == (tmp_path / "here.csv").read_text()
