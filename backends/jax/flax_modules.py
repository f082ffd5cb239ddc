"""The modules of flax.nnx as a program's networks: their variables by name, and a pass."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_rosetta.backends.jax.device import with_float64
from gan_rosetta.shared.interface import ProgramTensor
from gan_rosetta.shared.state.found_names import kind_of_class


def is_module(found: Any, /) -> bool:
    """Whether something is a module of flax.nnx, where a program has imported that."""
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(found, nnx.Module)


def array_of(variable: Any, /) -> Any:
    """Return what a variable of flax's keeps; what it is called has changed from one version to the next."""
    return variable.get_value() if hasattr(variable, "get_value") else variable.value


def put_array(variable: Any, array: Any, /) -> None:
    """Have a variable of flax's keep an array, of whatever type."""
    if hasattr(variable, "set_value"):
        variable.set_value(array)
    else:
        variable.value = array


def named_modules(network: Any, path: str = "", /) -> Iterator[tuple[str, Any]]:
    """Yield a module and those within it, in the order in which they were made, with their paths."""
    if is_module(network):
        yield path, network
        parts = [(name, value) for name, value in vars(network).items() if not name.startswith("_")]
    elif isinstance(network, list | tuple):
        parts = [(str(place), value) for place, value in enumerate(network)]
    elif isinstance(network, dict):
        parts = [(str(name), value) for name, value in network.items()]
    else:
        return
    for name, value in parts:
        yield from named_modules(value, f"{path}.{name}" if path else name)


def named_variables(network: Any, /) -> Iterator[tuple[str, Any]]:
    """Yield a module's parameters and running averages, with their names."""
    nnx = sys.modules["flax.nnx"]
    for path, module in named_modules(network):
        for name, value in vars(module).items():
            if isinstance(value, nnx.Param | nnx.BatchStat) and array_of(value) is not None:
                yield f"{path}.{name}" if path else name, value


def by_path(variables: Any, /) -> dict[str, Any]:
    """Return the variables of a state of flax's by their paths, as flax_modules names them."""
    nnx = sys.modules["flax.nnx"]
    return {".".join(map(str, path)): variable for path, variable in nnx.to_flat_state(variables)}


def module_tensors(network: Any, /) -> list[ProgramTensor]:
    """Return a module's parameters and buffers."""
    kinds = {path: type(module).__name__ for path, module in named_modules(network)}
    return [
        ProgramTensor(
            name=name,
            kind=kind_of_class(kinds[name.rpartition(".")[0]]),
            shape=tuple(array_of(variable).shape),
            read=_reader(variable),
            write=_writer(variable),
        )
        for name, variable in named_variables(network)
    ]


def call_module(network: Any, inputs: np.ndarray, /, *classes: np.ndarray) -> np.ndarray:
    """Return the output of a pass in training mode; buffers are as they were. classes: (B,), if any."""
    kept = [(variable, array_of(variable)) for _, variable in named_variables(network)]
    try:
        with with_float64(inputs.dtype == np.float64):
            return np.array(network(jnp.array(inputs), *map(jnp.array, classes)), order="C")
    finally:
        for variable, value in kept:
            put_array(variable, value)


def _reader(variable: Any) -> Callable[[], np.ndarray]:
    return lambda: np.array(array_of(variable))


def _writer(variable: Any) -> Callable[[np.ndarray], None]:
    def write(array: np.ndarray) -> None:
        with with_float64(array.dtype == np.float64):
            put_array(variable, jax.device_put(array))

    return write
