"""The commands `gan-rosetta diagnose` and `gan-rosetta faults`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gan_rosetta.shared.commands.groups import Feed, with_groups
from gan_rosetta.shared.commands.options import (
    DISAGREEMENT,
    Backends,
    Json,
    PageFile,
    Python,
    Runs,
    Seed,
    SpecFile,
    Verbose,
    choose_runs,
    errors,
    output,
    report_failures,
    require_one_source,
    say,
    split_names,
)
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.opening import require_place
from gan_rosetta.shared.workers.environments import parse_pythons

_LOOKED = "What is looked for"


@with_groups
def diagnose(
    gan: Annotated[str | None, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")] = None,
    *,
    backends: Backends = None,
    runs: Runs = None,
    spec: SpecFile = None,
    free: Annotated[
        bool,
        typer.Option(
            "--free",
            rich_help_panel=_LOOKED,
            help="Let each backend train on its own; else each step starts from the reference.",
        ),
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", rich_help_panel=_LOOKED, help="Look into each of so many first steps; chosen where not given."
        ),
    ] = None,
    plant: Annotated[
        list[str] | None,
        typer.Option(
            "--plant", rich_help_panel=_LOOKED, help="FAULT, in the first backend, or BACKEND:FAULT. Repeatable."
        ),
    ] = None,
    asked: Feed,
    python: Python = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Find the first quantity in which a backend parts from the reference: step, phase, layer and what it is of."""
    from gan_rosetta.shared.diagnose import session  # noqa: PLC0415
    from gan_rosetta.shared.report.diagnosis_table import diagnosis_lines, diagnosis_sentences  # noqa: PLC0415

    pythons = parse_pythons(python)
    if (gan is None) == (spec is None):
        raise UsageError("diagnose takes the name of a GAN or --spec FILE.toml; give one of the two")
    request = make_request(spec or gan, **asked.as_options())
    chosen = choose_runs(runs, backends)
    chosen = chosen or [RunName(backend=name) for name in session.choose_backends([], pythons)]
    planted = session.parse_plants(plant or [], [str(run) for run in chosen])
    diagnosis = session.diagnose(
        request, chosen, planted, forced=not free, num_steps=steps, watch=on_terminal(errors), pythons=pythons
    )
    status = report_failures(list(diagnosis.failures), verbose=verbose)
    if as_json:
        typer.echo(json.dumps(diagnosis.as_data(), indent=1))
    else:
        for sentence in diagnosis_sentences(diagnosis):
            output.print(sentence, soft_wrap=True)
        for name, rows in diagnosis.rows.items():
            offender = diagnosis.offender(name)
            for line in diagnosis_lines(name, rows, offender) if verbose or offender is not None else ():
                output.print(line, soft_wrap=True)
    if status == 0 and diagnosis.odd_ones:
        status = DISAGREEMENT
    raise typer.Exit(status)


def faults(
    gans: Annotated[
        list[str] | None, typer.Argument(help="With --check: GANs to plant in; all where none is named.")
    ] = None,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", rich_help_panel=_LOOKED, help="Plant each in each backend and see that it is found."),
    ] = False,
    causes: Annotated[
        bool, typer.Option("--causes", rich_help_panel=_LOOKED, help="With --check: also see that its cause is named.")
    ] = False,
    spec: SpecFile = None,
    backends: Backends = None,
    seed: Seed = DEFAULT_SEED,
    python: Python = None,
    markdown: PageFile = None,
    verbose: Verbose = False,
) -> None:
    """Show the porting mistakes that `diagnose --plant` can plant, or check that each is found."""
    from gan_rosetta.shared.diagnose.trials import run_trials, trial_backends  # noqa: PLC0415
    from gan_rosetta.shared.gans import PUBLISHED, find_gan  # noqa: PLC0415
    from gan_rosetta.shared.report.cause_table import naming_lines, naming_markdown  # noqa: PLC0415
    from gan_rosetta.shared.report.diagnosis_table import fault_lines, trial_lines, trial_markdown  # noqa: PLC0415

    pythons = parse_pythons(python)
    require_one_source(gans, spec)
    if markdown is not None:
        require_place(markdown, said="--markdown")
    if causes and not check:
        raise UsageError("--causes is of the mistakes that --check plants; give both")
    if spec is not None and not check:
        raise UsageError(f"--spec {spec} is a GAN to plant mistakes in, which --check does; give both")
    if not check:
        for text in fault_lines():
            # A terminal has a width to break lines at; elsewhere they stay whole.
            output.print(text, soft_wrap=not output.is_terminal)
        return
    names = trial_backends(split_names(backends), pythons)
    chosen = [find_gan(gan) for gan in gans or PUBLISHED] if spec is None else [make_request(spec).resolve()]
    trials, failures = run_trials(chosen, names, seed=seed, watch=on_terminal(errors), explains=causes, pythons=pythons)
    status = report_failures(failures, verbose=verbose)
    for line in (*trial_lines(trials), *(naming_lines(trials) if causes else ())):
        say(line)
    if markdown is not None:
        command = " ".join(["gan-rosetta faults --check --causes", *(gans or ()), "--backends", ",".join(names)])
        page = naming_markdown(trials, command=command, seed=seed) if causes else trial_markdown(trials)
        write_bytes(markdown, page.encode())
    if status == 0 and any(not trial.is_right or trial.naming == "another" for trial in trials):
        status = DISAGREEMENT
    raise typer.Exit(status)
