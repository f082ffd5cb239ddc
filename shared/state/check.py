"""Checks a state against the spec, naming each tensor that is missing, extra or misshapen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.initial import State, initial_tensor
from gan_rosetta.shared.state.schema import TensorSpec, state_schema

_OPTIONAL_ROLES = ("buffer", "slot", "counter", "average", "balance")
# Means of squares, whose roots are taken: Adam's second moment, Adadelta's two, BatchNorm's variance.
_SQUARES = {"slot": ("v", "square", "delta", "largest", "sum"), "buffer": ("running_var",)}
_NUM_SHOWN = 3


def check_state(state: Mapping[str, np.ndarray], spec: GanSpec, /) -> None:
    """Raise StateError, naming the first fault, unless the state has exactly the spec's tensors and shapes."""
    schema = state_schema(spec)
    missing = [name for name in schema if name not in state]
    extra = [name for name in state if name not in schema]
    if missing and extra:
        raise StateError(
            f"state of {spec.name!r} lacks {_some(missing)}, and has {_some(extra)} in their place; rename its "
            "tensors, or let `gan-rosetta convert` find which is which"
        )
    if missing:
        raise StateError(f"state of {spec.name!r} lacks {_listed(missing)}; expected {len(schema)} tensors")
    if extra:
        raise StateError(f"state of {spec.name!r} has {_listed(extra)}, which the GAN does not; remove it")
    for name, tensor in schema.items():
        array = state[name]
        if tuple(array.shape) != tensor.shape:
            raise StateError(f"{name} of {spec.name!r} has shape {tuple(array.shape)}; expected {tensor.shape}")
        expected = "an integer" if tensor.role == "counter" else "a floating-point"
        kind = np.issubdtype(array.dtype, np.integer if tensor.role == "counter" else np.floating)
        if not kind:
            raise StateError(f"{name} of {spec.name!r} has dtype {array.dtype}; expected {expected} type")
        if tensor.role == "counter" and int(array) < 0:
            raise StateError(f"{name} of {spec.name!r} is {int(array)}; expected 0 or more")


def complete_state(state: Mapping[str, np.ndarray], spec: GanSpec, /, *, must_be_finite: bool = True) -> State:
    """Return a whole state from one read from a file, checked; raises StateError.

    All BatchNorm buffers, or all of one optimizer's slots and counter, may be left out together: they then start as
    they do in a fresh run; so may a moving average, which then starts from G as it is, and the balance of a loss. A
    parameter may not, nor may a part of such a group. must_be_finite: False for a state that a run of ours left, which
    holds whatever the run came to.
    """
    schema = state_schema(spec)
    whole = {name: np.array(array) for name, array in with_what_may_lack(state, spec).items()}
    bad = [name for name, array in whole.items() if not np.all(np.isfinite(array))]
    if bad and must_be_finite:
        raise StateError(
            f"state of {spec.name!r} has non-finite numbers in {_listed(bad)}; a run from there shows nothing, so give "
            "one of finite numbers"
        )
    negative = [name for name, tensor in schema.items() if _is_square(tensor) and np.any(whole[name] < 0)]
    if negative:
        raise StateError(
            f"state of {spec.name!r} has numbers below 0 in {_listed(negative)}, a mean of squares whose root is "
            "taken; expected 0 or more"
        )
    return {name: whole[name] for name in schema}


def with_what_may_lack(state: Mapping[str, np.ndarray], spec: GanSpec, /) -> State:
    """Return a state with the tensors that may be left out, its own as they are; raises StateError as check_state."""
    schema = state_schema(spec)
    groups: dict[str, list[str]] = {}
    for name, tensor in schema.items():
        if tensor.role in _OPTIONAL_ROLES:
            group = "buffers" if tensor.role == "buffer" else ".".join(name.split(".")[:2])
            groups.setdefault(group, []).append(name)
    whole = dict(state)
    for names in groups.values():
        if not any(name in state for name in names):
            whole |= {name: _missing(schema[name], whole) for name in names}
    check_state(whole, spec)
    return whole


def _missing(tensor: TensorSpec, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what stands for a tensor that is left out; buffers come before the averages that follow them."""
    if tensor.role == "average" and tensor.tensor in state:
        return np.array(state[tensor.tensor])
    return initial_tensor(tensor, seed=0)


def _is_square(tensor: TensorSpec) -> bool:
    role = "buffer" if tensor.role == "average" else tensor.role
    return tensor.name.rpartition(".")[2] in _SQUARES.get(role, ())


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NUM_SHOWN])
    return shown if len(names) <= _NUM_SHOWN else f"{shown} and {len(names) - _NUM_SHOWN} more"


def _listed(names: list[str]) -> str:
    return f"{names[0]!r}" if len(names) == 1 else f"{names[0]!r} and {len(names) - 1} more"
