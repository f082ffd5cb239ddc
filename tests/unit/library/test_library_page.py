"""docs/library.md and docs/port-a-gan.md: examples give what the comments behind them say; public names are there."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import gan_rosetta as gr

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = DOCS / "library.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_example(source: str, names: dict[str, Any]) -> int:
    """Run a block of code; an expression with a comment behind it must give that. Returns how many did."""
    lines = source.splitlines()
    num_held = 0
    for statement in ast.parse(source).body:
        code = ast.unparse(statement)
        last = lines[statement.end_lineno - 1][statement.end_col_offset :]
        if isinstance(statement, ast.Expr) and last.startswith("  # "):
            assert repr(eval(code, names)) == last.removeprefix("  # "), code  # noqa: S307
            num_held += 1
        else:
            exec(code, names)  # noqa: S102
    return num_held


@pytest.mark.parametrize("page", [PAGE, DOCS / "port-a-gan.md"], ids=lambda page: page.stem)
def test_the_examples_run(page, tmp_path, monkeypatch):
    if gr.backends()["torch"].version is None:
        pytest.skip("the first example is about torch")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    held = [run_example(block, names) for block in blocks]
    assert all(held), "a block shows nothing"


def test_a_wrong_comment_is_found():
    with pytest.raises(AssertionError):
        run_example("1 + 1  # 3", {})


def test_every_public_name_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    code = "".join(BLOCK.findall(text))
    functions = {name for name in gr.__all__ if inspect.isfunction(getattr(gr, name))}
    assert {"compare", "train", "bench"} <= functions
    assert not {name for name in functions if f"gr.{name}(" not in code}
    assert not {name for name in gr.__all__ if name not in text}
