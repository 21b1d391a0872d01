from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kadi_battgen.plots import (
    Column,
    KeyFigure,
    ProvenanceStep,
    ReportFigure,
    Section,
    Table,
    learning_curves,
    write_report,
)
from kadi_battgen.plots.report import format_cell, format_number, render_report

VOID = {"meta", "link", "img", "br"}
EVIL = '<script>alert("x")</script> & \'"'


class Page(HTMLParser):
    """Collects the elements and checks that every one is closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def curves() -> ReportFigure:
    figure = learning_curves({"Translation": {"epoch": [1, 2, 3], "train_loss": [3.0, 2.0, 1.0]}})
    return ReportFigure(figure, "A falling loss " + EVIL, "The loss falls. " + EVIL)


def sections() -> list[Section]:
    table = Table(
        [Column("Formula " + EVIL, kind="formula"), Column("Capacity", "mAh/cm^3", "number"), Column("Note")],
        [["LiFePO4", 169.94, EVIL], ["<b>4", None, 1]],
        "All candidates",
    )
    steps = [
        ProvenanceStep("Screening", "screen-1", ["train-1", "lost-1"], {"Seed": "1", EVIL: EVIL}),
        ProvenanceStep("Training", "train-1"),
    ]
    return [
        Section("Models", ["One paragraph. " + EVIL], [curves()], [table]),
        Section("Models", ["The same title again."]),
        Section(EVIL, provenance=steps),
    ]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(
        render_report("Report " + EVIL, ["First. " + EVIL, "Second."], sections(), [KeyFigure(EVIL, 3, EVIL, EVIL)])
    )


def test_the_page_has_its_parts(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("section")) == 3
    assert len(page.all("h1")) == 1
    assert len(page.all("table")) == 1
    assert len(page.all("caption")) == 1
    assert {attributes["scope"] for attributes in page.all("th")} == {"col"}


def test_the_page_needs_no_network(page: Page) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href"):
            if name in attributes:
                assert re.match(r"#|data:", attributes[name] or ""), (tag, attributes[name])
    text = render_report("Report", "Summary.", sections())
    assert not re.search(r"(?i)https?://|@import|url\(|<script", text)


def test_links_inside_the_page_lead_somewhere(page: Page) -> None:
    targets = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(targets) == len(set(targets))
    links = {attributes["href"] for attributes in page.all("a")}
    assert links <= {f"#{target}" for target in targets}
    assert {"#s-models", "#s-models-2", "#r-train-1", "#content"} <= links
    # A record that is not listed is named without a link.
    assert "#r-lost-1" not in links
    assert "lost-1" in page.text


def test_every_image_has_an_alternative_text_and_a_size(page: Page) -> None:
    (image,) = page.all("img")
    assert image["alt"] == "A falling loss " + EVIL
    assert image["width"]
    assert image["height"]
    content = base64.b64decode((image["src"] or "").removeprefix("data:image/png;base64,"))
    assert content.startswith(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match="alternative text"):
        ReportFigure(curves().figure, " ")


def test_what_scrolls_can_be_reached_by_keyboard(page: Page) -> None:
    boxes = [attributes for attributes in page.all("div") if "scroll" in (attributes.get("class") or "")]
    assert len(boxes) == 2
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_texts_are_escaped(page: Page) -> None:
    assert page.all("script") == []
    assert page.all("b") == []
    # Title and heading, summary, key figure (3), section (heading and contents), paragraph, caption, head, cell, detail (2).
    assert page.text.count(EVIL) == 14


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    given = sections()
    write_report(tmp_path / "a.html", "Report", "Summary.", given)
    write_report(tmp_path / "b.html", "Report", "Summary.", sections())
    write_report(tmp_path / "c.html", "Report", "Summary.", given)
    first = (tmp_path / "a.html").read_bytes()
    assert first == (tmp_path / "b.html").read_bytes() == (tmp_path / "c.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html", "c.html"]


def test_an_empty_report_is_a_page() -> None:
    assert "Nothing yet." in Page(render_report("Report", "Nothing yet.", [])).text


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="row 2 of the table has 1 values for 2 columns"):
        Table([Column("a"), Column("b")], [[1, 2], [1]])


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, None, "0"),
        (1001, None, "1001"),
        (94640, None, "94\u202f640"),
        (0.0123456, None, "0.01235"),
        (-3.5, None, "−3.5"),
        (169.94, 1, "169.9"),
        (150, 1, "150.0"),
        (123456.7, None, "123457"),
        (1.2e-5, None, "1.2\u202f×\u202f10⁻⁵"),
        (-2e9, None, "−2\u202f×\u202f10⁹"),
        (np.float32(0.5), None, "0.5"),
        (np.int64(7), None, "7"),
        (float("inf"), 2, "∞"),
        (float("nan"), 2, "–"),
    ],
)
def test_numbers(value: Any, decimals: int | None, text: str) -> None:
    assert format_number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (None, Column("a"), "–"),
        ("", Column("a"), "–"),
        (float("nan"), Column("a", kind="number"), "–"),
        (True, Column("a"), "True"),
        ("Na3V2(PO4)3", Column("a", kind="formula"), "Na<sub>3</sub>V<sub>2</sub>(PO<sub>4</sub>)<sub>3</sub>"),
        ("<i>2", Column("a", kind="formula"), "&lt;i&gt;2"),
        ("mp-123", Column("a", kind="code"), "mp-123"),
    ],
)
def test_cells(value: Any, column: Column, text: str) -> None:
    assert str(format_cell(value, column)) == text
