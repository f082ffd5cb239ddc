"""The commands `gan-rosetta bench gpu` and `gan-rosetta bench gpu-page`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.bench_options import (
    MEASURED,
    Gans,
    Markdown,
    Names,
    Rounds,
    Seconds,
    command_line,
    require_page,
    status_of,
)
from gan_rosetta.shared.commands.options import COMPUTED, FAILURE, KEPT, Mnist, Seed, split_names, tell
from gan_rosetta.shared.runs.order import DEFAULT_SEED


def gpu(
    *,
    gans: Gans = None,
    backends: Annotated[
        Names, typer.Option("--backends", rich_help_panel=COMPUTED, help="Backends; all that see the device.")
    ] = None,
    device: Annotated[
        str, typer.Option("--device", rich_help_panel=COMPUTED, help="cuda; cpu tries the command itself.")
    ] = "cuda",
    parts: Annotated[
        Names, typer.Option("--parts", rich_help_panel=MEASURED, help="What to measure, in order; all by default.")
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", rich_help_panel=MEASURED, help="Parts that would begin later are left out.")
    ] = 9.0,
    rounds: Rounds = 4,
    seconds: Seconds = 0.15,
    seed: Seed = DEFAULT_SEED,
    mnist: Mnist = None,
    out: Annotated[
        Path, typer.Option("--out", rich_help_panel=KEPT, help="Write the record to this JSON file, after each part.")
    ],
    markdown: Markdown = None,
) -> None:
    """Measure a GPU: what sees it, parity, repetition, throughput, growth and launches, in less than ten minutes."""
    from gan_rosetta.benchmarks.gpu.page import write_gpu_page  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.benchmarks.gpu.record import GpuRecord, write_gpu_record  # noqa: PLC0415
    from gan_rosetta.benchmarks.gpu.stages import GpuSelection, run_gpu_benchmark  # noqa: PLC0415
    from gan_rosetta.benchmarks.record import require_new  # noqa: PLC0415

    require_page(markdown)
    selection = GpuSelection(
        device=device,
        gans=tuple(split_names(gans)),
        backends=tuple(split_names(backends)),
        parts=tuple(split_names(parts)),
        minutes=minutes,
        rounds=rounds,
        seconds=seconds,
        seed=seed,
        mnist=mnist,
    )
    require_new(out)

    def keep(record: GpuRecord) -> None:
        write_gpu_record(out, record)
        if markdown is not None:
            write_gpu_page(markdown, record)

    record = run_gpu_benchmark(selection, command=command_line(), say=tell, keep=keep)
    for path in [out, *([] if markdown is None else [markdown])]:
        tell(f"wrote {path}")
    cells = [cell for part, cell in record.cells() if not (part.record and part.record.options.tf32)]
    problems = any(part.problem for part in record.parts)
    raise typer.Exit(FAILURE if problems or not cells else status_of(cells))


def gpu_page(
    record: Annotated[Path, typer.Argument(help="A record that `bench gpu` wrote.")],
    *,
    markdown: Annotated[Path, typer.Option("--markdown", rich_help_panel=KEPT, help="Write the page to this file.")],
) -> None:
    """Make the page of a measured GPU again."""
    from gan_rosetta.benchmarks.gpu.page import write_gpu_page  # noqa: PLC0415
    from gan_rosetta.benchmarks.gpu.record import read_gpu_record  # noqa: PLC0415

    require_page(markdown)
    write_gpu_page(markdown, read_gpu_record(record))
    tell(f"wrote {markdown}")
