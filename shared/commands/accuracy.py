"""The command `gan-rosetta accuracy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from gan_rosetta.shared.commands.options import (
    COMPUTED,
    DISAGREEMENT,
    FAILURE,
    KEPT,
    SHOWN,
    TRAINED,
    report_failures,
    split_names,
)
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.storage.opening import require_place

_BOTH = "both"


def accuracy(
    *,
    operations: Annotated[
        str | None,
        typer.Option(
            "--operations",
            rich_help_panel=TRAINED,
            help="Operations or groups of them, separated by commas; all where not given.",
        ),
    ] = None,
    backends: Annotated[
        str | None,
        typer.Option(
            "--backends",
            rich_help_panel=COMPUTED,
            help="Backends, separated by commas; all installed ones where not given.",
        ),
    ] = None,
    dtype: Annotated[str, typer.Option("--dtype", rich_help_panel=COMPUTED, help="float32, float64 or both.")] = _BOTH,
    execution: Annotated[
        str, typer.Option("--execution", rich_help_panel=COMPUTED, help="eager, compiled or both.")
    ] = _BOTH,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            rich_help_panel=KEPT,
            help="Also write the page to this file, and its pictures to pictures/ beside it.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", rich_help_panel=SHOWN, help="Show tracebacks.")] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", rich_help_panel=SHOWN, help="Say on standard output, as one JSON document, what came of it."
        ),
    ] = False,
) -> None:
    """Measure each operation's error on each framework, and whether rounding explains it.

    Exit status: 1 where something is neither covered nor a known defect, 3 where a worker or an operation failed.
    """
    from gan_rosetta.backends import BACKENDS  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.shared.accuracy.catalogue import find_operations  # noqa: PLC0415
    from gan_rosetta.shared.accuracy.session import measure_atlas  # noqa: PLC0415
    from gan_rosetta.shared.interface import DTYPES, EXECUTIONS  # noqa: PLC0415
    from gan_rosetta.shared.report.accuracy_page import write_page  # noqa: PLC0415
    from gan_rosetta.shared.report.accuracy_table import accuracy_tables, uncovered_lines  # noqa: PLC0415
    from gan_rosetta.shared.workers.registry import find_backend, installed_version  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    chosen = [find_backend(name) for name in split_names(backends)] or [
        entry for entry in BACKENDS.values() if installed_version(entry) is not None
    ]
    errors = Console(stderr=True)
    atlas, failed = measure_atlas(
        find_operations(split_names(operations)),
        backends=[entry.name for entry in chosen],
        dtypes=_some(dtype, DTYPES, option="--dtype"),
        executions=_some(execution, EXECUTIONS, option="--execution"),
        watch=on_terminal(errors),
    )
    status = report_failures(failed, verbose=verbose)
    for place, message in atlas.failures.items():
        errors.print(f"gan-rosetta: {place}: {message}", markup=False, highlight=False, soft_wrap=True)
        status = FAILURE
    if any(row.unexplained for row in atlas.rows):
        status = status or DISAGREEMENT
    written = write_page(markdown, atlas) if markdown is not None and atlas.rows else []
    if as_json:
        document: dict[str, Any] = {"format": 1, "command": "accuracy", "status": status}
        document |= {"failures": atlas.failures, "rows": [row.as_data() for row in atlas.rows]}
        typer.echo(json.dumps(document, allow_nan=False))
    else:
        console = Console()
        for table in accuracy_tables(atlas):
            console.print(table)
        for line in [*uncovered_lines(atlas), *(f"Written: {path}" for path in written)]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status)


def _some(word: str, known: tuple[Any, ...], *, option: str) -> tuple[Any, ...]:
    """Return those of the known words that an option names; raises UsageError."""
    from gan_rosetta.shared.errors import UsageError  # noqa: PLC0415

    if word == _BOTH:
        return known
    if word not in known:
        raise UsageError(f"{option} is {word!r}; expected {', '.join(known)} or {_BOTH}")
    return (word,)
