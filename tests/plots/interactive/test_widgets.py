"""What the interactive parts hand to their scripts."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kadi_battgen.plots.interactive.latent_explorer import LatentExplorer
from kadi_battgen.plots.interactive.stack_viewer import StackViewer
from kadi_battgen.plots.interactive.structure_viewer import StructureViewer
from kadi_battgen.plots.interactive.widget import indexed_picture_url, page_script, picture_url, script_digest


def pixels(url: str) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,"))))
    return np.asarray(image.convert("RGB") if image.mode == "P" else image)


def test_pictures_keep_their_pixels() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(pixels(picture_url(grey)), grey)
    indexed = pixels(indexed_picture_url(np.array([[0, 1], [1, 0]]), {"a": "#ff0010", "b": "#0203fe"}))
    assert indexed.tolist() == [[[255, 0, 16], [2, 3, 254]], [[2, 3, 254], [255, 0, 16]]]


def test_all_slices_of_a_stack_have_one_scale(stacks: StackViewer) -> None:
    # Twice as strong in the last slice: with a scale of each slice, all three would look alike.
    ramp = np.linspace(-1.0, 1.0, 64).reshape(8, 8)
    sample = replace(stacks.stacks[0], stack=np.stack([0.5 * ramp, ramp, 2.0 * ramp]))
    shown = [pixels(url).astype(int) for url in replace(stacks, stacks=[sample]).data()["samples"][0]["slices"]]
    spans = [np.ptp(image) for image in shown]
    assert spans[0] < spans[1] < spans[2]
    # The first row of a stack lies at the lowest y, which is at the bottom of a page.
    assert shown[2][-1].mean() < shown[2][0].mean()


def test_a_structure_is_centred_and_keeps_its_composition(structure: StructureViewer) -> None:
    data = structure.data()
    assert np.allclose(np.mean(data["corners"], axis=0), 0.0, atol=2e-3)
    counts = {element["symbol"]: element["count"] for element in data["elements"]}
    repeats = len(data["atoms"]) / len(structure.structure.species)
    assert counts == {symbol: n * repeats for symbol, n in structure.structure.amounts.items()}
    assert [element["symbol"] for element in data["elements"] if element["working_ion"]] == ["Li"]
    for first, second in data["bonds"]:
        assert data["atoms"][first][0] != data["atoms"][second][0]


def test_unknown_values_of_points_are_null(latent: LatentExplorer) -> None:
    assert latent.data()["properties"][0]["values"] == [1.0, 2.0, None, 4.0]


def test_points_need_one_picture_each(latent: LatentExplorer) -> None:
    with pytest.raises(ValueError, match="one label, picture and value"):
        replace(latent, pictures=latent.pictures[1:])


def test_the_policy_of_the_page_allows_its_one_script(page_path: Path) -> None:
    text = page_path.read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert f"script-src '{script_digest(script)}'" in html.unescape(text)
    for data in re.findall(r'<script type="application/json">(.*?)</script>', text, flags=re.DOTALL):
        json.loads(data)


def test_a_script_holds_what_its_widgets_need(stacks: StackViewer, latent: LatentExplorer) -> None:
    script = page_script([stacks, stacks])
    assert script.count("widgets.stack_viewer =") == 1
    assert "latent_explorer" not in script
    assert page_script([latent, stacks]) == page_script([stacks, latent])
