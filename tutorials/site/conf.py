"""Sphinx's settings for the tutorials; `python -m tutorials build` gives it the assembled pages as its sources."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

project = "gan-rosetta tutorials"
author = "the gan-rosetta authors"
project_copyright = author
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_design",
    "sphinx_copybutton",
    "tutorials.machinery.mathml",
]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_inline"]
source_suffix = {".md": "markdown"}
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "GANs, side by side"
html_static_path = [str(Path(__file__).resolve().parent / "static")]
html_css_files = ["lessons.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
# Nothing is fetched when a page is read: mathematics is MathML, and the theme brings its own files.
html_theme_options = {"navigation_with_keys": True}
suppress_warnings = ["misc.highlighting_failure"]
