"""Drawing simple shapes as SVG: whole pixels, no styles from elsewhere, the same drawing the same bytes."""

from __future__ import annotations

import re
import textwrap
from html import escape

#: Average width of a character of this size in a sans-serif font, in pixels.
CHARACTER = 6.9
SIZE = 13

_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Drawing:
    """A drawing that grows shape by shape, later ones on top.

    Parameters
    ----------
    title
        What it shows, for those who cannot see it.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._shapes: list[str] = []

    def box(
        self,
        x: int,
        y: int,
        width: int,
        height: int,
        fill: str,
        border: str = "none",
        *,
        dashed: bool = False,
        radius: int = 6,
    ) -> None:
        """Draw a rectangle with round corners."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self._shapes.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="{fill}" '
            f'stroke="{border}"{dashes}/>'
        )

    def text(
        self, x: int, y: int, text: str, colour: str = "#222", *, bold: bool = False, italic: bool = False
    ) -> None:
        """Write a line that begins at `x` with its base line at `y`."""
        weight = ' font-weight="bold"' if bold else ""
        style = ' font-style="italic"' if italic else ""
        self._shapes.append(f'<text x="{x}" y="{y}" fill="{colour}"{weight}{style}>{_escaped(text)}</text>')

    def dot(self, x: int, y: int, colour: str) -> None:
        """Draw a port."""
        self._shapes.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}" stroke="#333"/>')

    def path(self, path: str, colour: str) -> None:
        """Draw a line."""
        self._shapes.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')

    def arrow_head(self, x: int, y: int, direction: str, colour: str) -> None:
        """Draw the head of an arrow whose tip is at a point and points ``down``, ``left`` or ``right``."""
        corners = {
            "down": ((-5, -8), (5, -8)),
            "left": ((8, -5), (8, 5)),
            "right": ((-8, -5), (-8, 5)),
        }[direction]
        points = " ".join(f"{x + dx},{y + dy}" for dx, dy in ((0, 0), *corners))
        self._shapes.append(f'<polygon points="{points}" fill="{colour}"/>')

    def document(self, width: int, height: int) -> str:
        """Return the drawing as an SVG document."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" role="img" font-family="Helvetica, Arial, sans-serif" font-size="{SIZE}">',
                f"<title>{_escaped(self.title)}</title>",
                f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )


def fitting(text: str, width: int) -> str:
    """Return `text` on one line and cut off where it would be wider than `width` pixels."""
    line = " ".join(text.split())
    longest = max(1, int(width / CHARACTER))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def wrapped(text: str, width: int) -> list[str]:
    """Return `text` in lines that are no wider than `width` pixels; its own line ends stay."""
    longest = max(8, int(width / CHARACTER))
    return [line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, longest) or [""]]


def _escaped(text: str) -> str:
    return escape(_INVALID.sub("�", text), quote=True)
