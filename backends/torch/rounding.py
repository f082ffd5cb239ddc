"""Rounds the result of every operation of a program at random, by torch's dispatch mode: how far rounding takes it.

As the reference's copies do it (backends/numpy/rounding.py): x becomes x (1 + ε ξ), with ξ ~ U(-1, 1) drawn afresh. A
sum of n terms moves by as much of the sum of their sizes, and √(n / 3) times as much of itself, which is what adding
them one by one does, whether they cancel or not. Torch's own generator is left alone.
https://docs.pytorch.org/docs/stable/notes/extending.html#extending-torch-native-api
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

# What every framework gets exactly: numbers that are moved, chosen, made of nothing or drawn.
# fmt: off
_EXACT = frozenset((
    "detach", "alias", "clone", "copy", "_to_copy", "lift_fresh", "set", "resize", "fill", "zero", "zeros",
    "zeros_like", "ones", "ones_like", "full", "full_like", "new_zeros", "new_ones", "new_full", "new_empty",
    "new_empty_strided", "empty", "empty_like", "empty_strided", "scalar_tensor", "arange", "eye", "neg", "abs",
    "relu", "threshold_backward", "sign", "sgn", "maximum", "minimum", "max", "min", "amax", "amin", "clamp",
    "clamp_min", "clamp_max", "hardtanh", "where", "masked_fill", "masked_scatter", "cat", "stack", "index",
    "index_select", "gather", "scatter", "index_put", "slice_backward", "select_backward", "slice_scatter",
    "select_scatter", "embedding", "flip", "roll", "repeat", "tril", "triu", "sort", "topk", "constant_pad_nd",
    "_unsafe_view", "max_pool2d_with_indices", "max_pool2d_with_indices_backward", "upsample_nearest2d", "rand",
    "rand_like", "randn", "randn_like", "uniform", "normal", "bernoulli", "random", "randint", "randperm",
    "native_dropout", "_local_scalar_dense",
))
# fmt: on
_SUMS = frozenset(
    ("mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot", "sum", "mean", "convolution", "convolution_backward")
)
_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("sigmoid", "_softmax"), (0.0, 1.0)),
    **dict.fromkeys(("tanh", "sin", "cos", "erf"), (-1.0, 1.0)),
}
_FEW_TERMS = 3


class RandomRounding(TorchDispatchMode):
    """While it is entered, rounds at random. least_epsilon: the least spacing to round to, of a coarser program's type.

    count: how many results were rounded so far.
    """

    def __init__(self, *, seed: int, coarseness: float = 1.0, least_epsilon: float = 0.0) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)
        self._coarseness, self._least = coarseness, least_epsilon
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation and round what it gives, or, in place, what it writes to; views stay views."""
        del types
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__.removesuffix("_")
        sizes: Any = None
        num_terms = 1.0
        if name in _SUMS and not func._schema.is_mutable:
            sizes = func(*tree_map(_size, args), **tree_map(_size, dict(kwargs)))
        result = func(*args, **kwargs)
        if name in _EXACT or any(_is_view(returned) for returned in func._schema.returns):
            return result
        if func._schema.is_mutable:
            for tensor in _written(func, args, kwargs):
                if tensor.is_floating_point():
                    tensor.copy_(self._rounded(tensor, None, name, num_terms))
            return result
        if sizes is None:
            return tree_map(lambda each: self._rounded(each, None, name, 1.0), result)
        num_terms = _num_terms(name, args, result)
        if isinstance(result, Tensor):
            return self._rounded(result, sizes, name, num_terms)
        pairs = zip(result, sizes, strict=True)
        return type(result)(self._rounded(each, size, name, num_terms) for each, size in pairs)

    def _rounded(self, value: Any, size: Tensor | None, name: str, num_terms: float) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        self.count += 1
        epsilon = max(torch.finfo(value.dtype).eps, self._least) * self._coarseness
        # Drawn on the host, where the generator is.
        draws = torch.rand(value.shape, generator=self._generator, dtype=torch.float64) * (2 * epsilon) - epsilon
        amount = (
            value.abs() if size is None else size + math.sqrt(max(num_terms, _FEW_TERMS) / _FEW_TERMS) * value.abs()
        )
        moved = value + (draws.to(value.device) * amount.double()).to(value.dtype)
        if name in _RANGES:
            moved = moved.clamp(*_RANGES[name])
        return torch.where(value.isfinite(), moved, value)


def _size(value: Any) -> Any:
    return value.abs() if isinstance(value, Tensor) and value.is_floating_point() else value


def _is_view(returned: Any) -> bool:
    return returned.alias_info is not None and not returned.alias_info.is_write


def _written(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[place] if place < len(args) else kwargs.get(argument.name)
            yield from (each for each in tree_leaves(value) if isinstance(each, Tensor))


def _num_terms(name: str, args: Sequence[Any], result: Any) -> float:
    """Return how many terms each entry of a sum has, of a convolution's gradients roughly."""
    if name in ("sum", "mean"):
        return float(args[0].numel() / max(1, result.numel()))
    if name == "convolution":
        return float(args[2].numel() / args[2].shape[0])
    if name == "convolution_backward":
        return float(args[0].numel() / args[0].shape[1])
    return float(args[1 if name.startswith(("add", "badd")) else 0].shape[-1])
