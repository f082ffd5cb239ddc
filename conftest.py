"""Our own test sessions alone have room for calls of frameworks that compile, and make once what a file shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_rosetta.shared.workers.process import call_with_room
from tests.cpu import CpuReport

_HAS_ROOM = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> object:
    """Have the loop run as a worker's does, with room for its calls."""
    if session.config.stash.get(_HAS_ROOM, False):
        return None
    session.config.stash[_HAS_ROOM] = True
    return call_with_room(lambda: session.config.hook.pytest_runtestloop(session=session))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run the tests of a file that share what the file makes once, as pages, runs and references are.

    pytest-xdist gives each test to whichever process is free, and each process would make it anew.
    """
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("xdist_group") is None:
            made = (definitions[-1] for definitions in item._fixtureinfo.name2fixturedefs.values())
            if any(each.scope in ("module", "session") and each.baseid == _file_of(item) for each in made):
                item.add_marker(pytest.mark.xdist_group(_file_of(item)))


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option that cpu.py is for."""
    parser.addoption("--cpu-report", type=Path, default=None, help="write what tests cost to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Have each process measure its tests, where that was asked for."""
    target = config.getoption("--cpu-report")
    if target is not None:
        is_worker = hasattr(config, "workerinput")
        config.pluginmanager.register(CpuReport(target.absolute(), writes=not is_worker), "cpu-report")
