"""`gan-rosetta convert`: what a checkpoint of one framework holds, in a file for another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import SHOWN, Quiet, SpecFile, say, tell
from gan_rosetta.shared.errors import UsageError

# What a program that reads a file does without a part of the state, by how its tensors are called.
_STARTS = {"optimizer.": "optimizers start afresh", "average.": "the moving average starts from G"}


def convert(
    files: Annotated[list[Path], typer.Argument(metavar="[IN] OUT", help="The file to read, and the one to write.")],
    *,
    gan: Annotated[str | None, typer.Option("--gan", help="The GAN whose state it is; see `gan-rosetta list`.")] = None,
    spec: SpecFile = None,
    generator: Annotated[
        Path | None, typer.Option("--generator", help="The generator's file, in place of IN, with --discriminator.")
    ] = None,
    discriminator: Annotated[
        Path | None, typer.Option("--discriminator", help="The discriminator's file, in place of IN.")
    ] = None,
    split: Annotated[
        bool,
        typer.Option("--split", help="Write two files, a network each: OUT's name with -generator and -discriminator."),
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping", "--map", help="A TOML file that says which tensor is which where their names do not tell."
        ),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", rich_help_panel=SHOWN, help="Show where each tensor of the state comes from.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Convert a checkpoint between torch, Keras, Gluon, flax and safetensors. Nothing in it is executed."""
    from gan_rosetta.shared.gans import CATALOGUE, find_gan  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.shared.spec.toml_file import read_spec  # noqa: PLC0415
    from gan_rosetta.shared.state.native.convert import convert_files  # noqa: PLC0415
    from gan_rosetta.shared.state.native.mapping import parse_mapping  # noqa: PLC0415

    if (gan is None) == (spec is None):
        found = "neither" if gan is None else "both"
        raise UsageError(f"expected --gan NAME or --spec FILE.toml, one of the two; found {found}")
    whole = find_gan(gan) if gan is not None else read_spec(Path(str(spec)), reserved=CATALOGUE)
    *first, target = files
    pair = {"generator": generator, "discriminator": discriminator}
    given = {name: path for name, path in pair.items() if path is not None}
    if (len(first), len(given)) not in ((1, 0), (0, 2)):
        raise UsageError(
            "expected IN OUT, or OUT with --generator FILE and --discriminator FILE; found "
            f"{len(files)} files and {' and '.join(f'--{name}' for name in given) or 'neither option'}"
        )
    sources = {"": first[0]} if first else given
    targets = {name: _of_network(target, name) for name in pair} if split else {"": target}
    done = convert_files(sources, targets, whole, parse_mapping(mapping))
    if quiet:
        return
    if names:
        for canonical, name in done.names.items():
            say(f"{canonical} {done.state[canonical].shape} <- {name}")
    for path in done.files.values():
        say(f"Written: {path}, from {' and '.join(done.formats)}")
    if done.left_out:
        lost = [said for part, said in _STARTS.items() if any(name.startswith(part) for name in done.left_out)]
        what = f": {' and '.join(lost)}" if lost else ""
        tell(f"gan-rosetta: {len(done.left_out)} tensors have no place in it, such as {done.left_out[0]}{what}")


def _of_network(path: Path, network: str) -> Path:
    """Return `weights-generator.weights.h5` for `weights.weights.h5`: the endings stay."""
    suffix = ".weights.h5" if path.name.endswith(".weights.h5") else path.suffix
    return path.with_name(f"{path.name.removesuffix(suffix)}-{network}{suffix}")
