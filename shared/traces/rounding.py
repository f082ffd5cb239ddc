"""How a program rounds at random while it runs again: each result, or, where those are out of reach, its parameters."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.state.trees import map_tree
from gan_rosetta.shared.workers.registry import load_program_module

# Frameworks that let others round their results, by the name to be shown.
ROUNDED = {"torch": "torch", "jax": "JAX"}
_NUDGED_IN = ("numpy", "jax", "jaxlib", "tensorflow", "mxnet")


class Rounding:
    """Rounds a process's numbers at random. coarseness: how many times as coarsely as the type does.

    least_epsilon: the least spacing to round to, of the coarser type of the two programs.
    """

    def __init__(self, *, seed: int, coarseness: float, least_epsilon: float) -> None:
        self.seed, self.coarseness, self.least_epsilon = seed, coarseness, least_epsilon
        self._generator = np.random.default_rng(seed)
        self._modes: dict[str, Any] = {}
        self._num_nudged = 0

    def start(self) -> None:
        """Round the results of operations from now on, of the frameworks that the program has imported by now."""
        for name in ROUNDED:
            if name not in self._modes and name in sys.modules:
                program: Any = load_program_module(BACKENDS[name])
                self._modes[name] = program.round_operations(
                    seed=self.seed, coarseness=self.coarseness, least_epsilon=self.least_epsilon
                )

    def nudged(self, value: Any, /) -> Any:
        """Return a value with each floating number in another last place.

        As they are come torch's tensors, and JAX's arrays once anything of JAX was rounded: code that was compiled
        before the trace began is not.
        """
        return map_tree(value, self._nudged)

    def stop(self) -> dict[str, int]:
        """Round no more; returns how many results of each framework were rounded, and how many values were nudged."""
        for mode in self._modes.values():
            mode.__exit__(None, None, None)
        return {**{name: mode.count for name, mode in self._modes.items()}, "nudged": self._num_nudged}

    def _nudged(self, value: Any) -> Any:
        if isinstance(value, float):
            self._num_nudged += 1
            return value * (1 + self._epsilon(np.float64) * self._generator.uniform(-1, 1))
        if not _is_nudged(value) or self._is_rounded(value):
            return value
        dtype = np.dtype(getattr(value.dtype, "as_numpy_dtype", value.dtype))
        if not np.issubdtype(dtype, np.floating):
            return value
        self._num_nudged += 1
        factors = 1 + self._epsilon(dtype) * self._generator.uniform(-1, 1, tuple(value.shape))
        if type(value).__module__.partition(".")[0] == "mxnet":
            mxnet: Any = load_program_module(BACKENDS["mxnet"])
            return value * mxnet.to_tensor(factors.astype(dtype), device="cpu")
        return value * factors.astype(dtype)

    def _is_rounded(self, value: Any) -> bool:
        mode = self._modes.get("jax")
        return mode is not None and isinstance(value, sys.modules["jax"].Array) and bool(mode.count)

    def _epsilon(self, dtype: Any) -> float:
        return max(float(np.finfo(dtype).eps), self.least_epsilon) * self.coarseness


def is_of_torch(value: Any, /) -> bool:
    """Whether something is torch's, whose operations are rounded one by one."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor | torch.nn.Module)


def _is_nudged(value: Any) -> bool:
    module = type(value).__module__.partition(".")[0]
    # A variable is no value: it is changed by whoever holds it.
    return module in _NUDGED_IN and hasattr(value, "dtype") and not hasattr(value, "assign")
