"""Which Python each backend's worker runs on: this one, or that of an environment of the backend's own.

Frameworks want different versions of NumPy, so a backend may live elsewhere: where `--python NAME=PATH` says, or in the
folder NAME of `environments_folder()`. Nothing but the worker's lines pass between the two. The environment needs
gan-rosetta, in the same version, and the framework.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import platformdirs

from backends import BACKENDS
from shared.errors import UsageError, unknown_name

FOLDER_VARIABLE = "GAN_ROSETTA_ENVIRONMENTS"
_DISTRIBUTION = "gan-rosetta"
_SECONDS_TO_LOOK = 60
# What an environment has, asked of its own Python, which need not have anything of ours.
_LOOK = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
)

_chosen: dict[str, Path] = {}


def choose_pythons(choices: Iterable[str] | None, /) -> None:
    """Take choices NAME=PATH, in place of earlier ones of the same names; raises UsageError for what is not one."""
    for choice in choices or ():
        backend, equals, text = choice.partition("=")
        if not (backend and equals and text):
            raise UsageError(f"--python is {choice!r}; expected BACKEND=PATH, such as jax=environments/jax/bin/python")
        if backend not in BACKENDS:
            raise unknown_name("backend", backend, BACKENDS)
        path = Path(text).expanduser()
        if path.is_dir():
            path = python_in(path)
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise UsageError(
                f"--python says that {backend} runs on {text}, which is no program; expected an environment, or its "
                "Python, made by `python -m venv` and `pip install gan-rosetta`"
            )
        # Absolute, but not resolved: a link into another installation is what makes an environment.
        _chosen[backend] = path.absolute()


def choose_this_python(backend: str, /) -> None:
    """Have a backend run on this Python: a worker is where it was sent."""
    _chosen[backend] = Path(sys.executable)


def environments_folder() -> Path:
    """Return where environments of backends are looked for: $GAN_ROSETTA_ENVIRONMENTS, or the user's data folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir(_DISTRIBUTION, appauthor=False)) / "environments"


def python_in(environment: Path, /) -> Path:
    """Return the Python of an environment's folder, whether there is one or not."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def python_of(backend: str, /) -> str | None:
    """Return the Python of a backend that does not run on this one; None for those that do."""
    path = _chosen.get(backend)
    if path is None:
        path = python_in(environments_folder() / backend)
        if not path.is_file():
            return None
    return None if path == Path(sys.executable) else str(path.absolute())


def version_in(python: str | None, distribution: str, /) -> str | None:
    """Return the version of a distribution that a Python has, None for this one; None where it is not installed."""
    if python is None:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            return None
    versions, _ = _look_into(python)
    return next((found for name, found in versions.items() if _same(name, distribution)), None)


def find_problem(python: str | None, /) -> str | None:
    """Return why no worker can run on a Python, None where it can."""
    if python is None:
        return None
    _, problem = _look_into(python)
    if problem is not None:
        return problem
    here, there = version_in(None, _DISTRIBUTION), version_in(python, _DISTRIBUTION)
    if there is None:
        return f"{python} has no gan-rosetta: {python} -m pip install {_DISTRIBUTION}"
    if there != here:
        return f"{python} has gan-rosetta {there} and this is {here}: install the same version in both"
    return None


@functools.lru_cache
def _look_into(python: str) -> tuple[Mapping[str, str], str | None]:
    """Return the versions of what another Python has installed, or why that cannot be told."""
    try:
        answer = subprocess.run(
            [python, "-c", _LOOK], capture_output=True, text=True, timeout=_SECONDS_TO_LOOK, check=True
        )
        return dict(json.loads(answer.stdout)), None
    except (OSError, subprocess.SubprocessError, ValueError, TypeError) as error:
        reason = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
        return {}, f"{python} does not answer as a Python does: {reason}"


def _same(name: str, other: str) -> bool:
    return name.lower().replace("_", "-") == other.lower().replace("_", "-")
