"""Both losses in MXNet, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_mxnet.input_gradient import input_gradient_section
from gan_rosetta.shared.translate.parts import penalty_of
from gan_rosetta.shared.translate.writing import call, number


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    loss_d: Any = gan.training.discriminator_loss
    loss_g: Any = gan.training.generator_loss
    parts = [_ENTROPY] if any(hasattr(each, "log_floor") for each in (loss_d, loss_g)) else []
    parts += [_CROSS_ENTROPY] if loss_d.score == "logits" else []
    parts += [_LOGISTIC] if loss_d.score == "logit" else []
    parts += [
        _loss_function("discriminator", ["of_real", "of_fake"], _discriminator_loss(loss_d)),
        _loss_function("generator", ["of_fake"], _generator_loss(loss_g)),
    ]
    penalty = penalty_of(gan)
    if penalty is not None:
        axes = "axis=1" if penalty.norm == "channel" else "axis=0, exclude=True"
        norm = "pixel by pixel" if penalty.norm == "channel" else "sample by sample"
        parts += [
            *input_gradient_section(gan),
            f'''\
def gradient_penalty(mixed: NDArray) -> NDArray:
    """Return how far the norm of D's gradient by its input is from 1, {norm}."""
    squares = (input_gradient(mixed) ** 2).sum({axes})
    # A root has an infinite gradient at 0, which times 0 is NaN: there it is not taken.
    is_zero = squares == 0
    norms = mx.nd.sqrt(squares + is_zero) * (1 - is_zero)
    return {number(penalty.weight)} * ((norms - 1) ** 2).mean()''',
        ]
    return "\n\n\n".join(parts)


_ENTROPY = '''\
def cross_entropy(p: NDArray, target: int, log_floor: float, floor: float) -> NDArray:
    """Return -log p or -log(1 - p) of each sample, bounded as its gradient is."""
    with autograd.pause():
        logarithm = mx.nd.maximum(mx.nd.log(p) if target == 1 else mx.nd.log1p(-p), log_floor)
        slope = (p - target) / mx.nd.maximum(p * (1 - p), floor)
    return slope * (p - p.detach()) - logarithm  # the first is 0, with the gradient wanted'''

_CROSS_ENTROPY = '''\
def cross_entropy(logits: NDArray, label: int) -> NDArray:
    """Return the loss of each sample; MXNet's own log_softmax computes in float32."""
    logits = mx.nd.broadcast_sub(logits, logits.detach().max(axis=1, keepdims=True))
    return mx.nd.log(mx.nd.exp(logits).sum(axis=1)) - logits[:, label]'''


_LOGISTIC = '''\
def logistic(logits: NDArray, target: float) -> NDArray:
    """Return each logit's cross entropy with a target; Gluon's own is not smooth at 0."""
    with autograd.pause():
        values = mx.nd.relu(logits) - logits * target + mx.nd.log1p(mx.nd.exp(-logits.abs()))
        slopes = mx.nd.sigmoid(logits) - target
    return values + slopes * (logits - logits.detach())  # the second is 0, with the gradient wanted'''


def _loss_function(player: str, arguments: list[str], lines: list[str]) -> str:
    head = call(f"def {player}_loss(", [f"{name}: NDArray" for name in arguments], ") -> NDArray:")
    said = {
        "discriminator": "D's loss, by what it says of real and of fake samples",
        "generator": "G's loss, by what D says of its samples",
    }[player]
    return "\n".join([head, f'    """Return {said}."""', *(f"    {line}" for line in lines)])


def _discriminator_loss(loss: Any) -> list[str]:
    reduce = f".{loss.reduction}()"
    if loss.score == "critic":
        return [f"return {_critic_loss(loss, reduce)}"]
    if loss.score in ("squares", "logit"):
        return _terms_with_targets(loss)
    if isinstance(loss, spec.MinimaxDiscriminatorLoss):
        real = _logarithm(loss, "of_real", loss.real_label)
        fake = _logarithm(loss, "of_fake", 1 - loss.real_label)
        return [f"real = {real}", f"fake = {fake}", *_times(loss.factor, f"-real{reduce} - fake{reduce}", is_sum=True)]
    real = f"{_entropy(loss, 'of_real', loss.real_label)}{reduce}"
    fake = f"{_entropy(loss, 'of_fake', 1 - loss.real_label)}{reduce}"
    return _weighed_sum(getattr(loss, "factor", 1), real, fake)


def _terms_with_targets(loss: Any) -> list[str]:
    if not isinstance(loss, spec.RelativisticDiscriminatorLoss):
        real, fake = _to_target(loss, "of_real", loss.real_target), _to_target(loss, "of_fake", loss.fake_target)
        return _weighed_sum(loss.factor, real, fake)
    differences = ["real, fake = of_real - of_fake, of_fake - of_real"]
    if loss.average:
        differences = [
            f"{name} = mx.nd.broadcast_sub(of_{name}, of_{other}.mean(axis=0, keepdims=True))"
            for name, other in (("real", "fake"), ("fake", "real"))
        ]
    real, fake = _to_target(loss, "real", 1.0), _to_target(loss, "fake", 0.0)
    return [*differences, *_weighed_sum(loss.factor, real, fake)]


def _weighed_term(loss: Any) -> str:
    if loss.score == "probability":
        return f"((mx.nd.log(of_fake) - mx.nd.log(1 - of_fake)) ** 2).{loss.reduction}()"
    return _to_target(loss, "of_fake", loss.target)


def _to_target(loss: Any, values: str, target: float) -> str:
    if loss.score == "squares":
        return f"{_square(values, target)}.{loss.reduction}()"
    return f"logistic({values}, {number(target)}).{loss.reduction}()"


def _weighed_sum(factor: float, first: str, second: str) -> list[str]:
    return [f"on_real = {first}", f"on_fake = {second}", *_times(factor, "on_real + on_fake", is_sum=True)]


def _critic_loss(loss: Any, reduce: str) -> str:
    low, high = ("of_fake", "of_real") if loss.real_label == 1 else ("of_real", "of_fake")
    if isinstance(loss, spec.HingeDiscriminatorLoss):
        return f"mx.nd.relu(1 - {high}){reduce} + mx.nd.relu(1 + {low}){reduce}"
    return f"{low}{reduce} - {high}{reduce}"


def _generator_loss(loss: Any) -> list[str]:
    reduce = f".{loss.reduction}()"
    if isinstance(loss, spec.WassersteinGeneratorLoss):
        return [f"return {'-' if loss.real_label == 1 else ''}of_fake{reduce}"]
    if hasattr(loss, "factor"):
        return _times(loss.factor, _weighed_term(loss), is_sum=False)
    if isinstance(loss, spec.NonSaturatingGeneratorLoss):
        return [f"return -{_logarithm(loss, 'of_fake', loss.real_label)}{reduce}"]
    if isinstance(loss, spec.SaturatingGeneratorLoss):
        return [f"return {_logarithm(loss, 'of_fake', 1 - loss.real_label)}{reduce}"]
    return [f"return {_entropy(loss, 'of_fake', loss.real_label)}{reduce}"]


def _square(values: str, target: float) -> str:
    if target == 0:
        return f"({values}**2)"
    return f"(({values} {'-' if target > 0 else '+'} {number(abs(target))}) ** 2)"


def _times(factor: float, value: str, *, is_sum: bool) -> list[str]:
    if factor == 1:
        return [f"return {value}"]
    return [f"return {number(factor)} * {f'({value})' if is_sum else value}"]


def _logarithm(loss: Any, values: str, target: int) -> str:
    likelihood = values if target == 1 else f"1 - {values}"
    if loss.probability_floor is not None:
        likelihood = f"mx.nd.maximum({likelihood}, {number(loss.probability_floor)})"
    return f"mx.nd.log({likelihood})"


def _entropy(loss: Any, values: str, target: int) -> str:
    if loss.score == "logits":
        return f"cross_entropy({values}, {target})"
    floors = f"{number(loss.log_floor)}, {number(loss.denominator_floor)}"
    return f"cross_entropy({values}, {target}, {floors})"
