"""The command `gan-rosetta read`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gan_rosetta.shared.commands.options import Quiet, say, tell
from gan_rosetta.shared.errors import UsageError

if TYPE_CHECKING:
    from gan_rosetta.shared.translate.reading import Reading


Like = Annotated[
    str | None,
    typer.Option("--like", help="The GAN, or FILE.toml, with the data, losses and turns of networks that are read."),
]
Optimizers = Annotated[
    str | None,
    typer.Option("--optimizers", metavar="G,D", help="Their optimizers' names in the file; --like's where not given."),
]
Average = Annotated[
    str | None,
    typer.Option("--average", metavar="NAME", help="The moving average of G's weights in the file: a network as G is."),
]


def read(
    program: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:G,D",
            help="A program, and its networks' names in it: modules, or what makes one without arguments.",
        ),
    ],
    *,
    like: Like = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The spec to write, FILE.toml, and the state beside it.")
    ] = None,
    optimizers: Optimizers = None,
    average: Average = None,
    quiet: Quiet = False,
) -> None:
    """Read a program's own networks into a spec, with their weights as its initial state.

    They are of PyTorch, Keras, Gluon or flax.

    Of optimizers that have begun, what they have kept is in the state as well.

    Both are run beside the reference before anything is written; what a spec has no word for is named by its path.
    """
    from gan_rosetta.shared.translate.reading import require_new, write_reading  # noqa: PLC0415

    if like is None or out is None:
        raise UsageError(f"{program} needs --like, the GAN that has its data, and --out, the spec to write")
    require_new(out)
    reading = read_or_end(program, like=like, optimizers=optimizers, average=average, out=out)
    try:
        beside = write_reading(out, reading)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror or error}); name another file") from None
    if not quiet:
        tell(reading.sentence)
        say(f"Written: {out}, {beside}")


def read_or_end(program: str, /, *, like: str, optimizers: str | None, average: str | None, out: Path) -> Reading:
    """Read networks, named after the file that is to be written, or end the command where the program fails."""
    from gan_rosetta.shared.translate.read_file import parse_place, read_file  # noqa: PLC0415

    place = parse_place(program, optimizers, average)
    reading = read_file(place, like=Path(like) if like.endswith(".toml") else like, name=_name_of(out))
    for note in reading.notes:
        tell(f"note: {note}")
    return reading


def _name_of(out: Path) -> str:
    """Return a GAN's name after a file's, and none of the catalogue's."""
    from gan_rosetta.shared.gans import CATALOGUE  # noqa: PLC0415

    name = re.sub("[^a-z0-9]+", "-", out.stem.lower()).strip("-") or "read"
    return f"{name}-read" if name in CATALOGUE else name
