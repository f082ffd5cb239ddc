"""docs/comparing.ipynb: its cells run one after another, and what they end in shows itself."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[3] / "docs" / "comparing.ipynb"


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell and return what it ends in, None where that is no expression."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), names)  # noqa: S102
    return None if last is None else eval(compile(last, "<cell>", "eval"), names)  # noqa: S307


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    names: dict[str, Any] = {}
    return {cell.id: run_cell(cell.source, names) for cell in notebook.cells if cell.cell_type == "code"}


def test_the_comparison_shows_itself(shown):
    page = shown["compare"]._repr_html_()
    assert "<b>linear-2d: AGREE</b>" in page
    assert '<img alt="losses"' in page
    assert shown["pairs"]["numpy", "numpy:float32"][0] == "AGREE"
    assert '<img alt="losses"' in shown["run"]._repr_html_()


def test_the_fault_is_named(shown):
    assert "is wrong, first in step 0" in shown["diagnose"]._repr_html_()
    assert shown["assert"] is None


def test_no_output_is_kept():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not [cell.id for cell in cells if cell.get("outputs")]
