"""A trace: what a program of anybody's computed, step by step, written to a folder as it goes."""

from __future__ import annotations

import atexit
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from gan_rosetta.shared.cases.networks import find_framework
from gan_rosetta.shared.cases.values import as_array
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import ProgramFramework, ProgramTensor
from gan_rosetta.shared.state.layouts import parameter_to_canonical, samples_to_canonical
from gan_rosetta.shared.state.trees import is_array, path_name, tree_arrays
from gan_rosetta.shared.traces.files import Quantity, TraceWriter
from gan_rosetta.shared.traces.rounding import Rounding, is_of_torch

MOST_STEPS = 40

# How the traces of this process are taken, where somebody else says so: in another folder, and rounding at random.
_redirected: tuple[Path, Rounding | None] | None = None


def redirect(folder: Path, rounding: Rounding | None, /) -> None:
    """Have the trace that this process makes written to another folder, of a run that rounds at random."""
    global _redirected  # noqa: PLW0603 - of the process
    _redirected = folder, rounding


class Trace:
    """Records named quantities of a program's steps, in the order in which they are computed.

    folder: new, empty, or of another trace, which is replaced. steps: how many are recorded; what comes later is not.
    rounding: of a program that runs again to see what rounding does to it. Whole once it is closed, which happens by
    itself as the process ends. Raises UsageError for any other folder.
    """

    def __init__(self, folder: str | Path, /, *, steps: int = MOST_STEPS, rounding: Rounding | None = None) -> None:
        global _redirected  # noqa: PLW0603 - as above
        if steps < 1:
            raise UsageError(f"steps is {steps}; expected 1 or more")
        path, self._rounding = _redirected or (Path(folder), rounding)
        if _redirected is not None:
            # A second trace of the process would go into the first one's folder.
            _redirected = path.with_name(f"{path.name}-next"), self._rounding
        self._writer = TraceWriter(path)
        self._most_steps = steps
        self._num_steps = 0
        self._watched: list[_Watched] = []
        self._open: list[tuple[Quantity, np.ndarray]] = []
        self._is_closed = False
        if self._rounding is not None:
            self._rounding.start()
        atexit.register(self.close)

    def watch(self, name: str, network: Any, /, *, optimizer: Any = None) -> None:
        """Record a network's passes by hooks, and what each update of an optimizer was given and left of it.

        name: of the network, the same in both programs. network: a torch Module, a Keras model or tf.Module, or a Gluon
        Block; arrays, such as JAX's, are told with `see`. No number of the program changes. Raises UsageError.
        """
        framework = find_framework(network, what=name)
        if not framework.keeps_its_state(network):
            raise UsageError(f"{name} is arrays, which nothing is told of; say params = trace.see({name!r}, params)")
        watched = _Watched(self, name, network, framework)
        self._watched.append(watched)
        framework.watch_network(network, watched)
        if optimizer is not None:
            framework.watch_optimizer(
                optimizer, before=lambda: watched.before(optimizer), after=lambda: watched.after(optimizer)
            )

    def step(self) -> None:
        """Begin the next step, which ends the one before."""
        self._end_step()
        self._num_steps += 1
        if self._rounding is not None:
            self._rounding.start()
            for watched in self._watched:
                watched.nudge(self._rounding)

    def see(self, name: str, value: Any, /) -> Any:
        """Record a number, an array or tensor, or a container of such, and return it.

        Where a framework lets nobody round its results, a program that is run again to see what rounding does to it
        gets the value back with each number in another last place: go on with what is returned, as in
        `params = trace.see("params", params)`. Raises UsageError for what has no numbers, or
        no text for a name.
        """
        if not isinstance(name, str):
            raise UsageError(f"trace.see is given {name!r} for a name; expected a text, as in trace.see('loss', loss)")
        arrays = [] if is_array(value) else list(tree_arrays(value))
        if arrays:
            for path, array in arrays:
                self._keep("seen", f"{name}.{path_name(path)}", as_array(array, what=f"{path_name(path)} of {name}"))
        else:
            is_plain = isinstance(value, float | int) and not isinstance(value, np.generic)
            self._keep("seen", name, as_array(value, what=name), is_plain=is_plain)
        return value if self._rounding is None else self._rounding.nudged(value)

    def close(self) -> None:
        """End the last step and the trace."""
        if not self._is_closed:
            self._end_step()
            self._is_closed = True
            atexit.unregister(self.close)
            self._writer.close(self._rounding.stop() if self._rounding is not None else {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep(self, kind: str, name: str, value: np.ndarray, *, is_plain: bool = False) -> None:
        if self._is_closed:
            raise UsageError(f"{name} is told to a trace that is closed; tell it before trace.close()")
        if 0 < self._num_steps <= self._most_steps:
            number = sum(quantity.kind == kind and quantity.name == name for quantity, _ in self._open)
            quantity = Quantity(
                kind=kind,
                name=name,
                occurrence=number,
                shape=value.shape,
                dtype=str(value.dtype),
                is_plain=is_plain,
            )
            self._open.append((quantity, value))
        elif self._num_steps == 0:
            raise UsageError(f"{name} is told before the first step; call trace.step() as each step begins")

    def keep_watched(self, kind: str, name: str, value: np.ndarray, /) -> None:
        """Keep what a hook saw; before the first step there may be passes that nobody asks about."""
        if 0 < self._num_steps <= self._most_steps and not self._is_closed:
            self._keep(kind, name, value)

    def _end_step(self) -> None:
        if 0 < self._num_steps <= self._most_steps:
            self._writer.write_step(self._open)
        self._open = []


class _Watched:
    """A network that a trace watches; hears of its passes."""

    def __init__(self, trace: Trace, name: str, network: Any, framework: ProgramFramework) -> None:
        self._trace, self._name, self._network, self._framework = trace, name, network, framework
        self._turns = framework.layout(network) in ("keras", "flax")

    def begin(self, inputs: np.ndarray, /) -> None:
        self._keep("input", self._name, self._sample(inputs))

    def output(self, tensor: str, kind: str, value: np.ndarray, /) -> None:
        layer = tensor.rpartition(".")[0] or kind
        self._keep(f"output of {kind}" if kind else "output", f"{self._name}.{layer}", self._sample(value))

    def end(self, output: np.ndarray | None, /) -> None:
        if output is not None:
            self._keep("output", self._name, self._sample(output))

    def before(self, optimizer: Any, /) -> None:
        for name, array in self._framework.gradients(self._network, optimizer).items():
            self._keep("gradient", f"{self._name}.{name}", self._parameter(array))

    def after(self, optimizer: Any, /) -> None:
        for tensor in self._tensors():
            self._keep("parameter", f"{self._name}.{tensor.name}", self._parameter(tensor.read()))
        slots = self._framework.slots(self._network, optimizer)
        for (name, slot), array in slots.slots.items():
            self._keep(f"slot {slot}", f"{self._name}.{name}", self._parameter(array))

    def nudge(self, rounding: Rounding, /) -> None:
        """Put each floating number of its parameters in another last place, where its results cannot be rounded."""
        for tensor in self._tensors():
            array = tensor.read()
            if not is_of_torch(self._network) and np.issubdtype(array.dtype, np.floating):
                tensor.write(rounding.nudged(array))

    def _tensors(self) -> list[ProgramTensor]:
        return self._framework.tensors(self._network)

    def _keep(self, kind: str, name: str, value: np.ndarray) -> None:
        self._trace.keep_watched(kind, name, value)

    def _sample(self, array: np.ndarray) -> np.ndarray:
        return samples_to_canonical(array) if self._turns else array

    def _parameter(self, array: np.ndarray) -> np.ndarray:
        return parameter_to_canonical(array) if self._turns else array
