"""The command `gan-rosetta generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import (
    COMPUTED,
    DISAGREEMENT,
    FAILURE,
    KEPT,
    TRAINED,
    Backends,
    Device,
    Python,
    say,
    split_names,
    tell,
)
from gan_rosetta.shared.storage.opening import require_folder
from gan_rosetta.shared.workers.environments import parse_pythons

DEFAULT_FOLDER = Path("runs/generated")


def generate(
    *,
    count: Annotated[int, typer.Option("--count", rich_help_panel=TRAINED, help="How many GANs to draw.")] = 100,
    seed: Annotated[
        int,
        typer.Option("--seed", rich_help_panel=TRAINED, help="Seed of the drawing; the same one gives the same GANs."),
    ] = 0,
    backends: Backends = None,
    execution: Annotated[
        str, typer.Option("--execution", rich_help_panel=COMPUTED, help="eager or compiled.")
    ] = "eager",
    device: Device = "cpu",
    python: Python = None,
    plant: Annotated[
        str | None,
        typer.Option(
            "--plant", rich_help_panel=TRAINED, help="Plant this FAULT in each backend, to see that it is found."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", rich_help_panel=KEPT, help="Folder for the GANs that fail.")
    ] = DEFAULT_FOLDER,
) -> None:
    """Draw GANs at random and hold every backend to the reference on each, in float64."""
    from gan_rosetta.shared.generate.session import (  # noqa: PLC0415 - commands import what they need
        plan_generation,
        run_generated,
    )
    from gan_rosetta.shared.report.generated_lines import failure_lines, summary_line  # noqa: PLC0415

    require_folder(out, said="--out")
    plan = plan_generation(
        count,
        seed=seed,
        backends=split_names(backends),
        execution=execution,
        device=device,
        plant=plant,
        pythons=parse_pythons(python),
    )
    summary = run_generated(plan, say=tell, out=out)
    for group, counts in summary.vocabulary.items():
        say(f"{group}: {', '.join(f'{name} {number}' for name, number in counts.items())}")
    for line in [*failure_lines(summary), summary_line(summary)]:
        say(line)
    raise typer.Exit(FAILURE if summary.has_crashed else DISAGREEMENT if summary.failures else 0)
