"""Keras's .weights.h5, .h5 and .keras. Layers lie in groups, each with its variables by number.

https://keras.io/api/models/model_saving_apis/; keras/src/saving/saving_lib.py. HDF5 is read by h5py, the one well-kept
reader that there is; only what Keras writes is looked at, and the program that a .keras describes is not built.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import StateError, UsageError
from gan_rosetta.shared.spec import ConstantRate, GanSpec
from gan_rosetta.shared.state.found_names import class_names, kind_of_class, natural_key, split_name
from gan_rosetta.shared.state.layouts import keras_rows, keras_sign, tensor_to_layout
from gan_rosetta.shared.state.native.checkpoint import (
    MOST_LEVELS,
    Checkpoint,
    FoundOptimizer,
    count_in,
    optimizer_path,
    read_bounded,
)
from gan_rosetta.shared.state.schema import counter_name, network_parameters, optimizers, parameter_name, slot_name

FORMAT = "a file of Keras's weights"
WEIGHTS = "model.weights.h5"
_CLASSES = {
    "linear": "dense",
    "conv": "conv2d",
    "conv_transpose": "conv2d_transpose",
    "batch_norm": "batch_normalization",
    "group_norm": "group_normalization",
    "minibatch": "minibatch_discrimination",
    "class_embedding": "embedding",
    "prelu": "p_re_lu",
    "scale": "scale",
}
_MOST_OBJECTS = 20_000


def read_keras(path: Path, /) -> Checkpoint:
    """Read a file of Keras's weights, or a whole model's; raises StateError for one that is broken or hides others."""
    h5py = _h5py()
    try:
        content = _weights_of(path, read_bounded(path))
        with h5py.File(io.BytesIO(content), "r") as file:
            variables = {name: _array(data, name) for name, data in _datasets(file, h5py)}
            return _as_checkpoint(variables)
    except StateError:
        raise
    except Exception as error:  # What HDF5 and zipfile raise for broken bytes is a long list, and grows.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StateError(
            f"{path} is not taken as {FORMAT}: {reason}; write it with Keras's save_weights or save, or copy it again"
        ) from None


def keras_bytes(spec: GanSpec, state: Mapping[str, np.ndarray], networks: tuple[str, ...], /) -> bytes:
    """Return the bytes of a .weights.h5 with a state's tensors.

    Of two networks it is what a keras.Model leaves whose attributes are `generator` and `discriminator`, models of
    Keras's own layers, and `generator_optimizer` and so on; of one, what that model leaves, its optimizer `optimizer`.
    """
    h5py = _h5py()
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, entries in _variables(spec, state, networks).items():
            group = file.create_group(f"{name}/vars")
            group.attrs["name"] = name.rpartition("/")[2]
            for place, array in enumerate(entries):
                group.create_dataset(str(place), data=array)
    return content.getvalue()


def _variables(
    spec: GanSpec, state: Mapping[str, np.ndarray], networks: tuple[str, ...]
) -> dict[str, list[np.ndarray]]:
    found: dict[str, list[np.ndarray]] = {}
    for network in networks:
        prefix = f"{network}/" if len(networks) > 1 else ""
        placed = {each.name: each.layer for each in spec.networks()[network].placed}
        for layer, name in class_names(spec.networks()[network], _CLASSES, numbers_the_first=False).items():
            parts = [*placed[layer].parameters(), *placed[layer].buffers()]
            names = [parameter_name(network, layer, part) for part in parts]
            arrays = [tensor_to_layout(spec, each, state[each], layout="keras") for each in names if each in state]
            if arrays:
                found[f"{prefix}layers/{name}"] = arrays
    for name, (network, optimizer) in optimizers(spec).items():
        if network not in networks or counter_name(name) not in state:
            continue
        is_own = len(networks) == 1 and name == network
        whole = "optimizer" if is_own else f"{name.replace('.', '_')}_optimizer"
        count = state[counter_name(name)]
        entries = [np.array(count, np.int64)]
        if isinstance(optimizer.learning_rate, ConstantRate):  # A schedule has no variable.
            entries.append(np.array(optimizer.learning_rate.at(int(count)), np.float32))
        rows = keras_rows(optimizer, [parameter.name for parameter in network_parameters(spec, network)])
        for parameter, slot in rows:
            canonical = slot_name(name, parameter, slot)
            array = keras_sign(optimizer, slot) * state[canonical]
            entries.append(tensor_to_layout(spec, canonical, array, layout="keras"))
        found[whole] = entries
    return found


def _h5py() -> Any:
    try:
        import h5py  # noqa: PLC0415 - only files of Keras need it
    except ImportError:
        raise UsageError("files of Keras need h5py: pip install 'gan-rosetta[keras]'") from None
    return h5py


def _weights_of(path: Path, content: bytes) -> bytes:
    """Return the HDF5 file itself, taken out of a .keras; its other files, which describe a program, are not read."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    archive = zipfile.ZipFile(io.BytesIO(content))
    if WEIGHTS not in archive.namelist():
        raise ValueError(f"the archive has no {WEIGHTS}")
    member = archive.getinfo(WEIGHTS)
    # Keras does not compress, and what is compressed can be a thousand times as large as the file.
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > len(content):
        raise ValueError(f"{WEIGHTS} in {path.name} is compressed, as Keras leaves nothing")
    return archive.read(member)


def _datasets(file: Any, h5py: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a file by their paths; raises ValueError for links, which may lead to other files."""
    pending = [("", file, 0)]
    seen: set[Any] = set()
    num_objects = 0
    while pending:
        path, group, depth = pending.pop()
        address = h5py.h5o.get_info(group.id).addr
        if depth > MOST_LEVELS or address in seen:
            raise ValueError(f"groups that lie in themselves, or more than {MOST_LEVELS} deep in one another")
        seen.add(address)
        for name in group:
            num_objects += 1
            if num_objects > _MOST_OBJECTS:
                raise ValueError(f"more than {_MOST_OBJECTS:,} arrays and groups")
            if group.get(name, getclass=True, getlink=True) is not h5py.HardLink:
                raise ValueError(f"{path}/{name} is a link to somewhere else, which is not followed")
            found = group[name]
            if isinstance(found, h5py.Group):
                pending.append((f"{path}/{name}".lstrip("/"), found, depth + 1))
            elif isinstance(found, h5py.Dataset):
                yield f"{path}/{name}".lstrip("/"), found


def _array(data: Any, name: str) -> np.ndarray:
    if data.external or data.is_virtual:
        raise ValueError(f"{name} lies in another file, which is not opened")
    if data.shape is None or data.dtype.kind not in "fiub":
        raise ValueError(f"{name} has type {data.dtype}; expected numbers")
    stored, said = data.id.get_storage_size(), math.prod(data.shape) * data.dtype.itemsize
    if stored < said:
        raise ValueError(f"{name} says that it has {said:,} bytes, and {stored:,} are there")
    return np.array(data)


def _as_checkpoint(variables: Mapping[str, np.ndarray]) -> Checkpoint:
    tensors: dict[str, np.ndarray] = {}
    kinds: dict[str, str | None] = {}
    rows: dict[str, list[np.ndarray]] = {}
    for name in sorted(variables, key=natural_key):
        steps = split_name(name)
        array = variables[name]
        optimizer = optimizer_path(name)
        if optimizer is not None and steps[-2:-1] == ["vars"]:
            rows.setdefault(optimizer, []).append(array)
        elif optimizer is None and array.dtype.kind == "f" and array.ndim > 0:  # Not a metric, nor a seed.
            tensors[name] = array
            layer = steps[-3] if steps[-2:-1] == ["vars"] and len(steps) > 2 else steps[-2] if len(steps) > 1 else ""
            kinds[name] = kind_of_class(layer)
    if not tensors and not rows:
        raise ValueError("it holds no weights")
    optimizers_found = {name: _optimizer(entries) for name, entries in rows.items()}
    return Checkpoint(
        format=FORMAT, tensors=tensors, layout="keras", is_ordered=False, kinds=kinds, optimizers=optimizers_found
    )


def _optimizer(entries: list[np.ndarray]) -> FoundOptimizer:
    """Take apart what an optimizer of Keras leaves: its counter, its learning rate if no schedule, its slots."""
    count, *rest = entries
    has_rate = bool(rest) and rest[0].ndim == 0
    return FoundOptimizer(counter=count_in(count), in_rows=tuple(rest[1:] if has_rate else rest))
