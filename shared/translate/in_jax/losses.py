"""Both losses in JAX, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.parts import penalty_of
from gan_rosetta.shared.translate.writing import call, number


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    training = gan.training
    loss_d: Any = training.discriminator_loss
    loss_g: Any = training.generator_loss
    parts = []
    if any(getattr(each, "probability_floor", None) is not None for each in (loss_d, loss_g)):
        parts.append(_FLOORED)
    if any(hasattr(each, "log_floor") for each in (loss_d, loss_g)):
        parts.append(_ENTROPY)
    parts += [
        _loss_function("discriminator", ["of_real", "of_fake"], _discriminator_loss(loss_d)),
        _loss_function("generator", ["of_fake"], _generator_loss(loss_g)),
    ]
    penalty = penalty_of(gan)
    if penalty is not None:
        axes = "1" if penalty.norm == "channel" else "tuple(range(1, gradient.ndim))"
        norm = "pixel by pixel" if penalty.norm == "channel" else "sample by sample"
        parts.append(f'''\
def gradient_penalty(parameters: Tensors, mixed: Array) -> Array:
    """Return how far the norm of D's gradient by its input is from 1, {norm}."""
    gradient = jax.grad(lambda x: jnp.sum(discriminate(parameters, x)))(mixed)
    squares = jnp.sum(gradient**2, axis={axes})
    # A root has an infinite gradient at 0, which times 0 is NaN: there it is not taken.
    roots = jnp.sqrt(jnp.where(squares == 0, 1.0, squares))
    norms = jnp.where(squares == 0, 0.0, roots)
    # Averaged sample by sample first: XLA adds up all of a large array in one run, digits lost.
    by_sample = jnp.mean(((norms - 1) ** 2).reshape(len(mixed), -1), axis=1)
    return {number(penalty.weight)} * jnp.mean(by_sample)''')
    return "\n\n\n".join(parts)


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


def _loss_function(player: str, arguments: list[str], lines: list[str]) -> str:
    head = call(f"def {player}_loss(", [f"{name}: Array" for name in arguments], ") -> Array:")
    said = {
        "discriminator": "D's loss, by what it says of real and of fake samples",
        "generator": "G's loss, by what D says of its samples",
    }[player]
    return "\n".join([head, f'    """Return {said}."""', *(f"    {line}" for line in lines)])


def _discriminator_loss(loss: Any) -> list[str]:
    reduce = f"jnp.{loss.reduction}"
    if loss.score == "critic":
        return [f"return {_critic_loss(loss, reduce)}"]
    if isinstance(loss, spec.LeastSquaresDiscriminatorLoss):
        real, fake = _square("of_real", loss.real_target), _square("of_fake", loss.fake_target)
        return _times(loss.factor, f"{reduce}({real}) + {reduce}({fake})", is_sum=True)
    if isinstance(loss, spec.MinimaxDiscriminatorLoss):
        real = _logarithm(loss, "of_real", loss.real_label)
        fake = _logarithm(loss, "of_fake", 1 - loss.real_label)
        if loss.probability_floor is None:
            return [f"return -{reduce}({real}) - {reduce}({fake})"]
        return [f"real = {real}", f"fake = {fake}", f"return -{reduce}(real) - {reduce}(fake)"]
    if isinstance(loss, spec.CrossEntropyDiscriminatorLoss):
        return [
            f"real = jax.nn.log_softmax(of_real)[:, {loss.real_label}]",
            f"fake = jax.nn.log_softmax(of_fake)[:, {1 - loss.real_label}]",
            f"return -{reduce}(real) - {reduce}(fake)",
        ]
    return [
        f"on_real = {_entropy(loss, 'of_real', loss.real_label)}",
        f"on_fake = {_entropy(loss, 'of_fake', 1 - loss.real_label)}",
        "return on_real + on_fake",
    ]


def _critic_loss(loss: Any, reduce: str) -> str:
    low, high = ("of_fake", "of_real") if loss.real_label == 1 else ("of_real", "of_fake")
    if isinstance(loss, spec.HingeDiscriminatorLoss):
        return f"{reduce}(jax.nn.relu(1 - {high})) + {reduce}(jax.nn.relu(1 + {low}))"
    return f"{reduce}({low}) - {reduce}({high})"


def _generator_loss(loss: Any) -> list[str]:
    reduce = f"jnp.{loss.reduction}"
    if isinstance(loss, spec.WassersteinGeneratorLoss):
        return [f"return {'-' if loss.real_label == 1 else ''}{reduce}(of_fake)"]
    if isinstance(loss, spec.LeastSquaresGeneratorLoss):
        return _times(loss.factor, f"{reduce}({_square('of_fake', loss.target)})", is_sum=False)
    if isinstance(loss, spec.NonSaturatingGeneratorLoss):
        return [f"return -{reduce}({_logarithm(loss, 'of_fake', loss.real_label)})"]
    if isinstance(loss, spec.SaturatingGeneratorLoss):
        return [f"return {reduce}({_logarithm(loss, 'of_fake', 1 - loss.real_label)})"]
    if isinstance(loss, spec.CrossEntropyGeneratorLoss):
        return [f"return -{reduce}(jax.nn.log_softmax(of_fake)[:, {loss.real_label}])"]
    return [f"return {_entropy(loss, 'of_fake', loss.real_label)}"]


def _square(values: str, target: float) -> str:
    if target == 0:
        return f"{values}**2"
    return f"({values} {'-' if target > 0 else '+'} {number(abs(target))}) ** 2"


def _times(factor: float, value: str, *, is_sum: bool) -> list[str]:
    if factor == 1:
        return [f"return {value}"]
    return [f"return {number(factor)} * {f'({value})' if is_sum else value}"]


def _logarithm(loss: Any, values: str, target: int) -> str:
    likelihood = values if target == 1 else f"1 - {values}"
    if loss.probability_floor is None:
        return f"jnp.log({likelihood})"
    return f"jnp.log(floored({likelihood}, {number(loss.probability_floor)}))"


def _entropy(loss: Any, values: str, target: int) -> str:
    floors = f"{number(loss.log_floor)}, {number(loss.denominator_floor)}"
    return f"jnp.{loss.reduction}(cross_entropy({values}, {target}, {floors}))"
