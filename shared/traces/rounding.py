"""How a program rounds at random while it runs again: each result, or, where those are out of reach, its parameters."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.state.trees import map_tree
from gan_rosetta.shared.workers.registry import load_program_module

_NUDGED_IN = ("numpy", "jax", "jaxlib", "tensorflow", "mxnet")


class Rounding:
    """Rounds a process's numbers at random. coarseness: how many times as coarsely as the type does.

    least_epsilon: the least spacing to round to, of the coarser type of the two programs.
    """

    def __init__(self, *, seed: int, coarseness: float, least_epsilon: float) -> None:
        self.seed, self.coarseness, self.least_epsilon = seed, coarseness, least_epsilon
        self._generator = np.random.default_rng(seed)
        self._mode: Any = None
        self._num_nudged = 0

    def start(self) -> None:
        """Round the results of torch's operations from now on, where the program has imported torch by now."""
        if self._mode is None and "torch" in sys.modules:
            torch: Any = load_program_module(BACKENDS["torch"])
            self._mode = torch.round_operations(
                seed=self.seed, coarseness=self.coarseness, least_epsilon=self.least_epsilon
            )

    def nudged(self, value: Any, /) -> Any:
        """Return a value with each floating number in another last place; torch's tensors, which are rounded, as is."""
        return map_tree(value, self._nudged)

    def stop(self) -> dict[str, int]:
        """Round no more; returns how many results were rounded, and how many values were nudged."""
        num_operations = 0
        if self._mode is not None:
            self._mode.__exit__(None, None, None)
            num_operations = self._mode.count
        return {"operations": num_operations, "nudged": self._num_nudged}

    def _nudged(self, value: Any) -> Any:
        if isinstance(value, float):
            self._num_nudged += 1
            return value * (1 + self._epsilon(np.float64) * self._generator.uniform(-1, 1))
        if not _is_nudged(value):
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
