"""Writes what people look at: pages, films of training, event files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gan_rosetta.shared.storage.opening import require_place
from gan_rosetta.wording import speaks_python

if TYPE_CHECKING:
    from gan_rosetta.assessing import Atlas, Calibration, Defaults, Equivalence
    from gan_rosetta.benchmarks.gpu.record import GpuRecord
    from gan_rosetta.benchmarks.record import BenchmarkRecord
    from gan_rosetta.checking import FaultCheck
    from gan_rosetta.comparing import Comparison
    from gan_rosetta.shared.runs.record import Run
    from gan_rosetta.training import TrainedRun

    Measured: TypeAlias = (
        Atlas | Calibration | Equivalence | Defaults | Sequence[Defaults] | FaultCheck | BenchmarkRecord | GpuRecord
    )


@speaks_python
def report(folder: str | Path, /, *, out: str | Path | None = None) -> Path:
    """Make one HTML page of a folder of runs, or of a sweep's, and return its path.

    out: the file to write, report.html in the folder where not given. Raises RecordError for what cannot be read.
    """
    from gan_rosetta.shared.report.page.render import write_report  # noqa: PLC0415 - only who asks for a page waits for it

    return write_report(Path(folder), None if out is None else Path(out))


@speaks_python
def write_film(result: Comparison | TrainedRun, path: str | Path, /) -> Path:
    """Make a film of training, the runs of a comparison side by side, and return its path, FILE.gif or FILE.mp4.

    It shows the moments of which runs kept samples, some eight; train with num_moments=40 for a film that moves. Raises
    UsageError for another ending, or where the film cannot be written.
    """
    from gan_rosetta.shared.report import film  # noqa: PLC0415 - only who films waits for it

    film.write_film(Path(path), _runs_of(result), result.spec)
    return Path(path)


@speaks_python
def write_events(result: Comparison | TrainedRun, folder: str | Path, /) -> Path:
    """Write losses and samples into a folder for `tensorboard --logdir`, and return it; raises UsageError."""
    from gan_rosetta.shared.report import tensorboard  # noqa: PLC0415 - only who writes them waits for it

    tensorboard.require_tensorboard(Path(folder))
    for run in _runs_of(result):
        tensorboard.write_events(Path(folder), run, result.spec)
    return Path(folder)


@speaks_python
def write_page(measured: Measured, path: str | Path, /) -> list[Path]:
    """Write the page of something measured, in Markdown, and its pictures to pictures/ beside it; returns the files.

    measured: what `accuracy`, `calibrate`, `equivalence`, `check_faults`, `bench` or `bench_gpu` returned, or one or
    more results of `defaults`.
    """
    from gan_rosetta import assessing, checking  # noqa: PLC0415 - only who asks for a page waits for what it needs
    from gan_rosetta.benchmarks.gpu.page import write_gpu_page  # noqa: PLC0415
    from gan_rosetta.benchmarks.gpu.record import GpuRecord  # noqa: PLC0415
    from gan_rosetta.benchmarks.page import write_page_and_pictures  # noqa: PLC0415
    from gan_rosetta.benchmarks.record import BenchmarkRecord  # noqa: PLC0415
    from gan_rosetta.shared.report import accuracy_page, calibration_page, defaults_page, equivalence_page  # noqa: PLC0415

    target = Path(path)
    require_place(target, said="the page")
    if isinstance(measured, assessing.Atlas):
        written = accuracy_page.write_page(target, measured)
    elif isinstance(measured, assessing.Calibration):
        written = calibration_page.write_page(target, measured)
    elif isinstance(measured, assessing.Equivalence):
        equivalence_page.write_page(target, measured)
        written = [target]
    elif isinstance(measured, checking.FaultCheck):
        written = [measured.write_page(target)]
    elif isinstance(measured, BenchmarkRecord):
        written = write_page_and_pictures(measured, page=target)
    elif isinstance(measured, GpuRecord):
        written = [write_gpu_page(target, measured)]
    else:
        several = [measured] if isinstance(measured, assessing.Defaults) else measured
        written = defaults_page.write_page(target, several, seed=several[0].seed)
    return written


def _runs_of(result: Comparison | TrainedRun) -> list[Run]:
    from gan_rosetta.training import TrainedRun  # noqa: PLC0415 - it is there already

    return [result] if isinstance(result, TrainedRun) else list(result.runs.values())
