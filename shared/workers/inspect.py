"""Asks each installed backend, in a process of its own, which devices it sees."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from gan_rosetta.backends import BACKENDS, BackendEntry
from gan_rosetta.shared.workers.child import WorkerLost, WorkerProcess
from gan_rosetta.shared.workers.protocol import Ready
from gan_rosetta.shared.workers.registry import installed_version

# A person waits for a list; importing TensorFlow takes some ten seconds.
_PATIENCE_SECONDS = 120.0


def inspect_backends(pythons: Mapping[str, str], /) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the devices of each installed backend that imports, and what the others say instead.

    pythons: of backends that do not run on their usual one.
    """
    devices: dict[str, tuple[str, ...]] = {}
    problems: dict[str, str] = {}
    installed = [entry for entry in BACKENDS.values() if installed_version(entry, pythons.get(entry.name)) is not None]
    with ThreadPoolExecutor(max_workers=2) as pool:
        for entry, ready in zip(
            installed, pool.map(lambda entry: first_word(entry, pythons.get(entry.name)), installed), strict=True
        ):
            if isinstance(ready, Ready):
                devices[entry.name] = ready.devices
            else:
                problems[entry.name] = ready
    return devices, problems


def first_word(entry: BackendEntry, python: str | None) -> Ready | str:
    """Return the first word of a backend's worker, or why there is none."""
    worker = WorkerProcess(entry.name, threads=1, python=python)
    try:
        return worker.start(patience_seconds=_PATIENCE_SECONDS)
    except WorkerLost as lost:
        return str(lost)
    finally:
        worker.close()
