"""The page of a measured GPU, in Markdown, generated and never typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gan_rosetta.benchmarks.cells import Cell
from gan_rosetta.benchmarks.findings import CellFigures, figures
from gan_rosetta.benchmarks.gpu.record import GpuRecord, Part, Sight
from gan_rosetta.benchmarks.gpu.repetition import Repetition, repetitions
from gan_rosetta.benchmarks.gpu.stages import PART_TITLES
from gan_rosetta.benchmarks.page import row
from gan_rosetta.benchmarks.record import CellResult, PeakResult
from gan_rosetta.benchmarks.words import bytes_text, count_text, difference_text, seconds_text, share_text
from gan_rosetta.shared.report.shown import as_markdown, map_texts
from gan_rosetta.shared.storage.files import write_bytes

_HOW = """## How to read it

- **Parity** is that of the [benchmark](benchmarks.md): a cell's first losses against the NumPy reference's on the
  processor, in the same type, by the [measured yardstick](agreement.md). A cell that does not agree has no throughput.
- **Again** trains the first steps once more from the same state in the same process, and compares every loss and every
  tensor of the state. **Elsewhere** compares with other processes: those that launch the same steps otherwise, that
  compiled everything anew, or that measured the cell in another part.
- **Steps/s** are medians over rounds that take turns, of `Trainer.train`, which ends when the device does.
- **Shares** are of the best plain matrix product measured in the same part, 8192 by 8192, by any backend.
- Memory is the most that the framework had allocated on the device by then, in a process of its own.
"""


def gpu_page_text(record: GpuRecord, /) -> str:
    """Return the page of a record."""
    record = map_texts(record, as_markdown)
    machine = record.machine
    names = sorted({sight.name for sight in record.sights if sight.name})
    versions = next((part.record.versions for part in record.parts if part.record is not None), ())
    lines = [
        f"# Measured on {' and '.join(names) or record.device}",
        "",
        f"Measured {record.created} in {seconds_text(record.duration_seconds)}, on a machine with {machine.processor}, "
        f"{machine.logical_cores} cores, {machine.memory_bytes / 1e9:.0f} GB, {machine.system}. {', '.join(versions)}.",
        "",
        *_sight_lines(record.sights),
        *_parity_lines(record),
        *_repeat_lines(record),
        *_speed_lines(record),
        *_peak_lines(record),
        *_growth_lines(record),
        *_part_lines(record),
        _HOW,
        "## How to reproduce it",
        "",
        "```",
        record.command,
        "```",
        "",
        "This page: `gan-rosetta bench gpu-page RECORD --markdown FILE`.",
        "",
    ]
    return "\n".join(lines)


def write_gpu_page(path: Path, record: GpuRecord, /) -> Path:
    """Write the page of a record to a file, and return its path."""
    write_bytes(path, gpu_page_text(record).encode())
    return path


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = [line for texts in rows for line in row(texts)]
    return [*row(heads), *row(["---"] * len(heads)), *body, ""] if body else []


def _sight_lines(sights: Sequence[Sight]) -> list[str]:
    rows = []
    for sight in sights:
        version = sight.version if sight.is_wanted else f"{sight.version}, outside of {sight.wanted}"
        memory = bytes_text(sight.memory_bytes or None)
        rows.append([sight.backend, version, sight.name or sight.problem, memory, sight.details])
    return ["## What sees it", "", *_table(["Backend", "Version", "Device", "Memory", "What it says of it"], rows)]


def _grid(record: GpuRecord, text: Callable[[CellResult], str], *, parts: Callable[[Part], bool]) -> list[str]:
    """Return a table of a text for each cell: a row a GAN, size and type, a column for each way of running it."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    labels: list[str] = []
    for part, result in record.cells():
        if parts(part):
            cell = result.cell
            rows.setdefault((cell.gan, str(cell.batch_size), cell.dtype), {})[cell.label] = text(result)
            labels += [] if cell.label in labels else [cell.label]
    labels.sort()
    return _table(
        ["GAN", "Batch", "Type", *labels],
        ([*key, *(found.get(label, "") for label in labels)] for key, found in rows.items()),
    )


def _is_published(part: Part) -> bool:
    """Whether a part holds GANs of the catalogue as they are, and not a sweep's, nor other processes."""
    return part.name in ("float32", "float64", "largest", "largest-float64")


def _parity_lines(record: GpuRecord) -> list[str]:
    judged = [(part, result) for part, result in record.cells() if result.parity is not None]
    own = [result for part, result in judged if not _allows_tf32(part)]
    agree = sum(result.parity is not None and result.parity.verdict == "AGREE" for result in own)
    lines = ["## Parity", "", f"{agree} of {len(own)} cells agree with the reference; TF32 off.", ""]
    lines += ["The verdict, the steps judged, and the largest relative difference of a loss:", ""]
    lines += _grid(record, _parity_text, parts=_is_published)
    for part, result in record.cells():
        if result.status != "measured":
            name = f"{result.cell.setting}: {result.cell.label}"
            tf32 = ", TF32 allowed" if _allows_tf32(part) else ""
            lines.append(f"- {name}{tf32}: {result.status}: {result.reason}")
    return [*lines, ""]


def _parity_text(result: CellResult) -> str:
    found = result.parity
    if found is None:
        return result.status
    in_type = "" if found.dtype == result.cell.dtype else f" in {found.dtype}"
    return f"{found.verdict}, {found.judged_steps}{in_type}, {difference_text(found.largest)}"


def _repeat_lines(record: GpuRecord) -> list[str]:
    found = repetitions(record)
    if not found:
        return []
    same = sum(one.repeat.same_bits for one in found)
    compared = [one for one in found if one.others]
    equal = sum(all(other.digest == one.repeat.digest for other in one.others) for one in compared)
    lines = [
        "## Run to run",
        "",
        f"Again in the same process: {same} of {len(found)} cells are the same bit for bit, in every loss and tensor. "
        f"In other processes, launched otherwise or compiled anew: {equal} of {len(compared)}.",
        "",
    ]
    rows = [_repeat_row(one) for one in found if not one.is_same]
    return [*lines, *_table(["Cell", "Steps", "Again: losses, state", "Elsewhere: last losses"], rows)]


def _repeat_row(one: Repetition) -> list[str]:
    repeat = one.repeat
    apart = f"{difference_text(repeat.loss_difference)}, {difference_text(repeat.state_difference)}"
    again = "same bits" if repeat.same_bits else apart
    largest = one.largest_elsewhere
    anew = "not tried" if largest is None else "same bits" if one.is_same_elsewhere else difference_text(largest)
    return [f"{one.cell.setting}: {one.cell.label}", str(repeat.num_steps), again, anew]


def _speed_lines(record: GpuRecord) -> list[str]:
    found = _figures(record)
    lines = ["## Steps a second", "", "And the memory on the device.", ""]

    def text(result: CellResult) -> str:
        one = found.get(id(result))
        if one is None:
            return "no throughput"
        memory = "" if one.device_bytes is None else f", {bytes_text(one.device_bytes)}"
        return f"{count_text(one.steps_per_second)}{memory}"

    lines += _grid(record, text, parts=lambda part: _is_published(part) and "64" not in part.name)
    return lines


def _peak_lines(record: GpuRecord) -> list[str]:
    peaks: dict[tuple[str, str, bool], list[float]] = {}
    sizes: dict[tuple[str, str, bool], int] = {}
    for tf32, peak in record.products():
        key = (peak.backend, peak.dtype, tf32)
        peaks.setdefault(key, []).append(_median(peak))
        sizes[key] = peak.size
    rows = []
    for (backend, dtype, tf32), rates in sorted(peaks.items()):
        allowed = ", TF32" if tf32 else ""
        size = sizes[backend, dtype, tf32]
        rows.append([backend, f"{dtype}{allowed}", str(size), f"{max(rates) / 1e12:.3g}", str(len(rates))])
    lines = ["## Share of the peak", "", "Plain matrix products, the best median of a part:", ""]
    lines += _table(["Backend", "Type", "Size", "TFLOP/s", "Parts"], rows)
    best: dict[tuple[str, bool], float] = {}
    for (_, dtype, tf32), rates in peaks.items():
        best[dtype, tf32] = max(best.get((dtype, tf32), 0.0), *rates)
    shares = []
    for part, result in record.cells():
        one = _figures(record).get(id(result))
        cell = result.cell
        if one is None or not _is_published(part) or not cell.gan.startswith("mnist"):
            continue
        texts = [f"{cell.setting}: {cell.label}", f"{one.flops_per_second / 1e12:.3g}"]
        for tf32 in (False, True):
            rate = best.get((cell.dtype, tf32))
            texts.append("" if rate is None else share_text(one.flops_per_second / rate))
        shares.append(texts)
    return [*lines, *_table(["Cell", "TFLOP/s", "Of its type's peak", "Of TF32's"], shares)]


def _growth_lines(record: GpuRecord) -> list[str]:
    lines: list[str] = []
    for part in record.parts:
        scale = part.record.options.scale if part.record is not None else ""
        if part.name not in ("batch", "width") or part.record is None:
            continue
        rows = []
        for one in sorted(figures(part.record), key=lambda one: (one.result.cell.label, _size(one.result.cell, scale))):
            cell = one.result.cell
            memory = bytes_text(one.device_bytes)
            numbers = [count_text(one.steps_per_second), count_text(one.samples_per_second)]
            rows.append(
                [
                    cell.gan,
                    cell.label,
                    f"{_size(cell, scale):g}",
                    seconds_text(one.step.median),
                    *numbers,
                    f"{one.flops_per_second / 1e12:.3g}",
                    share_text(one.peak_share),
                    memory,
                ]
            )
        heads = ["GAN", "What ran it", scale.capitalize(), "A step", "Steps/s", "Samples/s", "TFLOP/s", "Of peak"]
        lines += [f"## {part.title}, float32", "", *_table([*heads, "Memory"], rows)]
    return lines


def _part_lines(record: GpuRecord) -> list[str]:
    rows = [[part.title, seconds_text(part.seconds), part.problem or "measured"] for part in record.parts]
    measured = {part.name for part in record.parts}
    rows += [[title, "", "not measured"] for name, title in PART_TITLES.items() if name not in measured]
    return ["## The parts of this measurement", "", *_table(["Part", "Took", "Outcome"], rows)]


def _figures(record: GpuRecord) -> dict[int, CellFigures]:
    return {id(one.result): one for part in record.parts if part.record is not None for one in figures(part.record)}


def _size(cell: Cell, scale: str) -> float:
    return float(cell.batch_size if scale == "batch" else cell.width)


def _allows_tf32(part: Part) -> bool:
    return part.record is not None and part.record.options.tf32


def _median(peak: PeakResult) -> float:
    rates = sorted(peak.flops_per_second)
    return rates[len(rates) // 2] if rates else 0.0
