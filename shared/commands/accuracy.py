"""The command `gan-rosetta accuracy`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import (
    BOTH,
    COMPUTED,
    DISAGREEMENT,
    FAILURE,
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
    tell,
)
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.storage.opening import require_place


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
    backends: Backends = None,
    dtype: Annotated[str, typer.Option("--dtype", rich_help_panel=COMPUTED, help="float32, float64 or both.")] = BOTH,
    execution: Annotated[
        str, typer.Option("--execution", rich_help_panel=COMPUTED, help="eager, compiled or both.")
    ] = BOTH,
    markdown: PageFile = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Measure each operation's error on each framework, and whether rounding explains it.

    Exit status: 1 where something is neither covered nor a known defect, 3 where a worker or an operation failed.
    """
    from gan_rosetta.shared.accuracy.session import (  # noqa: PLC0415 - commands import what they need
        measure_atlas,
        plan_atlas,
    )
    from gan_rosetta.shared.interface import DTYPES, EXECUTIONS  # noqa: PLC0415
    from gan_rosetta.shared.report.accuracy_page import write_page  # noqa: PLC0415
    from gan_rosetta.shared.report.accuracy_table import accuracy_lines, uncovered_lines  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    plan = plan_atlas(
        split_names(operations),
        backends=split_names(backends),
        dtypes=one_or_both(dtype, DTYPES, option="--dtype"),
        executions=one_or_both(execution, EXECUTIONS, option="--execution"),
    )
    atlas, failed = measure_atlas(plan, watch=on_terminal(errors))
    status = report_failures(failed, verbose=verbose)
    for place, message in atlas.failures.items():
        tell(f"gan-rosetta: {place}: {message}")
        status = FAILURE
    if not atlas.is_covered:
        status = status or DISAGREEMENT
    written = write_page(markdown, atlas) if markdown is not None and atlas.rows else []
    if as_json:
        document = {"format": 1, "command": "accuracy", "status": status, **atlas.as_data()}
        typer.echo(json.dumps(document, allow_nan=False))
    else:
        for line in [*uncovered_lines(atlas), *accuracy_lines(atlas), *(f"Written: {path}" for path in written)]:
            say(line)
    raise typer.Exit(status)
