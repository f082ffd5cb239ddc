"""The command `gan-rosetta calibrate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import (
    BOTH,
    COMPUTED,
    DISAGREEMENT,
    KEPT,
    TRAINED,
    Backends,
    Json,
    PageFile,
    Verbose,
    errors,
    one_or_both,
    report_failures,
    say,
    split_names,
)
from gan_rosetta.shared.interface import DTYPES, EXECUTIONS
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.storage.opening import require_place


def calibrate(
    regimes: Annotated[
        list[str] | None, typer.Argument(help="Regimes to train, such as linear-2d or saturated-bce; all where none.")
    ] = None,
    *,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", rich_help_panel=TRAINED, help="Seeds of each regime, a third of them where a step is dear."
        ),
    ] = 6,
    first_seed: Annotated[int, typer.Option("--first-seed", rich_help_panel=TRAINED, help="The first of them.")] = 0,
    dtype: Annotated[str, typer.Option("--dtype", rich_help_panel=COMPUTED, help="float64, float32 or both.")] = BOTH,
    execution: Annotated[
        str,
        typer.Option(
            "--execution",
            rich_help_panel=COMPUTED,
            help="eager, compiled, or both: compiled then in some regimes only.",
        ),
    ] = "eager",
    backends: Backends = None,
    power: Annotated[
        bool,
        typer.Option(
            "--power/--no-power", rich_help_panel=TRAINED, help="Also measure how small a planted mistake is seen."
        ),
    ] = True,
    verbose: Verbose = False,
    as_json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            rich_help_panel=KEPT,
            metavar="DIR",
            help="Keep all pairs and trainings in this folder; backends' trainings that are there are not done again.",
        ),
    ] = None,
    markdown: PageFile = None,
) -> None:
    """Measure how often the judge is wrong: false alarms between right programs, and the smallest mistake that is seen.

    For example, `gan-rosetta calibrate linear-2d norm-adam --seeds 2 --dtype float64 --no-power` takes a minute. Exit
    status: 1 where more trainings have a false alarm than is promised, by more than chance makes of it once in 1000
    times, or where a planted mistake is not seen as told; 3 where a worker failed.
    """
    from gan_rosetta.shared.calibrate.plan import plan_calibration  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.shared.calibrate.session import calibrate as measure  # noqa: PLC0415
    from gan_rosetta.shared.report.calibration_page import write_page  # noqa: PLC0415
    from gan_rosetta.shared.report.calibration_table import calibration_lines, summary_lines  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    plan = plan_calibration(
        regimes or [],
        seeds=seeds,
        first_seed=first_seed,
        dtypes=one_or_both(dtype, DTYPES, option="--dtype"),
        executions=one_or_both(execution, EXECUTIONS, option="--execution"),
        backends=split_names(backends),
        power=power,
    )
    result = measure(plan, watch=on_terminal(errors), out=out)
    status = report_failures(result.failures, verbose=verbose) or (0 if result.is_good else DISAGREEMENT)
    written = write_page(markdown, result) if markdown is not None else []
    if as_json:
        document = {"format": 1, "command": "calibrate", "status": status, **result.as_data()}
        typer.echo(json.dumps(document, allow_nan=False))
    else:
        for line in [*summary_lines(result), *calibration_lines(result), *(f"Written: {path}" for path in written)]:
            say(line)
    raise typer.Exit(status)
