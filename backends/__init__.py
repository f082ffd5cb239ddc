"""The backends: a name, and where its Trainer is. Nothing is imported until a worker asks for it.

To add one: a folder with the files that every other has, and an entry below (see CONTRIBUTING.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.interface import Execution


@dataclass(frozen=True, kw_only=True)
class BackendEntry:
    """Where a backend is and what it needs.

    package: the importable package with trainer.py and device.py. trainer: the class's name in trainer.py.
    distributions: the installed distributions that may provide the framework, the first found gives the version.
    extra: what to install. executions: what it has, the one that its users reach for first leading.
    """

    name: str
    title: str
    package: str
    trainer: str
    distributions: tuple[str, ...]
    extra: str
    executions: tuple[Execution, ...]

    @property
    def install_hint(self) -> str:
        """How to install the framework."""
        return f"pip install 'gan-rosetta[{self.extra}]'" if self.extra else "pip install gan-rosetta"


REFERENCE = "numpy"
BACKENDS: dict[str, BackendEntry] = {
    entry.name: entry
    for entry in (
        BackendEntry(
            name="numpy",
            title="NumPy, the reference",
            package="backends.numpy",
            trainer="NumpyTrainer",
            distributions=("numpy",),
            extra="",
            executions=("eager",),
        ),
        BackendEntry(
            name="torch",
            title="PyTorch",
            package="backends.torch",
            trainer="TorchTrainer",
            distributions=("torch",),
            extra="torch",
            executions=("eager", "compiled"),
        ),
        BackendEntry(
            name="tensorflow",
            title="TensorFlow",
            package="backends.tensorflow",
            trainer="TensorflowTrainer",
            distributions=("tensorflow", "tensorflow-cpu"),
            extra="tensorflow",
            executions=("compiled", "eager"),
        ),
        BackendEntry(
            name="mxnet",
            title="Apache MXNet",
            package="backends.mxnet",
            trainer="MxnetTrainer",
            distributions=("mxnet", "mxnet-cu112", "mxnet-cu110"),
            extra="mxnet",
            executions=("compiled", "eager"),
        ),
    )
}
