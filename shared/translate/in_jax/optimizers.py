"""The optimizers in JAX: optax's own where their mathematics is the spec's, written out where it is not."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.layouts import optax_slots
from gan_rosetta.shared.translate.data import asks_for_epoch
from gan_rosetta.shared.translate.parts import decays, forms_of, optimizer_uses, rate_expression, rate_functions
from gan_rosetta.shared.translate.writing import call, literal, number


def optimizers_section(gan: GanSpec, /) -> str:
    """Return the optimizers that optax has none of, and those of both players."""
    forms = forms_of(gan, is_own_optimizer)
    written = [_adam(form, name) for form, name in forms.items() if isinstance(form, spec.Adam)]
    written = rate_functions(gan, module="jnp", kind="Array") + written
    lines = []
    for use in optimizer_uses(gan):
        optimizer: Any = use.optimizer
        before, arguments = _made(optimizer, forms)
        lines.append(call(f"optimizer_{use.short} = {before}(", arguments))
    written += [_BY_EPOCH] if asks_for_epoch(gan) else []
    return "\n\n\n".join([*written, "\n".join(lines)])


def is_own_optimizer(optimizer: spec.Optimizer, /) -> bool:
    """Whether optax has the spec's mathematics, by itself or as a chain of its parts."""
    if isinstance(optimizer, spec.Adam):
        return optimizer.epsilon_placement == "outside" and optimizer.bias_correction
    return True


def _made(optimizer: Any, forms: dict[spec.Optimizer, str]) -> tuple[str, list[str]]:
    if decays(optimizer, "epochs"):
        return _made_by_epoch(optimizer, forms)
    rate = _rate(optimizer.learning_rate)
    if isinstance(optimizer, spec.GradientDescent):
        return "optax.sgd", [rate]
    eps = f"eps={number(optimizer.epsilon)}"
    if isinstance(optimizer, spec.Adadelta):
        return "optax.adadelta", [rate, f"rho={number(optimizer.rho)}", eps]
    if isinstance(optimizer, spec.Adam):
        if optimizer in forms:
            name = f"scale_by_{forms[optimizer].lower()}"
            return "optax.chain", [f"{name}()", f"optax.scale_by_learning_rate({rate})"]
        return "optax.adam", [rate, f"b1={number(optimizer.beta1)}", f"b2={number(optimizer.beta2)}", eps]
    return "optax.chain", _rmsprop_parts(optimizer, f"optax.scale_by_learning_rate({rate})")


def _rmsprop_parts(optimizer: spec.RMSprop, scaled: str) -> list[str]:
    kind = "stddev" if optimizer.centered else "rms"
    inside, eps = optimizer.epsilon_placement == "inside", number(optimizer.epsilon)
    parts = [f"optax.scale_by_{kind}(decay={number(optimizer.rho)}, eps={eps}, eps_in_sqrt={inside})", scaled]
    if optimizer.momentum:
        place = 2 if optimizer.momentum_of == "step" else 1
        parts.insert(place, f"optax.trace(decay={number(optimizer.momentum)})")
    return parts


_BY_EPOCH = '''\
def scale_by_epoch(rate: Callable[[Array], Array]) -> optax.GradientTransformationExtraArgs:
    """Return a step down, of a length that hangs on the epoch; optax's schedules count updates."""

    def update(
        steps: Tensors, state: optax.OptState, parameters: Tensors | None = None, *, epoch: Array
    ) -> tuple[Tensors, optax.OptState]:
        del parameters
        return jax.tree.map(lambda step: -rate(epoch).astype(dtype) * step, steps), state

    return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)'''


def _made_by_epoch(optimizer: Any, forms: dict[spec.Optimizer, str]) -> tuple[str, list[str]]:
    scaled = f"scale_by_epoch({_rate(optimizer.learning_rate, counted='epoch')})"
    if isinstance(optimizer, spec.GradientDescent):
        return "optax.chain", [scaled]
    if isinstance(optimizer, spec.RMSprop):
        return "optax.chain", _rmsprop_parts(optimizer, scaled)
    eps = f"eps={number(optimizer.epsilon)}"
    if isinstance(optimizer, spec.Adadelta):
        return "optax.chain", [f"optax.scale_by_adadelta(rho={number(optimizer.rho)}, {eps})", scaled]
    if optimizer in forms:
        return "optax.chain", [f"scale_by_{forms[optimizer].lower()}()", scaled]
    betas = f"b1={number(optimizer.beta1)}, b2={number(optimizer.beta2)}"
    return "optax.chain", [f"optax.scale_by_adam({betas}, {eps})", scaled]


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
    if optimizer.bias_correction:
        said = "Return Adam's step with ε added before the bias correction; optax adds it after."
        scale = [f"scale = (jnp.sqrt(1 - {beta2}**count) / (1 - {beta1}**count)).astype(dtype)"]
        step = "scale * m"
    else:
        said, scale, step = "Return Adam's step without the bias correction, which optax's always has.", [], "m"
    scaled = "\n".join(f"        {line}" for line in scale)
    return f'''\
def scale_by_{name.lower()}() -> optax.GradientTransformation:
    """{said}"""

    def init(parameters: Tensors) -> optax.ScaleByAdamState:
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return optax.ScaleByAdamState(jnp.zeros((), int), mu=zeros, nu=zeros)

    def update(
        gradients: Tensors, state: optax.ScaleByAdamState, parameters: Tensors | None = None
    ) -> tuple[Tensors, optax.ScaleByAdamState]:
        del parameters
        means = jax.tree.map(lambda m, g: {beta1} * m + (1 - {beta1}) * g, state.mu, gradients)
        squares = jax.tree.map(lambda v, g: {beta2} * v + (1 - {beta2}) * g**2, state.nu, gradients)
        count = state.count + 1
{scaled + chr(10) if scaled else ""}\
        steps = jax.tree.map(lambda m, v: {step} / (jnp.sqrt(v) + {epsilon}), means, squares)
        return steps, optax.ScaleByAdamState(count, mu=means, nu=squares)

    return optax.GradientTransformation(init, update)'''


def slots_of(optimizer: spec.Optimizer, /) -> str:
    """Return the dictionary that says under which names optax's state has the spec's slots."""
    names = optax_slots(optimizer)
    return literal("{", [f'"{slot}": "{own}"' for slot, own in names.items()], "}")


def is_signed(optimizer: spec.Optimizer, /) -> bool:
    """Whether optax keeps a momentum of steps that it adds, where the spec takes them away."""
    return isinstance(optimizer, spec.RMSprop) and optimizer.momentum > 0 and optimizer.momentum_of == "step"
