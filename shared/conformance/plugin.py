"""The pytest plugin of the conformance laws: which backends and GANs a law is tried on.

`pytest --pyargs gan_rosetta.shared.conformance --gan-rosetta-backend NAME` holds a backend to them, wherever it comes
from. pytest loads the plugin wherever gan-rosetta is installed, so that in other sessions it imports nothing of ours,
and gives the fixture `gan_case` to whoever asks for it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_LAWS = Path(__file__).resolve().parent
# Parameters that name a law's GAN.
_GANS = ("gan", "pretrained_gan", "compiled_gan", "name")


def pytest_addoption(parser):
    group = parser.getgroup("gan-rosetta")
    group.addoption("--gan-rosetta-backend", action="append", help="only this backend's laws (repeatable)")
    group.addoption(
        "--gan-rosetta-device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="where backends are; the reference is on cpu",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "compiled: a law of gan-rosetta's compiled execution")
    config.addinivalue_line("markers", "xdist_group(name): laws that share a process")


def pytest_generate_tests(metafunc):
    if not _is_law(metafunc.definition):
        return
    from gan_rosetta.backends import BACKENDS, REFERENCE  # noqa: PLC0415 - only a session that tries laws needs it
    from gan_rosetta.shared.gans import CATALOGUE, MADE_UP, OF_KNOWN_PARTS  # noqa: PLC0415

    left_out = () if os.environ.get("GAN_ROSETTA_LONG") == "1" else OF_KNOWN_PARTS
    gans = [name for name in (*CATALOGUE, *MADE_UP) if name not in left_out]
    if "backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--gan-rosetta-backend") or list(BACKENDS)
        names = [name for name in chosen if name != REFERENCE or "reference_too" in metafunc.fixturenames]
        if "replicas_needed" in metafunc.fixturenames:
            names = [name for name in names if BACKENDS[name].replicas]
        metafunc.parametrize(
            "backend",
            [pytest.param(name, marks=pytest.mark.xdist_group(f"laws-{name}")) for name in names],
        )
    if "gan" in metafunc.fixturenames:
        metafunc.parametrize("gan", gans)
    if "pretrained_gan" in metafunc.fixturenames:
        metafunc.parametrize("pretrained_gan", [name for name, spec in CATALOGUE.items() if spec.pretraining])
    if "compiled_gan" in metafunc.fixturenames:
        metafunc.parametrize("compiled_gan", gans)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Have all laws of a backend on a GAN come one after the other, so that what they share can go with the last."""
    own = [(index, place) for index, item in enumerate(items) if (place := _place(item)) is not None]
    ordered = [items[index] for index, _ in sorted(own, key=lambda each: each[1])]
    for (index, _), item in zip(own, ordered, strict=True):
        items[index] = item


def _place(item):
    """Return what a law on a backend and a GAN is put in order by, None for any other test."""
    parameters = item.callspec.params if _is_law(item) and hasattr(item, "callspec") else {}
    gan = next((parameters[name] for name in _GANS if name in parameters), None)
    # Where no backend is left, pytest has a mark in a name's place.
    return None if gan is None or "backend" not in parameters else (str(parameters["backend"]), str(gan))


@pytest.fixture
def gan_case():
    """Make cases for a port, as gan_rosetta.case does; each is judged when the test ends, if not before.

    def test_my_port(gan_case):
        case = gan_case("sine", steps=20, framework="torch")
        for step in case:
            step.record(**my_port.train_step(step))
    """
    from gan_rosetta.judging import case  # noqa: PLC0415 - only a test that asks for it needs it

    made = []

    def make(*arguments, **options):
        made.append(case(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        (each.judgement or each.judge()).assert_agrees()


@pytest.fixture
def reference_too():
    """A test that asks for this runs on the reference as well."""


@pytest.fixture
def replicas_needed():
    """A test that asks for this runs on the backends that train many replicas in one call."""


@pytest.fixture(scope="session", autouse=True)
def _gan_rosetta_kept_once(tmp_path_factory):
    """Have the processes of pytest-xdist share a folder for what tests compute once, where there is such a thing."""
    once = sys.modules.get("gan_rosetta.shared.conformance.once")
    if once is not None:
        own = tmp_path_factory.getbasetemp()
        once.keep_in((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "computed-once")


@pytest.fixture(autouse=True)
def _gan_rosetta_backend_is_installed(request):
    if not _is_law(request.node) or "backend" not in request.fixturenames:
        return
    from gan_rosetta.backends import BACKENDS, REFERENCE  # noqa: PLC0415
    from gan_rosetta.shared.conformance.frameworks import configure_once, device_of, try_on  # noqa: PLC0415
    from gan_rosetta.shared.workers.registry import installed_version, load_device_module  # noqa: PLC0415

    entry = BACKENDS[request.getfixturevalue("backend")]
    if installed_version(entry) is None:
        pytest.skip(f"{entry.title} is not installed: {entry.install_hint}")
    is_compiled = request.node.get_closest_marker("compiled") is not None and "compiled" not in entry.executions
    # Replicas are compiled where a backend compiles.
    if is_compiled and "replicas_needed" not in request.fixturenames:
        pytest.skip(f"{entry.title} has no compiled execution")
    configure_once(REFERENCE)
    configure_once(entry.name)
    try_on(request.config.getoption("--gan-rosetta-device"))
    if device_of(entry.name) not in load_device_module(entry).list_devices():
        pytest.skip(f"{entry.title} sees no {device_of(entry.name)} here")


def _is_law(item):
    return _LAWS in item.path.resolve().parents
