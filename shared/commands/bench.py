"""The command `gan-rosetta bench`. Exit status: 0 well, 1 a parity or regression, 2 usage, 3 a crash, 4 no verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gan_rosetta.shared.commands.bench_gpu import gpu, gpu_page
from gan_rosetta.shared.commands.bench_options import (
    MEASURED,
    Gans,
    Markdown,
    Names,
    Pictures,
    Rounds,
    Seconds,
    command_line,
    require_page,
    status_of,
)
from gan_rosetta.shared.commands.examples import example
from gan_rosetta.shared.commands.groups import with_groups
from gan_rosetta.shared.commands.options import (
    COMPUTED,
    DISAGREEMENT,
    FAILURE,
    KEPT,
    TRAINED,
    Backends,
    Mnist,
    Python,
    Runs,
    Seed,
    SpecFile,
    require_one_source,
    say,
    split_names,
    tell,
)
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.runs.order import DEFAULT_SEED, LARGEST_COUNT
from gan_rosetta.shared.workers.environments import parse_pythons

if TYPE_CHECKING:
    from gan_rosetta.benchmarks.plan import Plan, Selection
    from gan_rosetta.benchmarks.record import BenchmarkRecord
app = typer.Typer(
    invoke_without_command=True,
    epilog=example("bench"),
    pretty_exceptions_enable=False,
    help="Measure what a training step costs in each framework, after judging its losses.",
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is measured, and how."""

    gans: Gans = None
    spec: SpecFile = None
    backends: Backends = None
    executions: Annotated[
        Names, typer.Option("--executions", rich_help_panel=COMPUTED, help="eager, compiled; all by default.")
    ] = None
    runs: Runs = None
    devices: Annotated[str, typer.Option("--devices", rich_help_panel=COMPUTED, help="cpu, cuda.")] = "cpu"
    dtypes: Annotated[str, typer.Option("--dtypes", rich_help_panel=COMPUTED, help="float32, float64.")] = "float32"
    rounds: Rounds = 7
    seconds: Seconds = 0.2
    python: Python = None
    threads: Annotated[
        str, typer.Option("--threads", rich_help_panel=COMPUTED, help="Threads of a cell, or auto: by its cost.")
    ] = "auto"
    tf32: Annotated[
        bool, typer.Option("--tf32", rich_help_panel=COMPUTED, help="Let float32 products on a GPU keep ten bits.")
    ] = False
    scale: Annotated[
        Names,
        typer.Option("--scale", rich_help_panel=TRAINED, help="batch or width: measure each GAN in several sizes."),
    ] = None
    sizes: Annotated[
        Names, typer.Option("--sizes", rich_help_panel=TRAINED, help="Batch sizes, or multiples of the width.")
    ] = None
    seed: Seed = DEFAULT_SEED
    mnist: Mnist = None

    def as_selection(self) -> Selection:
        """Return what the benchmark is to measure; raises UsageError."""
        from gan_rosetta.benchmarks.plan import Selection  # noqa: PLC0415 - commands import what they need

        names = split_names(self.gans)
        require_one_source(names, self.spec)
        return Selection(
            gans=tuple(names) if self.spec is None else (self.spec,),
            backends=tuple(split_names(self.backends)),
            executions=tuple(split_names(self.executions)),
            runs=tuple(split_names(self.runs)),
            devices=tuple(split_names(self.devices)),
            dtypes=tuple(split_names(self.dtypes)),
            rounds=self.rounds,
            seconds=self.seconds,
            threads=None if self.threads == "auto" else _whole("--threads", self.threads),
            tf32=self.tf32,
            seed=self.seed,
            mnist=self.mnist,
            scale=self.scale,
            pythons=parse_pythons(self.python),
            sizes=None if self.sizes is None else tuple(_number("--sizes", size) for size in split_names(self.sizes)),
        )


@app.callback()
@with_groups
def bench(
    context: typer.Context,
    *,
    asked: Asked,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            rich_help_panel=KEPT,
            help="Write the record to this file; runs/<date and time>-bench.json where not given.",
        ),
    ] = None,
    markdown: Markdown = None,
    pictures: Pictures = None,
    dry_run: Annotated[
        bool, typer.Option("--plan", rich_help_panel=MEASURED, help="Print the plan and its estimate, and stop.")
    ] = False,
) -> None:
    """Measure training steps; without options, four GANs on all installed backends in less than five minutes."""
    if context.invoked_subcommand is not None:
        return
    from gan_rosetta.benchmarks.kept import fresh_record_path  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.benchmarks.plan import plan_benchmark  # noqa: PLC0415
    from gan_rosetta.benchmarks.record import require_new, write_record  # noqa: PLC0415
    from gan_rosetta.benchmarks.session import run_benchmark  # noqa: PLC0415

    require_page(markdown)
    plan = plan_benchmark(asked.as_selection())
    if out is not None:
        require_new(out)
    _show_plan(plan)
    if dry_run:
        return
    record = run_benchmark(plan, command=command_line(), say=tell)
    _show(record)
    path = out if out is not None else fresh_record_path()
    write_record(path, record)
    kept = "" if out is not None else "; `gan-rosetta bench compare` compares it with the one before"
    tell(f"wrote {path}{kept}")
    _write(record, markdown=markdown, pictures=pictures)
    status = status_of(record.cells)
    measured = any(result.status == "measured" for result in record.cells)
    raise typer.Exit(status or (0 if measured else FAILURE))


@app.command("page", epilog=example("bench page"))
def page(
    record: Annotated[Path, typer.Argument(help="A record that `bench --out` wrote.")],
    *,
    markdown: Markdown = None,
    pictures: Pictures = None,
) -> None:
    """Show a record again, or make its page and pictures."""
    from gan_rosetta.benchmarks.record import read_record  # noqa: PLC0415

    require_page(markdown)
    found = read_record(record)
    _show(found)
    _write(found, markdown=markdown, pictures=pictures)


app.command("gpu", epilog=example("bench gpu"))(gpu)
app.command("gpu-page", epilog=example("bench gpu-page"))(gpu_page)


@app.command("compare", epilog=example("bench compare"))
def compare(
    old: Annotated[
        Path | None, typer.Argument(help="The record to compare with; the latest but one in runs/ where not given.")
    ] = None,
    new: Annotated[
        Path | None, typer.Argument(help="The record of the same machine later; the latest in runs/ where not given.")
    ] = None,
) -> None:
    """Name the cells that became slower; exit status 1 where there is one."""
    from gan_rosetta.benchmarks.kept import choose_records  # noqa: PLC0415
    from gan_rosetta.benchmarks.record import read_record  # noqa: PLC0415
    from gan_rosetta.benchmarks.regressions import compare_records  # noqa: PLC0415
    from gan_rosetta.benchmarks.table import change_lines  # noqa: PLC0415

    chosen = choose_records(old, new)
    if new is None:
        tell(f"{chosen[0]} and, later, {chosen[1]}")
    changes = compare_records(*map(read_record, chosen))
    for line in change_lines(changes):
        say(line)
    regressions = [change for change in changes if change.is_regression]
    for change in regressions:
        by = change.reason if change.ratio is None else f"{change.ratio.ratio:.2f} times the seconds a step"
        line = f"{change.cell.setting}: {change.cell.label} is {change.change}: {by}"
        say(line)
    if not regressions:
        say("no regression")
    raise typer.Exit(DISAGREEMENT if regressions else 0)


def _show_plan(plan: Plan) -> None:
    from gan_rosetta.benchmarks.table import plan_lines  # noqa: PLC0415
    from gan_rosetta.benchmarks.words import seconds_text  # noqa: PLC0415

    for line in plan.left_out:
        tell(line)
    for line in plan_lines(plan):
        tell(line)
    estimate = plan.estimate_seconds()
    shown = f"{estimate / 60:.0f} min" if estimate >= 120 else seconds_text(estimate)
    waves = "" if len(plan.waves) == 1 else f", in {len(plan.waves)} waves as memory allows"
    tell(f"{len(plan.cells)} to measure{waves}: about {shown} on two cores")


def _show(record: BenchmarkRecord) -> None:
    from gan_rosetta.benchmarks.findings import warnings  # noqa: PLC0415
    from gan_rosetta.benchmarks.table import result_lines  # noqa: PLC0415

    for line in result_lines(record):
        say(line)
    for line in warnings(record):
        say(f"warning: {line}")


def _write(record: BenchmarkRecord, *, markdown: Path | None, pictures: Path | None) -> None:
    from gan_rosetta.benchmarks.page import write_page_and_pictures  # noqa: PLC0415

    for path in write_page_and_pictures(record, page=markdown, pictures=pictures):
        tell(f"wrote {path}")


def _whole(option: str, text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"{option} is {text!r}; expected 'auto' or a whole number from 1")
    return int(text)


def _number(option: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= LARGEST_COUNT:
        raise UsageError(f"{option} has {text!r}; expected numbers above 0, separated by commas")
    return number
