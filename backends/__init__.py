"""The backends: a name, and where its Trainer is. Nothing is imported until a worker asks for it.

To add one: a folder with the files that every other has, and an entry below (see CONTRIBUTING.md). An installed package
adds one by an entry point in the group `gan_rosetta.backends`, the backend's name = "module:ENTRY", a BackendEntry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # This is imported with gan_rosetta, in every pytest session too: it brings nothing else.
    from gan_rosetta.shared.interface import Execution


@dataclass(frozen=True, kw_only=True)
class BackendEntry:
    """Where a backend is and what it needs.

    package: the importable package with trainer.py and device.py. trainer: the class's name in trainer.py.
    distributions: the installed distributions that may provide the framework, the first found gives the version.
    extra: what to install of gan-rosetta's; install: the command for a backend from outside. executions: what it has,
    the one that its users reach for first leading. replicas: the class's name in replicas.py, where the backend trains
    many replicas of a GAN in one call, compiled where it compiles; "" where it trains them one after the other.
    """

    name: str
    title: str
    package: str
    trainer: str
    distributions: tuple[str, ...]
    executions: tuple[Execution, ...]
    extra: str = ""
    install: str = ""
    replicas: str = ""

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
            replicas="NumpyReplicas",
            distributions=("numpy",),
            extra="",
            executions=("eager",),
        ),
        BackendEntry(
            name="torch",
            title="PyTorch",
            package="gan_rosetta.backends.torch",
            trainer="TorchTrainer",
            replicas="TorchReplicas",
            distributions=("torch",),
            extra="torch",
            executions=("eager", "compiled"),
        ),
        BackendEntry(
            name="tensorflow",
            title="TensorFlow",
            package="gan_rosetta.backends.tensorflow",
            trainer="TensorflowTrainer",
            replicas="TensorflowReplicas",
            distributions=("tensorflow", "tensorflow-cpu"),
            extra="tensorflow",
            executions=("compiled", "eager"),
        ),
        BackendEntry(
            name="mxnet",
            title="Apache MXNet",
            package="gan_rosetta.backends.mxnet",
            trainer="MxnetTrainer",
            replicas="MxnetReplicas",
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
            replicas="JaxReplicas",
            distributions=("jax",),
            extra="jax",
            executions=("compiled", "eager"),
        ),
    )
}


class _Backends(Mapping[str, BackendEntry]):
    """Our backends, and with them those that installed packages register (outside.py).

    What registers one may do anything as it loads, so each is looked up when its name is asked for, or all are.
    """

    def __init__(self) -> None:
        self._looked_up: dict[str, BackendEntry | str] = {}

    @property
    def problems(self) -> Mapping[str, str]:
        """Why those that cannot be used cannot, by name."""
        return {name: found for name, found in self._outside().items() if isinstance(found, str)}

    def problem(self, name: str, /) -> str | None:
        """Return why a backend of that name cannot be used, None where it can, or where there is none."""
        found = self._find(name)
        return found if isinstance(found, str) else None

    def __getitem__(self, name: str) -> BackendEntry:
        found = self._find(name)
        if not isinstance(found, BackendEntry):
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and isinstance(self._find(name), BackendEntry)

    def __iter__(self) -> Iterator[str]:
        yield from _OURS
        yield from (name for name, found in self._outside().items() if isinstance(found, BackendEntry))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _find(self, name: str) -> BackendEntry | str | None:
        if name in _OURS:
            return _OURS[name]
        from gan_rosetta.backends.outside import look_up, registered_names  # noqa: PLC0415 - it needs BackendEntry

        if name not in self._looked_up and name in registered_names():
            self._looked_up[name] = look_up(name)
        return self._looked_up.get(name)

    def _outside(self) -> Mapping[str, BackendEntry | str]:
        from gan_rosetta.backends.outside import look_up_all, registered_names  # noqa: PLC0415

        names = registered_names()
        self._looked_up |= look_up_all(tuple(name for name in names if name not in (*_OURS, *self._looked_up)))
        taken = {name: f"an installed package registers {name!r}, a name of ours" for name in names if name in _OURS}
        return {**self._looked_up, **taken}


BACKENDS = _Backends()
