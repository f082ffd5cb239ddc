"""The command `gan-rosetta judge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import FAILURE, Json, say, status_of_verdicts, tell
from gan_rosetta.shared.errors import UsageError


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
    """Run a program of your own, unchanged, and say whether it computes what the reference does, or where it parts."""
    from gan_rosetta.shared.cases.running import run_program  # noqa: PLC0415
    from gan_rosetta.shared.diagnose.job import row_from_data  # noqa: PLC0415
    from gan_rosetta.shared.gans import find_gan  # noqa: PLC0415
    from gan_rosetta.shared.report.diagnosis_table import diagnosis_lines  # noqa: PLC0415
    from gan_rosetta.shared.report.shown import as_json as in_ascii  # noqa: PLC0415

    if gan is not None:
        find_gan(gan)
    run = run_program(program, arguments or [])
    if run.failure:
        tell(f"gan-rosetta: {program}: {run.failure}")
        raise typer.Exit(FAILURE)
    made = [judgement["gan"] for judgement in run.judgements]
    if not made or (gan is not None and gan not in made):
        wanted = "case" if gan is None else f"case of {gan!r}"
        others = f"only of {', '.join(made)}" if made else "and none at all"
        raise UsageError(f"{program} made no {wanted}, {others}; it is to begin with gan_rosetta.case({gan or '…'!r})")
    judgements = [each for each in run.judgements if gan is None or each["gan"] == gan]
    status = status_of_verdicts([judgement["verdict"] for judgement in judgements])
    if as_json:
        document = {"format": 1, "command": "judge", "status": status, "judgements": judgements}
        typer.echo(in_ascii(json.dumps(document, indent=1)))
        raise typer.Exit(status)
    for judgement in judgements:
        say(f"{judgement['gan']}: {judgement['verdict']}, {judgement['reason']}")
        rows = [row_from_data(row) for row in judgement["rows"]]
        offender = next((row for row in rows if row.is_off), None)
        for line in diagnosis_lines("the program", rows, offender) if offender is not None else ():
            say(str(line))
        for note in judgement["notes"]:
            say(f"  {note}")
    raise typer.Exit(status)
