"""Settings: presets, files and options, and what is refused by name."""

from __future__ import annotations

import pytest
import yaml

from kadi_battgen.errors import UserError
from kadi_battgen.training.settings import PRESETS, SETTINGS, load_settings


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", SETTINGS)
def test_presets_are_complete_and_valid(kind, preset):
    settings = load_settings(kind, preset)
    assert isinstance(settings, SETTINGS[kind])
    assert SETTINGS[kind].model_validate(settings.model_dump()) == settings


def test_the_thesis_preset_has_the_thesis_s_diffusion():
    settings = load_settings("screening", "thesis")
    assert (settings.timesteps, settings.beta_start, settings.beta_end) == (1000, 1e-4, 0.02)


@pytest.mark.parametrize(
    ("text", "dropout", "epochs", "batch_size"),
    [
        ("", 0.3, 25, 32),
        ("dropout: 0.1", 0.1, 25, 32),
        ("composition: {dropout: 0.1}", 0.1, 25, 32),
        ("composition: {loop: {epochs: 7}}", 0.3, 7, 32),
        ("translation: {patch_size: 4}\ncomposition: {loop: {batch_size: 8}}", 0.3, 25, 8),
        ("loop:\ndropout: 0.2", 0.2, 25, 32),
        ("translation: {patch_size: 4}", 0.3, 25, 32),
        ("composition:\ntranslation: {patch_size: 4}", 0.3, 25, 32),
    ],
)
def test_a_file_changes_single_fields_of_the_preset(tmp_path, text, dropout, epochs, batch_size):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    settings = load_settings("composition", "demo", path)
    assert (settings.dropout, settings.loop.epochs, settings.loop.batch_size) == (dropout, epochs, batch_size)


def test_options_win_over_the_file_and_none_is_passed_over(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("loop: {epochs: 7, batch_size: 8}")
    settings = load_settings("composition", "demo", path, {"epochs": 9, "batch_size": None})
    assert (settings.loop.epochs, settings.loop.batch_size) == (9, 8)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("translation", {"epochs": 3}, "epochs: Extra inputs are not permitted"),
        ("translation", {"loop": {"epoch": 3}}, r"loop\.epoch: Extra inputs are not permitted"),
        ("translation", {"loop": {"epochs": 0}}, r"loop\.epochs: Input should be greater than or equal to 1"),
        ("translation", {"loop": {"learning_rate": -1}}, r"loop\.learning_rate: Input should be greater than 0"),
        ("translation", {"loop": {"learning_rate": float("nan")}}, r"loop\.learning_rate: .*"),
        ("translation", {"loop": {"precision": "16"}}, r"loop\.precision: Input should be 'auto'"),
        ("translation", {"loop": {"averaging": 1.0}}, r"loop\.averaging: Input should be less than 1"),
        ("translation", {"patch_size": 1.5}, "patch_size: Input should be a valid integer"),
        ("translation", {"channels": []}, "channels: .*at least 1 item"),
        ("translation", {"channels": [16, 32]}, r"channels \[16, 32\] and attention_levels .* differ in length"),
        ("translation", {"channels": [16, 20, 32]}, r"channels \[16, 20, 32\] are not all multiples of 8"),
        ("translation", {"channels": [16, 0, 32]}, r"channels\.1: Input should be greater than or equal to 1"),
        ("translation", {"baseline_features": [4, 4]}, r"baseline_features\.2: Field required"),
        (
            "translation",
            {"grey_loss": "ssd"},
            "grey_loss: Input should be 'l1', 'l2', 'l1-and-l2' or 'binary-cross-entropy'",
        ),
        (
            "translation",
            {"adversarial_loss": "hinge"},
            "adversarial_loss: Input should be 'binary-cross-entropy', 'least-",
        ),
        ("translation", {"kl_schedule": "square"}, "kl_schedule: Input should be 'constant', 'linear' or 'cyclical'"),
        ("translation", {"kl_rise": 0.0}, "kl_rise: Input should be greater than 0"),
        ("translation", {"style_weight": -1.0}, "style_weight: Input should be greater than or equal to 0"),
        (
            "translation",
            {"feature_weight": 0.0, "feature_network": "mine.safetensors"},
            "feature_network mine.safetensors is not used",
        ),
        (
            "translation",
            {"type_map": "intensities", "class_weight": 1.0},
            "class_weight 1 needs a decoder that names classes: set type_map: classes",
        ),
        (
            "translation",
            {"type_map_weight": 0.0, "class_weight": 0.0},
            "type_map_weight and class_weight are both 0, so nothing would",
        ),
        ("translation", {"discriminator_branches": 3}, "discriminator_branches: Input should be 1 or 2"),
        ("translation", {"baselines": ["unet_l1", "unet_l1"]}, r"baselines \['unet_l1', 'unet_l1'\] name one twice"),
        ("translation", {"baselines": ["resnet"]}, r"baselines\.0: Input should be 'same_network_l1', 'unet_l1' or"),
        ("translation", {"loop": {"devices": 0}}, r"loop\.devices: Input should be greater than or equal to 1"),
        ("composition", {"loss": "l1"}, "loss: Input should be 'squared-error', 'poisson' or 'presence-and-count'"),
        ("composition", {"dropout": 1.0}, "dropout: Input should be less than 1"),
        ("composition", {"dense": [0]}, r"dense\.0: Input should be greater than or equal to 1"),
        ("screening", {"condition_dropout": -0.1}, "condition_dropout: Input should be greater than or equal to 0"),
        ("screening", {"beta_end": 1.0}, "beta_end: Input should be less than 1"),
        ("screening", {"embedding_size": 33}, "embedding_size: Input should be a multiple of 2"),
        ("screening", {"attention_levels": [True]}, "channels .* and attention_levels .* differ in length"),
    ],
)
def test_a_wrong_field_is_refused_by_file_and_name(tmp_path, kind, changes, message):
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(changes))
    with pytest.raises(UserError, match=rf"settings\.yaml, {kind}: {message}"):
        load_settings(kind, "demo", path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", "is not YAML"),
        (b"\xff\xfe\xfa", "is not YAML"),
        (b"- 1\n- 2", "holds no fields"),
        (b"just words", "holds no fields"),
        (b"composition: 3", "holds no fields"),
        (b"loop: 3", "holds no fields under loop"),
    ],
)
def test_what_is_no_settings_file_is_refused(tmp_path, content, message):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"settings\.yaml {message}"):
        load_settings("composition", "demo", path)


def test_a_misspelt_training_is_refused(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("translation: {patch_size: 4}\ncompositon: {dropout: 0.1}")
    with pytest.raises(UserError, match=r"settings\.yaml: compositon is not a training: choose from translation, comp"):
        load_settings("composition", "demo", path)


def test_python_objects_in_yaml_are_refused(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(UserError, match="is not YAML"):
        load_settings("composition", "demo", path)


def test_unknown_presets_and_missing_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="'quick' is not known: choose from demo, small, thesis"):
        load_settings("composition", "quick")
    with pytest.raises(UserError, match=r"nowhere\.yaml does not exist"):
        load_settings("composition", "demo", tmp_path / "nowhere.yaml")
    with pytest.raises(UserError, match=r"Preset demo, composition: loop\.epochs"):
        load_settings("composition", "demo", None, {"epochs": 0})
