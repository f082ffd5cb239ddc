"""Whether a cell's steps come out the same again: in the same process, and in others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gan_rosetta.benchmarks.cells import Cell
from gan_rosetta.benchmarks.gpu.record import GpuRecord
from gan_rosetta.benchmarks.record import Repeat
from gan_rosetta.shared.compare.distances import relative_difference


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """A cell, how it repeats itself, and what other processes found of the same steps."""

    cell: Cell
    repeat: Repeat
    others: tuple[Repeat, ...]

    @property
    def is_same_elsewhere(self) -> bool:
        """Whether no other process differs in a bit."""
        return all(other.digest == self.repeat.digest for other in self.others)

    @property
    def is_same(self) -> bool:
        """Whether nothing differs in a bit."""
        return self.repeat.same_bits and self.is_same_elsewhere

    @property
    def largest_elsewhere(self) -> float | None:
        """The largest relative difference of the last losses in another process, None where there is none.

        Infinity where one has a loss that is no number and the other has not.
        """
        if not self.others:
            return None
        own = np.array(self.repeat.last_losses)
        found = [np.array(other.last_losses) for other in self.others]
        if any(other.shape != own.shape for other in found):
            return float("inf")
        return max(float(relative_difference(own, other).max(initial=0.0)) for other in found)


def repetitions(record: GpuRecord, /) -> list[Repetition]:
    """Return each cell that was trained twice, once a setting, with what other processes found of the same steps.

    Others are those that compiled anew, that launch the same steps otherwise, and that other parts measured again; a
    cell that launches otherwise has none of its own. TF32 aside. Only as many steps of one are compared with as many of
    another.
    """
    first: dict[tuple[str, ...], tuple[Cell, Repeat]] = {}
    others: dict[tuple[str, ...], list[Repeat]] = {}
    for part, result in record.cells():
        if result.repeat is None or part.record is None or part.record.options.tf32:
            continue
        own, plain = result.cell.key, replace(result.cell, variant=None).key
        is_first = not part.fresh and own not in first
        if is_first:
            first[own] = result.cell, result.repeat
        if (not is_first or own != plain) and plain in first and first[plain][1].num_steps == result.repeat.num_steps:
            others.setdefault(plain, []).append(result.repeat)
    return [
        Repetition(cell=cell, repeat=repeat, others=tuple(others.get(key, ()))) for key, (cell, repeat) in first.items()
    ]
