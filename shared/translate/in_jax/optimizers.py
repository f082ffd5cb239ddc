"""The optimizers in JAX: optax's own where their mathematics is the spec's, written out where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.optimizers import keeps_steps
from gan_rosetta.shared.state.layouts import optax_slots
from gan_rosetta.shared.translate.feeds import asks_for_epoch
from gan_rosetta.shared.translate.parts import decays, forms_of, optimizer_uses
from gan_rosetta.shared.translate.rates import rate_expression, rate_functions
from gan_rosetta.shared.translate.writing import call, fitted, literal, number


def optimizers_section(gan: GanSpec, /) -> str:
    """Return the optimizers that optax has none of, and those of both players."""
    forms = forms_of(gan, is_own_optimizer)
    written = [_WRITTEN[type(form)](form, name) for form, name in forms.items()]
    written = rate_functions(gan, module="jnp", kind="Array") + written
    lines, adds_by_epoch = [], False
    for use in optimizer_uses(gan):
        optimizer: Any = use.optimizer
        before, arguments = _made(optimizer, forms, f"lost_{use.short}")
        if _loses_by_a_schedule(optimizer):
            written.append(_lost(optimizer, use.short))
            adds_by_epoch = adds_by_epoch or decays(optimizer, "epochs")
        lines.append(call(f"optimizer_{use.short} = {before}(", arguments))
    written += [_BY_EPOCH] if asks_for_epoch(gan) else []
    written += [_ADDED_BY_EPOCH] if adds_by_epoch else []
    return "\n\n\n".join([*written, "\n".join(lines)])


def is_own_optimizer(optimizer: spec.Optimizer, /) -> bool:
    """Whether optax has the spec's mathematics, by itself or as a chain of its parts."""
    if isinstance(optimizer, spec.Adam):
        is_placed = optimizer.epsilon_placement == "outside" and optimizer.bias_correction
        return is_placed and optimizer.amsgrad != "as_kept"
    return not isinstance(optimizer, spec.Adagrad) or optimizer.epsilon_placement == "inside"


def _made(optimizer: Any, forms: dict[spec.Optimizer, str], lost: str) -> tuple[str, list[str]]:
    """Return what is called to make an optimizer, and with what: optax's by name, or a chain of its parts.

    lost: the name of what _lost writes.
    """
    decay = optimizer.weight_decay
    is_adamw = isinstance(optimizer, spec.Adam) and decay is not None and decay.by == "parameter"
    is_adamw = is_adamw and optimizer.amsgrad == "no"
    is_named = not decays(optimizer, "epochs") and optimizer not in forms and (decay is None or is_adamw)
    return (_named(optimizer) if is_named else None) or ("optax.chain", _parts(optimizer, forms, lost))


def _named(optimizer: Any) -> tuple[str, list[str]] | None:
    """Return one of optax's optimizers by its own name, or None where it is a chain."""
    rate = _rate(optimizer.learning_rate)
    if isinstance(optimizer, spec.RMSprop) or keeps_steps(optimizer):
        return None
    if isinstance(optimizer, spec.GradientDescent):
        more = [f"momentum={number(optimizer.momentum)}"] if optimizer.momentum else []
        return "optax.sgd", [rate, *more, *(["nesterov=True"] if optimizer.nesterov else [])]
    eps = f"eps={number(optimizer.epsilon)}"
    if isinstance(optimizer, spec.Adadelta):
        return "optax.adadelta", [rate, f"rho={number(optimizer.rho)}", eps]
    if isinstance(optimizer, spec.Adagrad):
        return "optax.adagrad", [rate, f"initial_accumulator_value={number(optimizer.initial_sum)}", eps]
    settings = [rate, f"b1={number(optimizer.beta1)}", f"b2={number(optimizer.beta2)}", eps]
    if optimizer.weight_decay is not None:
        return "optax.adamw", [*settings, f"weight_decay={number(optimizer.weight_decay.share)}"]
    return f"optax.{'adam' if optimizer.amsgrad == 'no' else 'amsgrad'}", settings


_ADDED_BY_EPOCH = '''\
def add_weights_by_epoch(
    share: Callable[[Array], Array],
) -> optax.GradientTransformationExtraArgs:
    """Return steps with a share of the weights, which hangs on the epoch; optax's count updates."""

    def update(
        steps: Tensors, state: optax.OptState, parameters: Tensors, *, epoch: Array
    ) -> tuple[Tensors, optax.OptState]:
        added = share(epoch).astype(dtype)
        return jax.tree.map(lambda step, tensor: step + added * tensor, steps, parameters), state

    return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)'''


def _loses_by_a_schedule(optimizer: Any) -> bool:
    """Whether weights shrink beside a momentum that has the rate in it already, by a rate that changes."""
    decay = optimizer.weight_decay
    by_rate = decay is not None and decay.by == "parameter"
    return by_rate and keeps_steps(optimizer) and not isinstance(optimizer.learning_rate, spec.ConstantRate)


def _lost(optimizer: Any, short: str) -> str:
    rate = fitted(f"rate = {rate_expression(optimizer.learning_rate, 'count.astype(dtype)', module='jnp')}", indent=4)
    return f'''\
def lost_{short}(count: Array) -> Array:
    """Return the share of themselves that weights lose beside a step, with its sign."""
{rate}
    return -{number(optimizer.weight_decay.share)} * rate'''


def _parts(optimizer: Any, forms: dict[spec.Optimizer, str], lost: str) -> list[str]:
    by_epoch, decay = decays(optimizer, "epochs"), optimizer.weight_decay
    rate = _rate(optimizer.learning_rate, counted="epoch" if by_epoch else "count")
    parts = [f"scale_by_epoch({rate})" if by_epoch else f"optax.scale_by_learning_rate({rate})"]
    scale = _scale(optimizer, forms)
    parts = ([scale] if scale else []) + parts
    if getattr(optimizer, "momentum", 0):
        nesterov = ", nesterov=True" if getattr(optimizer, "nesterov", False) else ""
        trace = f"optax.trace(decay={number(optimizer.momentum)}{nesterov})"
        parts.insert(len(parts) if keeps_steps(optimizer) else len(parts) - 1, trace)
    if decay is None:
        return parts
    share = number(decay.share)
    if decay.by == "gradient":
        return [f"optax.add_decayed_weights({share})", *parts]
    if decay.by == "parameter_alone":
        return [*parts, f"optax.add_decayed_weights(-{share})"]
    if not keeps_steps(optimizer):
        return [*parts[:-1], f"optax.add_decayed_weights({share})", parts[-1]]
    if by_epoch:
        return [*parts, f"add_weights_by_epoch({lost})"]
    return [*parts, f"optax.add_decayed_weights({lost if _loses_by_a_schedule(optimizer) else f'-{share} * {rate}'})"]


def _scale(optimizer: Any, forms: dict[spec.Optimizer, str]) -> str | None:
    """Return the part of a chain that a gradient's size goes into, None where its size is not changed."""
    if optimizer in forms:
        return f"scale_by_{forms[optimizer].lower()}()"
    if isinstance(optimizer, spec.GradientDescent):
        return None
    eps = f"eps={number(optimizer.epsilon)}"
    if isinstance(optimizer, spec.Adadelta):
        return f"optax.scale_by_adadelta(rho={number(optimizer.rho)}, {eps})"
    if isinstance(optimizer, spec.Adagrad):
        return f"optax.scale_by_rss(initial_accumulator_value={number(optimizer.initial_sum)}, {eps})"
    if isinstance(optimizer, spec.Adam):
        betas = f"b1={number(optimizer.beta1)}, b2={number(optimizer.beta2)}"
        return f"optax.scale_by_{'adam' if optimizer.amsgrad == 'no' else 'amsgrad'}({betas}, {eps})"
    kind = "stddev" if optimizer.centered else "rms"
    inside = optimizer.epsilon_placement == "inside"
    return f"optax.scale_by_{kind}(decay={number(optimizer.rho)}, {eps}, eps_in_sqrt={inside})"


_BY_EPOCH = '''\
def scale_by_epoch(rate: Callable[[Array], Array]) -> optax.GradientTransformationExtraArgs:
    """Return a step down, of a length that hangs on the epoch; optax's schedules count updates."""

    def update(
        steps: Tensors, state: optax.OptState, parameters: Tensors | None = None, *, epoch: Array
    ) -> tuple[Tensors, optax.OptState]:
        del parameters
        return jax.tree.map(lambda step: -rate(epoch).astype(dtype) * step, steps), state

    return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)'''


def _rate(rate: Any, counted: str = "count") -> str:
    if isinstance(rate, spec.ConstantRate):
        return number(rate.value)
    if not isinstance(rate, spec.ExponentialDecay):
        return f"lambda {counted}: {rate_expression(rate, f'{counted}.astype(dtype)', module='jnp')}"
    every = number(rate.every)
    count = f"{counted} // {every}" if rate.staircase else f"{counted}.astype(dtype) / {every}"
    return f"lambda {counted}: {number(rate.initial)} * {number(rate.factor)} ** ({count})"


def _adam(optimizer: spec.Adam, name: str) -> str:
    beta1, beta2, epsilon = number(optimizer.beta1), number(optimizer.beta2), number(optimizer.epsilon)
    is_outside = optimizer.epsilon_placement == "outside"
    scale, step, root = list[str](), "m", "jnp.sqrt(v)"
    if not optimizer.bias_correction:
        said = "Return Adam's step without the bias correction, which optax's always has."
    elif is_outside:
        said = "Return Adam's step with the largest v so far; optax's amsgrad is of v corrected."
        scale = [
            f"scale = (1 / (1 - {beta1}**count)).astype(dtype)",
            f"correction = (1 - {beta2}**count).astype(dtype)",
        ]
        step, root = "scale * m", "jnp.sqrt(v / correction)"
    else:
        said = "Return Adam's step with ε added before the bias correction; optax adds it after."
        scale = [f"scale = (jnp.sqrt(1 - {beta2}**count) / (1 - {beta1}**count)).astype(dtype)"]
        step = "scale * m"
    kind, zeros, moved, of = "ScaleByAdamState", "nu=zeros", "nu=squares", "squares"
    if optimizer.amsgrad != "no":
        kind, zeros, moved = "ScaleByAmsgradState", "nu=zeros, nu_max=zeros", "nu=squares, nu_max=largest"
        scale, of = ["largest = jax.tree.map(jnp.maximum, state.nu_max, squares)", *scale], "largest"
    scaled = "\n".join(f"        {line}" for line in scale)
    moves = call("steps = jax.tree.map(", [f"lambda m, v: {step} / ({root} + {epsilon})", "means", of], indent=8)
    return f'''\
def scale_by_{name.lower()}() -> optax.GradientTransformation:
    """{said}"""

    def init(parameters: Tensors) -> optax.{kind}:
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return optax.{kind}(jnp.zeros((), int), mu=zeros, {zeros})

    def update(
        gradients: Tensors, state: optax.{kind}, parameters: Tensors | None = None
    ) -> tuple[Tensors, optax.{kind}]:
        del parameters
        means = jax.tree.map(lambda m, g: {beta1} * m + (1 - {beta1}) * g, state.mu, gradients)
        squares = jax.tree.map(lambda v, g: {beta2} * v + (1 - {beta2}) * g**2, state.nu, gradients)
        count = state.count + 1
{scaled + chr(10) if scaled else ""}\
{moves}
        return steps, optax.{kind}(count, mu=means, {moved})

    return optax.GradientTransformation(init, update)'''


def _adagrad(optimizer: spec.Adagrad, name: str) -> str:
    step = f"lambda g, total: g / (jnp.sqrt(total) + {number(optimizer.epsilon)})"
    moves = call("steps = jax.tree.map(", [step, "gradients", "sums"], indent=8)
    return f'''\
def scale_by_{name.lower()}() -> optax.GradientTransformation:
    """Return Adagrad's step with ε beside the root; optax has it under the root."""

    def init(parameters: Tensors) -> optax.ScaleByRssState:
        begun = jax.tree.map(lambda tensor: jnp.full_like(tensor, {number(optimizer.initial_sum)}), parameters)
        return optax.ScaleByRssState(begun)

    def update(
        gradients: Tensors, state: optax.ScaleByRssState, parameters: Tensors | None = None
    ) -> tuple[Tensors, optax.ScaleByRssState]:
        del parameters
        sums = jax.tree.map(lambda total, g: total + g**2, state.sum_of_squares, gradients)
{moves}
        return steps, optax.ScaleByRssState(sums)

    return optax.GradientTransformation(init, update)'''


_WRITTEN: dict[type, Callable[..., str]] = {spec.Adam: _adam, spec.Adagrad: _adagrad}


def slots_of(optimizer: spec.Optimizer, /) -> str:
    """Return the dictionary that says under which names optax's state has the spec's slots."""
    names = optax_slots(optimizer)
    return literal("{", [f'"{slot}": "{own}"' for slot, own in names.items()], "}")
