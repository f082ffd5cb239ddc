"""What the commands share: options that mean the same everywhere, exit statuses, and where is printed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.report.shown import Terminal
from gan_rosetta.shared.runs.names import RunName, parse_runs
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.registry import find_backend

DISAGREEMENT, WRONG_USAGE, FAILURE, NOT_COMPARABLE, INTERRUPTED = 1, 2, 3, 4, 130

# The groups of options in a command's help.
TRAINED, COMPUTED = "What is trained", "What it runs on, and how"
KEPT, SHOWN = "What is kept", "What is said and shown"

BOTH = "both"
Choice = TypeVar("Choice", bound=str)

output = Terminal()
errors = Terminal(stderr=True)

Steps = Annotated[
    int | None,
    typer.Option("--steps", rich_help_panel=TRAINED, help="Adversarial steps; the GAN's own number where not given."),
]
PretrainSteps = Annotated[
    int | None,
    typer.Option("--pretrain-steps", rich_help_panel=TRAINED, help="Pretraining steps, where the GAN has any."),
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", rich_help_panel=TRAINED, help="Samples a step; the GAN's own where not given."),
]
Seed = Annotated[
    int, typer.Option("--seed", rich_help_panel=TRAINED, help="Seed of the initial state and of the tape.")
]
Dtype = Annotated[
    str,
    typer.Option(
        "--dtype",
        rich_help_panel=COMPUTED,
        help="float64 shows every difference in mathematics; float32 is what people train in.",
    ),
]
ExecutionOption = Annotated[
    str,
    typer.Option(
        "--execution",
        rich_help_panel=COMPUTED,
        help="eager, compiled, or auto: what users of each framework reach for first.",
    ),
]
Device = Annotated[str, typer.Option("--device", rich_help_panel=COMPUTED, help="cpu or cuda.")]
Threads = Annotated[
    int | None,
    typer.Option("--threads", rich_help_panel=COMPUTED, help="Threads of each framework; chosen where not given."),
]
InitialState = Annotated[
    Path | None,
    typer.Option(
        "--initial-state",
        rich_help_panel=TRAINED,
        help="Start from this state: a .safetensors file, or any backend's checkpoint; one that a run left goes on at "
        "the step at which it was saved.",
    ),
]
FirstStep = Annotated[
    int | None,
    typer.Option(
        "--first-step",
        rich_help_panel=TRAINED,
        help="The tape's adversarial step to start at; that at which --initial-state was saved, if any.",
    ),
]
TapeOption = Annotated[
    Path | None, typer.Option("--tape", rich_help_panel=TRAINED, help="Feed this .npz file instead of the seed's tape.")
]
Mnist = Annotated[
    str | None,
    typer.Option(
        "--mnist",
        rich_help_panel=TRAINED,
        help="Digits: a folder with the four IDX files, or 'download'; else 5000 packaged ones.",
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(
        "--images",
        rich_help_panel=TRAINED,
        help="Pictures in place of digits: a folder (sub-folders are classes), an .npz, IDX or CIFAR-10 files.",
    ),
]
SpecFile = Annotated[
    Path | None,
    typer.Option(
        "--spec",
        rich_help_panel=TRAINED,
        help="A GAN of your own, in a TOML file; `gan-rosetta show` gives one to start from.",
    ),
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", rich_help_panel=TRAINED, help="Ignore a GAN's own rule for stopping early.")
]
Python = Annotated[
    list[str] | None,
    typer.Option(
        "--python",
        rich_help_panel=COMPUTED,
        metavar="BACKEND=PATH",
        help="Run a backend on the Python of an environment of its own; may be given for several.",
    ),
]
Runs = Annotated[
    str | None,
    typer.Option(
        "--runs",
        rich_help_panel=COMPUTED,
        metavar="RUN,RUN…",
        help="Runs, separated by commas: BACKEND\\[@ENVIRONMENT]\\[:word…], such as torch:compiled,"
        "jax@envs/new:float32; words are eager, compiled, float32, float64, tf32, bf16, cpu, cuda, threads=N. "
        "What one leaves out the other options say.",
    ),
]
Backends = Annotated[
    str | None,
    typer.Option(
        "--backends",
        rich_help_panel=COMPUTED,
        help="Backends, separated by commas, a run each; all installed ones where not given.",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        rich_help_panel=SHOWN,
        help="Show tracebacks, every pair's verdict, and elsewhere than on a terminal a line a run.",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", rich_help_panel=SHOWN, help="Say no more than verdicts and errors; show no progress.")
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        rich_help_panel=SHOWN,
        help="Say on standard output, as one JSON document, what came of it, and nothing else.",
    ),
]
Animate = Annotated[
    Path | None,
    typer.Option(
        "--animate",
        rich_help_panel=SHOWN,
        metavar="FILE",
        help="Make a film of training, all backends side by side: FILE.gif or FILE.mp4; of several GANs one each, "
        "FILE-<gan>.gif.",
    ),
]
TensorBoard = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        rich_help_panel=SHOWN,
        metavar="DIR",
        help="Write losses and samples into this folder for TensorBoard.",
    ),
]
NumSeeds = Annotated[
    int,
    typer.Option(
        "--seeds",
        rich_help_panel=TRAINED,
        help="Also train each run from so many seeds; compare judges what comes out in distribution.",
    ),
]
OpenReport = Annotated[
    bool,
    typer.Option(
        "--open",
        rich_help_panel=SHOWN,
        help="Also write the report, report.html in the folder, and open it in a browser.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", rich_help_panel=KEPT, help="Folder for the runs; runs/<date and time> where not given."),
]
PageFile = Annotated[
    Path | None,
    typer.Option(
        "--markdown",
        rich_help_panel=KEPT,
        help="Also write the page to this file, and its pictures, if it has any, to pictures/ beside it.",
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume", rich_help_panel=KEPT, help="Go on with the runs of this folder, from their last checkpoints."
    ),
]
CheckpointEvery = Annotated[
    float, typer.Option("--checkpoint-every", rich_help_panel=KEPT, help="Seconds between a run's checkpoints.")
]
Patience = Annotated[
    float,
    typer.Option(
        "--patience", rich_help_panel=KEPT, help="Seconds that a worker may give no sign of life before it is ended."
    ),
]


def status_of_verdicts(verdicts: Collection[str], /) -> int:
    """Return the exit status of verdicts; where nothing was judged, nothing agrees."""
    if {"DISAGREE", "DIFFERENT"} & set(verdicts):
        return DISAGREEMENT
    return 0 if verdicts and set(verdicts) <= {"AGREE", "EQUIVALENT"} else NOT_COMPARABLE


def say(text: str, /) -> None:
    """Print a line on standard output as it is: never as markup, and broken nowhere, so that it can be copied."""
    output.print(text, soft_wrap=True)


def tell(text: str, /) -> None:
    """Print a line for the user beside the output, on standard error, as `say` does."""
    errors.print(text, soft_wrap=True)


def report_failures(outcomes: list[JobOutcome], /, *, verbose: bool) -> int:
    """Print a line for each job that did not finish, and what was mended; return the exit status that they make."""
    status = 0
    for outcome in outcomes:
        label = f"{outcome.settings.gan} on {outcome.settings.run_name}"
        for note in outcome.notes:
            tell(f"gan-rosetta: {label}: {note}")
        if outcome.status == "finished":
            continue
        tell(f"gan-rosetta: {label}: {outcome.message}")
        if verbose and outcome.details:
            tell(outcome.details)
        status = max(status, WRONG_USAGE if outcome.status == "usage" else FAILURE)
    return status


def report_not_finite(runs: Iterable[Run], /) -> None:
    """Print a line for each run whose losses stopped being numbers, with the step."""
    for run in runs:
        found = run.record["outcome"]["first_not_finite"]
        losses = "; ".join(f"loss {name} from step {step}" for name, step in found.items())
        if found:
            line = f"gan-rosetta: {run.gan} on {run.name}: NaN or infinite, {losses}"
            tell(line)


def split_names(names: str | None, /) -> list[str]:
    """Return the names in a list with commas."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def one_or_both(word: str, known: tuple[Choice, ...], /, *, option: str) -> tuple[Choice, ...]:
    """Return the one of some words that an option names, or all for "both"; raises UsageError."""
    found = tuple(each for each in known if word in (each, BOTH))
    if not found:
        raise UsageError(f"{option} is {word!r}; expected {', '.join(known)} or {BOTH}")
    return found


def require_one_source(gans: Sequence[str] | None, spec: Path | None, /) -> None:
    """Raise UsageError where GANs are named and --spec gives one too."""
    if gans and spec is not None:
        raise UsageError(f"expected names of GANs or --spec FILE.toml, not both; found {', '.join(gans)} and {spec}")


def choose_runs(runs: str | None, backends: str | None, /) -> list[RunName]:
    """Return the runs that --runs or --backends names, empty where neither does; raises UsageError."""
    if runs is not None and backends is not None:
        raise UsageError(f"--runs {runs} and --backends {backends} name the same; give one of them")
    names = split_names(runs if runs is not None else backends)
    if runs is None:
        for name in names:
            find_backend(name)
    return parse_runs(dict.fromkeys(names))
