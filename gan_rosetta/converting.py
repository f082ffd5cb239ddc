"""Converts checkpoints from one framework's files to another's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gan_rosetta.catalogue import read_spec, spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.native import convert as conversion
from gan_rosetta.shared.state.native.mapping import parse_mapping
from gan_rosetta.wording import speaks_python

File = str | Path
Conversion = conversion.Conversion


@speaks_python
def convert(
    source: File | Mapping[str, File],
    target: File | Mapping[str, File],
    /,
    *,
    gan: str | Path | GanSpec,
    mapping: File | Mapping[str, str] | None = None,
) -> Conversion:
    """Write what a checkpoint of one framework holds to a file for another; no framework is imported.

    source, target: a file, or one for each network, {"generator": …, "discriminator": …}. The source may be of
    torch.save (.pt, .pth), .safetensors, Keras's .weights.h5 or .keras, Gluon's .params, flax's MessagePack, or .npz;
    it is told by its content. The target's ending says its format. gan: a name of the catalogue, a TOML file or a
    GanSpec. mapping: which tensor is which where names, shapes and order do not tell, as a dictionary or a TOML file.

    Nothing in a file is executed. Raises StateError for a file that does not hold the GAN's state, UsageError for a
    target that exists or of an unknown format.

    >>> from tempfile import mkdtemp
    >>> from gan_rosetta.shared.state import initial_state
    >>> from gan_rosetta.shared.state.archive import write_state
    >>> folder = Path(mkdtemp())
    >>> write_state(folder / "state.safetensors", initial_state(spec("sine"), seed=1), metadata={})
    >>> convert(folder / "state.safetensors", folder / "sine.pt", gan="sine").left_out
    ()
    """
    found = gan if isinstance(gan, GanSpec) else read_spec(gan) if isinstance(gan, Path) else spec(gan)
    return conversion.convert_files(_files(source), _files(target), found, parse_mapping(mapping))


def _files(value: File | Mapping[str, File]) -> dict[str, Path]:
    if isinstance(value, Mapping):
        return {name: Path(path) for name, path in value.items()}
    return {"": Path(value)}
