"""The command `gan-rosetta judge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import FAILURE, Json, say, status_of_verdicts, tell


def judge(
    program: Annotated[Path, typer.Argument(help="A Python program that goes through a case of gan_rosetta.case.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="What the program itself is given.")] = None,
    *,
    gan: Annotated[
        str | None,
        typer.Option("--gan", help="The GAN that the program must have made a case of; any where not given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a program of your own, unchanged, and say whether it agrees with the reference, or where it parts and why."""
    from gan_rosetta.shared.cases.running import run_program  # noqa: PLC0415
    from gan_rosetta.shared.gans import find_gan  # noqa: PLC0415
    from gan_rosetta.shared.report.diagnosis_table import judgement_lines  # noqa: PLC0415
    from gan_rosetta.shared.report.shown import as_json as in_ascii  # noqa: PLC0415

    if gan is not None:
        find_gan(gan)
    run = run_program(program, arguments or [])
    if run.failure:
        tell(f"gan-rosetta: {program}: {run.failure}")
        raise typer.Exit(FAILURE)
    judgements = run.of_gan(gan, program)
    status = status_of_verdicts([judgement.verdict for judgement in judgements])
    if as_json:
        found = [judgement.as_data() for judgement in judgements]
        document = {"format": 1, "command": "judge", "status": status, "judgements": found}
        typer.echo(in_ascii(json.dumps(document, indent=1)))
        raise typer.Exit(status)
    for judgement in judgements:
        for line in judgement_lines(judgement):
            say(line)
    raise typer.Exit(status)
