"""The command `gan-rosetta align`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import Json, say, status_of_verdicts
from gan_rosetta.shared.storage.scratch import temporary_folder


def align(
    first: Annotated[Path, typer.Argument(help="A Python program that makes a trace with gan_rosetta.trace.")],
    second: Annotated[Path, typer.Argument(help="Another that does, or the folder of its trace.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="What both programs are given.")] = None,
    *,
    copies: Annotated[
        int | None,
        typer.Option("--copies", help="How often the first runs again while it rounds at random; 6 where not given."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder to keep the traces in; they are not kept where not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run two programs of your own and say where the second parts from the first by more than rounding."""
    from gan_rosetta.shared.report.shown import as_json as in_ascii  # noqa: PLC0415
    from gan_rosetta.shared.traces.request import run_alignment  # noqa: PLC0415

    with temporary_folder() as nowhere:
        alignment = run_alignment(first, second, out or nowhere, arguments=arguments or [], num_copies=copies)
    status = status_of_verdicts([alignment.verdict])
    if as_json:
        document = {"format": 1, "command": "align", "status": status, "alignment": alignment.as_data()}
        typer.echo(in_ascii(json.dumps(document, indent=1)))
        raise typer.Exit(status)
    say(alignment.sentence)
    for note in alignment.notes:
        say(f"  {note}")
    raise typer.Exit(status)
