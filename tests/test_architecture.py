"""What imports what, and what may not be loaded or done anywhere."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from battgen_nodes.main import battgen

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("kadi_battgen/**/*.py"), *ROOT.glob("workflow_nodes/**/*.py")])

#: Packs what a run sends to its own worker processes, in memory; no file is read or written like this.
MESSAGES = ROOT / "kadi_battgen/parallel/packing.py"

#: Packages that take long to load.
HEAVY = ("torch", "monai", "lightning", "torchmetrics", "pymatgen", "ppafm", "pyopencl", "matplotlib", "sklearn", "ase")

#: What a command that only describes itself must not load either.
SLOW = ("numpy", "pydantic", "yaml", "h5py", "kadi_apy", "niquests", "rocrate", "prov")

LOADED = """
import json, sys
sys.argv = json.loads(sys.argv[1])
try:
    {statement}
except SystemExit as ended:
    assert not ended.code, ended.code
print()
print("\\n".join(sorted({{name.split(".")[0] for name in sys.modules}})))
"""


def _names(group: click.Group) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield from ((name, *rest) for rest in _names(command)) if isinstance(command, click.Group) else ((name,),)


def test_the_arrows_point_one_way():
    """Run the contracts of pyproject.toml."""
    pytest.importorskip("importlinter", reason="import-linter comes with the extra 'dev'")
    script = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Contracts: 5 kept, 0 broken." in result.stdout


def _command_words(group):
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from ([name, *words] for words in _command_words(command))
        else:
            yield [name]


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [
        ("import kadi_battgen", []),
        ("import kadi_battgen.electrodes, kadi_battgen.afm.campaign, kadi_battgen.datasets, kadi_battgen.records", []),
        ("import kadi_battgen.applications, kadi_battgen.training.settings", []),
        ("import kadi_battgen.applications.composition, kadi_battgen.applications.screening", []),
        (f"import {', '.join(f'kadi_battgen.training.{k}' for k in ('composition', 'screening', 'translation'))}", []),
        ("from battgen_nodes.main import battgen; battgen()", ["battgen", "--help"]),
        ("from battgen_nodes.main import battgen; battgen()", ["battgen", "--version"]),
        *(
            ("from battgen_nodes.main import battgen; battgen()", ["battgen", *name, "--xmlhelp"])
            for name in sorted(_names(battgen))
        ),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(statement, arguments):
    script = LOADED.format(statement=statement)
    result = subprocess.run(
        [sys.executable, "-c", script, json.dumps(arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.splitlines())
    assert "kadi_battgen" in loaded
    assert not loaded & set(HEAVY)
    if "--xmlhelp" in arguments:
        assert not loaded & set(SLOW)


def _calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
    }
    if path != MESSAGES:
        assert not imported & {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for name, call in _calls(tree):
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name == "torch.load":  # published weights of others; its restricted reader builds tensors alone
            assert keywords.get("weights_only") == "True"
        assert name not in ("torch.save", "eval", "exec", "yaml.load", "yaml.unsafe_load"), name
        if name in ("np.load", "numpy.load"):
            assert keywords.get("allow_pickle") == "False"
        assert keywords.get("shell", "False") == "False"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_source_says_what_it_is_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
