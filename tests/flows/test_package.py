"""The package stands on the standard library alone, so that a node that imports it answers at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kadi_battgen.flows

MODULES = sorted(path.stem for path in Path(kadi_battgen.flows.__file__).parent.glob("*.py") if path.stem != "__init__")

LOADED = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(f"kadi_battgen.flows.{name}")
print("\\n".join(sorted({name.split(".")[0] for name in sys.modules} - sys.stdlib_module_names)))
print("\\n".join(sorted(name for name in sys.modules if name.startswith("kadi_battgen.") and ".flows" not in name)))
"""


def test_only_the_standard_library_is_loaded():
    script = [sys.executable, "-I", "-c", LOADED, *MODULES]
    result = subprocess.run(script, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    # What the interpreter itself loads: for editable installations (underscores), and Debian's hook for its own packages.
    loaded = {name for name in result.stdout.split() if not name.startswith("_")} - {"sitecustomize"}
    assert loaded == {
        "kadi_battgen",
        "kadi_battgen._version",
        "kadi_battgen.errors",
        "kadi_battgen.files",
        "kadi_battgen.processes",
        "kadi_battgen.terminal",
    }
