"""What every mishap is tried with: the real command, and an account of what came of it.

`pytest tests/mishaps --mishaps-page docs/mishaps.md` writes the accounts of that run as a page.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mishaps.page import Account, write_page
from tests.mishaps.trial import ROOT, Mishap

_PROPERTY = "mishap"


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
        # Properties come with a test's report, from other processes too.
        rows = [
            [
                text.replace(str(tried.folder), "DIR")
                .replace(sys.prefix, "ENVIRONMENT")
                .replace(str(ROOT), "REPOSITORY")
                for text in row
            ]
            for row in tried.rows
        ]
        item.user_properties.extend((_PROPERTY, row) for row in rows)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--mishaps-page", default=None) is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Accounts(config), "mishaps")


class _Accounts:
    """Gathers what tests gave account of, where one process hears of all."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._accounts: list[Account] = []
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file, line, _ = report.location
        if report.failed:
            self._failed.add(file)
        if report.when == "teardown":
            rows = [row for name, row in report.user_properties if name == _PROPERTY]
            self._accounts += [Account(file=file, place=(line or 0, report.nodeid), row=tuple(row)) for row in rows]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        target = self._config.getoption("--mishaps-page")
        if self._config.option.keyword or any("::" in argument for argument in self._config.args):
            terminalreporter.write_line(f"{target} is left alone: name whole files, without -k")
            return
        whole = [each for each in self._accounts if each.file not in self._failed]
        num_rows = write_page(target, whole)
        terminalreporter.write_line(f"{target}: {num_rows} mishaps")
        for file in sorted(self._failed):
            terminalreporter.write_line(f"{target} keeps what it has of {file}: not every mishap went as it should")
