"""The command `gan-rosetta`. Exit status: 0 all agree, 1 some disagree, 2 wrong usage, 3 a run failed."""

from __future__ import annotations

import json
import sys
import webbrowser
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.syntax import Syntax

from benchmarks.command import app as bench
from shared.defaults.command import defaults
from shared.errors import GanRosettaError, UsageError
from shared.generate.command import generate
from shared.harness.checkpoint import SECONDS_BETWEEN_CHECKPOINTS
from shared.harness.launch import JobOutcome
from shared.harness.settings import DEFAULT_PATIENCE_SECONDS, DEFAULT_SEED, RunSettings

if TYPE_CHECKING:
    from shared.harness.plan import Plan

DISAGREEMENT, WRONG_USAGE, FAILURE = 1, 2, 3

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The same GANs in every framework, fed the same numbers, compared step by step.",
)
_output = Console()
_errors = Console(stderr=True)

Steps = Annotated[int | None, typer.Option("--steps", help="Adversarial steps; the GAN's own number where not given.")]
PretrainSteps = Annotated[
    int | None, typer.Option("--pretrain-steps", help="Pretraining steps, where the GAN has any.")
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Samples a step; the GAN's own where not given.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the initial state and of the tape.")]
Dtype = Annotated[
    str, typer.Option("--dtype", help="float64 shows every difference in mathematics; float32 is what people train in.")
]
ExecutionOption = Annotated[
    str, typer.Option("--execution", help="eager, compiled, or auto: what users of each framework reach for first.")
]
Device = Annotated[str, typer.Option("--device", help="cpu or cuda.")]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads of each framework; chosen where not given.")]
InitialState = Annotated[
    Path | None, typer.Option("--initial-state", help="Start from this .safetensors file instead of the seed's state.")
]
TapeOption = Annotated[Path | None, typer.Option("--tape", help="Feed this .npz file instead of the seed's tape.")]
Mnist = Annotated[
    str | None,
    typer.Option("--mnist", help="Digits: a folder with the four IDX files, or 'download'; else 5000 packaged ones."),
]
SpecFile = Annotated[
    Path | None,
    typer.Option("--spec", help="A GAN of your own, in a TOML file; `gan-rosetta show` gives one to start from."),
]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Ignore a GAN's own rule for stopping early.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show tracebacks of failed runs and every pair's verdict.")]
OpenReport = Annotated[
    bool, typer.Option("--open", help="Also write the report, report.html in the folder, and open it in a browser.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the runs; runs/<date and time> where not given.")]


Resume = Annotated[
    Path | None, typer.Option("--resume", help="Go on with the runs of this folder, from their last checkpoints.")
]
CheckpointEvery = Annotated[float, typer.Option("--checkpoint-every", help="Seconds between a run's checkpoints.")]

Patience = Annotated[
    float, typer.Option("--patience", help="Seconds that a worker may give no sign of life before it is ended.")
]


@app.command("list")
def list_everything() -> None:
    """Show the GANs, and the backends with their versions and devices."""
    from shared.harness.inspect import inspect_backends  # noqa: PLC0415 - commands import what they need
    from shared.report.tables import backend_table, gan_table  # noqa: PLC0415

    _output.print(gan_table())
    devices, problems = inspect_backends()
    _output.print(backend_table(devices, problems))


@app.command()
def show(gan: Annotated[str, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")]) -> None:
    """Print a GAN's description in TOML, to be changed and given to train or compare with --spec."""
    from shared.gans import find_gan  # noqa: PLC0415
    from shared.spec.toml_file import spec_to_toml  # noqa: PLC0415

    text = spec_to_toml(find_gan(gan))
    if sys.stdout.isatty():
        _output.print(Syntax(text, "toml", theme="ansi_dark", background_color="default", word_wrap=True))
    else:
        # Bytes, since a file is to be UTF-8 whatever the terminal's encoding is.
        typer.echo(text.encode(), nl=False)


@app.command()
def train(
    context: typer.Context,
    gan: Annotated[str | None, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")] = None,
    *,
    backend: Annotated[str | None, typer.Option("--backend", help="The framework to train it on.")] = None,
    spec: SpecFile = None,
    steps: Steps = None,
    pretrain_steps: PretrainSteps = None,
    batch_size: BatchSize = None,
    seed: Seed = DEFAULT_SEED,
    dtype: Dtype = "float64",
    execution: ExecutionOption = "auto",
    device: Device = "cpu",
    threads: Threads = None,
    initial_state: InitialState = None,
    tape: TapeOption = None,
    mnist: Mnist = None,
    keep_going: KeepGoing = False,
    export_tape: Annotated[
        Path | None, typer.Option("--export-tape", help="Write the run's tape to this .npz.")
    ] = None,
    export_initial_state: Annotated[
        Path | None, typer.Option("--export-initial-state", help="Write the run's initial state to this .safetensors.")
    ] = None,
    checkpoint_every: CheckpointEvery = SECONDS_BETWEEN_CHECKPOINTS,
    patience: Patience = DEFAULT_PATIENCE_SECONDS,
    resume: Resume = None,
    verbose: Verbose = False,
    out: Out = None,
) -> None:
    """Train one GAN on one backend."""
    from shared.harness.plan import default_threads, plan_resume, plan_train  # noqa: PLC0415

    if resume is not None:
        _require_nothing_else(context)
        _train(plan_resume(resume), verbose=verbose)
    if (gan is None) == (spec is None):
        found = "neither" if gan is None else "both"
        raise UsageError(f"expected a GAN's name or --spec FILE.toml, one of the two; found {found}")
    if backend is None:
        raise UsageError("train needs --backend; see `gan-rosetta list` for those that there are")
    template = RunSettings(
        gan=gan or "",
        spec_file=None if spec is None else str(spec),
        backend=backend,
        folder="",
        seed=seed,
        dtype=dtype,
        execution=execution,
        device=device,
        threads=threads if threads is not None else 1,
        steps=steps,
        pretrain_steps=pretrain_steps,
        batch_size=batch_size,
        initial_state=_text(initial_state),
        tape=_text(tape),
        mnist=mnist,
        keep_going=keep_going,
        export_tape=_text(export_tape),
        export_initial_state=_text(export_initial_state),
        checkpoint_seconds=checkpoint_every,
        patience_seconds=patience,
    )
    if threads is None:
        template = template.with_threads(default_threads(template))
    _train(plan_train(template, out or _fresh_folder()), verbose=verbose)


def _train(plan: Plan, *, verbose: bool) -> NoReturn:
    from shared.harness.session import train_plan  # noqa: PLC0415
    from shared.report.tables import run_table  # noqa: PLC0415

    outcomes, runs = train_plan(plan, console=_errors)
    status = _report_failures(outcomes, verbose=verbose)
    if runs:
        _output.print(run_table(runs))
    raise typer.Exit(status)


@app.command()
def compare(
    context: typer.Context,
    gans: Annotated[list[str] | None, typer.Argument(help="GANs to compare; all where none is named.")] = None,
    *,
    spec: SpecFile = None,
    backends: Annotated[
        str | None,
        typer.Option("--backends", help="Backends, separated by commas; all installed ones where not given."),
    ] = None,
    steps: Steps = None,
    pretrain_steps: PretrainSteps = None,
    batch_size: BatchSize = None,
    seed: Seed = DEFAULT_SEED,
    dtype: Dtype = "float64",
    execution: ExecutionOption = "auto",
    device: Device = "cpu",
    threads: Threads = None,
    initial_state: InitialState = None,
    tape: TapeOption = None,
    mnist: Mnist = None,
    keep_going: KeepGoing = False,
    checkpoint_every: CheckpointEvery = SECONDS_BETWEEN_CHECKPOINTS,
    patience: Patience = DEFAULT_PATIENCE_SECONDS,
    resume: Resume = None,
    open_report: OpenReport = False,
    verbose: Verbose = False,
    out: Out = None,
) -> None:
    """Train GANs on several backends from the same state and data, and judge each pair of backends."""
    from shared.harness.plan import plan_compare, plan_resume  # noqa: PLC0415

    if resume is not None:
        _require_nothing_else(context)
        _compare(plan_resume(resume), resume, verbose=verbose, open_report=open_report)
    if gans and spec is not None:
        raise UsageError(f"expected names of GANs or --spec FILE.toml, not both; found {', '.join(gans)} and {spec}")
    template = RunSettings(
        gan="",
        spec_file=None if spec is None else str(spec),
        backend="",
        folder="",
        seed=seed,
        dtype=dtype,
        execution=execution,
        device=device,
        threads=threads if threads is not None else 1,
        steps=steps,
        pretrain_steps=pretrain_steps,
        batch_size=batch_size,
        initial_state=_text(initial_state),
        tape=_text(tape),
        mnist=mnist,
        keep_going=keep_going,
        checkpoint_seconds=checkpoint_every,
        patience_seconds=patience,
    )
    folder = out or _fresh_folder()
    names = _split(backends)
    plan = plan_compare(gans or [], names, template, folder, threads=threads)
    _compare(plan, folder, verbose=verbose, open_report=open_report)


def _compare(plan: Plan, folder: Path, *, verbose: bool, open_report: bool) -> NoReturn:
    from shared.harness.session import compare_plan  # noqa: PLC0415
    from shared.report.tables import comparison_table, pair_table  # noqa: PLC0415

    for line in plan.left_out:
        _errors.print(line, markup=False, highlight=False)
    outcomes, comparisons = compare_plan(plan, console=_errors)
    status = _report_failures(outcomes, verbose=verbose)
    _output.print(comparison_table(comparisons))
    if verbose:
        for comparison in comparisons:
            _output.print(pair_table(comparison))
    _output.print(f"Records, comparison.json and pictures: {folder}", markup=False, highlight=False, soft_wrap=True)
    if open_report and comparisons:
        webbrowser.open(_write_report(folder, None).as_uri())
    if status == 0 and any(comparison.verdict != "AGREE" for comparison in comparisons):
        status = DISAGREEMENT
    raise typer.Exit(status)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="What compare or train wrote: its folder, a GAN's or a run's.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="The HTML file to write; report.html in the folder where not given.")
    ] = None,
) -> None:
    """Make one HTML page of a folder of runs: verdicts, curves, samples, quality and speed. It needs no network."""
    _write_report(folder, out)


def _write_report(folder: Path, target: Path | None) -> Path:
    """Write the page, say where it is, and return its absolute path."""
    from shared.report.page.render import write_report  # noqa: PLC0415

    path = write_report(folder, target).absolute()
    _output.print(f"Report: {path}", markup=False, highlight=False, soft_wrap=True)
    return path


@app.command()
def diagnose(
    gan: Annotated[str | None, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")] = None,
    *,
    backends: Annotated[
        str | None,
        typer.Option("--backends", help="Backends, separated by commas; all installed ones where not given."),
    ] = None,
    spec: SpecFile = None,
    free: Annotated[
        bool,
        typer.Option("--free", help="Let each backend train on its own; else each step starts from the reference."),
    ] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Look into each of so many first steps; chosen where not given.")
    ] = None,
    plant: Annotated[
        list[str] | None, typer.Option("--plant", help="FAULT, in the first backend, or BACKEND:FAULT. Repeatable.")
    ] = None,
    seed: Seed = DEFAULT_SEED,
    dtype: Dtype = "float64",
    execution: ExecutionOption = "auto",
    device: Device = "cpu",
    initial_state: InitialState = None,
    tape: TapeOption = None,
    mnist: Mnist = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    verbose: Verbose = False,
) -> None:
    """Find the first quantity in which a backend parts from the reference: step, phase, layer and what it is of."""
    from shared.diagnose import session  # noqa: PLC0415
    from shared.report.diagnosis_table import diagnosis_sentences, diagnosis_table  # noqa: PLC0415

    if (gan is None) == (spec is None):
        raise UsageError("diagnose takes the name of a GAN or --spec FILE.toml; give one of the two")
    if steps is not None and steps < 1:
        raise UsageError(f"--steps is {steps}; expected 1 or more")
    template = RunSettings(
        gan=gan or "",
        backend="",
        folder="",
        seed=seed,
        dtype=dtype,
        execution=execution,
        device=device,
        initial_state=_text(initial_state),
        tape=_text(tape),
        mnist=mnist,
        spec_file=_text(spec),
    )
    names = session.choose_backends(_split(backends))
    planted = session.parse_plants(plant or [], names)
    diagnosis = session.diagnose(template, names, planted, forced=not free, num_steps=steps, console=_errors)
    status = _report_failures(list(diagnosis.failures), verbose=verbose)
    if json_output:
        typer.echo(json.dumps(diagnosis.as_data(), indent=1))
    else:
        for name, rows in diagnosis.rows.items():
            _output.print(diagnosis_table(name, rows, diagnosis.offender(name)))
        for sentence in diagnosis_sentences(diagnosis):
            _output.print(sentence, soft_wrap=True)
    if status == 0 and diagnosis.odd_ones:
        status = DISAGREEMENT
    raise typer.Exit(status)


@app.command()
def faults(
    gans: Annotated[
        list[str] | None, typer.Argument(help="With --check: GANs to plant in; all where none is named.")
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Plant each in each backend and see that it is found.")
    ] = False,
    backends: Annotated[
        str | None,
        typer.Option("--backends", help="Backends, separated by commas; all installed ones where not given."),
    ] = None,
    seed: Seed = DEFAULT_SEED,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Also write the table to this file.")] = None,
    verbose: Verbose = False,
) -> None:
    """Show the porting mistakes that `diagnose --plant` can plant, or check that each is found."""
    from backends import REFERENCE  # noqa: PLC0415
    from shared.diagnose.session import choose_backends  # noqa: PLC0415
    from shared.diagnose.trials import run_trials  # noqa: PLC0415
    from shared.gans import CATALOGUE, find_gan  # noqa: PLC0415
    from shared.report.diagnosis_table import fault_table, trial_markdown, trial_table  # noqa: PLC0415

    if not check:
        _output.print(fault_table())
        return
    names = choose_backends(_split(backends)) if backends else [REFERENCE, *choose_backends([])]
    chosen = [find_gan(gan).name for gan in gans or CATALOGUE]
    trials, failures = run_trials(chosen, names, seed=seed, console=_errors)
    status = _report_failures(failures, verbose=verbose)
    _output.print(trial_table(trials))
    for trial in trials:
        if not trial.is_right:
            _output.print(f"{trial.gan} on {trial.backend}, {trial.fault or 'no fault'}: found {trial.found}")
    if markdown is not None:
        markdown.write_text(trial_markdown(trials), encoding="utf-8")
    if status == 0 and not all(trial.is_right for trial in trials):
        status = DISAGREEMENT
    raise typer.Exit(status)


app.command()(generate)
app.command()(defaults)
app.add_typer(bench, name="bench")


def main() -> None:
    """Run the command; errors that a user can cause become one line and status 2."""
    try:
        app()
    except GanRosettaError as error:
        _errors.print(f"gan-rosetta: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(WRONG_USAGE)
    except KeyboardInterrupt:
        _errors.print(
            "gan-rosetta: interrupted; what is done is kept, --resume FOLDER goes on with it",
            markup=False,
            highlight=False,
        )
        sys.exit(130)


def _report_failures(outcomes: list[JobOutcome], *, verbose: bool) -> int:
    status = 0
    for outcome in outcomes:
        if outcome.status == "finished":
            continue
        label = f"{outcome.settings.gan} on {outcome.settings.backend}"
        _errors.print(f"gan-rosetta: {label}: {outcome.message}", markup=False, highlight=False, soft_wrap=True)
        if verbose and outcome.details:
            _errors.print(outcome.details, markup=False, highlight=False, soft_wrap=True)
        status = max(status, WRONG_USAGE if outcome.status == "usage" else FAILURE)
    return status


def _require_nothing_else(context: typer.Context) -> None:
    """Raise UsageError where more was given than --resume: the rest is in the folder."""
    sources = {
        name: context.get_parameter_source(name)
        for name in context.params
        if name not in ("resume", "verbose", "open_report")
    }
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        names = ", ".join(name.replace("_", "-") for name in given)
        raise UsageError(f"--resume takes everything else from the folder; leave out {names}")


def _split(names: str | None) -> list[str]:
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def _fresh_folder() -> Path:
    return Path("runs") / datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


if __name__ == "__main__":
    main()
