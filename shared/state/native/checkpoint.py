"""What a checkpoint of another framework holds, in that framework's own names and layout; every format becomes this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.state.found_names import FoundTensor, Network, network_of, split_name
from gan_rosetta.shared.state.layouts import Layout
from gan_rosetta.shared.state.schema import OptimizerName
from gan_rosetta.shared.storage.opening import read_regular

# No dictionary in a file lies deeper in others than this, nor does a name have more steps.
MOST_LEVELS = 32
_LARGEST_EXPANSION = 2
# What our own files keep counters under that a format has no place for.
COUNTERS = "counters"


@dataclass(frozen=True, kw_only=True)
class FoundOptimizer:
    """An optimizer's slots and counter, as a file has them. counter: None where the file does not say.

    named: the slots of each parameter, by their names in the framework, and by the parameter's place among those in the
    file's order, or by its name. framework: whose names these are. in_rows: instead, arrays alone, in Keras's order.
    """

    counter: int | None
    named: Mapping[int | str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    framework: Literal["torch", "optax"] = "torch"
    in_rows: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a file holds. format: what it is, in words, after an article. tensors: of the networks, by name.

    layout: how the format keeps tensors, None where the names must tell. is_ordered: whether they come in the order in
    which the layers were made. kinds: of the layers that tensors are of, where the file says so. optimizers: by the
    file's own names; counters: further ones, by our optimizers' names.
    """

    format: str
    tensors: Mapping[str, np.ndarray]
    layout: Layout | None
    is_ordered: bool
    kinds: Mapping[str, str | None] = field(default_factory=dict)
    optimizers: Mapping[str, FoundOptimizer] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)

    def found(self) -> list[FoundTensor]:
        """Return the networks' tensors without their numbers."""
        return [
            FoundTensor(name=name, shape=tuple(array.shape), kind=self.kinds.get(name))
            for name, array in self.tensors.items()
        ]


def read_bounded(path: Path, /) -> bytes:
    """Return a file's bytes; raises StateError where there is none, or it is larger than the memory that is free."""
    available = psutil.virtual_memory().available
    try:
        return read_regular(path, most_bytes=available // _LARGEST_EXPANSION)
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror or error}; name a checkpoint's file") from None


def count_in(array: object, /) -> int:
    """Return the number of steps that an array of one entry holds; raises ValueError where it holds something else."""
    found = np.asarray(array)
    if found.size != 1 or found.dtype.kind not in "iuf" or not 0 <= (count := float(found.reshape(())[()])) < 2**62:
        raise ValueError(
            f"an optimizer's counter of shape {found.shape} and type {found.dtype}; expected a number of steps"
        )
    if count != int(count):
        raise ValueError(f"an optimizer has taken {count} steps; expected a whole number")
    return int(found.reshape(())[()])


def optimizer_of(name: str, /) -> OptimizerName | None:
    """Return which of our optimizers a name speaks of: `pretraining_optimizer`, `optD`, `generator/opt_state`.

    `joint_generator_optimizer` is of the third update, of both players.
    """
    if any("pretrain" in step.lower() for step in split_name(name)):
        return "pretraining"
    network: Network | None = network_of(name)
    if network is not None and any("joint" in step.lower() for step in split_name(name)):
        return "joint.generator" if network == "generator" else "joint.discriminator"
    return network


def optimizer_path(name: str, /) -> str | None:
    """Return the part of a name that names an optimizer, as `generator/opt_state`; None where none does."""
    steps = split_name(name)
    for place, step in enumerate(steps):
        if re.search(r"(?i)optimizer|(?:^|_)opt(?:_state)?$|^opt(?=[A-Z_])", step):
            return "/".join(steps[: place + 1])
    return None


def flattened(tree: Mapping[str, object], /) -> dict[str, object]:
    """Return what lies in dictionaries in one another, by names with slashes; raises ValueError if too deep."""
    found: dict[str, object] = {}
    pending: list[tuple[str, int, object]] = [("", 0, tree)]
    while pending:
        name, depth, value = pending.pop()
        if isinstance(value, Mapping):
            if depth > MOST_LEVELS:
                raise ValueError(f"dictionaries lie more than {MOST_LEVELS} deep in one another")
            children = [(f"{name}/{key}".removeprefix("/"), depth + 1, child) for key, child in value.items()]
            pending += reversed(children)
        else:
            found[name] = value
    return found
