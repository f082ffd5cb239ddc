"""A program from outside, seen in its own framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ProgramTensor:
    """A parameter or buffer of a network of a program from outside, as the program has it.

    name: steps separated by dots. kind: of its layer, as in the spec's layers, None where the program does not say.
    read: returns a copy; write: puts an array of the shape in its place.
    """

    name: str
    kind: str | None
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    write: Callable[[np.ndarray], None]


class PassObserver(Protocol):
    """Is told of a network's forward passes; arrays are copies, in the program's own layout."""

    def begin(self, inputs: np.ndarray, /) -> None:
        """A pass begins."""
        ...

    def output(self, tensor: str, kind: str, value: np.ndarray, /) -> None:
        """A layer gave an output. tensor: the name of one of its tensors, "" without any; kind: as in the spec."""
        ...

    def end(self, output: np.ndarray | None, /) -> None:
        """The pass has ended. output: None where it gave several, as a network with two heads does."""
        ...


Momentum = Literal["direction", "step", "added_step"]


@dataclass(frozen=True, kw_only=True)
class ProgramSlots:
    """What an optimizer of a program holds. slots: by tensor's name and the spec's name of a slot; counter: or None.

    momentum: of what its momentum is, of directions, of steps, or of steps that are added and so have the other sign.
    """

    slots: Mapping[tuple[str, str], np.ndarray]
    counter: int | None
    momentum: Momentum = "direction"


class ProgramFramework(Protocol):
    """What a backend's program.py provides, as functions: a program from outside, seen in its own framework.

    Of networks that do not keep their state, such as JAX's pytrees, only what comes before `call` is asked.
    """

    def to_tensor(self, array: np.ndarray, /, *, device: str) -> Any:
        """Return a copy of an array as the framework has it, of its type, on a device; raises UsageError."""
        ...

    def is_network(self, found: Any, /) -> bool:
        """Whether something is a network of the framework, with tensors."""
        ...

    def keeps_its_state(self, network: Any, /) -> bool:
        """Whether a network has its parameters as they are now, and is called, or is a value that the program tells."""
        ...

    def layout(self, network: Any, /) -> str | None:
        """Return how a network keeps its tensors (state/layouts.py), None where only names and shapes tell."""
        ...

    def is_ordered(self, network: Any, /) -> bool:
        """Whether a network's tensors come in the order of its layers."""
        ...

    def tensors(self, network: Any, /) -> list[ProgramTensor]:
        """Return a network's parameters and buffers."""
        ...

    def call(self, network: Any, inputs: np.ndarray, /) -> np.ndarray:
        """Return the output of a pass in training mode, which leaves the network as it was."""
        ...

    def watch_network(self, network: Any, observer: PassObserver, /) -> None:
        """Tell an observer of every forward pass from now on."""
        ...

    def watch_optimizer(self, optimizer: Any, /, *, before: Callable[[], None], after: Callable[[], None]) -> None:
        """Call functions before and after each update from now on."""
        ...

    def gradients(self, network: Any, optimizer: Any, /) -> dict[str, np.ndarray]:
        """Return the gradients that the optimizer is about to use, by tensor's name."""
        ...

    def slots(self, network: Any, optimizer: Any, /) -> ProgramSlots:
        """Return what an optimizer holds of a network's tensors."""
        ...
