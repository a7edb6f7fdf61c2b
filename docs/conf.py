"""How Sphinx builds this site: without a network, and with every warning an error (``make docs``)."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

project = "Interlock"
author = "The Interlock authors"
project_copyright = "The Interlock authors, Apache-2.0"
release = version = version_of("interlock")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docs._ext.directives"]
exclude_patterns = ["_ext"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_display_short_literal_types = True
add_module_names = False
toc_object_entries_show_parents = "hide"

smartquotes = False
html_theme = "furo"
html_title = "Interlock"
html_static_path = ["_static"]
html_css_files = ["interlock.css"]
html_copy_source = False
html_show_sphinx = False
