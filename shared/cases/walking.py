"""Walks the reference beside a watched program, step by step, and compares all that was seen in order of execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance, num_copies
from gan_rosetta.shared.data.tape import Tape, make_chunk
from gan_rosetta.shared.diagnose.reference import TapePosition
from gan_rosetta.shared.diagnose.rows import Row, compare_quantity, first_offender
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.interface import Phase, ProbeKey
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, state_schema
from gan_rosetta.shared.workers.registry import build_reference

Seen = Mapping[ProbeKey, np.ndarray]

# Steps that are still looked at after the first that is off: what explains that one must explain these.
_STEPS_BEYOND = 1


@dataclass(frozen=True, kw_only=True)
class KeptStep:
    """What was seen of a step, in order of execution, and how far rounding took each of it.

    off: what rounding does not explain; reference: all that the reference computed.
    """

    quantities: Seen
    noise: Mapping[ProbeKey, float]
    off: frozenset[ProbeKey] = frozenset()
    reference: Seen = field(default_factory=dict)


class Walk:
    """The reference and its randomly rounding copies, each training on its own, beside a program that does too.

    first: the first quantity that was off, None so far; visit: the step of it. rows: of the step of it. counts: how
    many quantities of each kind were compared. The noise of a quantity is the largest in the steps so far.
    kept: for a cause to be told by, the first step of each phase, the one before the first that is off, that, and what
    comes right after it; starts: the reference's state before each phase; other_start: what the program began with,
    empty where that is the state.
    """

    def __init__(self, spec: GanSpec, state: State, tape: Tape, /, *, dtype: str) -> None:
        self.spec, self._tape, self._state, self._dtype = spec, tape, state, dtype
        self._tolerance = Tolerance(num_copies=num_copies(spec), dtype=dtype)
        self._reference = build_reference(spec, dtype=dtype)
        self._reference.load_state(state)
        self._copies = [build_reference(spec, dtype=dtype) for _ in self._tolerance.coarseness]
        for seed, (copy, coarseness) in enumerate(zip(self._copies, self._tolerance.coarseness, strict=True)):
            copy.load_state(state)
            copy.perturb(seed=seed, coarseness=coarseness)
        self._position = TapePosition(spec, tape)
        self._noise: dict[ProbeKey, float] = {}
        self._probe: dict[ProbeKey, np.ndarray] = {}
        self.visit: Visit | None = None
        self.rows: list[Row] = []
        self.counts: dict[str, int] = {}
        self.num_steps = 0
        self.kept: dict[Visit, KeptStep] = {}
        self.starts: dict[Phase, State] = {}
        self.other_start: State = {}
        self._num_beyond = 0

    @property
    def is_done(self) -> bool:
        """Whether what comes next is no longer looked at."""
        return self.visit is not None and (bool(self.other_start) or self._num_beyond >= _STEPS_BEYOND)

    @property
    def first(self) -> Row | None:
        """The first quantity that was off, or None."""
        return first_offender(self.rows) if self.visit is not None else None

    def start(self, visit: Visit, loaded: Mapping[str, np.ndarray], /) -> None:
        """Compare parameters and buffers, by canonical name, before the first step: the state's bit for bit."""
        schema = state_schema(self.spec)
        self.rows = [
            self._row(
                visit,
                ProbeKey("start", schema[name].role, "", name),
                array,
                self._state[name].astype(self._dtype),
                exact=True,
            )
            for name, array in loaded.items()
        ]
        self._settle(visit)
        if self.visit is not None:
            self.other_start = {name: array.reshape(self._state[name].shape) for name, array in loaded.items()}

    def expect(self, visit: Visit, /) -> Seen:
        """Go on to a step, run the reference's, and return what it computes, in order."""
        self._position.move([self._reference, *self._copies], visit)
        if visit.step == 0:
            self.starts[visit.phase] = self._reference.export_state()
        chunk = make_chunk(self._tape, self.spec, visit.phase, first_step=visit.step, num_steps=1)
        self._probe = self._reference.probe(chunk)
        return self._probe

    def step(self, visit: Visit, seen: Seen, /) -> None:
        """Compare what was seen of the step that was expected last."""
        chunk = make_chunk(self._tape, self.spec, visit.phase, first_step=visit.step, num_steps=1)
        scales: Mapping[ProbeKey, float] = dict(self._reference.loss_scales())
        distances: dict[ProbeKey, list[float]] = {key: [] for key in seen}
        for copy in self._copies:
            probe = copy.probe(chunk)
            for key, found in distances.items():
                found.append(tensor_difference(probe[key], self._probe[key], scale=scales.get(key, 0.0)))
        for key, found in distances.items():
            noise = float(self._tolerance.noise(found))
            self._noise[key] = max(self._noise.get(key, 0.0), noise)
        quantities = {key: _shaped(seen[key], expected) for key, expected in self._probe.items() if key in seen}
        rows = [
            self._row(visit, key, own, self._probe[key], scale=scales.get(key, 0.0), exact=key.quantity == "counter")
            for key, own in quantities.items()
        ]
        kept = KeptStep(
            quantities=quantities,
            noise={key: self._noise[key] for key in quantities},
            off=frozenset(key for key, row in zip(quantities, rows, strict=True) if row.is_off),
            reference=dict(self._probe),
        )
        if self.visit is not None:
            self._num_beyond += 1
            self.kept[visit] = kept
            return
        self.rows = rows
        self.num_steps += 1
        self._settle(visit)
        if self.visit is None:
            self.kept = {each: own for each, own in self.kept.items() if each.step == 0}
        self.kept[visit] = kept

    def _settle(self, visit: Visit) -> None:
        for row in self.rows:
            self.counts[row.quantity] = self.counts.get(row.quantity, 0) + 1
        if first_offender(self.rows) is not None:
            self.visit = visit

    def _row(
        self, visit: Visit, key: ProbeKey, got: Any, expected: np.ndarray, *, scale: float = 0.0, exact: bool
    ) -> Row:
        return compare_quantity(
            _shaped(got, expected),
            expected,
            noise=self._noise.get(key, 0.0),
            scale=scale,
            tolerance=self._tolerance,
            exact=exact,
            visit=visit.label,
            **key._asdict(),
        )


def _shaped(got: Any, expected: np.ndarray) -> np.ndarray:
    """Return what was seen in the shape of what is expected, where it has as many numbers."""
    array = np.asarray(got)
    return array.reshape(expected.shape) if array.size == expected.size else array
