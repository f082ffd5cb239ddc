"""The command `gan-rosetta generate`."""

from __future__ import annotations

import shlex
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
    Python,
    errors,
    output,
    say,
    split_names,
)
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.runs.order import require_count, require_seed
from gan_rosetta.shared.workers.environments import parse_pythons

DEFAULT_FOLDER = Path("runs/generated")
# All are drawn before the first is held to the reference.
_MOST_GANS = 100_000


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
    from gan_rosetta.shared.diagnose.session import choose_backends  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.shared.faults import find_fault  # noqa: PLC0415
    from gan_rosetta.shared.generate.session import draw_specs, run_generated  # noqa: PLC0415
    from gan_rosetta.shared.workers.registry import find_backend, resolve_execution  # noqa: PLC0415

    pythons = parse_pythons(python)
    require_count("--count", count, minimum=1, maximum=_MOST_GANS)
    require_seed(seed)
    names = choose_backends(split_names(backends), pythons)
    if not names:
        raise UsageError("only the reference is installed, so there is nothing to check; see `gan-rosetta list`")
    for name in names:
        resolve_execution(find_backend(name), execution)
    if plant is not None:
        find_fault(plant)
    specs = draw_specs(count, seed=seed)
    faults = {} if plant is None else dict.fromkeys(names, plant)
    summary = run_generated(specs, names, out, execution=execution, console=errors, faults=faults, pythons=pythons)
    for group, counts in summary.vocabulary.items():
        output.print(f"{group}: {', '.join(f'{name} {number}' for name, number in counts.items())}")
    for failure in summary.failures:
        planted = "" if plant is None else f" --plant {plant}"
        how = f" --execution {execution}{planted}"
        command = f"gan-rosetta diagnose --spec {shlex.quote(str(failure.path))} --backends {failure.backend}{how}"
        what = "shrunk" if failure.shrunk else "as drawn"
        say(f"{failure.backend}, GAN {failure.index}, {what}: {failure.finding}")
        say(f"  {command}")
    busy = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in summary.seconds_by_worker.items())
    rate = summary.num_specs / summary.seconds
    say(
        f"{summary.num_specs} GANs on {', '.join(names)}: {len(summary.failures)} disagreements, "
        f"{summary.seconds:.0f} s, {rate:.1f} GANs/s ({busy})",
    )
    crashed = any(failure.finding.row is None for failure in summary.failures)
    raise typer.Exit(FAILURE if crashed else DISAGREEMENT if summary.failures else 0)
