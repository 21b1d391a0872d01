"""One page for each package, with what the docstrings of its modules say."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Folder of the pages below the sources; git ignores it.
FOLDER = Path("reference") / "python"

#: Packages in the order of the floors, from what uses to what is used, each with the modules that have a page: all if none
#: are named. The others are how a package does it, and change without notice.
PACKAGES: dict[str, tuple[str, ...]] = {
    "applications": (),
    "training": (),
    "networks": (),
    "diffusion": (),
    "metrics": (),
    "datasets": (),
    "afm": (),
    "sei": (),
    "electrodes": (
        "electrode",
        "properties",
        "composition",
        "collection",
        "card",
        "refusals",
        "sources",
        "sources.bundled",
        "sources.files.reading",
        "sources.files.columns",
        "sources.files.units",
        "sources.materials_project.settings",
        "sources.materials_project.fetch",
    ),
    "parallel": ("settings", "jobs"),
    "records": ("run", "model", "artifacts", "store", "stores", "local", "chain", "references"),
    "flows": ("builder", "reading", "check", "run"),
    "plots": (),
    "sandbox": ("server", "connection"),
    "doctor": ("examination", "finding"),
}

#: Packages that only hold files, or what a server loads.
WITHOUT_PAGE = ("bundled", "kadi_plugin")


def write_pages(app: Sphinx) -> None:
    """Write a page for each package, and their list."""
    import kadi_battgen

    root = Path(kadi_battgen.__file__).parent
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    found = sorted(path.name for path in root.iterdir() if (path / "__init__.py").is_file())
    unknown = set(found) ^ {*PACKAGES, *WITHOUT_PAGE}
    assert not unknown, f"docs/extensions/module_pages.py does not say where {sorted(unknown)} belong"
    top = ["kadi_battgen", *(f"kadi_battgen.{path.stem}" for path in sorted(root.glob("[!_]*.py")))]
    texts = {"basis": _page("What everything else stands on", "Files, errors, progress, processes.", top)}
    rows = []
    for name, chosen in PACKAGES.items():
        modules = [f"kadi_battgen.{name}.{module}" for module in chosen] or _modules(root, root / name)
        summary = _summary(root / name / "__init__.py")
        texts[name] = _page(f"kadi_battgen.{name}", summary, modules)
        rows.append(f"| [`kadi_battgen.{name}`]({name}.md) | {summary} |")
    texts["index"] = "\n".join(
        [
            "# Python modules",
            "",
            "Made from the docstrings. Names that a package lists in its `__all__` are stable; others may change between",
            "versions. Shapes, units and sign conventions stand with each function.",
            "",
            "| package | what it holds |",
            "|---|---|",
            *rows,
            "| [basis](basis.md) | Files, errors, progress, processes. |",
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *PACKAGES,
            "basis",
            "```",
            "",
        ]
    )
    for name, text in texts.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.glob("*.md"):
        if path.stem not in texts:
            path.unlink()


def _modules(root: Path, package: Path) -> list[str]:
    """Return the names of the modules of a package, in the order of their paths."""
    names = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        name = ".".join(parts)
        if not any(part.startswith("_") for part in parts):
            names.append(name)
    return names


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def _page(title: str, summary: str, modules: list[str]) -> str:
    lines = [f"# {title}", "", summary, ""]
    for module in modules:
        if module == title and hasattr(import_module(module), "__path__") and not _more_than_summary(module):
            continue
        # What a package takes from its modules is described where it is defined.
        members = [] if hasattr(import_module(module), "__path__") else ["   :members:"]
        lines += [f"## {module}", "", "```{eval-rst}", f".. automodule:: {module}", *members, "```", ""]
    return "\n".join(lines)


def _more_than_summary(package: str) -> bool:
    """Tell whether the docstring of a package says more than the line that begins its page."""
    return "\n\n" in (import_module(package).__doc__ or "").strip()


def existing_object(app: Sphinx, environment: Any, node: Any, text: Any) -> Any:
    """Show a reference to something that exists and has no page as text; what does not exist is left to be complained of."""
    target = str(node.get("reftarget", ""))
    parts = target.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for name in parts[length:]:
            found = getattr(found, name, None)
        return text if found is not None else None
    return None


def keep_bars(app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Keep the bars of absolute values, which reStructuredText takes for something to be replaced."""
    # What stands in double backquotes stays as it is.
    pattern = re.compile(r"(``.*?``)|\|([^|`]+)\|")
    lines[:] = [pattern.sub(lambda found: found[1] or rf"\|{found[2]}\|", line) for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for its sources."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", keep_bars)
    app.connect("missing-reference", existing_object)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
