"""Run the command ``battgen`` as ``python -m battgen_nodes``."""

from battgen_nodes.main import battgen

if __name__ == "__main__":
    battgen(prog_name="battgen")
