"""The pytest plugin of the conformance laws: which backends and GANs a law is tried on.

`pytest -p shared.conformance.plugin --pyargs shared.conformance --backend NAME` holds a backend to them, wherever it
comes from.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from backends import BACKENDS, REFERENCE
from shared.conformance.frameworks import configure_once
from shared.gans import CATALOGUE
from shared.harness.process import call_with_room
from shared.harness.registry import installed_version

_LAWS = Path(__file__).parent
_HAS_ROOM = pytest.StashKey[bool]()


def pytest_addoption(parser):
    parser.addoption("--backend", action="append", default=None, help="only this backend's laws (repeatable)")


def pytest_configure(config):
    config.addinivalue_line("markers", "compiled: a law of the compiled execution")
    config.addinivalue_line("markers", "xdist_group(name): laws that share a process")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """Have the loop run as a worker's does, with room for its calls."""
    if session.config.stash.get(_HAS_ROOM, False):
        return None
    session.config.stash[_HAS_ROOM] = True
    return call_with_room(lambda: session.config.hook.pytest_runtestloop(session=session))


def pytest_generate_tests(metafunc):
    if not _is_law(metafunc.definition):
        return
    if "backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--backend", default=None) or list(BACKENDS)
        names = [name for name in chosen if name != REFERENCE or "reference_too" in metafunc.fixturenames]
        metafunc.parametrize(
            "backend",
            [pytest.param(name, marks=pytest.mark.xdist_group(f"laws-{name}")) for name in names],
        )
    if "gan" in metafunc.fixturenames:
        metafunc.parametrize("gan", list(CATALOGUE))
    if "pretrained_gan" in metafunc.fixturenames:
        metafunc.parametrize("pretrained_gan", [name for name, spec in CATALOGUE.items() if spec.pretraining])
    if "compiled_gan" in metafunc.fixturenames:
        metafunc.parametrize("compiled_gan", list(CATALOGUE))


@pytest.fixture
def reference_too():
    """A test that asks for this runs on the reference as well."""


@pytest.fixture(autouse=True)
def _installed(request):
    if "backend" not in request.fixturenames or not _is_law(request.node):
        return
    entry = BACKENDS[request.getfixturevalue("backend")]
    if installed_version(entry) is None:
        pytest.skip(f"{entry.title} is not installed: {entry.install_hint}")
    if request.node.get_closest_marker("compiled") is not None and "compiled" not in entry.executions:
        pytest.skip(f"{entry.title} has no compiled execution")
    configure_once(REFERENCE)
    configure_once(entry.name)


def _is_law(item):
    return _LAWS in item.path.parents
