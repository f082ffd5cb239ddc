"""The command `gan-rosetta coverage`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import Json, PageFile, say
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.opening import require_place


def coverage(
    collections: Annotated[
        list[str] | None, typer.Argument(help="pytorch-gan, studiogan; both where none is named.")
    ] = None,
    *,
    markdown: PageFile = None,
    as_json: Json = False,
) -> None:
    """Count the public programs whose networks, losses and steps can be described, and what the others lack."""
    from gan_rosetta.shared.coverage import COLLECTIONS, cover, read_collection  # noqa: PLC0415 - as every command
    from gan_rosetta.shared.report.coverage_page import coverage_lines, coverage_page  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    found = {name: cover(read_collection(name)) for name in collections or COLLECTIONS}
    if markdown is not None:
        write_bytes(markdown, coverage_page(list(found.values())).encode())
    if as_json:
        document = {
            name: {program: [need.name for need in lacking] for program, lacking in each.lacks.items()}
            for name, each in found.items()
        }
        typer.echo(json.dumps({"format": 1, "command": "coverage", "lacks": document}))
    else:
        for line in [*coverage_lines(list(found.values())), *([f"Written: {markdown}"] if markdown else [])]:
            say(line)
