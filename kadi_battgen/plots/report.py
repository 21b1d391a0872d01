"""The HTML report: one page that holds everything and needs no network."""

from __future__ import annotations

import base64
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from kadi_battgen.files import write_text
from kadi_battgen.plots.style import image_bytes, mathematical

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

    from kadi_battgen.plots.interactive.widget import Widget

#: Resolution of the embedded figures: sharp on a screen of twice the usual density, and in print.
RESOLUTION = 160


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report.

    Attributes
    ----------
    figure
        The Matplotlib figure; embedded as PNG.
    alternative_text
        What it shows, for readers who cannot see it.
    caption
        Text under the figure.
    """

    figure: Figure
    alternative_text: str
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.alternative_text.strip():
            raise ValueError("a figure in a report needs an alternative text.")

    @property
    def source(self) -> str:
        """The PNG as a data URL."""
        return f"data:image/png;base64,{base64.b64encode(self.png()).decode('ascii')}"

    def png(self, resolution: int = RESOLUTION) -> bytes:
        """Return the figure as PNG with `resolution` dots per inch; the same figure gives the same bytes."""
        return image_bytes(self.figure, "png", resolution)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in CSS pixels."""
        width, height = self.figure.get_size_inches()
        return round(96 * width), round(96 * height)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    label
        Head of the column.
    unit
        Unit, put into the head; none for a pure number.
    kind
        ``number`` is aligned right and formatted, ``formula`` gets subscripts, ``code`` is for identifiers and
        checksums.
    decimals
        Digits after the point; by default four significant digits.
    """

    label: str
    unit: str = ""
    kind: Literal["text", "number", "formula", "code"] = "text"
    decimals: int | None = None


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes
    ----------
    columns
        The columns.
    rows
        Values in the order of the columns; None and NaN show as a dash.
    caption
        Text above the table.
    sortable
        Whether the reader can sort it by any column and filter its rows.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    sortable: bool = False

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} of the table has {len(row)} values for {len(self.columns)} columns.")


@dataclass(frozen=True)
class ProvenanceStep:
    """One record on the way from the sources to the result.

    Attributes
    ----------
    title
        What was done.
    identifier
        Identifier of its record.
    inputs
        Identifiers of the records whose results it used.
    details
        Further facts by name, such as the seed, the duration and the files' checksums.
    """

    title: str
    identifier: str
    inputs: Sequence[str] = ()
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A section of the report: text first, then interactive parts, figures, tables and the provenance list."""

    title: str
    paragraphs: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()
    tables: Sequence[Table] = ()
    provenance: Sequence[ProvenanceStep] = ()
    widgets: Sequence[Widget] = ()


@dataclass(frozen=True)
class KeyFigure:
    """A number to be read at first sight, with what it is and, in small print, what to compare it with."""

    label: str
    value: Any
    unit: str = ""
    remark: str = ""


def write_report(
    path: str | os.PathLike[str],
    title: str,
    summary: str | Sequence[str],
    sections: Sequence[Section],
    key_figures: Sequence[KeyFigure] = (),
) -> None:
    """Write the report as one self-contained HTML page.

    Every text is escaped; the same input gives the same bytes.

    Parameters
    ----------
    path
        The file to write.
    title
        Title of the page.
    summary
        The first paragraph or paragraphs.
    sections
        The sections in their order.
    key_figures
        Numbers above the sections.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    write_text(path, render_report(title, summary, sections, key_figures))


def render_report(
    title: str, summary: str | Sequence[str], sections: Sequence[Section], key_figures: Sequence[KeyFigure] = ()
) -> str:
    """Return the page that :func:`write_report` writes."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from kadi_battgen.plots.interactive.widget import page_script, script_digest

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(cell=format_cell, unit=mathematical, raw=sort_value)
    widgets = [widget for section in sections for widget in section.widgets]
    sortable = any(table.sortable for section in sections for table in section.tables)
    # Nothing but this one script may run, and only where there is something for it to do.
    script = page_script(widgets) if widgets or sortable else ""
    recorded = {step.identifier for section in sections for step in section.provenance}
    template = environment.from_string(files(__package__).joinpath("report.html").read_text(encoding="utf-8"))
    return template.render(
        title=title,
        summary=[summary] if isinstance(summary, str) else list(summary),
        sections=list(zip(_anchors([section.title for section in sections]), sections, strict=True)),
        key_figures=key_figures,
        recorded=recorded,
        script=Markup(script),
        script_source=f"'{script_digest(script)}'" if script else "'none'",
    )


def format_cell(value: Any, column: Column | None = None) -> str | Markup:
    """Return the text of a table's cell, with subscripts in a formula."""
    from markupsafe import Markup, escape

    kind = column.kind if column is not None else "number"
    if value is None or value == "":
        return "–"
    if kind == "formula":
        return Markup(re.sub(r"(?<=[A-Za-z)\]])([\d.]+)", r"<sub>\1</sub>", str(escape(str(value)))))
    if isinstance(value, Real) and not isinstance(value, bool):
        return format_number(value, column.decimals if column is not None else None)
    return str(value)


def sort_value(value: Any) -> str | None:
    """Return what a number is sorted by; None for what is sorted by its text."""
    if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value)):
        return repr(float(value))
    return None


def format_number(value: Real | float, decimals: int | None = None) -> str:
    """Return a number with four significant digits (or `decimals` after the point) and a true minus sign.

    Whole numbers keep all their digits, in groups of three from five digits on.
    """
    number = float(value)
    if not math.isfinite(number):
        text = "–" if math.isnan(number) else "∞" if number > 0 else "-∞"
    elif decimals is not None:
        text = f"{number:.{decimals}f}"
    elif isinstance(value, Integral):
        text = f"{int(value):,}".replace(",", "\u202f") if abs(int(value)) >= 10_000 else str(int(value))
    elif number != 0 and not 1e-4 <= abs(number) < 1e6:
        mantissa, exponent = f"{number:.3e}".split("e")
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = f"{mantissa.rstrip('0').rstrip('.')}\u202f×\u202f10{raised}"
    else:
        text = f"{number:.4g}" if abs(number) < 1e4 else f"{number:.0f}"
    return text.replace("-", "−")


def _anchors(titles: Sequence[str]) -> list[str]:
    """Return an anchor for each title, each different."""
    anchors: list[str] = []
    for title in titles:
        plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        anchor, count = plain, 2
        while anchor in anchors:
            anchor, count = f"{plain}-{count}", count + 1
        anchors.append(anchor)
    return anchors
