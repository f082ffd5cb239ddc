"""What came of a sweep: a row a job, in the order of the plan, whoever did it and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Row:
    """A job. settings: the values of the sweep's fields, by path.

    numbers: outcomes, NaN where a training has no such number; happened: what may happen, and whether it did. Both are
    empty where it failed, and message says why.
    """

    gan: str
    run: str
    seed: int
    settings: dict[str, Any]
    numbers: dict[str, float]
    happened: dict[str, bool]
    message: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, a column a key."""
        own = {"gan": self.gan, "run": self.run, "seed": self.seed, **self.settings}
        return {**own, **self.numbers, **self.happened, "message": self.message}


def columns_of(rows: Sequence[Row], /) -> dict[str, list[Any]]:
    """Return the table by its columns, None where a row has nothing there."""
    data = [row.as_data() for row in rows]
    names = dict.fromkeys(name for each in data for name in each if name != "message")
    return {name: [each.get(name) for each in data] for name in (*names, "message")}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The seeds of one GAN in one run with the same values of the fields."""

    gan: str
    run: str
    settings: dict[str, Any]
    rows: tuple[Row, ...]

    def quartiles(self, outcome: str, /) -> tuple[float, float, float] | None:
        """Return the three quartiles of an outcome over the seeds in which it is finite, None where it is in none."""
        values = np.array([row.numbers.get(outcome, np.nan) for row in self.rows])
        values = values[np.isfinite(values)]
        if not len(values):
            return None
        low, middle, high = (float(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))
        return low, middle, high

    def count(self, happening: str, /) -> int:
        """Return in how many seeds it happened."""
        return sum(row.happened.get(happening, False) for row in self.rows)


def settings_of(rows: Sequence[Row], /) -> list[Setting]:
    """Return the rows together that differ in nothing but the seed, in the table's order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        key = repr((row.gan, row.run, row.settings))
        found.setdefault(key, []).append(row)
    return [
        Setting(gan=own[0].gan, run=own[0].run, settings=dict(own[0].settings), rows=tuple(own))
        for own in found.values()
    ]


@dataclass(frozen=True, kw_only=True)
class SweepTable:
    """What came of a sweep. fields: that it went through; rows: a job each, in the plan's order. units: of outcomes."""

    fields: tuple[str, ...]
    rows: tuple[Row, ...]
    units: dict[str, str]

    @property
    def failures(self) -> tuple[Row, ...]:
        """The jobs that left nothing."""
        return tuple(row for row in self.rows if row.message)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes by name: first how good samples are."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.numbers))

    def outcomes_of(self, gan: str, /) -> tuple[str, ...]:
        """Return the outcomes of one GAN by name: first how good its samples are."""
        return tuple(dict.fromkeys(name for row in self.rows if row.gan == gan for name in row.numbers))

    @property
    def gans(self) -> tuple[str, ...]:
        """The GANs by name, in the plan's order."""
        return tuple(dict.fromkeys(row.gan for row in self.rows))

    @property
    def happenings(self) -> tuple[str, ...]:
        """What may happen in a training, by name."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.happened))

    def settings(self) -> list[Setting]:
        """Return the rows together that differ in nothing but the seed."""
        return settings_of(self.rows)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data: a row a job, with None for what is no finite number."""
        rows = [{name: _in_json(value) for name, value in row.as_data().items()} for row in self.rows]
        return {"fields": list(self.fields), "units": self.units, "rows": rows}


def _in_json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
