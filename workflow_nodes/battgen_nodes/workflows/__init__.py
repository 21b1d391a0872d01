"""The workflows that ship with kadi-battgen, one a module; ``python -m battgen_nodes.workflows`` writes them."""
