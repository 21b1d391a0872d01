"""What every interactive part of the report has."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from kadi_battgen.plots.report import ReportFigure

#: Scripts that every page has, before and after those of its widgets: helpers, and what sorts tables and starts widgets.
_FIRST, _LAST = "common", "page"


@dataclass(frozen=True)
class Widget(ABC):
    """An interactive part of a report.

    Attributes
    ----------
    title
        What it shows, in a few words.
    still
        The figure that is shown where scripts do not run, and in print.
    """

    #: Name of the script ``<script>.js`` in this package that shows it.
    script: ClassVar[str]

    title: str
    still: ReportFigure

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Return what the script needs, as JSON values."""

    def json(self) -> str:
        """Return :meth:`data` as JSON that may stand inside an HTML element."""
        text = json.dumps(self.data(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def page_script(widgets: Iterable[Widget]) -> str:
    """Return the one script of a page that holds `widgets`; the same widgets give the same text."""
    names = [_FIRST, *sorted({widget.script for widget in widgets}), _LAST]
    parts = [files(__package__).joinpath(f"{name}.js").read_text(encoding="utf-8") for name in names]
    return "".join(['(() => {\n"use strict";\n', *parts, "})();"])


def script_digest(script: str) -> str:
    """Return the source expression that lets a Content Security Policy run just this script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def picture_url(pixels: np.ndarray) -> str:
    """Return an image as PNG in a data URL.

    Parameters
    ----------
    pixels
        uint8, grey (H, W) or colour (H, W, 3), first row on top.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def indexed_picture_url(indices: np.ndarray, colours: Mapping[Any, str] | Iterable[str]) -> str:
    """Return an image of a few colours as PNG with a palette, in a data URL.

    Parameters
    ----------
    indices
        uint8, (H, W): positions in `colours`, first row on top.
    colours
        Colours as ``#RRGGBB``; of a mapping its values.
    """
    from PIL import Image

    shades = colours.values() if isinstance(colours, Mapping) else colours
    palette = [int(shade[start : start + 2], 16) for shade in shades for start in (1, 3, 5)]
    image = Image.fromarray(np.ascontiguousarray(indices.astype(np.uint8)), mode="P")
    image.putpalette(palette)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def colour_steps(name: str = "viridis", count: int = 64) -> list[str]:
    """Return a colour map as `count` colours ``#RRGGBB``."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps[name](position)) for position in np.linspace(0.0, 1.0, count)]
