"""The page of mishaps: a section for each file of tests, from the run in which that file last went as it should."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mishaps.trial import ROOT

_INTRODUCTION = """\
# Mishaps

What was done to gan-rosetta on purpose, what it said, and what was left. `make mishaps` runs the tests in
`tests/mishaps` and writes down what happened; each section is of one file of them, from the last run in which all of
that file went as it should. Status 2 is a mistake that a user can mend, 3 a run that failed, 130 Ctrl-C, -9 a
`kill -9`.
"""
_HEAD = """\
| what was done | what was printed | status | what is there afterwards |
| --- | --- | --- | --- |
"""
_SECTION = re.compile(
    r"^## (?P<title>[^\n]*) \(`(?P<file>\S+)`\)$\n\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """What came of a mishap. file: of the test; place: its line there and its name; row: the four columns."""

    file: str
    place: tuple[int, str]
    row: tuple[str, ...]


def write_page(path: Path, accounts: Iterable[Account], /) -> int:
    """Write the sections of the files that there are accounts of, and keep those of others; returns how many rows."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    bodies = {found["file"]: found["body"].strip() + "\n" for found in _SECTION.finditer(text)}
    ours: dict[str, list[Account]] = {}
    for account in accounts:
        ours.setdefault(account.file, []).append(account)
    for file, found in ours.items():
        rows = [_cells(account.row) for account in sorted(found, key=lambda account: account.place)]
        bodies[file] = _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)
    files = [file for file in sorted(bodies) if (ROOT / file).exists()]
    sections = [f"\n## {_title(file)} (`{file}`)\n\n{bodies[file]}" for file in files]
    page = _INTRODUCTION + "".join(sections)
    path.write_text(page, encoding="utf-8")
    return page.count("\n| ") - 2 * len(sections)


def _title(file: str) -> str:
    """Return the first line of a file's docstring, without its full stop."""
    said = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8"))) or file
    return said.splitlines()[0].rstrip(".")


def _cells(row: tuple[str, ...]) -> tuple[str, ...]:
    """Return a row for a table in Markdown."""
    done, printed, status, kept = row
    lines = [f"`{_short(line).replace('|', '¦').replace('`', chr(39))}`" for line in printed.splitlines()]
    return done.replace("|", "¦"), "<br>".join(lines) or "nothing", status, kept.replace("|", "¦")


def _short(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip()
