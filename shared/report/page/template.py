"""Puts values into one of the page's templates: all that the page needs is in it, and it may load nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from gan_rosetta.shared.report.page.words import amount
from gan_rosetta.shared.report.shown import shown

_HERE = Path(__file__).parent


def render_page(template: str, /, **values: Any) -> str:
    """Return the page that a template makes of values; its style and scripts are those of all pages."""
    scripts = [Markup(get_plotlyjs()), Markup((_HERE / "page.js").read_text(encoding="utf-8"))]  # noqa: S704 - our own
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters["figure"] = _figure_data
    environment.filters["amount"] = amount
    environment.filters["data"] = lambda value: _as_data(json.dumps(value))
    return environment.get_template(template).render(
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        scripts=scripts,
        script_hashes=[_hash(script) for script in scripts],
        **values,
    )


def _figure_data(figure: go.Figure) -> Markup:
    """Return a figure as JSON that cannot end the script element it stands in."""
    return _as_data(plotly.io.to_json(figure, validate=False, engine="json"))


def _as_data(text: str) -> Markup:
    """Return JSON in which no letter of HTML is left."""
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - no letter of HTML is left in it


def _finalized(value: object) -> object:
    """Return what stands in a place of the template as it is shown there; what is no text of others' stays."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else shown(value)


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
