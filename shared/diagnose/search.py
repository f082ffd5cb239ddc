"""The search for a cause: each suspect alone, with its number solved for, then two at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.tolerance import FALSE_ALARM_RATE
from gan_rosetta.shared.diagnose.explanation import Cause
from gan_rosetta.shared.diagnose.replay import ObservedStep, Replay, Standing
from gan_rosetta.shared.diagnose.solving import shortest, solve
from gan_rosetta.shared.diagnose.suspects import Source, Suspect, find_suspects
from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.faults import Fault, Plant
from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import GanSpec, LeakyReLU, ReLU


@dataclass(frozen=True, kw_only=True)
class _Charge:
    """A suspect with the number that it would have got wrong. chance: of the number explaining by luck."""

    suspect: Suspect
    value: float | None = None
    chance: float = 0.0


_Charges = tuple[_Charge, ...]
_Key = tuple[tuple[Source, tuple[str, ...], float | None], ...]


@dataclass(frozen=True, kw_only=True)
class _Partial:
    """Charges that explain what comes first and not all. step, key: what is off then, and how it stands."""

    charges: _Charges
    step: int
    key: ProbeKey


class Search:
    """Tries suspects on the steps that a program took; what explains them all is in `found`."""

    def __init__(self, spec: GanSpec, steps: Sequence[ObservedStep], replay: Replay, without: Iterable[str]) -> None:
        self._spec, self._steps, self._replay = spec, list(steps), replay
        self._suspects = find_suspects(spec, without=without)
        self._standings: list[Standing] = []
        self._off: list[int] = []
        self._partials: list[_Partial] = []
        self._planted: dict[_Key, list[Plant] | None] = {(): []}
        self._places: dict[tuple[_Key, str], Sequence[Plant]] = {}
        self.found: list[_Charges] = []

    def look(self) -> bool:
        """Compare what was observed with the right GAN; returns whether anything is off."""
        for index, given in enumerate(self._steps):
            step = given if given.noise else replace(given, noise=self._replay.measure_noise((), given))
            self._steps[index] = step
            computed = self._replay.compute((), step)
            self._standings.append(self._replay.compare(computed, step, noise={}))
        self._off = [index for index, standing in enumerate(self._standings) if standing.first_off is not None]
        return bool(self._off)

    def try_singles(self) -> None:
        """Try each suspect alone; those first that are expected where the first quantity is off."""
        key = self._first_key()
        near = [suspect for suspect in self._suspects if suspect.is_expected(key)]
        self._try_all((), near, self._off[0], key)
        if not self.found or not self._shows_first(key):
            far = (each for each in self._suspects if each not in near and self._may_show_first(each, key))
            self._try_all((), far, self._off[0], key)

    def try_pairs(self) -> None:
        """Try a second suspect beside each that explains what comes first; then two that show in the same place."""
        for partial in list(self._partials):
            spec = self._changed(partial.charges)
            if spec is None or not self._is_evident(partial.charges):
                continue
            seconds = [suspect for suspect in self._suspects if suspect.is_expected(partial.key)]
            self._try_all(partial.charges, seconds, partial.step, partial.key)
        if self.found:
            return
        key = self._first_key()
        near = [suspect for suspect in self._suspects if suspect.is_expected(key) and not suspect.is_several]
        for first in near:
            # Of two numbers one is solved for, beside the other as people write it.
            value = None if first.number is None else first.number.planted
            self._try_all((_Charge(suspect=first, value=value),), near, self._off[0], key)

    def causes(self) -> tuple[Cause, ...]:
        """Return what was found, each change once, in the words of whoever says it best.

        A fault in one place is named where the same in more places explains as much, and no more.
        """
        by_change: dict[Any, list[_Charges]] = {}
        for charges in self.found:
            if any(self._is_within(other, charges) for other in self.found):
                continue
            by_change.setdefault(self._signature(charges), []).append(charges)
        return tuple(self._cause(min(same, key=_rank), same) for same in by_change.values())

    def _is_within(self, less: _Charges, more: _Charges) -> bool:
        """Whether charges change a part of what others change: the rest of it does not show."""
        if len(less) != len(more) or not less[0].suspect.num_places < more[0].suspect.num_places:
            return False
        if self._signature(less) == self._signature(more):
            return False
        pairs = list(zip(less, more, strict=True))
        if all(own.suspect.name == other.suspect.name and own.value == other.value for own, other in pairs):
            return all(set(own.suspect.places) <= set(other.suspect.places) for own, other in pairs)
        changed, whole = self._changed(less), self._changed(more)
        for charge in more:
            plants = [] if changed is None else charge.suspect.plants(changed, charge.value)
            changed = plants[-1].spec if plants else changed
        return changed == whole != self._spec

    def _first_key(self) -> ProbeKey:
        key = self._standings[self._off[0]].first_off
        if key is None:
            raise ValueError("nothing is off")
        return key

    def _shows_first(self, key: ProbeKey) -> bool:
        """Whether all that comes before the first quantity that is off was seen, so that nobody would show earlier."""
        step = self._steps[self._off[0]]
        keys = list(self._standings[self._off[0]].computed.quantities)
        return step.is_whole or (key in keys and all(each in step.quantities for each in keys[: keys.index(key)]))

    def _may_show_first(self, suspect: Suspect, key: ProbeKey) -> bool:
        """Whether a suspect, with its number as people get it wrong, changes this quantity and none before it."""
        index = self._off[0]
        value = None if suspect.number is None else suspect.number.planted
        plants = self._plants((_Charge(suspect=suspect, value=value),))
        own = self._standings[index]
        if plants is None or key not in own.computed.quantities:
            return plants is not None
        computed = self._replay.compute(plants, self._steps[index])
        standing = self._replay.compare(computed, self._steps[index], noise={})
        changed = computed.quantities.get(key)
        is_moved = changed is None or not np.array_equal(own.computed.quantities[key], changed)
        return is_moved and standing.place >= own.place

    def _try_all(self, base: _Charges, suspects: Iterable[Suspect], index: int, key: ProbeKey) -> None:
        held = {(charge.suspect.name, place) for charge in base for place in charge.suspect.places}
        names = {charge.suspect.name for charge in base}
        for suspect in suspects:
            if suspect.name in names and (not suspect.places or any((suspect.name, p) in held for p in suspect.places)):
                continue
            for charge in self._charges(base, suspect, index, key):
                self._examine((*base, charge))

    def _charges(self, base: _Charges, suspect: Suspect, index: int, key: ProbeKey) -> Iterator[_Charge]:
        """Yield the suspect with each number that it may have got wrong; one without a number once."""
        if suspect.number is None:
            yield _Charge(suspect=suspect)
        elif key.quantity == "order":
            yield _Charge(suspect=suspect, value=suspect.number.planted)
        else:
            charge = self._solved(base, suspect, index, key)
            if charge is not None:
                yield charge

    def _solved(self, base: _Charges, suspect: Suspect, index: int, key: ProbeKey) -> _Charge | None:
        step = self._steps[index]
        observed = step.quantities.get(key)
        number = suspect.number
        right = self._standings[index].computed.quantities.get(key) if not base else self._quantity(base, step, key)
        if observed is None or right is None or number is None:
            return None

        def respond(value: float) -> np.ndarray | None:
            return self._quantity((*base, _Charge(suspect=suspect, value=value)), step, key)

        found = solve(respond, np.asarray(observed), number, right=right)
        if found is None:
            return None
        plants = self._plants((*base, _Charge(suspect=suspect, value=found[0])))
        if plants is None:
            return None
        computed = self._replay.compute(plants, step)
        standing = self._replay.compare(computed, step, noise={})
        if key not in standing.differences or standing.is_off(key):
            standing = self._replay.compare_by_own_noise(computed, plants, step, key=key)
        if not standing.is_told(key):
            return None
        rounded = shortest(
            respond,
            np.asarray(observed),
            found,
            expected=number.expected,
            allowed=standing.allowed[key],
            scale=computed.scales.get(key, 0.0),
        )
        if rounded is None or rounded.value == number.expected:
            return None
        return _Charge(suspect=suspect, value=rounded.value, chance=rounded.chance)

    def _examine(self, charges: _Charges) -> None:
        """Keep charges that explain every step, or all up to a later place than nobody does."""
        plants = self._plants(charges)
        if plants is None:
            return
        for index in (*self._off, *(each for each in range(len(self._steps)) if each not in self._off)):
            standing = self._stand(plants, index)
            own = self._standings[index]
            first = standing.first_off
            if first is not None:
                is_further = index != self._off[0] or standing.place > own.place
                if index in self._off and is_further and len(charges) == 1:
                    self._partials.append(_Partial(charges=charges, step=index, key=first))
                return
            was_off = own.first_off
            if was_off is not None and was_off.quantity != "order" and not standing.is_told(was_off):
                return
        if self._is_evident(charges) or len(self._off) > 1:
            self.found.append(charges)

    def _stand(self, plants: Sequence[Plant], index: int) -> Standing:
        """Return how a step with faults stands, by its own rounding where that may matter."""
        step, own = self._steps[index], self._standings[index]
        computed = self._replay.compute(plants, step)
        standing = self._replay.compare(computed, step, noise={})
        if standing.first_off is None:
            return standing
        was_off = own.first_off
        if was_off is not None and was_off in own.differences and was_off in standing.differences:
            if not standing.differences[was_off] < own.differences[was_off]:
                return standing
        elif standing.other_pass is not None:
            return standing
        return self._replay.compare_by_own_noise(computed, plants, step, key=was_off)

    def _quantity(self, charges: _Charges, step: ObservedStep, key: ProbeKey) -> np.ndarray | None:
        plants = self._plants(charges)
        return None if plants is None else self._replay.compute(plants, step).quantities.get(key)

    def _plants(self, charges: _Charges) -> list[Plant] | None:
        """Return the plants of charges, or None where they cannot be together, or a number cannot be."""
        key = tuple((charge.suspect.source, charge.suspect.places, charge.value) for charge in charges)
        if key not in self._planted:
            before = self._plants(charges[:-1])
            own = None if before is None else self._plant(charges[-1], before, key[:-1])
            self._planted[key] = None if before is None or not own else [*before, *own]
        return self._planted[key]

    def _plant(self, charge: _Charge, before: Sequence[Plant], key: _Key) -> list[Plant] | None:
        """Return the plants of a charge beside those of others. key: of these."""
        start = before[-1].spec if before else self._spec

        def places(fault: Fault, spec: GanSpec) -> Sequence[Plant]:
            if spec is not start:
                return fault.plants(spec)
            if (key, fault.name) not in self._places:
                self._places[key, fault.name] = fault.plants(spec)
            return self._places[key, fault.name]

        try:
            return charge.suspect.plants(start, charge.value, places=places)
        except SpecError:
            return None

    def _changed(self, charges: _Charges) -> GanSpec | None:
        plants = self._plants(charges)
        return None if plants is None else plants[-1].spec

    @staticmethod
    def _is_evident(charges: _Charges) -> bool:
        """Whether no number among them would have explained by luck."""
        return all(charge.chance <= FALSE_ALARM_RATE for charge in charges)

    def _signature(self, charges: _Charges) -> Any:
        """Return what tells one change from another: two that compute the same have the same."""
        plants = self._plants(charges) or []
        beside = {
            (charge.suspect.name, charge.suspect.places)
            for charge in charges
            if any(p.load or p.chunk for p in charge.suspect.plants(self._spec, charge.value))
        }
        return _plain(plants[-1].spec), frozenset(beside)

    def _cause(self, charges: _Charges, same: Sequence[_Charges]) -> Cause:
        names = [charge.suspect.name for charge in charges]
        names += [each[0].suspect.name for each in same if len(each) == 1]
        return Cause(
            names=tuple(dict.fromkeys(names)),
            sentences=tuple(charge.suspect.say(self._spec, charge.value) for charge in charges),
        )


def _rank(charges: _Charges) -> tuple[int, bool, bool, int]:
    """Order what is the same change by how well it says so: fewer, faults before defaults, choices before numbers."""
    return (
        len(charges),
        not all(isinstance(charge.suspect.source, Fault) for charge in charges),
        any(charge.value is not None for charge in charges),
        sum(len(charge.suspect.places) for charge in charges),
    )


def _plain(spec: GanSpec) -> GanSpec:
    """Return the GAN with a ReLU for each LeakyReLU of slope 0, which is one."""
    networks: dict[str, Any] = {name: network.mapped(_plain_layer) for name, network in spec.networks().items()}
    return replace(spec, **networks)


def _plain_layer(layer: Any) -> Any:
    return ReLU() if isinstance(layer, LeakyReLU) and layer.slope == 0 else layer
