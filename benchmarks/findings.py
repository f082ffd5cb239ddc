"""What a record says: each cell's numbers with their intervals, ratios between cells, and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gan_rosetta.benchmarks.cells import FLOOR
from gan_rosetta.benchmarks.record import BenchmarkRecord, CellResult
from gan_rosetta.benchmarks.statistics import Ratio, Summary, compare_repeats, summarise


@dataclass(frozen=True, kw_only=True)
class CellFigures:
    """A measured cell's figures; medians over its rounds.

    step: seconds of train() a step, with its interval. feeding_seconds: of stage() a step, in chunks as long as
    training's; feeding_share: of that and train() together; host_share: of a round's wall time outside stage() and
    train(), which is generating the tape and the loop. peak_share: of the matrix-product rate measured in the same run,
    None where there is none.
    """

    result: CellResult
    step: Summary
    samples_per_second: float
    flops_per_second: float
    peak_share: float | None
    feeding_seconds: float
    feeding_share: float
    host_share: float
    peak_bytes: int
    device_bytes: int | None

    @property
    def steps_per_second(self) -> float:
        """The reciprocal of the median step."""
        return 1.0 / self.step.median


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two cells of one setting. ratio: seconds a step of slower by faster."""

    setting: str
    faster: CellResult
    slower: CellResult
    ratio: Ratio

    @property
    def took_turns(self) -> bool:
        """Whether their rounds were interleaved, so that drift hit both alike."""
        return self.faster.wave == self.slower.wave

    def sentence(self) -> str:
        """Say what the two cells come to, in one line."""
        ratio = self.ratio
        interval = f"{ratio.low:.3g} to {ratio.high:.3g}"
        names = f"{self.faster.cell.label} and {self.slower.cell.label}"
        if not ratio.is_difference:
            # An interval of few repeats may exclude 1 by luck; the rank test counts them.
            why = f"noise gives a ratio of {interval}"
            if not ratio.low <= 1.0 <= ratio.high:
                why = f"their rounds are too few for a rank test (p = {ratio.p_value:.2g}), with {interval}"
            return f"{self.setting}: no difference can be told between {names}: {why}"
        apart = "" if self.took_turns else ", measured one after the other"
        fast, slow = self.faster.cell.label, self.slower.cell.label
        return f"{self.setting}: {fast} is {ratio.ratio:.3g} times ({interval}) as fast as {slow}{apart}"


def figures(record: BenchmarkRecord, /) -> list[CellFigures]:
    """Return the figures of every measured cell, in the record's order."""
    return [_figures(record, result) for result in record.cells if result.rounds]


def settings(record: BenchmarkRecord, /) -> dict[str, list[CellResult]]:
    """Return the cells by what they share: GAN, size, device and type."""
    found: dict[str, list[CellResult]] = {}
    for result in record.cells:
        found.setdefault(result.cell.setting, []).append(result)
    return found


def comparisons(cells: Sequence[CellResult], /) -> list[Comparison]:
    """Return the comparison of every two measured cells of one setting, the floor left out, fastest first."""
    measured = [result for result in cells if result.rounds and result.cell.backend != FLOOR]
    ordered = sorted(measured, key=lambda result: float(np.median(result.step_seconds)))
    return [
        Comparison(
            setting=faster.cell.setting,
            faster=faster,
            slower=slower,
            ratio=compare_repeats(faster.step_seconds, slower.step_seconds),
        )
        for faster, slower in combinations(ordered, 2)
    ]


def warnings(record: BenchmarkRecord, /) -> list[str]:
    """Return what a reader must know: noisy cells, too few repeats, pairs that noise makes equal, losses gone bad."""
    lines = []
    for found in figures(record):
        name = f"{found.result.cell.setting}: {found.result.cell.label}"
        step = found.step
        if step.is_noisy:
            spread = max(step.high - step.median, step.median - step.low) / step.median
            lines.append(f"{name} is noisy: its median may be off by {spread:.0%}; measure on a quieter machine")
        if step.num_repeats < 6:
            lines.append(f"{name} has {step.num_repeats} rounds: its interval covers {step.coverage:.0%}")
        if not all(round_.is_finite for round_ in found.result.rounds):
            lines.append(f"{name} trained into infinity or NaN, on which arithmetic may take another time")
    for cells in settings(record).values():
        lines += [c.sentence() for c in comparisons(cells) if not c.ratio.is_difference]
    cores = record.machine.logical_cores
    load = max((round_.load_average for result in record.cells for round_ in result.rounds), default=0.0)
    busiest = max((result.cell.threads for result in record.cells), default=1)
    if record.machine.load_average_1min > 0.5 or load > busiest + 0.5:
        lines.append(
            f"the machine was not quiet: load {record.machine.load_average_1min:.1f} before the first cell and up to "
            f"{load:.1f} during rounds, with {cores} cores"
        )
    return lines


def _share(part: float, rest: float) -> float:
    return part / (part + rest)


def _figures(record: BenchmarkRecord, result: CellResult) -> CellFigures:
    step = summarise(result.step_seconds)
    rounds = result.rounds
    rate = result.step_flops / step.median
    peak = record.peak(result.cell)
    device = [round_.device_bytes for round_ in rounds if round_.device_bytes is not None]
    return CellFigures(
        result=result,
        step=step,
        samples_per_second=result.cell.batch_size / step.median,
        flops_per_second=rate,
        peak_share=None if peak is None else rate / peak,
        feeding_seconds=float(np.median([r.feeding_seconds for r in rounds])),
        feeding_share=float(np.median([_share(r.feeding_seconds, r.train_seconds / r.num_steps) for r in rounds])),
        host_share=float(np.median([1 - (r.stage_seconds + r.train_seconds) / r.wall_seconds for r in rounds])),
        peak_bytes=max(r.peak_bytes for r in rounds),
        device_bytes=max(device, default=None),
    )
