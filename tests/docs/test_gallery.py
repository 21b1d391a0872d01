"""The gallery shows every figure of the thesis's results chapter, from files that are there, and its Python works."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from kadi_battgen.files import read_json

from .pages import ROOT, blocks

FOLDER = ROOT / "docs" / "gallery"
PAGE = (FOLDER / "index.md").read_text(encoding="utf-8")
FIGURES = read_json(FOLDER / "manifest.json")
NUMBERS = [f"4.{place}" for place in range(1, 16)]

#: Each figure as the page shows it.
SHOWN = re.compile(
    r"^### (?P<number>4\.\d+) .*\n\n```\{figure\} figures/(?P<picture>\S+)\n:alt: (?P<alternative>.+)\n", re.MULTILINE
)


def test_every_figure_is_shown_in_order_with_an_alternative_text() -> None:
    found = list(SHOWN.finditer(PAGE))
    assert [match["number"] for match in found] == NUMBERS == [entry["number"] for entry in FIGURES]
    for match, entry in zip(found, FIGURES, strict=True):
        assert match["picture"] == entry["picture"]
        assert match["alternative"] == entry["alternative"]
        assert len(match["alternative"]) > 60


def test_the_files_are_there_small_and_no_others() -> None:
    named = {entry[kind] for entry in FIGURES for kind in ("picture", "vector") if entry[kind]}
    files = {path.name: path for path in (FOLDER / "figures").iterdir()}
    assert set(files) == named
    assert sum(path.stat().st_size for path in files.values()) < 3_000_000
    for entry in FIGURES:
        with Image.open(files[entry["picture"]]) as picture:
            # As many dots as the page has pixels, or nearly.
            assert picture.width > 0.9 * entry["width"], entry["picture"]


def test_nothing_tells_where_it_was_made() -> None:
    texts = [path for path in FOLDER.rglob("*") if path.suffix in (".md", ".json", ".svg", ".yaml")]
    assert len(texts) > 5
    for path in texts:
        assert not re.search(r"(?<![\w.])/(work|tmp|home|root)/", path.read_text(encoding="utf-8")), path


def test_the_python_of_the_page_works(
    tiny_sei_dataset: Path, tiny_prvae: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = [block for block in blocks("docs/gallery/index.md") if block.language == "python"]
    shutil.copy(tiny_sei_dataset, tmp_path / "sei_dataset.h5")
    for name in ("prvae", "vae", "conditional"):
        (tmp_path / name).symlink_to(tiny_prvae)
    monkeypatch.chdir(tmp_path)
    # The test part of the tiny data set holds too few configurations.
    text = block.text.replace('"conditional/")', '"conditional/", part="training")')
    assert text != block.text
    exec(compile(text, "docs/gallery/index.md", "exec"), {})
    assert (tmp_path / "latent-spaces.svg").read_text(encoding="utf-8").startswith("<?xml")
