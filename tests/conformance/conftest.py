"""Options and fixtures of the conformance laws: `pytest tests/conformance --backend NAME`."""

from __future__ import annotations

import pytest

from backends import BACKENDS, REFERENCE
from shared.gans import CATALOGUE
from shared.harness.registry import installed_version
from tests.frameworks import configure_once


def pytest_addoption(parser):
    parser.addoption("--backend", action="append", default=None, help="only this backend's laws (repeatable)")


def pytest_generate_tests(metafunc):
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
    if "backend" not in request.fixturenames:
        return
    entry = BACKENDS[request.getfixturevalue("backend")]
    if installed_version(entry) is None:
        pytest.skip(f"{entry.title} is not installed: {entry.install_hint}")
    configure_once(entry.name)
