"""Rounds the result of every operation of a program at random, as JAX lowers it: how far rounding takes it.

As torch's programs are rounded (backends/torch/rounding.py): x becomes x (1 + ε ξ), with ξ in [-1, 1), and a sum moves
by as much of the sum of its terms' sizes too. It is done where an equation of a jaxpr becomes code for XLA, where all
come by, once derivatives are taken and batches mapped: eager operations, what is jitted, and the bodies of scan, while
and cond. Code that is compiled once has no generator to draw from, so ξ is a hash of the result's own bits, its place
and the seed: like rounding itself it is another for other numbers, and for the same the same.

JAX has no public hook there, so that a version which lowers otherwise is not rounded, and that is found out first.
https://docs.jax.dev/en/latest/autodidax.html#part-3-jit-simplified
"""

from __future__ import annotations

import importlib
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import jax
import jax.extend.core
import jax.interpreters.mlir
import numpy as np
from jax import lax

_LOWERING = "jax._src.interpreters.mlir"
_LOWER = "lower_per_platform"

# What every framework gets exactly: numbers that are moved, chosen, made of nothing or drawn.
# fmt: off
_EXACT = frozenset((
    "broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "concatenate", "pad", "slice", "split", "rev",
    "dynamic_slice", "dynamic_update_slice", "gather", "scatter", "select_n", "select_and_gather_add", "sort", "top_k",
    "copy", "copy_p", "convert_element_type", "bitcast_convert_type", "reduce_precision", "real", "imag", "iota", "neg",
    "abs", "sign", "max", "min", "clamp", "floor", "ceil", "round", "nextafter", "reduce_max", "reduce_min",
    "reduce_window_max", "reduce_window_min", "cummax", "cummin", "scatter_max", "scatter_min", "device_put",
    "optimization_barrier", "stop_gradient", "empty", "empty2", "full", "zeros_like", "mesh_cast", "reshard",
    "sharding_constraint", "layout_constraint", "shard_alike", "pbroadcast", "pvary", "pmax", "pmin", "ppermute",
    "all_gather", "all_to_all", "rng_uniform", "random_wrap", "random_unwrap",
))
# fmt: on
# fmt: off
_SUMS = frozenset((
    "dot_general", "conv_general_dilated", "reduce_sum", "cumsum", "reduce_window_sum", "select_and_scatter_add",
    "scatter_add",
))
# fmt: on
# Operations that are given how two numbers make one: not programs that call operations.
_REDUCERS = frozenset(("reduce", "reduce_window", "select_and_scatter", "scatter_mul", "scatter_sub"))
_RANGES: dict[str, tuple[float, float]] = {
    "logistic": (0.0, 1.0),
    **dict.fromkeys(("tanh", "sin", "cos", "erf"), (-1.0, 1.0)),
}
_FEW_TERMS = 3
# jax.random compiles these; numbers that are drawn are the same however they are rounded.
# fmt: off
_DRAWN = frozenset((
    "uniform", "normal", "normal_real", "bernoulli", "truncated_normal", "gumbel", "exponential", "laplace",
    "gamma", "cauchy", "rademacher", "dirichlet", "poisson", "t", "chisquare", "f", "pareto", "logistic", "maxwell",
    "double_sided_maxwell", "weibull_min", "rayleigh", "wald", "geometric", "triangular", "lognormal", "binomial",
    "multivariate_normal", "shuffle",
))
# fmt: on
_UNSIGNED = {2: np.uint16, 4: np.uint32, 8: np.uint64}
_GOLDEN = 0x9E3779B9


class RandomRounding:
    """While it is entered, rounds at random. least_epsilon: the least spacing to round to, of a coarser program's type.

    count: how many equations were compiled so, each of which may run often. is_possible: whether this version of JAX
    lets them be; where not, nothing is changed.
    """

    def __init__(self, *, seed: int, coarseness: float = 1.0, least_epsilon: float = 0.0) -> None:
        self._seed, self._coarseness, self._least = seed, coarseness, least_epsilon
        self._lowered: Callable[..., Sequence[Any]] | None = None
        self._thread = threading.local()
        self.count = 0
        self.is_possible = False

    def __enter__(self) -> RandomRounding:
        module = _lowering_module()
        if module is not None:
            self._lowered = getattr(module, _LOWER)
            setattr(module, _LOWER, self._lower)
            # What is compiled by now is exact.
            jax.clear_caches()
            self.is_possible = self._is_heard()
            if not self.is_possible:
                self.__exit__(None, None, None)
        return self

    def __exit__(self, *_failure: object) -> None:
        module = _lowering_module()
        if self._lowered is not None and module is not None:
            setattr(module, _LOWER, self._lowered)
            self._lowered = None
            jax.clear_caches()

    def _is_heard(self) -> bool:
        """Whether a product that JAX lowers comes by here, and gives code with the rounding in it."""
        factor = jax.ShapeDtypeStruct((2, 2), np.float32)
        try:
            lowered = jax.jit(lambda left, right: left @ right).lower(factor, factor).as_text()
        except (AttributeError, TypeError, ValueError, AssertionError):
            return False
        is_heard = self.count == 1 and "shift_right_logical" in lowered
        self.count = 0
        return is_heard

    def _lower(
        self, context: Any, name: str, rules: Any, rule: Any, effects: Any, /, *values: Any, **parameters: Any
    ) -> Sequence[Any]:
        """Lower an equation, as jax._src.interpreters.mlir does, and round what it gives."""
        lower = cast(Callable[..., Sequence[Any]], self._lowered)
        plain = name.replace("-", "_")
        own = getattr(self._thread, "is_inside", False)
        if own or plain in _EXACT or effects or not self._is_rounded(context, plain, parameters):
            return lower(context, name, rules, rule, effects, *values, **parameters)
        places = [place for place, aval in enumerate(context.avals_out) if _is_floating(aval)]
        with self._inside():
            results = list(lower(context, name, rules, rule, effects, *values, **parameters))
            if not places:
                return results
            sizes: list[Any] = []
            num_terms = 1.0
            if plain in _SUMS:
                num_terms = _num_terms(plain, parameters, context.avals_in)
                primitive = context.primitive
                sizes = _lower_function(
                    context,
                    lambda *inputs: _listed(primitive.bind(*map(_size, inputs), **parameters)),
                    context.avals_in,
                    values,
                )
            kept = [context.avals_out[place] for place in places]
            rounded = _lower_function(
                context,
                self._rounding_of(plain, num_terms=num_terms, has_sizes=bool(sizes)),
                [*kept, *(kept if sizes else ())],
                [*(results[place] for place in places), *sizes],
            )
        for place, value in zip(places, rounded, strict=True):
            results[place] = value
        return results

    def _is_rounded(self, context: Any, name: str, parameters: Mapping[str, Any]) -> bool:
        """Whether an equation is an operation, and not what calls others, each of which comes by."""
        if name not in _SUMS and name not in _REDUCERS and any(_has_program(value) for value in parameters.values()):
            return False
        known = all(isinstance(size, int) for aval in context.avals_out for size in getattr(aval, "shape", ()))
        return known and _DRAWN.isdisjoint(re.findall(r"jit\(_(\w+)\)", str(context.name_stack)))

    def _rounding_of(self, name: str, *, num_terms: float, has_sizes: bool) -> Callable[..., list[Any]]:
        self.count += 1
        salt = (self._seed * 0x85EBCA6B + self.count * _GOLDEN) % 2**32

        def rounded(*values: Any) -> list[Any]:
            results, sizes = (values[: len(values) // 2], values[len(values) // 2 :]) if has_sizes else (values, ())
            return [
                self._rounded(result, sizes[place] if sizes else None, name, num_terms, salt + 7 * place)
                for place, result in enumerate(results)
            ]

        return rounded

    def _rounded(self, value: Any, size: Any, name: str, num_terms: float, salt: int) -> Any:
        if not value.size:
            return value
        epsilon = max(float(jax.numpy.finfo(value.dtype).eps), self._least) * self._coarseness
        # Half precision has too few digits to draw in.
        dtype = np.dtype(np.float64 if value.dtype == np.float64 else np.float32)
        wide = lax.convert_element_type(value, dtype)
        amount = lax.abs(wide)
        if size is not None:
            times = math.sqrt(max(num_terms, _FEW_TERMS) / _FEW_TERMS)
            amount = lax.convert_element_type(size, dtype) + amount * dtype.type(times)
        moved = wide + _draws(value, salt, dtype) * dtype.type(epsilon) * amount
        if name in _RANGES:
            least, most = _RANGES[name]
            moved = lax.clamp(dtype.type(least), moved, dtype.type(most))
        return lax.select(lax.is_finite(value), lax.convert_element_type(moved, value.dtype), value)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """What an operation, or rounding it, is made of is not rounded itself."""
        self._thread.is_inside = True
        try:
            yield
        finally:
            self._thread.is_inside = False


def _lowering_module() -> Any:
    """Return JAX's module that lowers equations, None where this version has none of that name."""
    try:
        module = importlib.import_module(_LOWERING)
    except ImportError:
        return None
    needed = (_LOWER, "lower_fun", "jaxpr_subcomp")
    return module if all(callable(getattr(module, name, None)) for name in needed) else None


def _lower_function(
    context: Any, function: Callable[..., list[Any]], avals: Sequence[Any], values: Sequence[Any]
) -> list[Any]:
    lowered = jax.interpreters.mlir.lower_fun(function, multiple_results=True)
    own = context.replace(primitive=None, avals_in=list(avals), avals_out=None, tokens_out=None)
    return list(lowered(own, *values))


def _draws(value: Any, salt: int, dtype: Any) -> Any:
    """Return numbers in [-1, 1), by MurmurHash3's finaliser of a result's bits and places.

    https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
    """
    unsigned = _UNSIGNED[value.dtype.itemsize]
    bits = lax.bitcast_convert_type(value, unsigned)
    if unsigned is np.uint64:
        bits = lax.bitwise_xor(bits, lax.shift_right_logical(bits, lax.full_like(bits, 32)))
    mixed = lax.convert_element_type(bits, np.uint32)
    places = lax.reshape(lax.iota(np.uint32, value.size), value.shape)
    mixed = lax.bitwise_xor(mixed, places * np.uint32(_GOLDEN) + np.uint32(salt % 2**32))
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        mixed = lax.bitwise_xor(mixed, lax.shift_right_logical(mixed, lax.full_like(mixed, shift)))
        mixed = mixed * np.uint32(factor)
    signed = lax.bitcast_convert_type(mixed, np.int32)
    return lax.convert_element_type(signed, dtype) * dtype.type(2.0**-31)


def _size(value: Any) -> Any:
    return lax.abs(value) if jax.numpy.issubdtype(value.dtype, jax.numpy.floating) else value


def _is_floating(aval: Any) -> bool:
    dtype = getattr(aval, "dtype", None)
    is_number = dtype is not None and jax.numpy.issubdtype(dtype, jax.numpy.floating)
    return is_number and np.dtype(dtype).itemsize in _UNSIGNED


def _has_program(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(_has_program(each) for each in value)
    return isinstance(value, jax.extend.core.Jaxpr | jax.extend.core.ClosedJaxpr) or hasattr(value, "jaxpr")


def _listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def _num_terms(name: str, parameters: Mapping[str, Any], inputs: Sequence[Any]) -> float:
    """Return how many terms each entry of a sum has."""
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        return _product(inputs[0].shape, contracted)
    if name == "conv_general_dilated":
        kernel = inputs[1].shape
        return float(math.prod(kernel) / max(1, kernel[parameters["dimension_numbers"].rhs_spec[0]]))
    if name == "reduce_window_sum":
        return float(math.prod(parameters["window_dimensions"]))
    if name in ("reduce_sum", "cumsum"):
        return _product(inputs[0].shape, parameters["axes"] if name == "reduce_sum" else (parameters["axis"],))
    # How many are added where is in the indices.
    return _FEW_TERMS


def _product(shape: Sequence[int], axes: Sequence[int]) -> float:
    return float(math.prod(shape[axis] for axis in axes))
