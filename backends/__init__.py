"""The backends: a name, and where its Trainer is. Nothing is imported until a worker asks for it.

To add one: a folder with the files that every other has, and an entry below (see CONTRIBUTING.md). An installed package
adds one by an entry point in the group `gan_rosetta.backends`, the backend's name = "module:ENTRY", a BackendEntry.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # This is imported with gan_rosetta, in every pytest session too: it brings nothing else.
    from gan_rosetta.shared.interface import Execution


@dataclass(frozen=True, kw_only=True)
class BackendEntry:
    """Where a backend is and what it needs.

    package: the importable package with trainer.py and device.py. trainer: the class's name in trainer.py.
    distributions: the installed distributions that may provide the framework, the first found gives the version.
    extra: what to install of gan-rosetta's; install: the command for a backend from outside. executions: what it has,
    the one that its users reach for first leading.
    """

    name: str
    title: str
    package: str
    trainer: str
    distributions: tuple[str, ...]
    executions: tuple[Execution, ...]
    extra: str = ""
    install: str = ""

    @property
    def install_hint(self) -> str:
        """How to install the framework."""
        if self.install:
            return self.install
        return f"pip install 'gan-rosetta[{self.extra}]'" if self.extra else "pip install gan-rosetta"


REFERENCE = "numpy"
ENTRY_POINTS = "gan_rosetta.backends"
_OURS: dict[str, BackendEntry] = {
    entry.name: entry
    for entry in (
        BackendEntry(
            name="numpy",
            title="NumPy, the reference",
            package="gan_rosetta.backends.numpy",
            trainer="NumpyTrainer",
            distributions=("numpy",),
            extra="",
            executions=("eager",),
        ),
        BackendEntry(
            name="torch",
            title="PyTorch",
            package="gan_rosetta.backends.torch",
            trainer="TorchTrainer",
            distributions=("torch",),
            extra="torch",
            executions=("eager", "compiled"),
        ),
        BackendEntry(
            name="tensorflow",
            title="TensorFlow",
            package="gan_rosetta.backends.tensorflow",
            trainer="TensorflowTrainer",
            distributions=("tensorflow", "tensorflow-cpu"),
            extra="tensorflow",
            executions=("compiled", "eager"),
        ),
        BackendEntry(
            name="mxnet",
            title="Apache MXNet",
            package="gan_rosetta.backends.mxnet",
            trainer="MxnetTrainer",
            distributions=("mxnet", "mxnet-cu112", "mxnet-cu110"),
            extra="mxnet",
            install="pip install 'gan-rosetta[mxnet]', in Python 3.11, as it needs a NumPy below 2",
            executions=("compiled", "eager"),
        ),
        BackendEntry(
            name="jax",
            title="JAX",
            package="gan_rosetta.backends.jax",
            trainer="JaxTrainer",
            distributions=("jax",),
            extra="jax",
            executions=("compiled", "eager"),
        ),
    )
}


def _find_outside() -> tuple[dict[str, BackendEntry], dict[str, str]]:
    """Return the backends that installed packages register, and why those that cannot be used cannot, by name."""
    found: dict[str, BackendEntry] = {}
    problems: dict[str, str] = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        origin = f"{point.value} of {point.dist.name if point.dist is not None else 'an unknown package'}"
        try:
            entry = point.load()
        except Exception as error:  # whatever a package does wrong, the other backends stand
            problems[point.name] = f"{origin} does not load ({type(error).__name__}: {error})"
            continue
        problem = _find_fault(entry, point.name)
        if problem is None and point.name in (*_OURS, *found):
            problem = "the name is taken"
        if problem is None:
            found[point.name] = entry
        else:
            problems[point.name] = f"{origin}: {problem}"
    return found, problems


def _find_fault(entry: Any, name: str) -> str | None:
    if not isinstance(entry, BackendEntry):
        return f"expected a backends.BackendEntry, found {type(entry).__name__}"
    if entry.name != name:
        return f"the entry is named {entry.name!r}; expected {name!r}, as the entry point is"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        return f"the name is {name!r}; expected small letters, digits and hyphens, as it names a folder"
    if not entry.executions or not set(entry.executions) <= {"eager", "compiled"}:
        return f"executions are {entry.executions!r}; expected 'eager', 'compiled' or both"
    return None


class _Backends(Mapping[str, BackendEntry]):
    """Our backends, and with them those that installed packages register, found when another name is asked for.

    What registers one may do anything as it loads, so nothing is loaded for the sake of a backend of ours.
    """

    @cached_property
    def _found(self) -> tuple[dict[str, BackendEntry], dict[str, str]]:
        return _find_outside()

    @property
    def problems(self) -> Mapping[str, str]:
        """Why those that cannot be used cannot, by name."""
        return self._found[1]

    def __getitem__(self, name: str) -> BackendEntry:
        return _OURS[name] if name in _OURS else self._found[0][name]

    def __contains__(self, name: object) -> bool:
        return name in _OURS or name in self._found[0]

    def __iter__(self) -> Iterator[str]:
        return iter({**_OURS, **self._found[0]})

    def __len__(self) -> int:
        return len(_OURS) + len(self._found[0])


BACKENDS = _Backends()
