"""Finds backends: which are known, which are installed, and their Trainer classes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import cast

from gan_rosetta.backends import BACKENDS, REFERENCE, BackendEntry
from gan_rosetta.shared.errors import BackendUnavailable, UsageError, unknown_name
from gan_rosetta.shared.interface import (
    EXECUTIONS,
    Device,
    Execution,
    PerturbedTrainer,
    ProgramFramework,
    Replicas,
    Trainer,
)
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.workers.environments import find_problem, python_of, version_in


def find_backend(name: str, /) -> BackendEntry:
    """Return the entry of that name; raises UsageError, with the nearest name, where there is none.

    Raises BackendUnavailable where an installed package registers it and it cannot be used.
    """
    problem = BACKENDS.problem(name)
    if problem is not None:
        raise BackendUnavailable(f"backend {name!r} cannot be used: {problem}")
    if name not in BACKENDS:
        raise unknown_name("backend", name, BACKENDS)
    return BACKENDS[name]


def installed_version(entry: BackendEntry, chosen: str | None = None, /) -> str | None:
    """Return the framework's version where its worker will run, without importing it, or None: not installed there.

    chosen: the Python that was asked for, None for the backend's usual one.
    """
    return _version_in(entry, python_of(entry.name, chosen))


def _version_in(entry: BackendEntry, python: str | None) -> str | None:
    found = (version_in(python, distribution) for distribution in entry.distributions)
    return next((version for version in found if version is not None), None)


def resolve_execution(entry: BackendEntry, execution: str, /) -> Execution:
    """Return the execution to use: "auto" is the backend's own habit, and a backend without "compiled" runs eager.

    Raises UsageError for another word.
    """
    if execution == "auto":
        return entry.executions[0]
    if execution not in EXECUTIONS:
        raise unknown_name("execution", execution, (*EXECUTIONS, "auto"))
    for known in entry.executions:
        if known == execution:
            return known
    return entry.executions[0]


def load_device_module(entry: BackendEntry, /) -> Device:
    """Import and return the backend's device module; raises BackendUnavailable where the framework fails to import."""
    return cast(Device, _load(entry, "device"))


def load_trainer(entry: BackendEntry, /) -> type[Trainer]:
    """Import and return the backend's Trainer class; raises BackendUnavailable where the framework fails to import."""
    module = _load(entry, "trainer")
    trainer: type[Trainer] = getattr(module, entry.trainer)
    return trainer


def load_replicas(entry: BackendEntry, /) -> type[Replicas] | None:
    """Import and return the backend's class of replicas, None where it has none; raises as load_trainer does."""
    if not entry.replicas:
        return None
    replicas: type[Replicas] = getattr(_load(entry, "replicas"), entry.replicas)
    return replicas


def load_program_module(entry: BackendEntry, /) -> ProgramFramework:
    """Import and return the backend's program module; raises BackendUnavailable where the framework fails to import."""
    return cast(ProgramFramework, _load(entry, "program"))


def build_reference(spec: GanSpec, /, *, dtype: str) -> PerturbedTrainer:
    """Return a trainer of the reference, which can round at random, on the processor."""
    return load_reference().build(spec, device="cpu", dtype=dtype, execution="eager")


def load_reference() -> type[PerturbedTrainer]:
    """Import and return the reference's Trainer class, for those who build many."""
    return cast(type[PerturbedTrainer], load_trainer(find_backend(REFERENCE)))


def require_installed(entry: BackendEntry, chosen: str | None = None, /) -> None:
    """Raise BackendUnavailable, with what to do, where the framework is not installed or its worker cannot run.

    chosen: the Python that was asked for, None for the backend's usual one.
    """
    _require_in(entry, python_of(entry.name, chosen))


def choose_backends(names: Sequence[str], pythons: Mapping[str, str] | None = None, /) -> list[BackendEntry]:
    """Return the backends of those names, which must be installed, or all installed ones where none is named.

    pythons: of backends that do not run on their usual one. Raises UsageError, BackendUnavailable.
    """
    chosen = pythons or {}
    named = [find_backend(name) for name in dict.fromkeys(names)]
    for entry in named:
        require_installed(entry, chosen.get(entry.name))
    return named or [
        entry for name, entry in BACKENDS.items() if installed_version(entry, chosen.get(name)) is not None
    ]


def _require_in(entry: BackendEntry, python: str | None) -> None:
    problem = find_problem(python)
    if problem is not None:
        raise BackendUnavailable(f"backend {entry.name!r}: {problem}")
    if _version_in(entry, python) is None:
        place = "" if python is None else f" in the environment of {python}"
        raise BackendUnavailable(f"backend {entry.name!r} is not installed{place}: {entry.install_hint}")


def _load(entry: BackendEntry, module: str) -> ModuleType:
    _require_in(entry, None)
    try:
        return importlib.import_module(f"{entry.package}.{module}")
    except (UsageError, BackendUnavailable):
        raise
    except Exception as error:
        raise BackendUnavailable(
            f"backend {entry.name!r} is installed but does not import ({type(error).__name__}: {error}); "
            f"reinstall it: {entry.install_hint}"
        ) from error
