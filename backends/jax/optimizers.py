"""The optimizers: optax's own where their mathematics is the spec's, one here where it is not.

optax keeps its counters in 32 bits; the state's are of 64, and optax goes on counting in what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.state.layouts import optax_slots

_COUNTER = "count"


def learning_rate(rate: spec.LearningRate, /) -> optax.Schedule:
    """Build a schedule: from the counter, 0 at the first update, to the learning rate."""
    if isinstance(rate, spec.ConstantRate):
        return optax.constant_schedule(rate.value)
    if isinstance(rate, spec.LinearDecay):
        return lambda count: _linear(rate, count)
    if isinstance(rate, spec.CosineDecay):
        return lambda count: _cosine(rate, count)
    return optax.exponential_decay(
        rate.initial, transition_steps=rate.every, decay_rate=rate.factor, staircase=rate.staircase
    )


def _linear(rate: spec.LinearDecay, count: Any) -> Any:
    """Return the spec's rate; optax.linear_schedule has the same but for a rounding."""
    share = jnp.clip((count - rate.begin) / rate.duration, 0.0, 1.0)
    return rate.initial + (rate.final - rate.initial) * share


def _cosine(rate: spec.CosineDecay, count: Any) -> Any:
    """Return the spec's rate; optax.cosine_decay_schedule holds the last one."""
    done = jnp.minimum(count, rate.duration) if rate.beyond == "held" else count
    return rate.final + (rate.initial - rate.final) * (1 + jnp.cos(jnp.pi * done / rate.duration)) / 2


def scale_by_rate(rate: spec.LearningRate, /) -> Any:
    """Build what multiplies by minus the learning rate, and counts, as optax.scale_by_learning_rate does.

    optax's schedules are of its own counters: one counted in epochs is given `epoch` beside the gradients.
    """
    schedule = learning_rate(rate)
    if isinstance(rate, spec.ConstantRate) or rate.counted == "updates":
        return optax.scale_by_learning_rate(schedule)

    def init(parameters: Any) -> optax.ScaleByScheduleState:
        del parameters
        return optax.ScaleByScheduleState(count=jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, parameters: Any = None, *, epoch: Any, **rest: Any) -> tuple[Any, Any]:
        del parameters, rest
        factor = -schedule(epoch)
        scaled = jax.tree.map(lambda leaf: jnp.asarray(factor, leaf.dtype) * leaf, updates)
        return scaled, optax.ScaleByScheduleState(count=state.count + 1)

    return optax.GradientTransformationExtraArgs(init, update)


def gradient_descent(optimizer: spec.GradientDescent, /) -> optax.GradientTransformation:
    """Build p ← p - lr · g."""
    return _with_rate(optax.sgd, optimizer.learning_rate)


def adam(optimizer: spec.Adam, /) -> optax.GradientTransformation:
    """Build Adam, which is optax's own where ε is outside and the bias corrected. Kingma and Ba 2015, Algorithm 1."""
    if optimizer.epsilon_placement == "outside" and optimizer.bias_correction:
        build = partial(optax.adam, b1=optimizer.beta1, b2=optimizer.beta2, eps=optimizer.epsilon)
        return _with_rate(build, optimizer.learning_rate)
    return optax.chain(scale_by_placed_adam(optimizer), scale_by_rate(optimizer.learning_rate))


def adadelta(optimizer: spec.Adadelta, /) -> optax.GradientTransformation:
    """Build Adadelta with a learning rate. Zeiler 2012, Algorithm 1."""
    build = partial(optax.adadelta, rho=optimizer.rho, eps=optimizer.epsilon)
    return _with_rate(build, optimizer.learning_rate)


def rmsprop(optimizer: spec.RMSprop, /) -> optax.GradientTransformation:
    """Build RMSprop, optax's parts in the order that the momentum's form asks for. Tieleman and Hinton 2012."""
    scale = optax.scale_by_stddev if optimizer.centered else optax.scale_by_rms
    inside = optimizer.epsilon_placement == "inside"
    parts = [
        scale(decay=optimizer.rho, eps=optimizer.epsilon, eps_in_sqrt=inside),
        scale_by_rate(optimizer.learning_rate),
    ]
    if optimizer.momentum > 0:
        parts.insert(2 if optimizer.momentum_of == "step" else 1, optax.trace(decay=optimizer.momentum))
    return optax.chain(*parts)


OPTIMIZERS: dict[type, Callable[..., optax.GradientTransformation]] = {
    spec.GradientDescent: gradient_descent,
    spec.Adam: adam,
    spec.Adadelta: adadelta,
    spec.RMSprop: rmsprop,
}


def scale_by_placed_adam(optimizer: spec.Adam, /) -> optax.GradientTransformation:
    """Build optax.scale_by_adam with ε where the spec puts it, and without corrections where the spec has none.

    optax adds ε to √v̂, or with eps_root under the root; TensorFlow's form adds it to √v.
    """
    beta1, beta2 = optimizer.beta1, optimizer.beta2

    def init(parameters: Any) -> optax.ScaleByAdamState:
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return optax.ScaleByAdamState(count=jnp.zeros((), jnp.int32), mu=zeros, nu=zeros)

    def update(gradients: Any, state: optax.ScaleByAdamState, parameters: Any = None) -> tuple[Any, Any]:
        del parameters
        means = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, state.mu, gradients)
        squares = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * jnp.square(g), state.nu, gradients)
        count = state.count + 1
        first, second = 1.0, 1.0
        if optimizer.bias_correction:
            first, second = 1 - beta1**count, jnp.sqrt(1 - beta2**count)
        scale, divisor = (1 / first, second) if optimizer.epsilon_placement == "outside" else (second / first, 1.0)

        def updated(m: Any, v: Any) -> Any:
            return jnp.asarray(scale, m.dtype) * m / (jnp.sqrt(v) / jnp.asarray(divisor, m.dtype) + optimizer.epsilon)

        updates = jax.tree.map(updated, means, squares)
        return updates, optax.ScaleByAdamState(count=count, mu=means, nu=squares)

    return optax.GradientTransformation(init, update)


def build_optimizer(optimizer: spec.Optimizer, /) -> optax.GradientTransformation:
    """Build an optimizer; raises UnsupportedLayer for one that is not in the table."""
    if type(optimizer) not in OPTIMIZERS:
        raise UnsupportedLayer(f"JAX has no optimizer for {type(optimizer).__name__}; add it to optimizers.py")
    return OPTIMIZERS[type(optimizer)](optimizer)


def _with_rate(build: Callable[[optax.Schedule], Any], rate: spec.LearningRate) -> Any:
    """Build an optimizer whose last factor is the learning rate: optax's by its counter, ours by epochs."""
    if isinstance(rate, spec.ConstantRate) or rate.counted == "updates":
        return build(learning_rate(rate))
    return optax.chain(build(optax.constant_schedule(-1.0)), scale_by_rate(rate))


def slots(optimizer: spec.Optimizer, state: Any, /) -> dict[str, Any]:
    """Return the spec's slots of an optax state, each in the form of the parameters."""
    names = optax_slots(optimizer)
    return {slot: _signed(optimizer, slot, optax.tree_utils.tree_get(state, names[slot])) for slot in optimizer.slots}


def counter(state: Any, /) -> Any:
    """Return how many updates an optax state has seen; where it keeps that twice, the two are the same."""
    return optax.tree_utils.tree_get_all_with_path(state, _COUNTER)[0][1]


def with_slots(optimizer: spec.Optimizer, state: Any, /, *, slots: dict[str, Any], counter: Any) -> Any:
    """Return an optax state with these slots, by the spec's names, and this counter."""
    names = optax_slots(optimizer)
    values = {names[slot]: _signed(optimizer, slot, slots[slot]) for slot in optimizer.slots}
    return optax.tree_utils.tree_set(state, **values, **{_COUNTER: counter})


def _signed(optimizer: spec.Optimizer, slot: str, tensors: Any, /) -> Any:
    """Return a slot as the other side has it: optax adds its steps where the spec takes them away."""
    if isinstance(optimizer, spec.RMSprop) and slot == "momentum" and optimizer.momentum_of == "step":
        return jax.tree.map(lambda tensor: -tensor, tensors)
    return tensors
