"""The page that shows the gallery, in Markdown for Sphinx with MyST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = """---
hide-toc: true
---

# Gallery: the figures of the thesis

Figures 4.1 to 4.15 of the thesis's results chapter, each drawn by a function of `kadi_battgen.plots` from runs of ours. The
numbers in the captions are read from these runs. Below each figure stand the function that drew it, how it was called, and a
drawing for print. What the models cannot do stands under [limits](../limits.md).

{overview}

All figures and this page are made anew by these commands, from the files that the commands below write; they can be of other
and larger runs:

```bash
{command}
```

From Python:

```python
{python}
```
"""


def gallery_page(figures: Sequence[Mapping[str, Any]], runs: Mapping[str, Mapping[str, str]], command: str) -> str:
    """Return the page.

    Parameters
    ----------
    figures
        What :func:`kadi_battgen.plots.gallery.write_figure` returned, in the order of the page.
    runs
        By the name of runs: ``title``, ``text`` and ``commands`` that made them.
    command
        The commands that make the gallery.

    Raises
    ------
    ValueError
        If a figure is of runs that are not described.
    """
    unknown = {figure["runs"] for figure in figures} - set(runs)
    if unknown:
        raise ValueError(f"nothing is said of the runs {', '.join(sorted(unknown))}.")
    overview = "\n".join(f"- [{figure['number']} {figure['title']}](#figure-{_anchor(figure)})" for figure in figures)
    parts, shown = [_HEAD.format(overview=overview, command=command.strip(), python=_PYTHON)], ""
    for figure in figures:
        if figure["runs"] != shown:
            shown = figure["runs"]
            entry = runs[shown]
            parts.append(
                f"## {entry['title']}\n\n{entry['text'].strip()}\n\n```bash\n{entry['commands'].strip()}\n```\n"
            )
        parts.append(_figure(figure))
    return "\n".join(parts)


#: How one figure is made from Python.
_PYTHON = """from kadi_battgen.plots.gallery.interphase import InterphaseRuns, latent_spaces

runs = InterphaseRuns("sei_dataset.h5", "prvae/", "vae/", "conditional/")
latent_spaces(runs).savefig("latent-spaces.svg")"""

#: Where the sources of the package are, as the page sees them.
_SOURCES = "../.."


def _figure(figure: Mapping[str, Any]) -> str:
    functions = ", ".join(f"{{py:func}}`~kadi_battgen.plots.{name}`" for name in figure["functions"])
    source = figure["source"]["module"].replace(".", "/")
    vector = figure["vector"]
    drawing = (
        "" if vector is None else f" For print: {{download}}`{vector.rpartition('.')[2].upper()} <figures/{vector}>`."
    )
    return f"""(figure-{_anchor(figure)})=
### {figure["number"]} {figure["title"]}

```{{figure}} figures/{figure["picture"]}
:alt: {figure["alternative"]}
:width: {figure["width"]}px
:figclass: gallery

{figure["caption"]}
```

Drawn by {functions}.{drawing}

```{{literalinclude}} {_SOURCES}/{source}.py
:pyobject: {figure["source"]["name"]}
```
"""


def _anchor(figure: Mapping[str, Any]) -> str:
    return str(figure["number"]).replace(".", "-")
