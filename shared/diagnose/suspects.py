"""Who may have done it: each fault in each of its places, in several at once, and each framework's defaults."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gan_rosetta.shared.faults import FAULTS, Fault, Location, Plant
from gan_rosetta.shared.faults.defaults import DEFAULTS, Default, frameworks_with
from gan_rosetta.shared.faults.fault import Number
from gan_rosetta.shared.faults.own_optimizers import OWN_OPTIMIZERS, OwnOptimizer, in_float32
from gan_rosetta.shared.faults.places import changed_places
from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import GanSpec

# Of more places than these, all of a network and all there are stand for every choice among them.
_FEW_PLACES = 3
_FLOAT32_DIGITS = 6


Places = Callable[[Fault, GanSpec], Sequence[Plant]]
Source = Fault | Default | OwnOptimizer


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A fault in one place or in several, or a framework's default or own optimizer in all of its places.

    places: of the fault, in its own words, in the order in which they are planted; where: what to call them together.
    expected: where it shows first, any of them. number: what may be wrong by any amount, the same in each place.
    """

    source: Source
    places: tuple[str, ...]
    where: str
    expected: tuple[Location, ...]
    number: Number | None

    @property
    def name(self) -> str:
        """The name of the fault, default or optimizer."""
        return self.source.name

    @property
    def is_several(self) -> bool:
        """Whether it is more than one difference by itself."""
        return isinstance(self.source, OwnOptimizer)

    @property
    def num_places(self) -> float:
        """In how many places it is; of a default as many as there are."""
        return len(self.places) or math.inf

    def is_expected(self, key: ProbeKey, /) -> bool:
        """Whether this is where it would show first."""
        return any(location.matches(key.phase, key.quantity, key.name) for location in self.expected)

    def plants(self, spec: GanSpec, value: float | None = None, /, *, places: Places | None = None) -> list[Plant]:
        """Return the plants, each in what the one before it left; value: of the number, None for the fault's own.

        places: returns a fault's plants in a GAN, in each place; None asks the fault. Raises SpecError for a value that
        cannot be; returns nothing where another fault took its place away.
        """
        if not isinstance(self.source, Fault):
            changed = self.source.apply(spec)
            return [] if changed == spec else [Plant(spec=changed, expected=self.expected[0])]
        find = places or _places
        found: list[Plant] = []
        for place in self.places:
            plant = next((each for each in find(self.source, spec) if each.place == place), None)
            if plant is None:
                return []
            if value is not None and plant.number is not None:
                plant = replace(plant, spec=plant.number.with_value(value))
            found.append(plant)
            spec = plant.spec
        return found

    def say(self, spec: GanSpec, value: float | None = None, /) -> str:
        """Return a sentence on what is wrong and what to change. spec: the right GAN."""
        if not isinstance(self.source, Fault):
            return self.source.say(spec)
        plant = next(each for each in self.source.plants(spec) if each.place == self.places[0])
        if plant.number is None or value is None:
            return self.source.say(place=self.where, found=plant.found, expected=plant.expected_value)
        owners = frameworks_with(plant.number.subject, value)
        found = number_words(value) + (f", the default of {' and '.join(owners)}" if owners else "")
        return self.source.say(place=self.where, found=found, expected=number_words(plant.number.expected))


def _places(fault: Fault, spec: GanSpec) -> Sequence[Plant]:
    return fault.plants(spec)


def number_words(value: float, /) -> str:
    """Return a number with as many digits as it has, twelve at most, or the short one that it is in float32."""
    short = f"{value:.{_FLOAT32_DIGITS}g}"
    if float(short) != value == in_float32(float(short)):
        return f"{float(short):g} in float32, as Keras and MXNet hold theirs"
    return f"{value:.12g}"


def find_suspects(spec: GanSpec, /, *, without: Iterable[str] = ()) -> list[Suspect]:
    """Return everyone who may have done it in a GAN, single places first. without: names to leave out."""
    left_out = set(without)
    faults = [fault for fault in FAULTS.values() if fault.name not in left_out]
    found = [suspect for fault in faults for suspect in _of_fault(fault, spec)]
    found.sort(key=lambda suspect: len(suspect.places) > 1)
    # An optimizer that differs in one way alone is that default.
    optimizers = [optimizer for optimizer in OWN_OPTIMIZERS if len(optimizer.differences(spec)) > 1]
    sources: list[Default | OwnOptimizer] = [*DEFAULTS.values(), *optimizers]
    known: list[GanSpec] = []
    for source in sources:
        changed = source.apply(spec)
        expected = changed_places(spec, changed)
        is_new = isinstance(source, Default) or changed not in known
        if source.name not in left_out and expected and is_new:
            found.append(Suspect(source=source, places=(), where="", expected=expected, number=None))
            known.append(changed)
    return found


def _of_fault(fault: Fault, spec: GanSpec) -> Iterator[Suspect]:
    plants = [plant for plant in fault.plants(spec) if plant.start is None]
    for plant in plants:
        yield _suspect(fault, [plant], plant.place)
    if not fault.together or len(plants) == 1:
        return
    for where, group in _groups(fault.together, plants):
        if len({plant.number.expected for plant in group if plant.number is not None}) <= 1:
            yield _suspect(fault, group, where)


def _suspect(fault: Fault, plants: Sequence[Plant], where: str) -> Suspect:
    return Suspect(
        source=fault,
        places=tuple(plant.place for plant in plants),
        where=where,
        expected=tuple(plant.expected for plant in plants),
        number=plants[0].number,
    )


def _groups(together: str, plants: Sequence[Plant]) -> Iterator[tuple[str, list[Plant]]]:
    """Yield several places at once, with what to call them."""
    if len(plants) <= _FEW_PLACES:
        for size in range(2, len(plants)):
            for chosen in itertools.combinations(plants, size):
                yield " and ".join(plant.place for plant in chosen), list(chosen)
    else:
        for network in ("discriminator", "generator"):
            own = [plant for plant in plants if network in plant.place]
            if 1 < len(own) < len(plants):
                yield f"{together} of the {network}", own
    if len(plants) > 1:
        yield together, list(plants)
