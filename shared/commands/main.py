"""The command `gan-rosetta`. Exit status: 0 all agree, 1 some disagree, 2 wrong usage, 3 a run failed, 4 no verdict."""

from __future__ import annotations

import atexit
import itertools
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from rich.syntax import Syntax

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.commands.accuracy import accuracy
from gan_rosetta.shared.commands.align import align
from gan_rosetta.shared.commands.bench import app as bench
from gan_rosetta.shared.commands.calibrate import calibrate
from gan_rosetta.shared.commands.convert import convert
from gan_rosetta.shared.commands.coverage import coverage
from gan_rosetta.shared.commands.defaults import defaults
from gan_rosetta.shared.commands.diagnose import diagnose, faults
from gan_rosetta.shared.commands.ends import Interrupted, run_to_the_end
from gan_rosetta.shared.commands.equivalence import equivalence
from gan_rosetta.shared.commands.examples import JUDGE, LOOK_UP, MEASURE, RUN, example
from gan_rosetta.shared.commands.generate import generate
from gan_rosetta.shared.commands.groups import Showing, Training, with_groups
from gan_rosetta.shared.commands.judge import judge
from gan_rosetta.shared.commands.matters import matters
from gan_rosetta.shared.commands.options import (
    COMPUTED,
    KEPT,
    Animate,
    Backends,
    NumSeeds,
    OpenReport,
    Out,
    Python,
    Resume,
    Runs,
    SpecFile,
    Threads,
    choose_runs,
    output,
    require_one_source,
    say,
    tell,
)
from gan_rosetta.shared.commands.read import read
from gan_rosetta.shared.commands.sweep import sweep
from gan_rosetta.shared.commands.translate import translate
from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.storage.opening import require_readable_name
from gan_rosetta.shared.workers.environments import parse_pythons

if TYPE_CHECKING:
    from gan_rosetta.shared.runs.plan import Plan

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The same GANs in every framework, fed the same numbers, compared step by step.",
    epilog=example("compare"),
)


@app.command("list", epilog=example("list"), rich_help_panel=LOOK_UP)
def list_everything(*, python: Python = None) -> None:
    """Show the GANs, and the backends with their versions and devices."""
    from gan_rosetta.shared.report.tables import backend_table, gan_table  # noqa: PLC0415
    from gan_rosetta.shared.workers.inspect import inspect_backends  # noqa: PLC0415 - commands import what they need

    pythons = parse_pythons(python)
    output.print(gan_table())
    devices, problems = inspect_backends(pythons)
    output.print(backend_table(devices, problems, pythons))


@app.command(epilog=example("show"), rich_help_panel=LOOK_UP)
def show(gan: Annotated[str, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")]) -> None:
    """Print a GAN's description in TOML, to be changed and given to train or compare with --spec."""
    from gan_rosetta.shared.gans import find_gan  # noqa: PLC0415
    from gan_rosetta.shared.spec.toml_file import spec_to_toml  # noqa: PLC0415

    text = spec_to_toml(find_gan(gan))
    if sys.stdout.isatty():
        output.print(Syntax(text, "toml", theme="ansi_dark", background_color="default", word_wrap=True))
    else:
        # Bytes, since a file is to be UTF-8 whatever the terminal's encoding is.
        typer.echo(text.encode(), nl=False)


@app.command(epilog=example("train"), rich_help_panel=RUN)
@with_groups
def train(
    context: typer.Context,
    gan: Annotated[str | None, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")] = None,
    *,
    spec: SpecFile = None,
    backend: Annotated[
        str | None, typer.Option("--backend", rich_help_panel=COMPUTED, help="The framework to train it on.")
    ] = None,
    runs: Runs = None,
    threads: Threads = None,
    python: Python = None,
    asked: Training,
    export_tape: Annotated[
        Path | None, typer.Option("--export-tape", rich_help_panel=KEPT, help="Write the run's tape to this .npz.")
    ] = None,
    export_initial_state: Annotated[
        Path | None,
        typer.Option(
            "--export-initial-state", rich_help_panel=KEPT, help="Write the run's initial state to this .safetensors."
        ),
    ] = None,
    seeds: NumSeeds = 1,
    resume: Resume = None,
    out: Out = None,
    shown: Showing,
) -> None:
    """Train one GAN on one backend, or in several runs."""
    from gan_rosetta.shared.runs.plan import plan_resume, plan_train  # noqa: PLC0415

    pythons = parse_pythons(python)
    shown.require_possible()
    if resume is not None:
        _require_nothing_else(context)
        plan = plan_resume(resume, command="train")
        _carry_out("train", plan, resume, shown)
    if (gan is None) == (spec is None):
        found = "neither" if gan is None else "both"
        raise UsageError(f"expected a GAN's name or --spec FILE.toml, one of the two; found {found}")
    if backend is None and runs is None:
        raise UsageError("train needs --backend or --runs; see `gan-rosetta list` for the backends that there are")
    chosen = choose_runs(runs, backend)
    request = make_request(
        spec or gan,
        **asked.as_options(),
        export_tape=export_tape,
        export_initial_state=export_initial_state,
        num_moments=shown.num_moments,
    )
    folder = out or _fresh_folder()
    plan = plan_train(chosen, request, folder, pythons=pythons, threads=threads, num_seeds=seeds)
    _carry_out("train", plan, folder, shown)


@app.command(epilog=example("compare"), rich_help_panel=RUN)
@with_groups
def compare(
    context: typer.Context,
    gans: Annotated[list[str] | None, typer.Argument(help="GANs to compare; nine where none is named.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Compare every GAN that there is.")] = False,
    spec: SpecFile = None,
    backends: Backends = None,
    runs: Runs = None,
    threads: Threads = None,
    python: Python = None,
    asked: Training,
    seeds: NumSeeds = 1,
    resume: Resume = None,
    out: Out = None,
    shown: Showing,
    open_report: OpenReport = False,
) -> None:
    """Train GANs in several runs from the same state and data, and judge each pair of runs."""
    from gan_rosetta.shared.gans import CATALOGUE  # noqa: PLC0415
    from gan_rosetta.shared.runs.plan import plan_compare, plan_resume  # noqa: PLC0415

    pythons = parse_pythons(python)
    shown.require_possible()
    if resume is not None:
        _require_nothing_else(context)
        plan = plan_resume(resume, command="compare")
        _carry_out("compare", plan, resume, shown, open_report=open_report)
    require_one_source(gans, spec)
    if every:
        if gans or spec is not None:
            named = ", ".join(gans or [f"--spec {spec}"])
            raise UsageError(f"--all compares every GAN, and {named} names one; drop one of the two")
        gans = list(CATALOGUE)
    request = make_request(spec, **asked.as_options(), num_moments=shown.num_moments)
    folder = out or _fresh_folder()
    chosen = choose_runs(runs, backends)
    misplaced = [name for name in gans or () if name in BACKENDS]
    if misplaced:
        raise UsageError(
            f"{misplaced[0]!r} is a backend, but stands where GANs are named; names are separated by commas, without "
            f"spaces: --backends torch,{misplaced[0]}"
        )
    plan = plan_compare(gans or [], chosen, request, folder, threads=threads, pythons=pythons, num_seeds=seeds)
    _carry_out("compare", plan, folder, shown, open_report=open_report)


@app.command(epilog=example("report"), rich_help_panel=RUN)
def report(
    folder: Annotated[Path, typer.Argument(help="What compare, train or sweep wrote; also a GAN's folder or a run's.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="The HTML file to write; report.html in the folder where not given.")
    ] = None,
    animate: Animate = None,
) -> None:
    """Make one HTML page of a folder of runs: verdicts, curves, samples, quality and speed. It needs no network.

    Of a sweep's folder: what came out over each field's values, a line a run, and the best settings.
    """
    from gan_rosetta.shared.commands.outcomes import write_films  # noqa: PLC0415
    from gan_rosetta.shared.report.film import require_film  # noqa: PLC0415
    from gan_rosetta.shared.report.page.collect import collect  # noqa: PLC0415
    from gan_rosetta.shared.report.page.render import write_report  # noqa: PLC0415
    from gan_rosetta.shared.report.page.sweep_page import has_table  # noqa: PLC0415

    if animate is not None:
        require_film(animate)
        if has_table(folder):
            raise UsageError(f"{folder} is a sweep's, which keeps numbers and no samples; leave out --animate")
    path = write_report(folder, out).absolute()
    say(f"Report: {path}")
    if animate is not None:
        for film in write_films(animate, [(gan.runs, gan.spec) for gan in collect(folder) if gan.spec is not None]):
            say(f"Film: {film}")


app.command(epilog=example("coverage"), rich_help_panel=LOOK_UP)(coverage)
app.command(epilog=example("convert"), rich_help_panel=RUN)(convert)
app.command(epilog=example("translate"), rich_help_panel=RUN)(translate)
app.command(epilog=example("read"), rich_help_panel=RUN)(read)
app.command(epilog=example("diagnose"), rich_help_panel=JUDGE)(diagnose)
app.command(epilog=example("judge"), rich_help_panel=JUDGE)(judge)
app.command(epilog=example("align"), rich_help_panel=JUDGE)(align)
app.command(epilog=example("faults"), rich_help_panel=JUDGE)(faults)
app.command(epilog=example("generate"), rich_help_panel=JUDGE)(generate)
app.command(epilog=example("defaults"), rich_help_panel=JUDGE)(defaults)
app.command(epilog=example("matters"), rich_help_panel=JUDGE)(matters)
app.command(epilog=example("sweep"), rich_help_panel=MEASURE)(sweep)
app.command(epilog=example("calibrate"), rich_help_panel=MEASURE)(calibrate)
app.command(epilog=example("equivalence"), rich_help_panel=MEASURE)(equivalence)
app.command(epilog=example("accuracy"), rich_help_panel=MEASURE)(accuracy)
app.add_typer(bench, name="bench", rich_help_panel=MEASURE)


def main() -> None:
    """Run the command; errors that a user can cause become one line and status 2."""
    run_to_the_end(_command)


def _command() -> None:
    for argument in sys.argv[1:]:
        require_readable_name(argument, said="an argument")
    app()


def _carry_out(
    command: Literal["train", "compare"], plan: Plan, folder: Path, shown: Showing, *, open_report: bool = False
) -> NoReturn:
    """Say what a user should know of a plan, carry it out and exit; raises Interrupted on Ctrl-C."""
    _say_notes(plan.notes)
    # What draws and measures takes a second to import, which nobody waits for whose request is refused; an interruption
    # here leaves nothing to go on with.
    from gan_rosetta.shared.commands.outcomes import RunReporter  # noqa: PLC0415

    reporter = RunReporter(shown, open_report=open_report)
    try:
        status = (reporter.train if command == "train" else reporter.compare)(plan, folder)
    except KeyboardInterrupt:
        words = f"gan-rosetta {command} --resume {shlex.quote(str(folder))}"
        raise Interrupted(f"interrupted; what is done is kept, and `{words}` goes on with it") from None
    raise typer.Exit(status)


# What is said and shown of runs is no part of them.
_WITH_RESUME = ("resume", "python", "verbose", "quiet", "as_json", "open_report", "animate", "tensorboard")


def _require_nothing_else(context: typer.Context) -> None:
    """Raise UsageError where more was given than --resume: the rest is in the folder."""
    sources = {name: context.get_parameter_source(name) for name in context.params if name not in _WITH_RESUME}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        names = ", ".join(name.replace("_", "-") for name in given)
        raise UsageError(f"--resume takes everything else from the folder; leave out {names}")


def _say_notes(notes: Iterable[str]) -> None:
    """Print, with --quiet too, what a user should know of what was given: it is nearly an error."""
    for note in notes:
        tell(f"gan-rosetta: {note}")


def _fresh_folder() -> Path:
    """Make the folder of this moment; of commands that start in one second each has its own."""
    for number in itertools.count(1):
        name = f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
        folder = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RecordError(f"cannot make {folder} ({error.strerror}); name another folder with --out") from None
        # What is refused leaves nothing behind.
        atexit.register(_remove_if_empty, folder)
        return folder
    raise AssertionError("numbers do not end")


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


if __name__ == "__main__":
    main()
