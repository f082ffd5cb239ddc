"""Writes dictionaries of tensors as torch.save does, for torch.load(weights_only=True)."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_rosetta.shared.spec import Adadelta, Adagrad, Adam, GanSpec, Optimizer, RMSprop
from gan_rosetta.shared.state.layouts import torch_slots
from gan_rosetta.shared.state.native.checkpoint import COUNTERS
from gan_rosetta.shared.state.schema import (
    OptimizerName,
    counter_name,
    network_parameters,
    optimizers,
    slot_name,
    state_schema,
)

_STORAGES = {"f8": "DoubleStorage", "f4": "FloatStorage", "f2": "HalfStorage", "i8": "LongStorage"}
_FOLDER = "archive"
# The same bytes for the same state: a zip entry has a date.
_DATE = (1980, 1, 1, 0, 0, 0)


def torch_bytes(value: Mapping[str, Any], /) -> bytes:
    """Return the bytes of a file that torch.load reads as the value.

    value: dictionaries, lists, tuples, texts, numbers, True, False, None, and arrays of floating type or int64, which
    become tensors.
    """
    writer = _Writer()
    writer.value(value)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        entries = {
            "data.pkl": b"\x80\x02" + bytes(writer.content) + b".",
            "byteorder": b"little",
            **{f"data/{key}": storage for key, storage in enumerate(writer.storages)},
            "version": b"3\n",
        }
        for name, entry in entries.items():
            archive.writestr(zipfile.ZipInfo(f"{_FOLDER}/{name}", _DATE), entry)
    return content.getvalue()


class _Writer:
    """Makes a pickle of protocol 2 by hand: Python's own would import what it names. pickletools has the opcodes."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.storages: list[bytes] = []

    def value(self, value: Any, /) -> None:
        """Add a value."""
        if value is None or isinstance(value, bool):
            self.content += {None: b"N", True: b"\x88", False: b"\x89"}[value]
        elif isinstance(value, str):
            text = value.encode()
            self.content += b"X" + struct.pack("<I", len(text)) + text
        elif isinstance(value, int):
            whole = value.to_bytes((value.bit_length() // 8) + 1, "little", signed=True)
            self.content += b"\x8a" + bytes([len(whole)]) + whole
        elif isinstance(value, float):
            self.content += b"G" + struct.pack(">d", value)
        elif isinstance(value, np.ndarray):
            self._tensor(value)
        elif isinstance(value, Mapping):
            self.content += b"}("
            for key, entry in value.items():
                self.value(key)
                self.value(entry)
            self.content += b"u"
        elif isinstance(value, list | tuple):
            self.content += b"](" if isinstance(value, list) else b"("
            for entry in value:
                self.value(entry)
            self.content += b"e" if isinstance(value, list) else b"t"
        else:
            raise TypeError(f"torch files here hold no {type(value).__name__}")

    def _values(self, *values: Any) -> None:
        for value in values:
            self.value(value)

    def _tensor(self, array: np.ndarray) -> None:
        little = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
        storage = _STORAGES[little.dtype.str[1:]]
        strides = tuple(step // little.itemsize for step in little.strides)
        self.content += b"ctorch._utils\n_rebuild_tensor_v2\n((" + b"X\x07\x00\x00\x00storage"
        self.content += f"ctorch\n{storage}\n".encode()
        self._values(str(len(self.storages)), "cpu", little.size)
        self.content += b"tQ"
        self._values(0, little.shape, strides, False)
        self.content += b"ccollections\nOrderedDict\n)RtR"
        self.storages.append(little.tobytes())


def torch_tree(spec: GanSpec, state: Mapping[str, np.ndarray], networks: tuple[str, ...], /) -> dict[str, Any]:
    """Return a state as the dictionaries of a torch program: modules' and optimizers' state_dict().

    Of two networks `generator`, `discriminator`, `generator_optimizer` and so on; of one its state_dict alone, or, with
    an optimizer, `model_state_dict` and `optimizer_state_dict`. `counters`: those that no optimizer of torch keeps.
    """
    models = {
        network: {
            name.partition(".")[2]: state[name]
            for name, tensor in state_schema(spec).items()
            if tensor.network == network and tensor.role in ("parameter", "buffer") and name in state
        }
        for network in networks
    }
    trained = {name: pair for name, pair in optimizers(spec).items() if pair[0] in networks}
    held = {name: pair for name, pair in trained.items() if counter_name(name) in state}
    tree: dict[str, Any] = dict(models)
    if len(networks) == 1:
        tree = {"model_state_dict": models[networks[0]]} if held else models[networks[0]]
    for name, (network, optimizer) in held.items():
        is_own = len(networks) == 1 and name == network
        key = "optimizer_state_dict" if is_own else f"{name.replace('.', '_')}_optimizer"
        tree[key] = _optimizer_tree(spec, state, name, optimizer)
    counters = {name: int(state[counter_name(name)]) for name, (_, optimizer) in held.items() if not optimizer.slots}
    return tree | ({COUNTERS: counters} if counters else {})


def _optimizer_tree(
    spec: GanSpec, state: Mapping[str, np.ndarray], name: OptimizerName, optimizer: Optimizer
) -> dict[str, Any]:
    network, _ = optimizers(spec)[name]
    count = int(state[counter_name(name)])
    # As torch has it, unless float32 would stop counting.
    step = np.array(count, np.float32 if count < 2**24 else np.float64)
    parameters = network_parameters(spec, network)
    entries: dict[int, Any] = {}
    for place, parameter in enumerate(parameters):
        slots = {own: state[slot_name(name, parameter.name, slot)] for slot, own in torch_slots(optimizer).items()}
        if slots:
            entries[place] = {"step": step, **slots}
    decay = optimizer.weight_decay
    group = {"lr": optimizer.learning_rate.at(count), **_hyperparameters(optimizer), **_COMMON}
    group["weight_decay"] = 0 if decay is None else decay.share
    return {"state": entries, "param_groups": [group | {"params": list(range(len(parameters)))}]}


_COMMON = {"maximize": False, "foreach": None, "differentiable": False}


def _hyperparameters(optimizer: Optimizer) -> dict[str, Any]:
    """Return what torch's optimizer of that name is set to; load_state_dict takes it from the file."""
    if isinstance(optimizer, Adam):
        own = {"betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.epsilon}
        is_decoupled = optimizer.weight_decay is not None and optimizer.weight_decay.by == "parameter"
        own["amsgrad"] = optimizer.amsgrad != "no"
        return own | {"capturable": False, "fused": None, "decoupled_weight_decay": is_decoupled}
    if isinstance(optimizer, Adadelta):
        return {"rho": optimizer.rho, "eps": optimizer.epsilon, "capturable": False}
    if isinstance(optimizer, RMSprop):
        own = {"alpha": optimizer.rho, "eps": optimizer.epsilon, "momentum": optimizer.momentum}
        return own | {"centered": optimizer.centered, "capturable": False}
    if isinstance(optimizer, Adagrad):
        own = {"eps": optimizer.epsilon, "lr_decay": 0, "initial_accumulator_value": optimizer.initial_sum}
        return own | {"fused": None}
    return {"momentum": optimizer.momentum, "dampening": 0, "nesterov": optimizer.nesterov, "fused": None}
