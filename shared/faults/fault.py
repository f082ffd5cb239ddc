"""What a fault is: how it changes a backend, and where a checker must find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import GanSpec

TensorMap = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a fault must be found first.

    phase and quantity as in ProbeKey, or quantity "order" where phases or passes come in another order, or phase
    "start" for the state before the first step. names: layers or tensors, any of them; empty for any name.
    """

    phase: str
    quantities: tuple[str, ...]
    names: tuple[str, ...] = ()

    def matches(self, phase: str, quantity: str, name: str, /) -> bool:
        """Whether a finding lies here."""
        return phase == self.phase and quantity in self.quantities and (not self.names or name in self.names)


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A fault in one GAN. What is left None stays as it is.

    spec: what the faulty backend is built from; it has the same state. tensor: the parameter that the faulty backend
    holds in another form; load takes it there, unload back. start: a change of the initial state only. chunk: a change
    of what the backend is fed. expected: where it must be found.
    """

    spec: GanSpec
    expected: Location
    tensor: str | None = None
    load: TensorMap | None = None
    unload: TensorMap | None = None
    start: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]] | None = None
    chunk: Callable[[Chunk], Chunk] | None = None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A mistake by name. plant: returns how it looks in a GAN, or None where the GAN has nothing that it touches."""

    name: str
    summary: str
    plant: Callable[[GanSpec], Plant | None]
