"""A program as a notebook: its head as text, and a cell for its settings and each of its sections."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_PARSED = "options = parser.parse_args()"
# In a notebook there is no command line.
_GIVEN = 'options = parser.parse_args([])  # or of your own, such as ["--steps", "500"]'
_SECTION = re.compile(r"^# (Data|Model|Losses|Optimizers|Step|Loop|Picture)\n", re.MULTILINE)


def notebook_text(program: str, /) -> str:
    """Return a proved program as the text of an .ipynb file, without outputs; the same program gives the same text."""
    head = ast.get_docstring(ast.parse(program)) or ""
    code = program[program.index('"""\n', 3) + 4 :].replace(_PARSED, _GIVEN, 1)
    first, *rest = _SECTION.split(code)
    cells = [_cell("markdown", 0, f"# {head}"), _cell("code", 1, first.strip())]
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        cells.append(_cell("markdown", len(cells), f"## {title}"))
        cells.append(_cell("code", len(cells), body.strip()))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, number: int, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    cell["source"] = text.splitlines(keepends=True)
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
