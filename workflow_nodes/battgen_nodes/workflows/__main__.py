"""Write the shipped workflows, their tool definitions and their pictures.

Usage: python -m battgen_nodes.workflows [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from battgen_nodes.workflows.shipped import write_workflows

if __name__ == "__main__":
    for path in write_workflows(Path(sys.argv[1] if len(sys.argv) > 1 else "kadistudio_workflows")):
        print(path)
