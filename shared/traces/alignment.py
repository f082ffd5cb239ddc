"""Two programs beside each other: the first place where they are further apart than the first one's own rounding.

The first program runs again, bit for bit as before unless something in it is left to chance, and then some times more
while it rounds at random. How far that takes each quantity is the floor, by the one rule of what is allowed
(compare/tolerance.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.diagnose.rows import Row, compare_quantity
from gan_rosetta.shared.traces.files import Quantity, Signature, TraceRecord
from gan_rosetta.shared.traces.pairing import Pairing, in_shape_of, pair_quantities
from gan_rosetta.shared.traces.rounding import ROUNDED
from gan_rosetta.shared.traces.running import TracedProgram

FORMAT = 1
NUM_COPIES = 6
_NUM_SHOWN = 4
_UNSEEN = (
    "what rounding does to the first program was not seen: nothing of it could be rounded; watch its networks, or go "
    "on with what trace.see returns, as in params = trace.see('params', params)"
)


@dataclass(frozen=True, kw_only=True)
class AlignedRow(Row):
    """A quantity of a step in the second program beside the first's. other: its name in the second, where another."""

    other: str = ""

    @property
    def place(self) -> str:
        """Where in the programs the quantity is, in words."""
        what = self.name if self.quantity == "seen" else f"{self.quantity}, {self.name}"
        return f"{self.visit}, {what}{f' (beside {self.other}, by order and shape)' if self.other else ''}"


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """What is said of two programs.

    verdict: "AGREE", "DISAGREE" or "NOT COMPARABLE"; reason: why, in words. first: the first quantity, in the first
    program's order, that is off. floor: how the floor was measured, in words. num_compared: quantities that were
    judged, in checked_steps of num_steps; notes: what should be known besides. rows: all that was judged of the first's
    step.
    """

    verdict: Verdict
    reason: str
    first: AlignedRow | None
    floor: str
    num_compared: int
    checked_steps: int
    num_steps: int
    notes: tuple[str, ...] = ()
    rows: tuple[AlignedRow, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return f"{self.verdict}, {self.reason}"

    def assert_agrees(self) -> None:
        """Raise AssertionError, which names the first place, unless the verdict is AGREE."""
        if self.verdict != "AGREE":
            raise AssertionError("\n".join([self.sentence, *self.notes]))

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        data = {name: value for name, value in asdict(self).items() if name not in ("first", "rows", "notes")}
        return {
            **data,
            "first": None if self.first is None else self.first.as_data(),
            "notes": list(self.notes),
            "rows": [row.as_data() for row in self.rows],
        }


def align_programs(
    first: TracedProgram, second: TracedProgram | TraceRecord, folder: Path, /, *, num_copies: int = NUM_COPIES
) -> Alignment:
    """Run two programs and the first one's copies, with their traces in a folder, and align them.

    second: a program, or a trace that it left. Raises UsageError where one makes no trace, RunFailed where one fails.
    """
    other = second if isinstance(second, TraceRecord) else second.run(folder / "second")
    own = first.run(folder / "first")
    chance = left_to_chance(own, first.run(folder / "again"))
    if chance:
        return _unsaid(own, f"{chance} when the first program runs again; seed what it draws at random", floor="")
    dtype = _coarser(own, other)
    tolerance = Tolerance(num_copies=num_copies, dtype=dtype)
    copies = [
        first.run(
            folder / f"rounded-{seed}",
            rounding={"seed": seed, "coarseness": coarseness, "least_epsilon": float(np.finfo(dtype).eps)},
        )
        for seed, coarseness in enumerate(tolerance.coarseness)
    ]
    return align(own, other, copies, tolerance=tolerance)


def left_to_chance(first: TraceRecord, again: TraceRecord, /) -> str:
    """Return "" where a program computed the same numbers twice, else what was another, in words."""
    if first.steps != again.steps:
        return "other quantities are recorded"
    for step, signature in enumerate(first.steps):
        for quantity, own, other in zip(signature, first.arrays(step), again.arrays(step), strict=True):
            if not np.array_equal(own, other, equal_nan=own.dtype.kind == "f"):
                return f"step {step}, {quantity.label}, is another number"
    return ""


def align(
    first: TraceRecord, second: TraceRecord, copies: Sequence[TraceRecord], /, *, tolerance: Tolerance
) -> Alignment:
    """Return what is said of two traces. copies: of the first program, each of which rounds at random."""
    rounded = {name: sum(copy.rounding.get(name, 0) for copy in copies) for name in (*ROUNDED, "nudged")}
    floor = _floor_in_words(rounded, len(copies))
    if not any(rounded.values()):
        return _unsaid(first, _UNSEEN, floor=_UNSEEN)
    walk = _Walk(first, second, copies, tolerance)
    num_steps = min(len(first.steps), len(second.steps), *(len(copy.steps) for copy in copies))
    offender = next((row for step in range(num_steps) if (row := walk.step(step)) is not None), None)
    if offender is not None and not walk.saw_rounding(num_steps):
        return _unsaid(first, _UNSEEN, floor=_UNSEEN)
    notes = walk.notes()
    steps = (len(first.steps), len(second.steps))
    if offender is not None:
        verdict, reason = "DISAGREE", f"first in {offender.place}: {offender.amount}"
    elif not walk.num_compared:
        verdict, reason = "NOT COMPARABLE", walk.nothing_compared()
    elif walk.first_not_finite:
        verdict, reason = "NOT COMPARABLE", f"{walk.first_not_finite} is NaN or infinite in both programs"
    elif steps[0] != steps[1]:
        verdict, reason = "NOT COMPARABLE", f"the first program recorded {steps[0]} steps, the second {steps[1]}"
    else:
        verdict, reason = (
            "AGREE",
            f"all that is compared in {walk.checked_steps} of {steps[0]} steps is within rounding",
        )
    return Alignment(
        verdict=verdict,  # type: ignore[arg-type]
        reason=reason,
        first=offender,
        floor=floor,
        num_compared=walk.num_compared,
        checked_steps=walk.checked_steps,
        num_steps=steps[0],
        notes=(*notes, floor),
        rows=tuple(walk.rows) if offender is not None else (),
    )


class _Walk:
    """Goes through the steps of two traces; the noise of a quantity is the largest in the steps so far."""

    def __init__(
        self, first: TraceRecord, second: TraceRecord, copies: Sequence[TraceRecord], tolerance: Tolerance
    ) -> None:
        self._first, self._second, self._copies, self._tolerance = first, second, copies, tolerance
        self._noise: dict[tuple[str, str, int], float] = {}
        self._pair = cache(pair_quantities)
        self._pairing: Pairing | None = None
        self.rows: list[AlignedRow] = []
        self.num_compared = 0
        self.checked_steps = 0
        self.first_not_finite = ""
        self._num_beyond = 0

    def step(self, step: int, /) -> AlignedRow | None:
        """Compare a step; returns the first quantity that is off."""
        signature, other = self._first.steps[step], self._second.steps[step]
        pairing = self._pair(signature, other)
        self._pairing = self._pairing or pairing
        mine, theirs = self._first.arrays(step), self._second.arrays(step)
        noises = self._noises(step, signature, mine)
        judgeable = [(place, beside) for place, beside in pairing.pairs if place in noises and mine[place].size]
        self.rows = [
            self._row(step, (signature[place], mine[place]), (other[beside], theirs[beside]), noise=noises[place])
            for place, beside in judgeable
        ]
        for row, (place, _) in zip(self.rows, judgeable, strict=True):
            if not row.is_off and not np.isfinite(mine[place]).all():
                self.first_not_finite = self.first_not_finite or row.place
        judged = [row for row in self.rows if row.is_comparable or row.is_off]
        self.num_compared += len(judged)
        self._num_beyond += len(self.rows) - len(judged)
        self.checked_steps += bool(judged)
        return next((row for row in self.rows if row.is_off), None)

    def saw_rounding(self, num_steps: int, /) -> bool:
        """Whether rounding was seen to change any number of some steps."""
        return any(
            not np.array_equal(own, other, equal_nan=own.dtype.kind == "f")
            for copy in self._copies
            for step in range(num_steps)
            for own, other in zip(self._first.arrays(step), copy.arrays(step), strict=False)
        )

    def notes(self) -> list[str]:
        """Return what should be known of what was compared."""
        if self._pairing is None:
            return []
        said = [
            f"of the {which} program alone: {_listed(quantities)}"
            for which, quantities in (("first", self._pairing.only_first), ("second", self._pairing.only_second))
            if quantities
        ]
        if self._pairing.by_order:
            paired = [
                f"{self._first.steps[0][place].label} with {self._second.steps[0][beside].label}"
                for place, beside in self._pairing.pairs
                if place in self._pairing.by_order
            ]
            more = f" and {len(paired) - _NUM_SHOWN} more" if len(paired) > _NUM_SHOWN else ""
            said.append(f"paired by order and shape: {', '.join(paired[:_NUM_SHOWN])}{more}")
        if self._num_beyond:
            said.append(
                f"{self._num_beyond} quantities are not judged, of which rounding alone explains any difference"
            )
        return said

    def nothing_compared(self) -> str:
        """Return why nothing could be said."""
        if self._num_beyond:
            return "rounding alone explains any difference from the first step on"
        return "no quantity of the one is one of the other's; give them the same names, or the same order and shapes"

    def _noises(self, step: int, signature: Signature, arrays: Sequence[np.ndarray]) -> dict[int, float]:
        """Return, by place, how far rounding took each quantity; none where a copy did not compute the same ones."""
        if any(copy.steps[step] != signature for copy in self._copies):
            return {}
        distances: list[list[float]] = [[] for _ in signature]
        for copy in self._copies:
            for place, (array, own) in enumerate(zip(copy.arrays(step), arrays, strict=True)):
                distances[place].append(tensor_difference(array, own))
        for place, quantity in enumerate(signature):
            key = (quantity.kind, quantity.name, quantity.occurrence)
            self._noise[key] = max(self._noise.get(key, 0.0), float(self._tolerance.noise(distances[place])))
        keys = [(quantity.kind, quantity.name, quantity.occurrence) for quantity in signature]
        return {place: self._noise[key] for place, key in enumerate(keys)}

    def _row(
        self, step: int, first: tuple[Quantity, np.ndarray], second: tuple[Quantity, np.ndarray], /, *, noise: float
    ) -> AlignedRow:
        (own, mine), (other, theirs) = first, second
        row = compare_quantity(
            in_shape_of(theirs, mine.shape),
            mine,
            noise=noise,
            tolerance=self._tolerance,
            exact=mine.dtype.kind != "f",
            visit=f"step {step}",
            phase="",
            quantity=own.kind,
            stream="",
            name=own.label if own.kind == "seen" else own.label.partition(", ")[2],
        )
        return AlignedRow(**asdict(row), other="" if own.name == other.name else other.name)


def _coarser(first: TraceRecord, second: TraceRecord) -> str:
    """Return the coarser of the types that two programs compute in: of each the finest that any array has."""
    for trace in (first, second):
        arrays = [quantity for step in trace.steps for quantity in step if not quantity.is_plain]
        floats = {quantity.dtype for quantity in arrays if quantity.dtype.startswith("float")}
        if floats and "float64" not in floats:
            return "float32"
    return "float64"


def _floor_in_words(rounded: Mapping[str, int], num_copies: int) -> str:
    frameworks = " and ".join(shown for name, shown in ROUNDED.items() if rounded[name])
    if frameworks:
        how = f"the result of each operation of {frameworks} rounded at random"
        return f"the floor: {num_copies} runs of the first program with {how}"
    if rounded["nudged"]:
        how = "the parameters, and what trace.see returned, in another last place before each step"
        why = "since its framework lets nobody round results"
        return f"the floor: {num_copies} runs of the first program with {how}, {why}"
    return ""


def _unsaid(first: TraceRecord, reason: str, /, *, floor: str) -> Alignment:
    return Alignment(
        verdict="NOT COMPARABLE",
        reason=reason,
        first=None,
        floor=floor,
        num_compared=0,
        checked_steps=0,
        num_steps=len(first.steps),
    )


def _listed(quantities: Sequence[Quantity]) -> str:
    more = f" and {len(quantities) - _NUM_SHOWN} more" if len(quantities) > _NUM_SHOWN else ""
    return ", ".join(quantity.label for quantity in quantities[:_NUM_SHOWN]) + more
