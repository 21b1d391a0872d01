"""What a list of steps may say, and how it is told what it may not."""

from __future__ import annotations

import pytest

from kadi_battgen.datasets.cleaning.settings import PRESETS, STEPS, load_steps, parse_steps, preset_steps
from kadi_battgen.errors import UserError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- step: outliers", "holds no steps"),
        ("steps:", "is no list of steps"),
        ("steps: {step: scale}", "is no list of steps"),
        ("steps: []", "is no list of steps"),
        ("steps: [scale, 3]", "step 1: 'scale' names no step: write 'step: NAME' with one of invariants, ranges"),
        ("steps: [{step: polish}]", "'polish' names no step"),
        ("steps: [{method: iqr}]", "None names no step"),
        ("steps: [{step: [a]}]", "names no step"),
        (
            "steps: [{step: scale}, {step: ranges, limit: {}}]",
            "step 2 .ranges.: unknown key 'limit': choose from note, ",
        ),
        ("steps: [{step: ranges}]", "limits: Field required"),
        ("steps: [{step: ranges, limits: {}}]", "limits"),
        ("steps: [{step: ranges, limits: {average_voltage: [7, -2]}}]", "write the smaller one first"),
        ("steps: [{step: ranges, limits: {average_voltage: [.nan, 2]}}]", "finite number"),
        ("steps: [{step: outliers, method: magic}]", "method: Input should be 'standard-deviation'"),
        ("steps: [{step: outliers, threshold: -1}]", "threshold: Input should be greater than 0"),
        ("steps: [{step: outliers, method: iqr, seed: 3}]", "seed does not belong to the method iqr"),
        ("steps: [{step: outliers, method: autoencoder, threshold: 3}]", "threshold does not belong"),
        ("steps: [{step: outliers, method: autoencoder, action: clip}]", "rows, which cannot be clipped"),
        ("steps: [{step: missing, method: mean, neighbours: 3}]", "neighbours belong to the method knn"),
        ("steps: [{step: reduce-rows, method: k-means, fraction: 0.5}]", "fraction does not belong"),
        ("steps: [{step: reduce-rows, fraction: 0}]", "fraction"),
        ("steps: [{step: reduce-columns, method: pca, keep: 3}]", "keep does not belong"),
        ("steps: [{step: encode, columns: []}]", "columns"),
        ("steps: [", "is not YAML"),
        ("steps: !!python/object/apply:os.system [ls]", "is not YAML"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, text, message):
    path = tmp_path / "cleaning.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_steps(path)
    assert "cleaning.yaml" in str(caught.value)


def test_unknown_presets_and_absent_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="choose from default, thesis"):
        preset_steps("quick")
    with pytest.raises(UserError, match="does not exist"):
        load_steps(tmp_path / "absent.yaml")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_step_of_a_preset_says_why(preset):
    assert all(step.note for step in preset_steps(preset))


@pytest.mark.parametrize("name", STEPS)
def test_every_field_is_described(name):
    kind = STEPS[name]
    assert kind.__doc__
    assert all(field.description for key, field in kind.model_fields.items() if key != "step")
    assert parse_steps([{"step": "scale"}], "test")[0].name == "scale"
