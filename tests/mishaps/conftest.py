"""What every mishap is tried with: the real command, and an account of what came of it.

`pytest tests/mishaps -n 0 --mishaps-page docs/mishaps.md` writes the accounts of that run as a page.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.mishaps.trial import ROOT, Mishap

# Made when it is first needed: where all tests run, this file is read after the session has started.
_ROWS = pytest.StashKey[list[tuple[str, ...]]]()
_INTRODUCTION = """\
# Mishaps

What was done to gan-rosetta on purpose, what it said, and what was left. Made by `make mishaps`, which runs the tests
in `tests/mishaps` and writes down what happened in that run; each row is the test of that name. Status 2 is a mistake
that a user can mend, 3 a run that failed, 130 Ctrl-C, -9 a `kill -9`.

| what was done | what was printed | status | what is there afterwards |
| --- | --- | --- | --- |
"""


@pytest.fixture(scope="session", autouse=True)
def _commands_hear_ctrl_c():
    """What is started here hears Ctrl-C, also where the tests themselves ignore it, as in a script's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def mishap(request: pytest.FixtureRequest, tmp_path: Path) -> Mishap:
    tried = Mishap(tmp_path, request.node.name)
    request.node.mishap = tried
    return tried


@pytest.fixture
def mounted(tmp_path: Path):
    """Return a function that gives the prefix of a command for which a folder is another file system."""
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    tried = shutil.which("unshare") and subprocess.run([*prefix, "true"], check=False, capture_output=True)
    if not tried or tried.returncode:
        pytest.skip("this system lets nobody mount a folder in a namespace")

    def give(script: str) -> list[str]:
        return [*prefix, f'{script} && exec "$0" "$@"']

    return give


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mishaps-page", type=Path, default=None, help="write what happened to this Markdown file")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item):
    tried = getattr(item, "mishap", None)
    if tried is not None:
        item.config.stash.setdefault(_ROWS, []).extend(_cells(row, tried.folder) for row in tried.rows)
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    target = config.getoption("--mishaps-page", default=None)
    if target is None:
        return
    rows = config.stash.get(_ROWS, [])
    if exitstatus != 0 or not rows:
        reason = "not every mishap went as it should" if rows else "none was tried in this process; run with -n 0"
        terminalreporter.write_line(f"{target} is left alone: {reason}")
        return
    target.write_text(_INTRODUCTION + "".join(f"| {' | '.join(row)} |\n" for row in rows), encoding="utf-8")
    terminalreporter.write_line(f"{target}: {len(rows)} mishaps")


def _cells(row: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """Return a row for a table in Markdown, without the places of this machine."""
    done, printed, status, kept = (text.replace(str(folder), "DIR").replace(str(ROOT), "REPOSITORY") for text in row)
    lines = [f"`{_short(line).replace('|', '¦').replace('`', chr(39))}`" for line in printed.splitlines()]
    return done, "<br>".join(lines) or "nothing", status, kept.replace("|", "¦")


def _short(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip()
