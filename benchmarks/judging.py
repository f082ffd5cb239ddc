"""Judges cells while a benchmark goes on: the reference runs once for each GAN, size and type."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from gan_rosetta.benchmarks.cells import Cell
from gan_rosetta.benchmarks.parity import ReferenceRun, first_outside, judge_cell, parity_steps
from gan_rosetta.benchmarks.record import Parity

Data = Mapping[str, Any]
Ask = Callable[[Cell, Data], Data]


class Judge:
    """Keeps the reference's runs; may be asked from several threads.

    ask_reference: has a worker of the reference's do something for a cell.
    """

    def __init__(self, ask_reference: Ask, /) -> None:
        self._ask_reference = ask_reference
        self._references: dict[tuple[str, int, float, str], ReferenceRun] = {}
        self._locks: defaultdict[tuple[str, int, float, str], threading.Lock] = defaultdict(threading.Lock)

    def judge(self, cell: Cell, first: Data, base: Data, ask: Ask, /) -> Parity:
        """Return how a cell's first losses compare with the reference's in its type.

        Where rounding in float32 parts the reference from itself within a step, nothing can be said in float32. The
        same backend and execution are then judged in float64, and the float32 losses must lie within that noise.
        first: what the cell answered; base: what every request says; ask: has the cell's own worker do something.
        """
        reference = self._reference(cell, base)
        parity = _judged(reference, first, cell)
        if parity.verdict != "NOT COMPARABLE" or cell.dtype != "float32":
            return parity
        outside = first_outside(reference, first["losses"])
        if outside:
            return replace(parity, verdict="DISAGREE", reason=outside)
        double = replace(cell, dtype="float64", products="full")
        request = {**base, "cell": asdict(double), "action": "vet", "num_steps": parity_steps(cell.spec())}
        answer = ask(cell, request)
        parity = _judged(self._reference(double, {**base, "cell": asdict(double)}), answer, double)
        why = "in float32 rounding alone parts the reference from itself at once, so this is in float64"
        return replace(parity, reason=f"{parity.reason} ({why})")

    def _reference(self, cell: Cell, base: Data) -> ReferenceRun:
        key = (cell.gan, cell.batch_size, cell.width, cell.precision)
        with self._locks[key]:
            if key not in self._references:
                request = {**base, "action": "reference", "num_steps": parity_steps(cell.spec())}
                self._references[key] = ReferenceRun(**self._ask_reference(cell, request))
            return self._references[key]


def _judged(reference: ReferenceRun, answer: Data, cell: Cell) -> Parity:
    losses, digest = answer["losses"], answer["tape_digest"]
    return judge_cell(reference, losses, digest, spec=cell.spec(), precision=cell.precision, name=cell.label)
