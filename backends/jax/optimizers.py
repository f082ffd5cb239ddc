"""The optimizers: optax's own where their mathematics is the spec's, small ones here where it is not.

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
from gan_rosetta.shared.spec.optimizers import counts_epochs, keeps_steps
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
    if isinstance(rate, spec.PiecewiseRate):
        return lambda count: _piecewise(rate, count)
    if isinstance(rate, spec.WarmUp):
        return lambda count: _warm_up(rate, count)
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


def _piecewise(rate: spec.PiecewiseRate, count: Any) -> Any:
    """Return the spec's rate; optax.piecewise_constant_schedule is given ratios, and rounds in each."""
    return jnp.asarray(rate.values)[jnp.searchsorted(jnp.asarray(rate.boundaries), count, side="right")]


def _warm_up(rate: spec.WarmUp, count: Any) -> Any:
    """Return the spec's rate: a line to the first rate of the schedule behind, which begins where it ends."""
    line = rate.initial + (rate.after.at(0) - rate.initial) * count / rate.duration
    after = learning_rate(rate.after)(jnp.maximum(count - rate.duration, 0))
    return jnp.where(count < rate.duration, line, after)


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
    """Build p ← p - lr · g, with momentum optax's parts in the order that its form asks for."""
    if optimizer.momentum == 0:
        return _with_rate(optax.sgd, optimizer.learning_rate)
    parts = [
        optax.trace(decay=optimizer.momentum, nesterov=optimizer.nesterov),
        scale_by_rate(optimizer.learning_rate),
    ]
    return optax.chain(*(parts if optimizer.momentum_of == "direction" else reversed(parts)))


def adam(optimizer: spec.Adam, /) -> optax.GradientTransformation:
    """Build Adam, which is optax's own where ε is outside and the bias corrected. Kingma and Ba 2015, Algorithm 1."""
    is_own = optimizer.epsilon_placement == "outside" and optimizer.bias_correction
    if is_own and optimizer.amsgrad == "corrected":
        build = partial(optax.amsgrad, b1=optimizer.beta1, b2=optimizer.beta2, eps=optimizer.epsilon)
        return _with_rate(build, optimizer.learning_rate)
    if is_own and optimizer.amsgrad == "no":
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


def adagrad(optimizer: spec.Adagrad, /) -> optax.GradientTransformation:
    """Build Adagrad, in optax's state. Duchi et al. 2011."""
    return optax.chain(scale_by_placed_rss(optimizer), scale_by_rate(optimizer.learning_rate))


OPTIMIZERS: dict[type, Callable[..., optax.GradientTransformation]] = {
    spec.GradientDescent: gradient_descent,
    spec.Adam: adam,
    spec.Adadelta: adadelta,
    spec.RMSprop: rmsprop,
    spec.Adagrad: adagrad,
}


def scale_by_placed_adam(optimizer: spec.Adam, /) -> optax.GradientTransformation:
    """Build optax.scale_by_adam with ε where the spec puts it, and without corrections where the spec has none.

    optax adds ε to √v̂, or with eps_root under the root; TensorFlow's form adds it to √v.
    """
    beta1, beta2 = optimizer.beta1, optimizer.beta2

    def init(parameters: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        count = jnp.zeros((), jnp.int32)
        if optimizer.amsgrad == "no":
            return optax.ScaleByAdamState(count=count, mu=zeros, nu=zeros)
        return optax.ScaleByAmsgradState(count=count, mu=zeros, nu=zeros, nu_max=zeros)

    def update(gradients: Any, state: Any, parameters: Any = None) -> tuple[Any, Any]:
        del parameters
        means = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, state.mu, gradients)
        squares = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * jnp.square(g), state.nu, gradients)
        count = state.count + 1
        first, second = 1.0, 1.0
        if optimizer.bias_correction:
            first, second = 1 - beta1**count, jnp.sqrt(1 - beta2**count)
        scale, divisor = (1 / first, second) if optimizer.epsilon_placement == "outside" else (second / first, 1.0)
        moved = state._replace(count=count, mu=means, nu=squares)
        if optimizer.amsgrad == "as_kept":
            squares = jax.tree.map(jnp.maximum, state.nu_max, squares)
            moved = moved._replace(nu_max=squares)

        def updated(m: Any, v: Any) -> Any:
            return jnp.asarray(scale, m.dtype) * m / (jnp.sqrt(v) / jnp.asarray(divisor, m.dtype) + optimizer.epsilon)

        return jax.tree.map(updated, means, squares), moved

    return optax.GradientTransformation(init, update)


def scale_by_placed_rss(optimizer: spec.Adagrad, /) -> optax.GradientTransformation:
    """Build optax.scale_by_rss with ε where the spec puts it; optax has it under the root, and 0 where the sum is 0."""

    def init(parameters: Any) -> optax.ScaleByRssState:
        return optax.ScaleByRssState(sum_of_squares=jax.tree.map(jnp.zeros_like, parameters))

    def update(gradients: Any, state: optax.ScaleByRssState, parameters: Any = None) -> tuple[Any, Any]:
        del parameters
        sums = jax.tree.map(lambda total, g: total + jnp.square(g), state.sum_of_squares, gradients)
        epsilon, inside = optimizer.epsilon, optimizer.epsilon_placement == "inside"

        def updated(g: Any, total: Any) -> Any:
            return g / (jnp.sqrt(total + epsilon) if inside else jnp.sqrt(total) + epsilon)

        return jax.tree.map(updated, gradients, sums), optax.ScaleByRssState(sum_of_squares=sums)

    return optax.GradientTransformation(init, update)


def with_weight_decay(optimizer: spec.Optimizer, transformation: Any, /) -> Any:
    """Return an optimizer with the spec's weight decay: in the gradients, or beside the step, by the rate or not.

    optax has the first two in its chains, and keeps nothing for them; neither does this, around the whole optimizer.
    """
    decay = optimizer.weight_decay
    if decay is None:
        return transformation
    rate = learning_rate(optimizer.learning_rate)

    def lost(state: Any, rest: dict[str, Any]) -> Any:
        if decay.by == "parameter_alone":
            return decay.share
        return decay.share * rate(rest["epoch"] if counts_epochs(optimizer) else counter(state))

    def update(gradients: Any, state: Any, parameters: Any = None, **rest: Any) -> tuple[Any, Any]:
        if decay.by == "gradient":
            decayed = jax.tree.map(lambda g, p: g + decay.share * p, gradients, parameters)
            return transformation.update(decayed, state, parameters, **rest)
        updates, moved = transformation.update(gradients, state, parameters, **rest)
        share = lost(state, rest)
        return jax.tree.map(lambda step, p: step - jnp.asarray(share, p.dtype) * p, updates, parameters), moved

    return optax.GradientTransformationExtraArgs(transformation.init, update)


def build_optimizer(optimizer: spec.Optimizer, /) -> optax.GradientTransformation:
    """Build an optimizer; raises UnsupportedLayer for one that is not in the table."""
    if type(optimizer) not in OPTIMIZERS:
        raise UnsupportedLayer(f"JAX has no optimizer for {type(optimizer).__name__}; add it to optimizers.py")
    return with_weight_decay(optimizer, OPTIMIZERS[type(optimizer)](optimizer))


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
    if slot == "momentum" and keeps_steps(optimizer):
        return jax.tree.map(lambda tensor: -tensor, tensors)
    return tensors
