"""The command `gan-rosetta matters`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import (
    COMPUTED,
    FAILURE,
    KEPT,
    TRAINED,
    Json,
    Mnist,
    Out,
    Python,
    Seed,
    SpecFile,
    Steps,
    choose_runs,
    errors,
    say,
    split_names,
    tell,
)
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.environments import parse_pythons


def matters(
    gan: Annotated[str | None, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")] = None,
    *,
    spec: SpecFile = None,
    seeds: Annotated[
        int, typer.Option("--seeds", rich_help_panel=TRAINED, help="How many seeds each is trained from.")
    ] = 90,
    seed: Seed = DEFAULT_SEED,
    steps: Steps = None,
    mnist: Mnist = None,
    runs: Annotated[
        str,
        typer.Option(
            "--runs",
            rich_help_panel=COMPUTED,
            help="What all are trained in, and then runs that are treatments themselves, such as numpy,numpy:float32.",
        ),
    ] = "numpy",
    python: Python = None,
    treatments: Annotated[
        str, typer.Option("--treatments", rich_help_panel=TRAINED, help="Of default, fault and run, those to try.")
    ] = "default,run",
    out: Out = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", rich_help_panel=KEPT, help="Draw the effects into this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure what each default, mistake or other run changes in what comes out, over many seeds.

    For example, `gan-rosetta matters linear-2d --runs jax:compiled,torch:compiled --seeds 90` says which frameworks'
    defaults matter for the samples, and whether the framework does.
    """
    from gan_rosetta.shared.matters.session import measure_matters  # noqa: PLC0415
    from gan_rosetta.shared.matters.treatments import choose_kinds, plan_treatments  # noqa: PLC0415
    from gan_rosetta.shared.report.as_data import FORMAT, as_text  # noqa: PLC0415
    from gan_rosetta.shared.report.matters_table import matters_lines  # noqa: PLC0415
    from gan_rosetta.shared.runs.plan import plan_train  # noqa: PLC0415
    from gan_rosetta.shared.runs.request import make_request  # noqa: PLC0415
    from gan_rosetta.shared.storage.opening import require_place  # noqa: PLC0415

    if (gan is None) == (spec is None):
        found = "neither" if gan is None else "both"
        raise UsageError(f"expected a GAN's name or --spec FILE.toml, one of the two; found {found}")
    if picture is not None:
        require_place(picture, said="--picture")
        if picture.suffix.lower() != ".png":
            raise UsageError(f"--picture {picture} ends in {picture.suffix or 'nothing'}; pictures are PNG: FILE.png")
    kinds = choose_kinds(split_names(treatments))
    request = make_request(spec or gan, seed=seed, steps=steps, mnist=mnist)
    with temporary_folder() as temporary:
        plan = plan_train(
            choose_runs(runs, None), request, out or temporary, pythons=parse_pythons(python), num_seeds=seeds
        )
        base, chosen = plan_treatments(plan, kinds=kinds)
        measured, outcomes = measure_matters(base, chosen, watch=on_terminal(errors))
    failed = [outcome for outcome in outcomes if outcome.status != "finished"]
    for outcome in failed:
        tell(f"gan-rosetta: {outcome.settings.gan} on {outcome.settings.run_name}: {outcome.message}")
    if measured is None:
        raise typer.Exit(FAILURE)
    if as_json:
        print(as_text({"format": FORMAT, "command": "matters", **measured.as_data()}))
    else:
        for line in matters_lines(measured):
            say(line)
    if picture is not None:
        from gan_rosetta.shared.report.matters_picture import draw_matters  # noqa: PLC0415
        from gan_rosetta.shared.report.pictures import write_picture  # noqa: PLC0415

        write_picture(picture, draw_matters(measured))
        say(f"Written: {picture}")
    raise typer.Exit(FAILURE if failed else 0)
