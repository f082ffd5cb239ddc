"""Tables of sweeps that nobody trained."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gan_rosetta.shared.sweeps.table import Row, SweepTable

RATE = "training.generator_optimizer.learning_rate.value"
UNITS = {"mean error": "unit of x", "spread of samples": "of the real samples'", "distance from the sine": "of sin(x)"}
OUTCOMES = {"linear-2d": ("mean error", "spread of samples"), "sine": ("distance from the sine", "spread of samples")}


def table_of(
    *,
    fields: Mapping[str, Sequence[Any]],
    gans: Sequence[str] = ("linear-2d",),
    runs: Sequence[str] = ("numpy", "torch:float32"),
    seeds: int = 3,
    number: Callable[[Row], float] = lambda row: 1.0 + row.seed,
    message: Callable[[Row], str] = lambda row: "",
) -> SweepTable:
    """Return a table with one number for all of a row's outcomes; a row with a message has none."""
    rows = []
    for gan, run, values, seed in itertools.product(gans, runs, itertools.product(*fields.values()), range(seeds)):
        settings = dict(zip(fields, values, strict=True))
        row = Row(gan=gan, run=run, seed=seed, settings=settings, numbers={}, happened={})
        if message(row):
            rows.append(Row(**{**vars(row), "message": message(row)}))
            continue
        numbers = dict.fromkeys(OUTCOMES.get(gan, OUTCOMES["linear-2d"]), number(row))
        happened = {"not finite": not math.isfinite(number(row))}
        rows.append(Row(**{**vars(row), "numbers": numbers, "happened": happened}))
    units = {name: UNITS[name] for row in rows for name in row.numbers}
    return SweepTable(fields=tuple(fields), rows=tuple(rows), units=units)
