"""States of flax as MessagePack: what flax.serialization.to_bytes leaves of variables, a TrainState, optax's states.

https://flax.readthedocs.io/en/latest/api_reference/flax.serialization.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.spec import Adadelta, Adagrad, Adam, ConstantRate, GanSpec, Optimizer, RMSprop
from gan_rosetta.shared.spec.optimizers import keeps_steps
from gan_rosetta.shared.state.found_names import class_names, kind_of_class, natural_key, split_name
from gan_rosetta.shared.state.layouts import OPTAX_SLOTS, optax_sign, optax_slots, tensor_to_layout
from gan_rosetta.shared.state.native.checkpoint import (
    COUNTERS,
    Checkpoint,
    FoundOptimizer,
    count_in,
    flattened,
    optimizer_path,
    read_bounded,
)
from gan_rosetta.shared.state.native.message_pack import pack, unpack
from gan_rosetta.shared.state.schema import counter_name, network_parameters, optimizers, parameter_name, slot_name
from gan_rosetta.shared.state.trees import COLLECTIONS

FORMAT = "a state of flax"
_CLASSES = {
    "linear": "Dense",
    "conv": "Conv",
    "conv_transpose": "ConvTranspose",
    "batch_norm": "BatchNorm",
    "group_norm": "GroupNorm",
    "minibatch": "MinibatchDiscrimination",
    "class_embedding": "Embed",
    "prelu": "PReLU",
    "scale": "Scale",
}
_PARTS = {"weight": "kernel", "bias": "bias", "running_mean": "mean", "running_var": "var"}
_WEIGHTS = {
    "batch_norm": "scale",
    "group_norm": "scale",
    "class_embedding": "embedding",
    "prelu": "negative_slope",
    "scale": "gamma",
}
_SLOTS = frozenset(OPTAX_SLOTS.values())
_MOST_IN_32_BITS = 2**31 - 1


def read_flax(path: Path, /) -> Checkpoint:
    """Read a state of flax; raises StateError for one that is broken."""
    try:
        value = unpack(read_bounded(path))
        if not isinstance(value, dict):
            raise ValueError(f"it holds one {type(value).__name__}")
        return _as_checkpoint(flattened(value))
    except ValueError as error:
        raise StateError(
            f"{path} is not taken as {FORMAT}: {error}; write it with flax.serialization.to_bytes, or copy it again"
        ) from None


def flax_bytes(spec: GanSpec, state: Mapping[str, np.ndarray], networks: tuple[str, ...], /) -> bytes:
    """Return the bytes of a state of flax: `params`, `batch_stats` and optax's `opt_state` of each network.

    Of two networks they lie in `generator` and `discriminator`. Counters that no optax state has are in `counters`.
    """
    tree: dict[str, Any] = {}
    counters: dict[str, int] = {}
    for network in networks:
        own = tree.setdefault(network, {}) if len(networks) > 1 else tree
        own |= {collection: entries for collection, entries in _collections(spec, state, network).items() if entries}
        for name, (trained, optimizer) in optimizers(spec).items():
            if trained != network or counter_name(name) not in state:
                continue
            own["opt_state" if name == network else f"{name.replace('.', '_')}_opt_state"] = _opt_state(
                spec, state, name, optimizer
            )
            if not isinstance(optimizer, Adam) and isinstance(optimizer.learning_rate, ConstantRate):
                counters[name] = int(state[counter_name(name)])
    return pack(tree | ({COUNTERS: counters} if counters else {}))


def _collections(spec: GanSpec, state: Mapping[str, np.ndarray], network: str) -> dict[str, Any]:
    params: dict[str, Any] = {}
    stats: dict[str, Any] = {}
    placed = {each.name: each.layer for each in spec.networks()[network].placed}
    for layer, name in class_names(spec.networks()[network], _CLASSES, numbers_the_first=True).items():
        for part in (*placed[layer].parameters(), *placed[layer].buffers()):
            canonical = parameter_name(network, layer, part)
            if canonical in state:
                home = params if part in placed[layer].parameters() else stats
                array = tensor_to_layout(spec, canonical, state[canonical], layout="flax")
                home.setdefault(name, {})[_part_name(placed[layer].kind, part)] = array
    return {"params": params, "batch_stats": stats}


def _part_name(kind: str, part: str) -> str:
    return _WEIGHTS.get(kind, _PARTS[part]) if part == "weight" else _PARTS[part]


def _opt_state(spec: GanSpec, state: Mapping[str, np.ndarray], name: str, optimizer: Optimizer) -> dict[str, Any]:
    """Return what optax's optimizer of that name keeps, chained: a state of each of its parts, by number.

    A weight decay keeps nothing, and has no place here.
    """
    network, _ = optimizers(spec)[name]  # type: ignore[index]
    names = class_names(spec.networks()[network], _CLASSES, numbers_the_first=True)
    placed = {each.name: each.layer for each in spec.networks()[network].placed}
    count = int(state[counter_name(name)])
    counter = np.array(count, np.int32 if count <= _MOST_IN_32_BITS else np.int64)
    slots: dict[str, Any] = {}
    native = optax_slots(optimizer)
    for parameter in network_parameters(spec, network):
        part = _part_name(placed[parameter.layer].kind, parameter.name.rpartition(".")[2])
        for slot in optimizer.slots:
            canonical = slot_name(name, parameter.name, slot)
            home = slots.setdefault(native[slot], {}).setdefault(names[parameter.layer], {})
            array = optax_sign(optimizer, slot) * state[canonical]
            home[part] = tensor_to_layout(spec, canonical, array, layout="flax")
    rate = {} if isinstance(optimizer.learning_rate, ConstantRate) else {"count": counter}
    if isinstance(optimizer, Adam):
        return {"0": {"count": counter, **slots}, "1": rate}
    if isinstance(optimizer, Adadelta):
        return {"0": {}, "1": slots, "2": rate}
    if isinstance(optimizer, Adagrad):
        return {"0": slots, "1": rate}
    # As optax.rmsprop and optax.sgd chain them, the momentum's trace before the rate or behind it.
    trace = [{"trace": slots.pop("trace")}] if "trace" in slots else []
    scale = [slots] if isinstance(optimizer, RMSprop) or not trace else []
    parts = [*scale, rate, *trace] if keeps_steps(optimizer) else [*scale, *trace, rate]
    return {str(place): part for place, part in enumerate(parts)}


def _as_checkpoint(values: Mapping[str, object]) -> Checkpoint:
    tensors: dict[str, np.ndarray] = {}
    kinds: dict[str, str | None] = {}
    counters: dict[str, int] = {}
    named: dict[str, dict[int | str, dict[str, np.ndarray]]] = {}
    counts: dict[str, set[int]] = {}
    for name in sorted(values, key=natural_key):
        value = values[name]
        steps = split_name(name)
        optimizer = optimizer_path(name)
        if steps[0] == COUNTERS and isinstance(value, int):
            counters[steps[-1]] = value
        elif optimizer is not None:
            named.setdefault(optimizer, {})
            if steps[-1] == "count":
                counts.setdefault(optimizer, set()).add(count_in(value))
            elif isinstance(value, np.ndarray):
                _add_slot(named[optimizer], steps, value)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0:
            path = "/".join(step for step in steps if step not in COLLECTIONS)
            tensors[path] = value
            kinds[path] = kind_of_class(steps[-2]) if len(steps) > 1 else None
    torn = {name: found for name, found in counts.items() if len(found) > 1}
    if torn:
        name, found = next(iter(torn.items()))
        raise ValueError(f"{name} has counted different numbers of steps: {sorted(found)}")
    if not tensors and not named:
        raise ValueError("it holds no arrays")
    found_optimizers = {
        name: FoundOptimizer(counter=next(iter(counts.get(name, set())), None), named=slots, framework="optax")
        for name, slots in named.items()
    }
    return Checkpoint(
        format=FORMAT,
        tensors=tensors,
        layout="flax",
        is_ordered=False,
        kinds=kinds,
        optimizers=found_optimizers,
        counters=counters,
    )


def _add_slot(slots: dict[int | str, dict[str, np.ndarray]], steps: list[str], array: np.ndarray) -> None:
    """Keep an array below one of optax's names for slots, by the name of its parameter."""
    places = [place for place, step in enumerate(steps) if step in _SLOTS]
    if places:
        parameter = "/".join(step for step in steps[places[-1] + 1 :] if step not in COLLECTIONS)
        slots.setdefault(parameter, {})[steps[places[-1]]] = array
