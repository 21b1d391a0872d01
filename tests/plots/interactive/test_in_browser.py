"""The interactive report in a real browser: it runs without a network and answers pointer and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, page_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open the report; whatever it asks another host for, and every error, fails the test."""
    with browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme=request.param) as context:
        opened = context.new_page()
        trouble: list[str] = []
        opened.on("console", lambda message: trouble.append(message.text) if message.type != "log" else None)
        opened.on("pageerror", lambda error: trouble.append(str(error)))
        own = page_path.as_uri()
        opened.on("request", lambda asked: None if asked.url.startswith(("data:", own)) else trouble.append(asked.url))
        opened.goto(own)
        opened.screenshot(path=page_path.with_name(f"report-{request.param}.png"), full_page=True)
        yield opened
        assert trouble == []


def test_stacks_can_be_leafed_through(page: Page) -> None:
    widget = page.locator('[data-widget="stack_viewer"]')
    first = widget.locator("img").first.get_attribute("src")
    slider = widget.locator("input[type=range]")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert widget.locator("output").inner_text() == "0.5 Å"
    assert slider.get_attribute("aria-valuetext") == "0.5 Å"
    assert widget.locator("img").first.get_attribute("src") != first
    widget.locator("select").select_option(label="NaFeO₂")
    assert "NaFeO₂ at a tip-sample distance of 0.5 Å" in str(widget.locator("img").first.get_attribute("alt"))


def test_a_structure_turns_by_key_and_by_pointer(page: Page) -> None:
    canvas = page.locator('[data-widget="structure_viewer"] canvas')
    pictures = [canvas.evaluate("c => c.toDataURL()")]
    canvas.focus()
    page.keyboard.press("ArrowRight")
    pictures.append(canvas.evaluate("c => c.toDataURL()"))
    # Hovering waits until the page has scrolled to where the canvas is.
    canvas.hover(position={"x": 100, "y": 100})
    page.mouse.down()
    canvas.hover(position={"x": 160, "y": 120}, force=True)
    page.mouse.up()
    pictures.append(canvas.evaluate("c => c.toDataURL()"))
    assert len(set(pictures)) == 3


def test_pointing_at_the_latent_space_shows_a_configuration(page: Page) -> None:
    widget = page.locator('[data-widget="latent_explorer"]')
    facts, picture = widget.locator("dl"), widget.locator(".details img")
    assert facts.inner_text().split("\n")[1] == "run 0"
    first = picture.get_attribute("src")
    canvas = widget.locator("canvas")
    canvas.hover(position={"x": 580, "y": 45})
    assert "run 3" in facts.inner_text()
    assert picture.get_attribute("src") != first
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    assert "run 2" in facts.inner_text()
    assert "–" in facts.inner_text()  # its thickness is unknown


def test_tables_sort_and_filter(page: Page) -> None:
    rows = page.locator("[data-sortable] tbody tr:visible")

    def formulas() -> list[str]:
        return [text.split("\t")[0].strip() for text in rows.all_inner_texts()]

    page.get_by_role("button", name="Capacity").click()
    assert formulas() == ["LiCoO2", "LiFePO4", "NaFeO2", "KFeO2</script><b>"]
    page.get_by_role("button", name="Capacity").click()
    assert formulas()[0] == "NaFeO2"
    assert formulas()[-1] == "KFeO2</script><b>"
    page.get_by_role("searchbox").fill("feo2 n")
    assert formulas() == ["NaFeO2"]
    assert page.locator("[data-sortable] output").inner_text() == "1 of 4 rows"


def test_print_shows_the_still_figures(page: Page) -> None:
    still = page.locator('[data-widget="stack_viewer"] .still')
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible()
    assert not page.locator('[data-widget="stack_viewer"] .live').is_visible()
