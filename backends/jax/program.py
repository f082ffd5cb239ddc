"""A program from outside in JAX: what it is fed, and the pytrees that its networks are: dictionaries, lists, tuples.

A network is a function with its parameters as an argument, and so is an optimizer: there is nothing that keeps them, or
that a hook could be put into. What becomes of them, and what a layer gives, the program tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_rosetta.backends.jax.device import check_device, native_device
from gan_rosetta.backends.jax.flax_modules import (
    array_of,
    by_path,
    call_module,
    is_module,
    module_tensors,
    named_variables,
)
from gan_rosetta.backends.jax.reading_chains import keeps_added_steps
from gan_rosetta.backends.jax.rounding import RandomRounding
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Momentum, PassObserver, ProgramSlots, ProgramTensor
from gan_rosetta.shared.state.trees import is_tree, tree_arrays, tree_tensors

_ADAM = {"m": "mu", "v": "nu"}
_SLOTS: Mapping[type, Mapping[str, str]] = {
    optax.TraceState: {"momentum": "trace"},
    optax.ScaleByAdamState: _ADAM,
    optax.ScaleByAmsgradState: {**_ADAM, "largest": "nu_max"},
    optax.ScaleByRssState: {"sum": "sum_of_squares"},
    optax.ScaleByRmsState: {"square": "nu"},
    optax.ScaleByRStdDevState: {"square": "nu", "mean": "mu"},
    optax.ScaleByAdaDeltaState: {"square": "e_g", "delta": "e_x"},
}


def to_tensor(array: np.ndarray, /, *, device: str) -> Any:
    """Return a copy of an array as one of JAX's, of its type, on "cpu" or "cuda"; raises UsageError."""
    check_device(device)
    if array.dtype == np.float64 and not jax.config.read("jax_enable_x64"):
        raise UsageError(
            "JAX makes float32 of float64 unless told otherwise: jax.config.update('jax_enable_x64', True) before the "
            "case is made, or make the case with dtype='float32'"
        )
    with jax.default_device(native_device(device)):
        return jnp.array(array)


def is_network(found: Any, /) -> bool:
    """Whether something is a module of flax.nnx, or a pytree of containers with arrays of JAX's and nothing else."""
    if is_module(found):
        return True
    return is_tree(found) and any(isinstance(array, jax.Array) for _, array in tree_arrays(found))


def keeps_its_state(network: Any, /) -> bool:
    """A pytree is what it was when it was made, each update makes another; a module has its variables as they are."""
    return is_module(network)


def layout(network: Any, /) -> str | None:
    """Return flax's layout for a module of it; of arrays alone, names and shapes tell how they are laid out."""
    return "flax" if is_module(network) else None


def is_ordered(network: Any, /) -> bool:
    """JAX sorts the keys of dictionaries as pytrees go through its functions; a module's come as they were made."""
    return is_module(network)


def tensors(network: Any, /) -> list[ProgramTensor]:
    """Return the variables of a module, or the arrays of a pytree, which, written to, has others in their places."""
    return module_tensors(network) if is_module(network) else tree_tensors(network, make=jnp.array)


def call(network: Any, inputs: np.ndarray, /, *classes: np.ndarray) -> np.ndarray:
    """Return the output of a module's pass in training mode; buffers are as they were. classes: (B,), if any."""
    return call_module(network, inputs, *classes)


def watch_network(network: Any, observer: PassObserver, /) -> NoReturn:
    """Raise UsageError: a module is traced where a program compiles its step, and its passes cannot be seen."""
    del observer
    raise UsageError(
        f"a {type(network).__name__} of flax.nnx is not watched, since a compiled step does not call it; give its "
        "arrays, nnx.to_pure_dict(nnx.state(network)), and tell of each step what they have become"
    )


def slots(network: Any, optimizer: Any, /) -> ProgramSlots:
    """Return what an optimizer of flax's keeps, and its counter."""
    shapes = {name: array_of(variable).shape for name, variable in named_variables(network)}
    found: dict[tuple[str, str], np.ndarray] = {}
    for kind, part in _parts(optimizer.opt_state):
        for slot, own in _SLOTS.get(kind, {}).items():
            for name, variable in by_path(getattr(part, own)).items():
                array = np.array(array_of(variable))
                if shapes.get(name) == array.shape:
                    found[name, slot] = array
    momentum: Momentum = "added_step" if keeps_added_steps(optimizer.tx) else "direction"
    return ProgramSlots(slots=found, counter=int(array_of(optimizer.step)), momentum=momentum)


def round_operations(*, seed: int, coarseness: float, least_epsilon: float) -> RandomRounding:
    """Round the result of every operation that JAX compiles from now on until what is returned is left."""
    return RandomRounding(seed=seed, coarseness=coarseness, least_epsilon=least_epsilon).__enter__()


def _parts(state: Any) -> Iterator[tuple[type, Any]]:
    """Yield what the transformations of a chain keep, each with its kind."""
    if type(state) is tuple:
        for each in state:
            yield from _parts(each)
    else:
        yield type(state), state
