"""The command `gan-rosetta read`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import FAILURE, Quiet, say, tell
from gan_rosetta.shared.errors import RunFailed, UsageError


def read(
    program: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:G,D",
            help="A program, and its networks' names in it: modules, or what makes one without arguments.",
        ),
    ],
    *,
    like: Annotated[
        str, typer.Option("--like", help="The GAN, or FILE.toml, that has the data, losses and turns; see `list`.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The spec to write, FILE.toml, and the state beside it.")],
    optimizers: Annotated[
        str | None,
        typer.Option("--optimizers", metavar="G,D", help="The optimizers' names in it; --like's where not given."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Read a program's own networks into a spec, with their weights as its initial state. So far of PyTorch.

    Both are run beside the reference before anything is written; what a spec has no word for is named by its path.
    """
    from gan_rosetta.shared.translate.read_file import parse_place, read_file  # noqa: PLC0415
    from gan_rosetta.shared.translate.reading import require_new, write_reading  # noqa: PLC0415

    require_new(out)
    place = parse_place(program, optimizers)
    name = _name_of(out)
    try:
        reading = read_file(place, like=Path(like) if like.endswith(".toml") else like, name=name)
    except RunFailed as error:
        tell(f"gan-rosetta: {error}")
        raise typer.Exit(FAILURE) from None
    try:
        beside = write_reading(out, reading)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror or error}); name another file") from None
    if not quiet:
        tell(reading.sentence)
        say(f"Written: {out}, {beside}")


def _name_of(out: Path) -> str:
    """Return a GAN's name after a file's, and none of the catalogue's."""
    from gan_rosetta.shared.gans import CATALOGUE  # noqa: PLC0415

    name = re.sub("[^a-z0-9]+", "-", out.stem.lower()).strip("-") or "read"
    return f"{name}-read" if name in CATALOGUE else name
