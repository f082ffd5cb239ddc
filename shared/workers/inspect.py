"""Asks each installed backend, in a process of its own, which devices it sees."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gan_rosetta.backends import BACKENDS, BackendEntry
from gan_rosetta.shared.workers.launch import WorkerProcess
from gan_rosetta.shared.workers.registry import installed_version


def inspect_backends(pythons: Mapping[str, str], /) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the devices of each installed backend that imports, and what the others say instead.

    pythons: of backends that do not run on their usual one.
    """
    devices: dict[str, tuple[str, ...]] = {}
    problems: dict[str, str] = {}
    installed = [entry for entry in BACKENDS.values() if installed_version(entry, pythons.get(entry.name)) is not None]
    with ThreadPoolExecutor(max_workers=2) as pool:
        for entry, ready in zip(
            installed, pool.map(lambda entry: _ask(entry, pythons.get(entry.name)), installed), strict=True
        ):
            if ready.get("event") == "ready":
                devices[entry.name] = tuple(ready["devices"])
            else:
                problems[entry.name] = str(ready["message"])
    return devices, problems


def _ask(entry: BackendEntry, python: str | None) -> dict[str, Any]:
    """Return the first event of a backend's worker, or a message where it ended without one."""
    worker = WorkerProcess(entry.name, threads=1, python=python)
    try:
        return worker.start() or {"message": worker.how_it_ended()}
    finally:
        worker.close()
