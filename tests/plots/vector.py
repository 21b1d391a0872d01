"""What makes a drawing one that scales without loss."""

from __future__ import annotations

from xml.etree import ElementTree


def check_svg(content: bytes) -> None:
    """Check that it is XML in which letters are outlines that other letters share, and no part of an image."""
    namespace = "{http://www.w3.org/2000/svg}"
    drawing = ElementTree.fromstring(content)
    assert drawing.tag == f"{namespace}svg"
    letters = {letter.get("{http://www.w3.org/1999/xlink}href") for letter in drawing.iter(f"{namespace}use")}
    assert letters


def check_pdf(content: bytes) -> None:
    """Check that it is a PDF that brings its font."""
    assert content.startswith(b"%PDF-")
    assert b"/FontFile2" in content
