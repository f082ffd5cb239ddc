"""The command `gan-rosetta defaults`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gan_rosetta.shared.commands.options import (
    FAILURE,
    KEPT,
    TRAINED,
    SpecFile,
    require_one_source,
)
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.runs.settings import DEFAULT_SEED
from gan_rosetta.shared.storage.opening import require_place


def defaults(
    gans: Annotated[list[str] | None, typer.Argument(help="GANs to measure in; all where none is named.")] = None,
    *,
    spec: SpecFile = None,
    seed: Annotated[
        int, typer.Option("--seed", rich_help_panel=TRAINED, help="Seed of the initial state and of the tape.")
    ] = DEFAULT_SEED,
    mnist: Annotated[
        str | None,
        typer.Option("--mnist", rich_help_panel=TRAINED, help="Where digits come from, as for `gan-rosetta compare`."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            rich_help_panel=KEPT,
            help="Also write the page to this file, and its pictures to pictures/ beside it.",
        ),
    ] = None,
) -> None:
    """Measure what each framework's own defaults would have changed, against the GANs as they are described."""
    from gan_rosetta.shared.defaults.session import run_defaults  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.shared.gans import CATALOGUE  # noqa: PLC0415
    from gan_rosetta.shared.report.defaults_page import write_page  # noqa: PLC0415
    from gan_rosetta.shared.report.defaults_table import defaults_table  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    console, errors = Console(), Console(stderr=True)
    require_one_source(gans, spec)
    results, failures = run_defaults(
        gans or list(CATALOGUE), spec_file=spec, seed=seed, mnist=mnist, watch=on_terminal(errors)
    )
    for result in results:
        console.print(defaults_table(result))
    for outcome in failures:
        text = f"gan-rosetta: {outcome.settings.gan}: {outcome.message}"
        errors.print(text, markup=False, highlight=False, soft_wrap=True)
    if markdown is not None and results:
        for path in write_page(markdown, results, seed=seed):
            console.print(f"Written: {path}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(FAILURE if failures else 0)
