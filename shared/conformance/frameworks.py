"""Sets frameworks up for tests: once a process, before a framework computes anything, since some refuse it later."""

from __future__ import annotations

import gc
from functools import cache

from gan_rosetta.backends import BACKENDS, REFERENCE
from gan_rosetta.shared.workers.process import keep_freed_memory
from gan_rosetta.shared.workers.registry import installed_version, load_device_module

_device = "cpu"


def try_on(device: str, /) -> None:
    """Have the laws of this process try backends on "cpu" or "cuda"; the reference stays on the processor."""
    global _device  # noqa: PLW0603 - one session has one device
    _device = device


def device_of(backend: str, /) -> str:
    return "cpu" if backend == REFERENCE else _device


@cache
def configure_once(name: str) -> None:
    keep_freed_memory()
    load_device_module(BACKENDS[name]).configure(threads=1)
    gc.freeze()  # as a worker does


def configure_installed() -> None:
    for name, entry in BACKENDS.items():
        if installed_version(entry) is not None:
            configure_once(name)
