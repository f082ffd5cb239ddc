"""Which Python each backend's worker runs on: this one, or that of an environment of the backend's own.

Frameworks want different versions of NumPy, so a backend may live elsewhere: where its run's name or
`--python NAME=PATH` says, or in the folder NAME of `environments_folder()`. Nothing but the worker's lines pass between
the two. The environment needs gan-rosetta, in the same version, and the framework.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import platformdirs

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.errors import UsageError, in_a_line, unknown_name
from gan_rosetta.shared.storage.opening import what_is
from gan_rosetta.shared.workers.process import describe_exit

FOLDER_VARIABLE = "GAN_ROSETTA_ENVIRONMENTS"
_DISTRIBUTION = "gan-rosetta"
_SECONDS_TO_LOOK = 60
_MOST_BYTES = 1 << 22
# What an environment has, asked of its own Python, which need not have anything of ours, nor read the folder it is in.
_LOOK = (
    "import sys; sys.path[:] = filter(None, sys.path); import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
)


def parse_pythons(choices: Iterable[str] | None, /) -> dict[str, str]:
    """Return the Python of each backend of choices NAME=PATH; raises UsageError for what is not one."""
    chosen = {}
    for choice in choices or ():
        backend, equals, text = choice.partition("=")
        if not (backend and equals and text):
            raise UsageError(f"--python is {choice!r}; expected BACKEND=PATH, such as jax=environments/jax/bin/python")
        if backend not in BACKENDS and BACKENDS.problem(backend) is None:
            raise unknown_name("backend", backend, BACKENDS)
        chosen[backend] = find_python(text, said=f"--python says that {backend} runs on {text}")
    return chosen


def find_python(environment: str, /, *, said: str) -> str:
    """Return the Python of an environment: its folder, its name in `environments_folder()`, or the program itself.

    said: who names it, for the UsageError that is raised where there is none.
    """
    path = Path(environment).expanduser()
    if what_is(path) is None and path.name == environment:
        path = environments_folder() / environment
    if what_is(path) == "a folder":
        path = python_in(path)
    if not (what_is(path) == "a file" and os.access(path, os.X_OK)):
        raise UsageError(
            f"{said}, which is no program; expected an environment, or its Python, made by `python -m venv` and "
            "`pip install gan-rosetta`"
        )
    # Absolute, but not resolved: a link into another installation is what makes an environment.
    return str(path.absolute())


def environments_folder() -> Path:
    """Return where environments of backends are looked for: $GAN_ROSETTA_ENVIRONMENTS, or the user's data folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir(_DISTRIBUTION, appauthor=False)) / "environments"


def python_in(environment: Path, /) -> Path:
    """Return the Python of an environment's folder, whether there is one or not."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def python_of(backend: str, chosen: str | None = None, /) -> str | None:
    """Return the Python that a backend runs on, None for this one; chosen: what was asked for, None for the usual."""
    path = python_in(environments_folder() / backend) if chosen is None else Path(chosen)
    if path == Path(sys.executable) or (chosen is None and not path.is_file()):
        return None
    return str(path.absolute())


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
        return dict(json.loads(_asked(python))), None
    except (OSError, subprocess.SubprocessError, ValueError, TypeError) as error:
        return {}, f"{python} does not answer as a Python does: {_reason(error)}"


def _asked(python: str) -> bytes:
    """Return what another Python answers, read no further than an answer may be long."""
    with subprocess.Popen([python, "-c", _LOOK], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if process.stdout is None or process.stderr is None:
            raise TypeError("a process without its pipes")
        timer = threading.Timer(_SECONDS_TO_LOOK, process.kill)
        timer.start()
        try:
            answer = process.stdout.read(_MOST_BYTES + 1)
            if len(answer) > _MOST_BYTES:
                raise ValueError(f"it prints more than {_MOST_BYTES:,} bytes")
            complaint = process.stderr.read(_MOST_BYTES)
            process.wait()
            if not timer.is_alive():
                raise subprocess.TimeoutExpired(process.args, _SECONDS_TO_LOOK)
        finally:
            timer.cancel()
            process.kill()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, stderr=complaint)
    return answer


def _reason(error: Exception) -> str:
    """Return in a line why a program that was asked as a Python is one gave no answer."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"nothing came in {_SECONDS_TO_LOOK} s"
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with {describe_exit(error.returncode)}"
    return in_a_line(error)


def _same(name: str, other: str) -> bool:
    return name.lower().replace("_", "-") == other.lower().replace("_", "-")
