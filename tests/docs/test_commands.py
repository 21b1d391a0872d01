"""Every command that the documentation shows is run, or is only shown for a reason and then at least has real options."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from battgen_nodes.main import battgen

from .pages import ROOT, battgen_commands, blocks, pages, script, settings, shown_commands

SHOWN = {
    f"{page}:{command.line} {' '.join(command.words)[:60]}": (page, command)
    for page in pages()
    for command in shown_commands(page)
    if command.words
}
RULES = settings()["pages"]

#: Pages whose commands need a Kadi4Mat server.
WITH_KADI = [page for page, rules in RULES.items() if (rules or {}).get("needs") == "kadi"]

#: The others that have anything to run.
ALONE = [
    page
    for page in pages()
    if page not in WITH_KADI
    and any(line and not line.startswith(("set ", "echo '== ")) for line in script(page).splitlines())
]


@pytest.mark.parametrize("name", SHOWN)
def test_it_has_real_options(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, command = SHOWN[name]
    monkeypatch.chdir(tmp_path)
    for block in blocks(page):
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
    group: click.Command = battgen
    words = list(command.words)
    while isinstance(group, click.Group) and words and words[0] in group.commands:
        group = group.commands[words.pop(0)]
    if set(words) & {"--help", "--xmlhelp", "--commands", "--version"}:
        return
    assert not isinstance(group, click.Group), f"battgen {' '.join(command.words)} is no command"
    group.make_context(str(group.name), words)


def test_settings_are_about_pages_that_exist() -> None:
    assert set(RULES) <= set(pages())
    for page, rules in RULES.items():
        for entry in (rules or {}).get("shown") or []:
            assert len(entry["because"]) > 10, f"{page}: say why {entry['pattern']} is only shown"


@pytest.mark.slow
@pytest.mark.parametrize("page", ALONE)
def test_the_commands_of_a_page_work(run_page, page: str) -> None:
    run_page(page)


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_KADI)
def test_the_commands_of_a_page_work_with_a_kadi4mat(run_page, kadi_sandbox, kadi_environment: Path, page: str) -> None:
    connection = kadi_sandbox.connection
    run_page(page, KADI_HOST=connection.host, KADI_PAT=connection.token, KADI_ENVIRONMENT=str(kadi_environment))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("battgen doctor", [("doctor",)]),
        ("export A=b; battgen screen --model 'a b' > out.txt", [("screen", "--model", "a b")]),
        ("A=b battgen kadi up && battgen push | head -1  # comment", [("kadi", "up"), ("push",)]),
        ("make demo", []),
        ("echo battgen", []),
    ],
)
def test_how_commands_are_found(line: str, found: list[tuple[str, ...]]) -> None:
    assert battgen_commands(line) == found


def test_links_between_pages_lead_to_files() -> None:
    """Of the pages as they are read in a checkout; Sphinx checks those of the built ones."""
    for page in pages():
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            generated = "reference/commands/" in target or "reference/python/" in target
            if not target.startswith(("http://", "https://", "mailto:")) and not generated:
                assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}, which is not there"
