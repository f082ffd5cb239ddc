"""Both losses in JAX, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.spec import GanSpec, GradientPenalty
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.loss_words import LossWords
from gan_rosetta.shared.translate.losses import has_entropy, loss_functions
from gan_rosetta.shared.translate.parts import norm_words, perturbed_function
from gan_rosetta.shared.translate.writing import call, number

_WORDS = LossWords(
    tensor="Array",
    mean="jnp.mean({v})",
    sum="jnp.sum({v})",
    log="jnp.log",
    exponential="jnp.exp({v})",
    relu="jax.nn.relu",
    log_softmax="jax.nn.log_softmax",
    floored="floored({p}, {floor})",
    less_mean="{v} - jnp.mean({w}, axis=0, keepdims=True)",
    absolute="{v} * lax.stop_gradient(jnp.sign({v}))",
    joined="jnp.concatenate([{a}, {b}], axis=1)",
    held="jnp.clip({v}, 0, 1)",
    logistic="optax.sigmoid_binary_cross_entropy({z}, jnp.full_like({z}, {t}))",
)


def losses_section(gan: GanSpec, /, *, channel_axis: int = 1) -> str:
    """Return both losses as functions of what D says, and the gradient penalty.

    channel_axis: where the penalty's samples have their channels.
    """
    losses = (gan.training.discriminator_loss, gan.training.generator_loss)
    has_floor = any(getattr(each, "probability_floor", None) is not None for each in losses)
    parts = [_FLOORED] if has_floor else []
    parts += [_ENTROPY] if has_entropy(gan) else []
    joined = _WORDS.joined.replace("axis=1", f"axis={channel_axis}")
    parts += loss_functions(gan, replace(_WORDS, joined=joined))
    penalty = gan.penalty
    if penalty is not None:
        axes = number(channel_axis) if penalty.norm == "channel" else "tuple(range(1, gradient.ndim))"
        parts += perturbed_function(
            penalty,
            tensor="Array",
            deviation=f"deviation = jnp.std(real, ddof={penalty.degrees_lost})",
            moved=f"real + (1 - mix) * ({number(penalty.perturbation or 0.0)} * deviation * perturbation)",
        )
        moves = gan.discriminator.has_buffers
        masks = uses_masks(gan, "discriminator")
        taken = ["parameters: Tensors", *(["buffers: Tensors"] if moves else []), "mixed: Array"]
        taken += ["masks: Tensors"] if masks else []
        head = call("def gradient_penalty(", taken, f") -> {'tuple[Array, Tensors]' if moves else 'Array'}:")
        given = ", ".join(["parameters", *(["buffers"] if moves else []), "x", *(["masks"] if masks else [])])
        parts.append(f'''\
{head}
    """Return {norm_words(penalty)}.{_ALSO_MOVED if moves else ""}"""
{(_MOVING if moves else _GRADIENT).format(given=given)}
    squares = jnp.sum(gradient**2, axis={axes})
{_DEVIATIONS.format(target=number(penalty.target)) if penalty.target else f"    deviations = {_power(penalty)}"}
{_LARGEST if penalty.over == "largest" else _MEAN}
    return {number(penalty.factor_of_mean)} * of_all{", moved" if moves else ""}''')
    return "\n\n\n".join(parts)


def _power(penalty: GradientPenalty) -> str:
    return "squares" if penalty.power == 2 else f"squares**{number(penalty.power // 2)}"


_GRADIENT = "    gradient = jax.grad(lambda x: jnp.sum(discriminate({given})))(mixed)"

_ALSO_MOVED = """

    D's buffers, moved, come second.
    """

_MOVING = """
    def total(x: Array) -> tuple[Array, Tensors]:
        of_mixed, moved = discriminate({given})
        return jnp.sum(of_mixed), moved

    gradient, moved = jax.grad(total, has_aux=True)(mixed)"""

_DEVIATIONS = """\
    # A root has an infinite gradient at 0, which times 0 is NaN: there it is not taken.
    roots = jnp.sqrt(jnp.where(squares == 0, 1.0, squares))
    deviations = (jnp.where(squares == 0, 0.0, roots) - {target}) ** 2"""

_LARGEST = "    of_all = jnp.max(deviations)"

_MEAN = """\
    # Averaged sample by sample first: XLA adds up all of a large array in one run, digits lost.
    of_all = jnp.mean(jnp.mean(deviations.reshape(len(mixed), -1), axis=1))"""

_FLOORED = '''\
def floored(p: Array, floor: float) -> Array:
    """Return p, or the floor below it; jnp.maximum would share the gradient at the floor itself."""
    return jnp.where(p < floor, floor, p)'''

_ENTROPY = '''\
@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def cross_entropy(p: Array, target: int, log_floor: float, floor: float) -> Array:
    """Return -log p or -log(1 - p) of each sample, no logarithm below log_floor."""
    del floor  # which the derivative asks for
    # For large p log(1 - p) loses nothing, and XLA's log1p would lose digits.
    is_large = p > 0.25
    other = jnp.where(is_large, jnp.log(1 - p), jnp.log1p(-jnp.where(is_large, 0.0, p)))
    return -jnp.maximum(jnp.log(p) if target == 1 else other, log_floor)


@cross_entropy.defjvp
def cross_entropy_jvp(
    target: int, log_floor: float, floor: float, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    """Return it and its derivative, bounded where p is 0 or 1, as PyTorch's is."""
    (p,), (tangent,) = primals, tangents
    slope = (p - target) / jnp.maximum(p * (1 - p), floor)
    return cross_entropy(p, target, log_floor, floor), slope * tangent'''
