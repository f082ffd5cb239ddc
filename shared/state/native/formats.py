"""The formats of checkpoints: which a file is of, what each can hold, how each is read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from gan_rosetta.shared.errors import StateError, UsageError
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.archive import read_state_and_metadata, safetensors_bytes
from gan_rosetta.shared.state.found_names import kind_of_class, natural_key, split_name
from gan_rosetta.shared.state.native.checkpoint import Checkpoint, read_bounded
from gan_rosetta.shared.state.native.flax_file import flax_bytes, read_flax
from gan_rosetta.shared.state.native.gluon_file import gluon_bytes, read_gluon
from gan_rosetta.shared.state.native.keras_file import keras_bytes, read_keras
from gan_rosetta.shared.state.native.torch_file import read_torch
from gan_rosetta.shared.state.native.torch_writer import torch_bytes, torch_tree
from gan_rosetta.shared.state.schema import Role, state_schema
from gan_rosetta.shared.state.strangers import describe_stranger, format_of, remedy_of
from gan_rosetta.shared.storage.npz import read_npz

Networks = tuple[str, ...]
_WHOLE: tuple[Role, ...] = ("parameter", "buffer", "slot", "counter")


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format that is written. title: in words. suffixes: of its files' names. roles: what it can hold of a state.

    keeps_spectral_norms: whether it has a weight under a spectral norm as the state has it, with both its vectors.
    """

    title: str
    suffixes: tuple[str, ...]
    roles: tuple[Role, ...]
    write: Callable[[GanSpec, Mapping[str, np.ndarray], Networks], bytes]
    keeps_spectral_norms: bool = True


def _ours(spec: GanSpec, state: Mapping[str, np.ndarray], networks: Networks) -> bytes:
    del networks
    return safetensors_bytes(state, metadata={"gan": spec.name})


def _torch(spec: GanSpec, state: Mapping[str, np.ndarray], networks: Networks) -> bytes:
    return torch_bytes(torch_tree(spec, state, networks))


def _gluon(spec: GanSpec, state: Mapping[str, np.ndarray], networks: Networks) -> bytes:
    """Return what save_parameters leaves of a Block with the networks as children, or of one network."""
    kinds = {f"{name}.{each.name}": each.layer.kind for name in networks for each in spec.networks()[name].placed}
    tensors: dict[str, np.ndarray] = {}
    for canonical, tensor in state_schema(spec).items():
        if canonical in state and tensor.role in ("parameter", "buffer") and tensor.network in networks:
            layer, _, part = canonical.rpartition(".")
            if kinds[layer] in ("batch_norm", "group_norm"):
                part = {"weight": "gamma", "bias": "beta"}.get(part, part)
            elif kinds[layer] == "prelu":
                part = "alpha"
            name = f"{layer}.{part}"
            tensors[name if len(networks) > 1 else name.partition(".")[2]] = state[canonical]
    return gluon_bytes(tensors)


FORMATS: dict[str, Format] = {
    "torch": Format(title="torch", suffixes=(".pt", ".pth"), roles=_WHOLE, write=_torch),
    "safetensors": Format(
        title="safetensors, in our names",
        suffixes=(".safetensors",),
        roles=(*_WHOLE, "average", "balance"),
        write=_ours,
    ),
    "keras": Format(
        title="Keras's weights",
        suffixes=(".weights.h5", ".h5"),
        roles=_WHOLE,
        write=keras_bytes,
        keeps_spectral_norms=False,
    ),
    "gluon": Format(title="Gluon's parameters", suffixes=(".params",), roles=("parameter", "buffer"), write=_gluon),
    "flax": Format(
        title="flax's MessagePack", suffixes=(".msgpack",), roles=_WHOLE, write=flax_bytes, keeps_spectral_norms=False
    ),
}


def format_to_write(path: Path, /) -> Format:
    """Return the format that a file's name asks for; raises UsageError, with those that there are, for another."""
    for found in FORMATS.values():
        if path.name.endswith(found.suffixes):
            return found
    if path.suffix == ".keras":
        raise UsageError(
            f"{path}: a .keras file holds a program too, which is yours to write; name a .weights.h5 file, and have "
            "the model take it with load_weights"
        )
    known = ", ".join(suffix for found in FORMATS.values() for suffix in found.suffixes)
    raise UsageError(f"{path} has no ending that says its format; expected one of {known}")


def read_checkpoint(path: Path, spec: GanSpec, /) -> Checkpoint:
    """Read a file of any format that is known by its first bytes, whatever its name says; raises StateError."""
    readers: dict[str, Callable[[Path], Checkpoint]] = {
        "torch": read_torch,
        "keras": read_keras,
        "gluon": read_gluon,
        "flax": read_flax,
        "npz": _read_npz,
        "safetensors": lambda path: _read_safetensors(path, spec),
    }
    found = format_of(path)
    if found is None:
        read_bounded(path)  # It says what is wrong with a file that is not there.
        what, remedy = describe_stranger(path), remedy_of(path)
        if remedy is not None:
            raise StateError(f"{path} is {what}; {remedy}")
        raise StateError(
            f"{path} is {what or 'of no format that is known here'}; expected a file of torch.save, .safetensors, "
            "Keras's .weights.h5 or .keras, Gluon's .params, flax's MessagePack, or .npz"
        )
    return readers[found](path)


def _read_npz(path: Path) -> Checkpoint:
    try:
        arrays = read_npz(path)
    except (OSError, ValueError) as error:
        raise StateError(f"{path}: {error}; write or copy it again") from None
    return _named_arrays("an .npz archive of NumPy", arrays)


def _read_safetensors(path: Path, spec: GanSpec) -> Checkpoint:
    """Read a state of ours, which must be as it was written, or tensors in any program's names."""
    content = read_bounded(path)
    try:
        arrays = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise StateError(f"{path} is not a whole .safetensors file ({error}); write or copy it again") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:  # It differs from version to version.
        raise StateError(f"{path} has a type that NumPy lacks ({error}); convert it to float32 first") from error
    if not set(arrays) - set(state_schema(spec)):
        read_state_and_metadata(path, spec)
    return _named_arrays("a .safetensors file", arrays)


def _named_arrays(what: str, arrays: Mapping[str, np.ndarray]) -> Checkpoint:
    """Return arrays of which their names alone say what they are."""
    tensors = {name: arrays[name] for name in sorted(arrays, key=natural_key)}
    # Layers named after their classes, as Keras and flax do it; `conv` in torch's names may be of any kind.
    has_kernels = any(split_name(name)[-1:] == ["kernel"] for name in tensors)
    kinds = {name: kind_of_class(split_name(name)[-2]) for name in tensors if has_kernels and len(split_name(name)) > 1}
    return Checkpoint(format=what, tensors=tensors, layout=None, is_ordered=False, kinds=kinds)
