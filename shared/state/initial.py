"""The state that a run starts from: drawn from the seed, each tensor from a stream of its own name."""

from __future__ import annotations

import math

import numpy as np

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.spec import Constant, GanSpec, GlorotUniform, Initializer, Normal, NormalDirection, Uniform
from gan_rosetta.shared.state.schema import TensorSpec, state_schema

State = dict[str, np.ndarray]


def initial_state(spec: GanSpec, /, *, seed: int) -> State:
    """Return the initial state of a run: float64 arrays in canonical layout, counters as int64 scalars."""
    return {name: initial_tensor(tensor, seed=seed) for name, tensor in state_schema(spec).items()}


def initial_tensor(tensor: TensorSpec, /, *, seed: int) -> np.ndarray:
    """Return one tensor as it starts; counters and most slots start at 0, averages as what they follow."""
    if tensor.role == "counter":
        return np.zeros((), dtype=np.int64)
    initializer = tensor.initializer
    if initializer is None:
        return np.zeros(tensor.shape)
    if isinstance(initializer, Constant):
        return np.full(tensor.shape, float(initializer.value))
    label = f"initial/{tensor.tensor}"
    size = math.prod(tensor.shape)
    if isinstance(initializer, Normal):
        drawn = streams.normal(seed, label, first_step=0, num_steps=1, size=size) * initializer.standard_deviation
        drawn += initializer.mean
    elif isinstance(initializer, NormalDirection):
        drawn = streams.normal(seed, label, first_step=0, num_steps=1, size=size)
        # Elementwise, not by a BLAS, so that the numbers do not hang on which one NumPy has.
        drawn /= np.sqrt((drawn * drawn).sum())
    else:
        bound = uniform_bound(tensor, initializer)
        drawn = (2 * streams.uniform(seed, label, first_step=0, num_steps=1, size=size) - 1) * bound
    return drawn.reshape(tensor.shape)


def uniform_bound(tensor: TensorSpec, initializer: Initializer, /) -> float:
    """Return the bound of a uniform initializer's values in a tensor."""
    if isinstance(initializer, Uniform):
        return initializer.bound
    if isinstance(initializer, GlorotUniform):
        shape = tensor.shape
        both_fans = 2 * shape[0] if len(shape) == 1 else (shape[0] + shape[1]) * math.prod(shape[2:])
        return math.sqrt(6 / both_fans)
    return 1 / math.sqrt(tensor.fan_in)
