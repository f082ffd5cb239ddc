"""What a fault is: how it changes a backend, where a checker must find it, and what to change to be rid of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
class Number:
    """A number that a fault gets wrong, by any amount.

    expected: the GAN's own; planted: the one that the fault has by itself. with_value: returns the GAN with another;
    raises SpecError for one that cannot be. subject: which of the frameworks' defaults stands in this place, "" where
    none does. is_scale: positive, and wrong by factors more than by differences.
    """

    expected: float
    planted: float
    with_value: Callable[[float], GanSpec]
    subject: str = ""
    is_scale: bool = False

    def __post_init__(self) -> None:
        if self.planted == self.expected:
            raise ValueError(f"a fault gets {self.expected:g} for {self.expected:g}; expected another number")


def another(planted: float, /, *, expected: float) -> float:
    """Return the number that a fault plants, or half the GAN's own where that is the same, or 1 for 0."""
    return planted if planted != expected else expected / 2 or 1.0


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A fault in one place of a GAN. What is left None stays as it is.

    spec: what the faulty backend is built from; it has the same state. expected: where it must be found. place: where
    the fault is, in words. tensor: the parameter that the faulty backend holds in another form; load takes it there,
    unload back. start: a change of the initial state only. chunk: a change of what the backend is fed. seen_as: the
    GAN by whose names the outputs of layers are reported, layer by layer, where those of spec are others.
    number: what may be wrong by any amount. found, expected_value: what the fault has there and what the GAN has, in
    words, where it is no number.
    """

    spec: GanSpec
    expected: Location
    place: str = ""
    tensor: str | None = None
    load: TensorMap | None = None
    unload: TensorMap | None = None
    start: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]] | None = None
    chunk: Callable[[Chunk], Chunk] | None = None
    seen_as: GanSpec | None = None
    number: Number | None = None
    found: str = ""
    expected_value: str = ""

    def changes(self, spec: GanSpec, /) -> bool:
        """Whether a GAN with it is another one: a number that is planted may be the GAN's own."""
        return self.spec != spec or any((self.load, self.unload, self.start, self.chunk))


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A mistake by name.

    remedy: a sentence that says what is wrong and what to change, with {place}, {found} and {expected} where it is of a
    place and of values. plants: returns how it looks in each place of a GAN that it can be in, the one where `plant`
    plants it first; empty where the GAN has nothing that it touches. together: what to call all its places at once,
    such as "every BatchNorm", "" where there is never more than one. default: the framework's default that it is in one
    place, of initial values, which are known by their spread alone.
    """

    name: str
    summary: str
    remedy: str
    plants: Callable[[GanSpec], Sequence[Plant]]
    together: str = ""
    default: str = ""

    def plant(self, spec: GanSpec, /) -> Plant | None:
        """Return how it looks in a GAN, in the first of its places, or None where it changes nothing."""
        return next((plant for plant in self.plants(spec) if plant.changes(spec)), None)

    def say(self, *, place: str, found: str, expected: str) -> str:
        """Return the remedy for a place, with what was found there and what the GAN has."""
        text = self.remedy.format(place=place, found=found, expected=expected)
        return text[0].upper() + text[1:] if text[0].isascii() else text
