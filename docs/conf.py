"""Settings of Sphinx: `make docs` builds the pages into build/docs."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "extensions"), str(ROOT / "workflow_nodes"), str(ROOT)]

from kadi_battgen import __version__  # noqa: E402

project = "kadi-battgen"
author = "the authors of kadi-battgen"
copyright = "2026, the authors of kadi-battgen, Apache-2.0"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "command_pages", "module_pages"]
exclude_patterns = ["commands.yaml"]
html_static_path = ["static"]
html_css_files = ["gallery.css"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "kadi-battgen"
html_show_sphinx = False
# No font, script or picture comes from elsewhere.
html_theme_options = {"top_of_page_buttons": []}

# Two hyphens are an option, not a dash.
smartquotes = False

# What is documented is what docstrings say; types stand in the signatures.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# Every reference to something of ours must lead somewhere. Names of other packages have no pages here.
nitpicky = True
toc_object_entries = False
suppress_warnings = ["ref.python"]  # of texts in annotations, such as Literal["mean"], that are names of something too
nitpick_ignore_regex = [(r"py:.*", r"(?!kadi_battgen|battgen_nodes).*")]
