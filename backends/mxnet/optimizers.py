"""The optimizers, in elementary operators: MXNet's own round hyperparameters to float32 even for float64 weights.

Each update takes and returns whole arrays, so that one function serves mx.nd and a graph of mx.sym. `scalars` are the
numbers that change from step to step, each (1,), computed on the host in Python floats by `step_scalars`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gan_rosetta.backends.mxnet.clipping import clipped
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec.optimizers import kept_share, share_of_gradient

Updated = tuple[Any, list[Any]]


def gradient_descent(
    optimizer: spec.GradientDescent,
    ops: Any,
    /,
    *,
    weight: Any,
    gradient: Any,
    slots: Sequence[Any],
    scalars: Sequence[Any],
) -> Updated:
    """Gradient descent, with momentum or without; returns the new p and the momentum. scalars: lr."""
    (rate,) = scalars
    is_direction = optimizer.momentum_of == "direction"
    incoming = moved = gradient if is_direction else ops.broadcast_mul(rate, gradient)
    kept = [optimizer.momentum * buffer + incoming for buffer in slots]
    for buffer in kept:
        moved = incoming + optimizer.momentum * buffer if optimizer.nesterov else buffer
    return weight - (ops.broadcast_mul(rate, moved) if is_direction else moved), kept


def adam(
    optimizer: spec.Adam, ops: Any, /, *, weight: Any, gradient: Any, slots: Sequence[Any], scalars: Sequence[Any]
) -> Updated:
    """Adam with epsilon in either place; returns the new p and its slots. Kingma and Ba 2015, Algorithm 1.

    p ← p - size · m / (√v / root + ε). scalars: size and root; lr / (1 - β1ᵗ) and √(1 - β2ᵗ) for epsilon "outside",
    lr · √(1 - β2ᵗ) / (1 - β1ᵗ) and 1 for "hat".
    """
    size, root = scalars
    mean, square, *largest = slots
    mean = optimizer.beta1 * mean + (1 - optimizer.beta1) * gradient
    square = optimizer.beta2 * square + (1 - optimizer.beta2) * ops.square(gradient)
    kept = [mean, square]
    if optimizer.amsgrad == "corrected":
        kept.append(ops.maximum(largest[0], ops.broadcast_div(square, ops.square(root))))
        return weight - ops.broadcast_mul(size, mean / (ops.sqrt(kept[-1]) + optimizer.epsilon)), kept
    if optimizer.amsgrad == "as_kept":
        kept.append(ops.maximum(largest[0], square))
    denominator = ops.broadcast_div(ops.sqrt(kept[-1]), root) + optimizer.epsilon
    return weight - ops.broadcast_mul(size, mean / denominator), kept


def adadelta(
    optimizer: spec.Adadelta, ops: Any, /, *, weight: Any, gradient: Any, slots: Sequence[Any], scalars: Sequence[Any]
) -> Updated:
    """Adadelta with a learning rate; returns the new p, square and delta. Zeiler 2012, Algorithm 1. scalars: lr."""
    (rate,) = scalars
    square, delta = slots
    square = optimizer.rho * square + (1 - optimizer.rho) * ops.square(gradient)
    change = ops.sqrt(delta + optimizer.epsilon) / ops.sqrt(square + optimizer.epsilon) * gradient
    delta = optimizer.rho * delta + (1 - optimizer.rho) * ops.square(change)
    return weight - ops.broadcast_mul(rate, change), [square, delta]


def rmsprop(
    optimizer: spec.RMSprop, ops: Any, /, *, weight: Any, gradient: Any, slots: Sequence[Any], scalars: Sequence[Any]
) -> Updated:
    """RMSprop, ε, centring and momentum as the spec has them; returns the new p and its slots. scalars: lr."""
    (rate,) = scalars
    kept = dict(zip(optimizer.slots, slots, strict=True))
    kept["square"] = optimizer.rho * kept["square"] + (1 - optimizer.rho) * ops.square(gradient)
    variance = kept["square"]
    if optimizer.centered:
        kept["mean"] = optimizer.rho * kept["mean"] + (1 - optimizer.rho) * gradient
        variance = variance - ops.square(kept["mean"])
    inside = optimizer.epsilon_placement == "inside"
    root = ops.sqrt(variance + optimizer.epsilon) if inside else ops.sqrt(variance) + optimizer.epsilon
    if optimizer.momentum == 0:
        step = ops.broadcast_mul(rate, gradient / root)
    elif optimizer.momentum_of == "direction":
        kept["momentum"] = optimizer.momentum * kept["momentum"] + gradient / root
        step = ops.broadcast_mul(rate, kept["momentum"])
    else:
        kept["momentum"] = optimizer.momentum * kept["momentum"] + ops.broadcast_mul(rate, gradient / root)
        step = kept["momentum"]
    return weight - step, list(kept.values())


def adagrad(
    optimizer: spec.Adagrad, ops: Any, /, *, weight: Any, gradient: Any, slots: Sequence[Any], scalars: Sequence[Any]
) -> Updated:
    """Adagrad with epsilon in either place; returns the new p and the sum. Duchi et al. 2011. scalars: lr."""
    (rate,) = scalars
    total = slots[0] + ops.square(gradient)
    inside = optimizer.epsilon_placement == "inside"
    root = ops.sqrt(total + optimizer.epsilon) if inside else ops.sqrt(total) + optimizer.epsilon
    return weight - ops.broadcast_mul(rate, gradient / root), [total]


OPTIMIZERS: dict[type, Callable[..., Updated]] = {
    spec.GradientDescent: gradient_descent,
    spec.Adam: adam,
    spec.Adadelta: adadelta,
    spec.RMSprop: rmsprop,
    spec.Adagrad: adagrad,
}


def step_scalars(optimizer: spec.Optimizer, step: int, /, *, epoch: int = 0) -> tuple[float, ...]:
    """Return the scalars of the update that finds the optimizer's counter at `step`, so many epochs behind it.

    The last is the share of themselves that weights keep beside the step, where they shrink.
    """
    kept = kept_share(optimizer, step, epoch=epoch)
    return (*_own_scalars(optimizer, step, epoch), *(() if kept is None else (kept,)))


def _own_scalars(optimizer: spec.Optimizer, step: int, epoch: int) -> tuple[float, ...]:
    rate = optimizer.learning_rate.at(step, epoch=epoch)
    if not isinstance(optimizer, spec.Adam):
        return (rate,)
    first = 1 - optimizer.beta1 ** (step + 1) if optimizer.bias_correction else 1.0
    root = math.sqrt(1 - optimizer.beta2 ** (step + 1)) if optimizer.bias_correction else 1.0
    return (rate / first, root) if optimizer.epsilon_placement == "outside" else (rate * root / first, 1.0)


class Update:
    """One optimizer's update of all its parameters, in place.

    weights, gradients and slots (those of a parameter together) are the arrays that every call reads and writes; bound:
    what the new weights are held to, [-bound, bound]; clipping: what gradients are held to before. Where compiled,
    the update is one graph whose outputs are the very arrays that are its inputs. That is safe as long as an
    optimizer reads an array for the last time in the operator that computes its new value, or before.

    Few parameters come as the one vector that they lie in: an operator for each costs more than their numbers, in a
    graph also, where what writes an array from outside is called for itself.
    """

    def __init__(
        self,
        optimizer: spec.Optimizer,
        /,
        *,
        weights: Sequence[Any],
        gradients: Sequence[Any],
        slots: Sequence[Any],
        compiled: bool,
        bound: float | None = None,
        clipping: spec.GradientClipping | None = None,
    ) -> None:
        if type(optimizer) not in OPTIMIZERS:
            raise UnsupportedLayer(f"MXNet has no optimizer for {type(optimizer).__name__}; add it to optimizers.py")
        self._optimizer = optimizer
        self._bound = bound
        self._clipping = clipping
        self._count = len(weights)
        self._inputs = [*weights, *gradients, *slots]
        self._outputs = [*weights, *slots]
        self._graph: Any = None
        if compiled:
            symbols = [mx.sym.var(f"input{index}") for index in range(1 + len(self._inputs))]
            graph = mx.sym.Group(self._updated(mx.sym, *symbols))
            order = [symbol.name for symbol in symbols]
            self._order = [order.index(name) for name in graph.list_inputs()]
            # All but the step's scalars are the same arrays in every call: what reads no other is made ready once.
            changing = [place for place, index in enumerate(self._order) if not index]
            lasting = [place for place, index in enumerate(self._order) if index]
            flags = {"static_alloc": True, "static_shape": True, "data_indices": changing, "param_indices": lasting}
            self._graph = mx.nd.CachedOp(graph, list(flags.items()))

    def __call__(self, scalars: Any, /) -> None:
        """Update with the step's scalars, (S,)."""
        tensors = [scalars, *self._inputs]
        if self._graph is not None:
            self._graph(*(tensors[index] for index in self._order), out=self._outputs)
            return
        for array, new in zip(self._outputs, self._updated(mx.nd, *tensors), strict=True):
            new.copyto(array)

    def _updated(self, ops: Any, scalars: Any, *tensors: Any) -> list[Any]:
        """Return the new weights and slots in a row."""
        count, num_slots = self._count, len(self._optimizer.slots)
        gradients = clipped(self._clipping, ops, tensors[count : 2 * count])
        numbers = self._numbers(ops, scalars)
        weights: list[Any] = []
        slots: list[Any] = []
        for index in range(count):
            start = 2 * count + index * num_slots
            own = tensors[start : start + num_slots]
            weight, moved = self._moved(ops, numbers, weight=tensors[index], gradient=gradients[index], slots=own)
            weights.append(weight)
            slots += moved
        return weights + slots

    def _numbers(self, ops: Any, scalars: Any) -> list[Any]:
        count = len(step_scalars(self._optimizer, 0))
        return [ops.slice_axis(scalars, axis=0, begin=index, end=index + 1) for index in range(count)]

    def _moved(
        self, ops: Any, numbers: Sequence[Any], /, *, weight: Any, gradient: Any, slots: Sequence[Any]
    ) -> Updated:
        """Return a new weight, or a vector of all, and its slots."""
        optimizer = self._optimizer
        share = share_of_gradient(optimizer)
        shrinks = kept_share(optimizer, 0) is not None
        new, moved = OPTIMIZERS[type(optimizer)](
            optimizer,
            ops,
            weight=ops.broadcast_mul(numbers[-1], weight) if shrinks else weight,
            gradient=gradient + share * weight if share else gradient,
            slots=slots,
            scalars=numbers[:-1] if shrinks else numbers,
        )
        if self._bound is not None:
            # ops.clip rounds its bounds to float32.
            new = ops.minimum(ops.maximum(new, -self._bound), self._bound)
        return new, moved
