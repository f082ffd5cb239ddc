"""A record as a page in Markdown, generated and never typed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gan_rosetta.benchmarks.cells import FLOOR
from gan_rosetta.benchmarks.findings import Comparison, comparisons, figures, settings, warnings
from gan_rosetta.benchmarks.record import BenchmarkRecord, CellResult
from gan_rosetta.benchmarks.table import COLUMNS, figure_texts, no_throughput
from gan_rosetta.benchmarks.words import count_text, seconds_text
from gan_rosetta.shared.report.shown import as_markdown, map_texts
from gan_rosetta.shared.storage.files import write_bytes

_HOW = """## How to read it

- **Parity first.** Before a cell is timed, its first losses are judged against the NumPy reference in the same type, by
  the [measured yardstick](agreement.md). A cell that does not agree has no throughput, and its row says why.
  Where rounding in float32 parts the reference from itself within a step, the same backend and execution are judged in
  float64 too, and the float32 losses must lie within that noise.
- **A step** is the median over rounds of the seconds in `Trainer.train` by the steps of the round, with an interval
  between two order statistics that covers the true median with 95 % or more (less with fewer than six rounds, which is
  then said). Every round trains the same steps from the same initial state; on a GPU `train` ends when the device does.
- Each cell has a process of its own, set up as one that trains is: huge pages where the system gives them, freed memory
  kept, and threads as the last column says. **Rounds take turns**: the first round of every cell, then the second of
  every cell, one running at a time, so that drift of the machine hits all alike.
- **As published** is the loop that a user would otherwise run: the GAN's published program, in the framework that it
  was published for, with that framework's own optimizers, one batch of NumPy numbers at a time, each loss read in each
  step ([benchmarks/published](../benchmarks/published)). It is fed and judged as all others are.
- **Steps/s and samples/s** come from the same seconds, without feeding. **GFLOP/s** are counted from the GAN's matrix
  products alone, as its description has them and without gradients that nobody reads; a compiled path that makes G's
  batch once where both updates would make the same does fewer. Their share is of the best median rate of a plain matrix
  product measured among the rounds, with as many threads.
- **Feeding** is `Trainer.stage`: casting a chunk and putting it on the device; its share is of `stage` and `train`.
  Where a round's chunks are shorter than training's, as those of slow eager steps are, it is timed on a chunk as long
  as training's once a round, after its steps.
- **Host** is the share of a round's wall time outside `stage` and `train`: drawing the tape's numbers, and the loop.
- **Memory** is the most that the process had resident, compilation included. **Import** is of the framework.
  **Compile** is how much longer the first chunk of each kind took than the same chunk again. For these two, as many
  cells are opened at once as there are cores; rounds are timed one at a time.
  torch and JAX keep what they compile, so what an earlier run left on the machine is read in place of compiled.
- A ratio is called a difference only where its bootstrap interval excludes 1 and a rank test agrees.
"""


def page_text(record: BenchmarkRecord, /, *, pictures: Sequence[str] = ()) -> str:
    """Return the page of a record. pictures: paths as the page is to name them."""
    record = map_texts(record, as_markdown)
    machine, options = record.machine, record.options
    lines = [
        "# What a training step costs",
        "",
        f"Measured {record.created} in {seconds_text(record.duration_seconds)} on {machine.processor}, "
        f"{machine.logical_cores} cores, {machine.memory_bytes / 1e9:.0f} GB, {machine.system}, "
        f"load {machine.load_average_1min:g} before the first cell. {', '.join(record.versions)}, "
        f"{', '.join(_frameworks(record))}. Seed {options.seed}, TF32 {'on' if options.tf32 else 'off'}."
        f"{_gpu_sentence(record)}",
        "",
        *(f"![{Path(name).stem}]({name})\n" for name in pictures),
    ]
    by_result = {id(found.result): found for found in figures(record)}
    for setting, cells in settings(record).items():
        lines += [f"## {setting}", "", *row(COLUMNS), *row(["---"] * len(COLUMNS))]
        for result in cells:
            found = by_result.get(id(result))
            texts = figure_texts(found) if found else [no_throughput(result), *[""] * (len(COLUMNS) - 2)]
            lines += row([result.cell.label, *texts])
        lines += ["", *_parity_lines(cells), *_ratio_lines(cells), ""]
    lines += _peak_lines(record)
    lines += [
        "## Warm-up",
        "",
        "First chunk, then the warm-up round's step beside the median of the rounds after it.",
        "",
    ]
    lines += [*row(["Cell", "First chunk", "Warm-up step", "Step"]), *row(["---"] * 4)]
    for found in by_result.values():
        result = found.result
        warm = " ".join(seconds_text(r.train_seconds / r.num_steps) for r in result.warm_up)
        name = f"{result.cell.setting}: {result.cell.label}"
        lines += row([name, seconds_text(result.first_chunk_seconds), warm, seconds_text(found.step.median)])
    told = warnings(record)
    lines += ["", "## Warnings", "", *(f"- {line}" for line in told or ["None."]), "", _HOW]
    lines += ["## How to reproduce it", "", "```", options.command, "```", ""]
    lines += ["This page: `gan-rosetta bench page RECORD --markdown FILE`; another run against it:"]
    lines += ["`gan-rosetta bench compare OLD NEW`.", ""]
    return "\n".join(lines)


def write_page(path: Path, record: BenchmarkRecord, pictures: Sequence[Path], /) -> None:
    """Write the page, naming pictures relative to it."""
    names = [Path(os.path.relpath(picture, path.parent)).as_posix() for picture in pictures]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, page_text(record, pictures=names).encode())


def write_page_and_pictures(
    record: BenchmarkRecord, /, *, page: Path | None = None, pictures: Path | None = None
) -> list[Path]:
    """Write the page and the pictures, and return what was written, the page last.

    pictures: their folder, pictures/ beside the page where not given; without either there are none.
    """
    from gan_rosetta.benchmarks.pictures import draw_benchmark  # noqa: PLC0415 - matplotlib is slow to import

    folder = pictures if pictures is not None or page is None else page.parent / "pictures"
    drawn = [] if folder is None else draw_benchmark(record, folder)
    if page is not None:
        write_page(page, record, drawn)
    return [*drawn, *([] if page is None else [page])]


def _gpu_sentence(record: BenchmarkRecord) -> str:
    if any(result.cell.device != "cpu" for result in record.cells):
        return ""
    return " No GPU was measured: everything here ran on the processor; `--devices cuda` measures one."


def row(texts: Sequence[str], /) -> list[str]:
    """Return a table's row of Markdown, as one line."""
    return ["| " + " | ".join(text.replace("\n", " ") for text in texts) + " |"]


def _frameworks(record: BenchmarkRecord) -> list[str]:
    found = {f"{r.cell.backend} {r.framework}" for r in record.cells if r.framework and r.cell.backend != FLOOR}
    return sorted(found - set(record.versions))


def _parity_lines(cells: Sequence[CellResult]) -> list[str]:
    judged = [result for result in cells if result.parity is not None]
    if not judged:
        return []
    steps = sorted({result.parity.judged_steps for result in judged if result.parity is not None})
    types = sorted({result.parity.dtype for result in judged if result.parity is not None})
    agree = sum(result.parity.verdict == "AGREE" for result in judged if result.parity is not None)
    span = str(steps[0]) if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
    text = f"{agree} of {len(judged)} agree with the reference"
    return [f"Parity: {text}, by the losses of the first {span} steps in {' and '.join(types)}.", ""]


def _ratio_lines(cells: Sequence[CellResult]) -> list[str]:
    """Name the best against each other cell, and each backend's two executions against one another."""
    found = comparisons(cells)
    if not found:
        return []
    best = found[0].faster
    shown: list[Comparison] = [c for c in found if c.faster is best]
    shown += [c for c in found if c.faster is not best and c.faster.cell.backend == c.slower.cell.backend]
    lines = [f"- {comparison.sentence().removeprefix(best.cell.setting + ': ')}" for comparison in shown]
    floor = next((result for result in cells if result.cell.backend == FLOOR and result.rounds), None)
    if floor is not None:
        floor_step, best_step = (sorted(r.step_seconds)[len(r.step_seconds) // 2] for r in (floor, best))
        times = f"{best_step / floor_step:.1f} times as long as the C loop"
        lines.append(f"- the fastest framework, {best.cell.label}, takes {times}")
    return lines


def _peak_lines(record: BenchmarkRecord) -> list[str]:
    lines = ["## Matrix products measured in the same run", ""]
    lines += [*row(["Backend", "Device", "Type", "Threads", "Size", "GFLOP/s, median"]), *row(["---"] * 6)]
    for peak in record.peaks:
        rates = sorted(peak.flops_per_second)
        if rates:
            median = count_text(rates[len(rates) // 2] / 1e9)
            lines += row([peak.backend, peak.device, peak.dtype, str(peak.threads), str(peak.size), median])
    return [*lines, ""]
