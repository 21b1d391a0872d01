"""One figure of the gallery: how it is drawn, what is said of it, and the files that it becomes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kadi_battgen.files import atomic_path
from kadi_battgen.plots.style import image_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Most bytes of the picture that a page shows.
SHOWN_BYTES = 150_000

#: Most bytes of the drawing beside it that scales without loss, by its form; SVG is not compressed.
VECTOR_BYTES: dict[Literal["svg", "pdf"], int] = {"svg": 120_000, "pdf": 350_000}

#: Dots per inch that are tried in turn until a picture is small enough.
RESOLUTIONS = (150, 130, 115, 110, 100, 90, 80, 70)


@dataclass(frozen=True)
class GalleryFigure:
    """A figure of the thesis's results chapter, made from finished runs.

    Attributes
    ----------
    number
        Number in the thesis, such as ``4.2``.
    title
        What it shows.
    draw
        Draws it from the runs.
    caption
        Returns what is to be known of it, with the numbers read from the runs.
    alternative
        What is seen, for who cannot see it.
    functions
        Functions of :mod:`kadi_battgen.plots` that draw it, with the modules they are in.
    runs
        Name of the runs that it is made from.
    """

    number: str
    title: str
    draw: Callable[[Any], Figure]
    caption: Callable[[Any], str]
    alternative: str
    functions: tuple[str, ...]
    runs: str

    @property
    def stem(self) -> str:
        """Name of its files without their endings: ``figure-4-02``."""
        chapter, _, place = self.number.partition(".")
        return f"figure-{chapter}-{int(place):02d}"


def write_figure(entry: GalleryFigure, runs: Any, folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Draw a figure, write its files into a folder, and return what a page has to know of it.

    The picture is a PNG of at most ``SHOWN_BYTES``, with fewer dots per inch where it has to be; beside it goes an SVG,
    or a PDF where only that has at most its ``VECTOR_BYTES``, or neither.

    Returns
    -------
    dict
        Plain JSON values: ``number``, ``title``, ``caption``, ``alternative``, ``functions``, ``runs``, ``source`` (module and
        name of the function that drew it), ``picture``, ``width`` (CSS pixels) and ``vector`` (a file's name or None).
    """
    figure = entry.draw(runs)
    picture = f"{entry.stem}.png"
    _write(Path(folder) / picture, _small_picture(figure))
    return {
        "number": entry.number,
        "title": entry.title,
        "caption": entry.caption(runs),
        "alternative": entry.alternative,
        "functions": list(entry.functions),
        "runs": entry.runs,
        "source": {"module": entry.draw.__module__, "name": entry.draw.__name__},
        "picture": picture,
        "width": round(96 * figure.get_size_inches()[0]),
        "vector": _write_vector(figure, Path(folder), entry.stem),
    }


def _small_picture(figure: Figure) -> bytes:
    """Return a PNG with as many dots as there is room for; of pictures rich in colours, 256 of them."""
    for resolution in RESOLUTIONS:
        content = image_bytes(figure, "png", resolution)
        if len(content) > SHOWN_BYTES:
            content = _fewer_colours(content)
        if len(content) <= SHOWN_BYTES:
            break
    return content


def _fewer_colours(content: bytes) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        # The colours of legends stay as they are, which the median cut mixes with others.
        few = picture.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _write_vector(figure: Figure, folder: Path, stem: str) -> str | None:
    """Write the SVG, or the PDF if only that is small, and return its name; remove those of an earlier gallery."""
    for kind in VECTOR_BYTES:
        (folder / f"{stem}.{kind}").unlink(missing_ok=True)
    # What has dots, clouds of many points and images, gets fewer of them before there is no drawing at all.
    ways: tuple[tuple[Literal["svg", "pdf"], int], ...] = (("svg", 160), ("pdf", 160), ("pdf", 100))
    for form, resolution in ways:
        content = image_bytes(figure, form, resolution)
        if len(content) <= VECTOR_BYTES[form]:
            _write(folder / f"{stem}.{form}", content)
            return f"{stem}.{form}"
    return None


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
