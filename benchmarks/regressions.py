"""An old record against a new one: which cells became slower or faster, and which cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_rosetta.benchmarks.cells import Cell
from gan_rosetta.benchmarks.record import BenchmarkRecord, CellResult
from gan_rosetta.benchmarks.statistics import Ratio, compare_repeats
from gan_rosetta.shared.errors import RecordError

Change = Literal["slower", "faster", "no difference", "lost", "gained", "missing"]


@dataclass(frozen=True, kw_only=True)
class CellChange:
    """What became of a cell. ratio: seconds a step, new by old, where both were measured; reason: where one was not."""

    cell: Cell
    change: Change
    ratio: Ratio | None
    reason: str = ""

    @property
    def is_regression(self) -> bool:
        """Whether the cell became slower, or was measured and is not any more though it was tried."""
        return self.change in ("slower", "lost")


def compare_records(old: BenchmarkRecord, new: BenchmarkRecord, /) -> list[CellChange]:
    """Return what became of each cell of the old record; cells that are new are left out.

    A cell is slower or faster where the ratio of its medians is a difference (benchmarks/statistics.py). One that is
    measured no more counts as lost where the new record tried it, and as missing where it was not asked for. Raises
    RecordError where the records have no cell in common, or were made on other processors or with another seed.
    """
    if old.machine.processor != new.machine.processor or old.machine.logical_cores != new.machine.logical_cores:
        raise RecordError(
            f"the records are of {old.machine.processor}, {old.machine.logical_cores} cores, and of "
            f"{new.machine.processor}, {new.machine.logical_cores} cores; expected one machine: measure both on it"
        )
    if (old.options.seed, old.options.tf32) != (new.options.seed, new.options.tf32):
        raise RecordError("the records have another --seed or --tf32; expected the same in both: measure one again")
    found = {result.cell.key: result for result in new.cells}
    if not any(result.cell.key in found for result in old.cells):
        raise RecordError("the records have no cell in common; expected the same GANs, backends, executions and types")
    return [_change(result, found.get(result.cell.key)) for result in old.cells]


def _change(old: CellResult, new: CellResult | None) -> CellChange:
    if new is None:
        return CellChange(cell=old.cell, change="missing", ratio=None, reason="not in the new record")
    if not old.rounds or not new.rounds:
        if old.rounds:
            return CellChange(cell=old.cell, change="lost", ratio=None, reason=f"{new.status}: {new.reason}")
        change: Change = "gained" if new.rounds else "no difference"
        return CellChange(cell=old.cell, change=change, ratio=None, reason=f"was {old.status}: {old.reason}")
    if old.cell.threads != new.cell.threads:
        raise RecordError(
            f"{old.cell.setting}, {old.cell.label} ran on {old.cell.threads} threads and then on {new.cell.threads}; "
            "expected the same: give --threads"
        )
    ratio = compare_repeats(old.step_seconds, new.step_seconds)
    if not ratio.is_difference:
        return CellChange(cell=old.cell, change="no difference", ratio=ratio)
    return CellChange(cell=old.cell, change="slower" if ratio.ratio > 1 else "faster", ratio=ratio)
