"""Converts checkpoints: what a file of one framework holds, in a file for another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.shared.errors import StateError, UsageError
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.initial import State
from gan_rosetta.shared.state.native.assemble import assemble, gather
from gan_rosetta.shared.state.native.formats import FORMATS, Format, Networks, format_to_write, read_checkpoint
from gan_rosetta.shared.state.native.mapping import NameMapping
from gan_rosetta.shared.state.schema import state_schema
from gan_rosetta.shared.storage.files import atomic_path
from gan_rosetta.shared.storage.opening import require_new

NETWORKS: Networks = ("generator", "discriminator")
Files = Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What a conversion did.

    files: those that were written, by the network that each is of, or one under "" that has both. formats: what was
    read, in words. names: where each tensor of the state comes from, by canonical name. left_out: tensors that the
    target's format has no place for.
    """

    spec: GanSpec
    files: Files
    formats: tuple[str, ...]
    state: State
    names: Mapping[str, str]
    left_out: tuple[str, ...]


def convert_files(sources: Files, targets: Files, spec: GanSpec, mapping: NameMapping, /) -> Conversion:
    """Read a GAN's state from one file or two, and write it to one or two of other formats.

    sources, targets: by the network that each is of, "generator" and "discriminator", or one under "" that has both.
    What is written is read again, and must be what was read, bit for bit, before it gets its name. Raises UsageError
    for a target that exists or of an unknown format, StateError for a file that does not hold the GAN's state.
    """
    formats = {owner: format_to_write(path) for owner, path in targets.items()}
    for path in targets.values():
        require_new(path, said="the file")
    _require_places(spec, formats)
    read = {owner: read_checkpoint(path, spec) for owner, path in sources.items()}
    try:
        found = assemble(spec, read, mapping)
    except StateError as error:
        raise StateError(f"{' and '.join(map(str, sources.values()))}: {error}") from None
    left_out: list[str] = []
    for owner, path in targets.items():
        held = _part(found.state, spec, owner, formats[owner])
        left_out += [name for name in _part(found.state, spec, owner, None) if name not in held]
        _write(path, held, spec, owner, formats[owner])
    return Conversion(
        spec=spec,
        files=dict(targets),
        formats=tuple(checkpoint.format for checkpoint in read.values()),
        state=found.state,
        names=found.names,
        left_out=tuple(left_out),
    )


def _require_places(spec: GanSpec, formats: Mapping[str, Format]) -> None:
    """Raise UsageError where a format has a GAN's weights otherwise than its state."""
    layers = (*spec.generator.all_layers, *spec.discriminator.all_layers)
    if all(getattr(layer, "spectral_norm", None) is None for layer in layers):
        return
    for kind in formats.values():
        if not kind.keeps_spectral_norms:
            known = ", ".join(other.suffixes[0] for other in FORMATS.values() if other.keeps_spectral_norms)
            raise UsageError(
                f"{kind.title}: no v of a spectral norm has a place there, and {spec.name!r} has some; name a file "
                f"that ends in one of {known}"
            )


def _part(state: State, spec: GanSpec, owner: str, kind: Format | None) -> State:
    """Return what of a state a file is to hold: of its network, and of what its format has a place for."""
    schema = state_schema(spec)
    return {
        name: array
        for name, array in state.items()
        if owner in ("", schema[name].network) and (kind is None or schema[name].role in kind.roles)
    }


def _write(path: Path, state: State, spec: GanSpec, owner: str, kind: Format) -> None:
    networks = (owner,) if owner else NETWORKS
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(kind.write(spec, state, networks))
            again = gather(spec, {owner: read_checkpoint(temporary, spec)}, NameMapping())
            _require_same(path, state, again.state)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror or error}; name another file") from error


def _require_same(path: Path, written: State, again: State) -> None:
    """Raise AssertionError, a defect of ours, where a file does not hold what it was written from."""
    assert set(written) == set(again), f"{path} holds {sorted(set(written) ^ set(again))} otherwise"  # noqa: S101
    for name, array in written.items():
        same = array.dtype == again[name].dtype and array.tobytes() == again[name].tobytes()
        assert same, f"{path} holds {name} otherwise than it was read"  # noqa: S101
