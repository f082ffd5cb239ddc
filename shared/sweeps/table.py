"""What came of a sweep: a row a job, in the order of the plan, whoever did it and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.storage.files import atomic_path
from gan_rosetta.shared.sweeps.plan import SweepJob

TABLE_FILE = "sweep.parquet"
_HINT = "pip install 'gan-rosetta[sweeps]'"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A job. numbers: outcomes, NaN where a training has no such number; happened: what may happen, and whether it did.

    Both are empty where it failed, and message says why.
    """

    job: SweepJob
    numbers: dict[str, float]
    happened: dict[str, bool]
    message: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, a column a key."""
        order = self.job.order
        own = {"gan": order.gan, "run": order.run_name, "seed": order.feed.seed, **self.job.settings}
        return {**own, **self.numbers, **self.happened, "message": self.message}


def columns_of(rows: Sequence[Row], /) -> dict[str, list[Any]]:
    """Return the table by its columns, None where a row has nothing there."""
    data = [row.as_data() for row in rows]
    names = dict.fromkeys(name for each in data for name in each if name != "message")
    return {name: [each.get(name) for each in data] for name in (*names, "message")}


def require_table() -> None:
    """Raise UsageError where no Parquet file can be written."""
    try:
        import pyarrow  # noqa: F401, PLC0415 - only a sweep needs it
    except ImportError:
        raise UsageError(f"a sweep's table needs pyarrow, which is not installed: {_HINT}") from None


def write_table(path: Path, rows: Sequence[Row], /) -> None:
    """Write the table as a Parquet file, atomically; a field's values of several kinds become texts."""
    import pyarrow as pa  # noqa: PLC0415 - only a sweep needs it
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = {name: _of_one_kind(values) for name, values in columns_of(rows).items()}
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary)


def _of_one_kind(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) > 1:
        return [None if value is None else float(value) for value in values]
    if len(kinds) > 1 or kinds & {dict, list}:
        return [None if value is None else str(value) for value in values]
    return values


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
        key = repr((row.job.order.gan, row.job.order.run_name, row.job.settings))
        found.setdefault(key, []).append(row)
    return [
        Setting(
            gan=own[0].job.order.gan,
            run=own[0].job.order.run_name,
            settings=dict(own[0].job.settings),
            rows=tuple(own),
        )
        for own in found.values()
    ]
