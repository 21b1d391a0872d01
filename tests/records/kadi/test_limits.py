from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.records.kadi import limits

TEXTS = st.text(st.characters(), max_size=400)


@given(TEXTS, st.integers(1, 300))
def test_a_line_is_what_kadi_would_make_of_it(text: str, longest: int) -> None:
    line = limits.one_line(text, longest)
    assert " ".join(line.split()) == line
    assert len(line) <= longest
    line.encode("utf-8")
    assert "\0" not in line


@given(TEXTS)
def test_an_exact_text_is_not_changed_and_says_what_it_was(text: str) -> None:
    written, note = limits.exact_text(text)
    assert written
    assert written.strip() == written
    written.encode("utf-8")
    assert "\0" not in written
    assert (json.loads(written) if note else written) == text


@given(st.lists(st.text(st.characters(), min_size=1, max_size=400), max_size=6, unique=True))
def test_file_names_fit_and_differ(paths: list[str]) -> None:
    names = [limits.file_name(path) for path in paths]
    assert len(set(names)) == len(paths)
    for name in names:
        assert " ".join(name.split()) == name
        assert 0 < len(name) <= limits.LONGEST_FILE_NAME
        name.encode("utf-8")


@pytest.mark.parametrize("path", ["a.txt", "model/screening/card.json", "ü/ß 1.csv", "x" * 256])
def test_ordinary_file_names_stay(path: str) -> None:
    assert limits.file_name(path) == path


def test_a_long_file_name_keeps_its_suffix() -> None:
    assert limits.file_name("x" * 300 + ".h5").endswith(".h5")


@pytest.mark.parametrize(
    ("project", "identifier"),
    [
        ("kadi-battgen", "kadi-battgen"),
        ("Cathodes & Co.", "cathodes-co"),
        ("Projekt Ä 7", "projekt-7"),
        ("p" * 60, "p" * 41 + "-b0e11f4c"),
    ],
)
def test_projects_become_identifiers(project: str, identifier: str) -> None:
    assert limits.project_identifier(project)[:41] == identifier[:41]
    assert len(limits.project_identifier(project)) <= 50


def test_a_project_without_letters_is_refused() -> None:
    with pytest.raises(UserError, match="has no letter a to z"):
        limits.project_identifier("电池")


@pytest.mark.parametrize(
    ("text", "iri"),
    [
        ("http://qudt.org/vocab/unit/V", "http://qudt.org/vocab/unit/V"),
        ("not an iri", None),
        ("http://a/<b>", None),
        ("", None),
        (None, None),
    ],
)
def test_terms(text: str | None, iri: str | None) -> None:
    assert limits.iri(text) == iri


def test_tags() -> None:
    assert limits.tag_names(("Li", "li", " two  words ", "", "x" * 80)) == ["li", "two words", "x" * 49 + "…"]
