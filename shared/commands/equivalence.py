"""The command `gan-rosetta equivalence`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import (
    COMPUTED,
    DISAGREEMENT,
    TRAINED,
    Json,
    Out,
    PageFile,
    Verbose,
    errors,
    report_failures,
    say,
)
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.storage.opening import require_place
from gan_rosetta.shared.storage.scratch import temporary_folder


def equivalence(
    gan: Annotated[str, typer.Argument(help="A GAN's name; see `gan-rosetta list`.")] = "linear-2d",
    *,
    tests: Annotated[
        int, typer.Option("--tests", rich_help_panel=TRAINED, help="Tests of the reference against its copies.")
    ] = 200,
    seeds: Annotated[int, typer.Option("--seeds", rich_help_panel=TRAINED, help="Of each test; 36 at least.")] = 40,
    steps: Annotated[int, typer.Option("--steps", rich_help_panel=TRAINED, help="Adversarial steps of each.")] = 250,
    dtype: Annotated[str, typer.Option("--dtype", rich_help_panel=COMPUTED, help="float64 or float32.")] = "float32",
    verbose: Verbose = False,
    as_json: Json = False,
    out: Out = None,
    markdown: PageFile = None,
) -> None:
    """Measure how often `compare --seeds` is wrong: of runs that differ by rounding alone, and of planted faults.

    For example, `gan-rosetta equivalence linear-2d --tests 8 --steps 20` takes a minute. Exit status: 1 where the
    reference is said to differ from itself more often than is stated, by more than chance makes of it once in 1000
    times; 3 where a worker failed.
    """
    from gan_rosetta.shared.calibrate.over_seeds import calibrate_over_seeds, plan_equivalence  # noqa: PLC0415
    from gan_rosetta.shared.report.as_data import FORMAT, as_text  # noqa: PLC0415
    from gan_rosetta.shared.report.equivalence_page import calibration_lines, write_page  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    began = time.monotonic()
    with temporary_folder() as temporary:
        counts = {"num_tests": tests, "num_seeds": seeds, "num_steps": steps}
        chosen = plan_equivalence(gan, out or temporary, dtype=dtype, **counts)
        found, outcomes = calibrate_over_seeds(chosen, watch=on_terminal(errors))
    failed = [outcome for outcome in outcomes if outcome.status != "finished"]
    status = report_failures(failed, verbose=verbose)
    if found is None:
        raise typer.Exit(status)
    status = 0 if found.keeps_promise else DISAGREEMENT
    if markdown is not None:
        write_page(markdown, found, seconds=time.monotonic() - began)
    if as_json:
        print(as_text({"format": FORMAT, "command": "equivalence", "status": status, **found.as_data()}))
    else:
        for line in [*calibration_lines(found), *([f"Written: {markdown}"] if markdown is not None else [])]:
            say(line)
    raise typer.Exit(status)
