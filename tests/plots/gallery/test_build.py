"""The program that makes the gallery, as it is called."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kadi_battgen.files import read_json
from kadi_battgen.plots.gallery import ElectrodeRuns

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "gallery"


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def call(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["build.py", *words])
        runpy.run_path(str(FOLDER / "build.py"), run_name="__main__")

    return call


def test_figures_of_named_runs_are_made_and_the_others_stay(
    build: Callable[..., None], electrode_runs: ElectrodeRuns, tmp_path: Path
) -> None:
    shutil.copy(FOLDER / "manifest.json", tmp_path)
    before = read_json(FOLDER / "manifest.json")
    named = {name: str(getattr(electrode_runs, name)) for name in ("dataset", "model", "evaluation", "sensitivity")}
    words = [word for name, path in named.items() for word in (f"--{name}", path)]
    build(*words, "--only", "4.10", "--output", str(tmp_path))
    after = read_json(tmp_path / "manifest.json")
    changed = [one["number"] for one, other in zip(after, before, strict=True) if one != other]
    assert changed == ["4.10"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["figure-4-10.png", "figure-4-10.svg"]
    page = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert page.count("```{figure}") == 15
    assert after[9]["caption"] in page


def test_what_is_missing_is_named(build: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build("--prvae", "prvae/", "--plain", "vae/")
    assert "interphase need --sei-dataset, --prvae, --plain, --conditional" in capsys.readouterr().err
