"""The pages are built without a warning, and what they link to is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from battgen_nodes.main import battgen

from .pages import ROOT

pytest.importorskip("sphinx", reason="Sphinx comes with the extra 'dev'")
pytest.importorskip("myst_parser", reason="MyST comes with the extra 'dev'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the pages as `make docs` does, from a copy of their sources."""
    folder = tmp_path_factory.mktemp("docs")
    source = folder / "checkout"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("docs", "kadi_battgen", "workflow_nodes", "kadistudio_workflows"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("CHANGELOG.md", "README.md"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "auto", "docs", str(folder / "site")]
    outcome = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr[-5000:]
    assert "WARNING" not in outcome.stderr
    return folder / "site"


class Links(HTMLParser):
    """Collects the links and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        self.links += [found[name] for name in ("href", "src") if name in found and tag not in ("link", "script")]


@pytest.mark.slow
def test_every_command_has_a_page_with_its_options(site: Path) -> None:
    for name, command in battgen.commands.items():
        if not hasattr(command, "commands"):
            text = (site / "reference" / "commands" / f"{name}.html").read_text(encoding="utf-8")
            for parameter in command.params:
                if hasattr(parameter, "param_name"):
                    assert f"--{parameter.param_name}" in text


@pytest.mark.slow
def test_links_lead_to_what_is_there(site: Path) -> None:
    pages = {path: Links(path) for path in site.rglob("*.html")}
    assert len(pages) > 50
    missing = []
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", target) or target.startswith("//"):
                continue
            where = (path.parent / target).resolve() if target else path.resolve()
            if not where.exists() or (anchor and where in pages and anchor not in pages[where].anchors):
                missing.append(f"{path.relative_to(site)}: {link}")
    assert not missing


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", path.read_text(encoding="utf-8")):
            source = re.search(r'(?:src|href)="([^"]*)"', tag)
            if source and 'rel="canonical"' not in tag:
                assert not re.match(r"(https?:)?//", source[1]), f"{path.relative_to(site)}: {tag}"
