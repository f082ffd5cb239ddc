"""Both losses in MXNet, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_mxnet.model import written_layers
from gan_rosetta.shared.translate.parts import penalty_of
from gan_rosetta.shared.translate.writing import call, number


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    loss_d: Any = gan.training.discriminator_loss
    loss_g: Any = gan.training.generator_loss
    parts = [_ENTROPY] if any(hasattr(each, "log_floor") for each in (loss_d, loss_g)) else []
    parts += [_CROSS_ENTROPY] if loss_d.score == "logits" else []
    parts += [
        _loss_function("discriminator", ["of_real", "of_fake"], _discriminator_loss(loss_d)),
        _loss_function("generator", ["of_fake"], _generator_loss(loss_g)),
    ]
    penalty = penalty_of(gan)
    if penalty is not None:
        axes = "axis=1" if penalty.norm == "channel" else "axis=0, exclude=True"
        norm = "pixel by pixel" if penalty.norm == "channel" else "sample by sample"
        parts += [
            _input_gradient(gan),
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


def _input_gradient(gan: GanSpec) -> str:
    """Return the function of D's gradient by its input, layer by layer from the last."""
    written = written_layers(gan, "discriminator")
    forward, backward = [], ["gradient = mx.nd.ones_like(of_mixed)"]
    for place, (placed, part) in enumerate(zip(gan.discriminator.placed, written, strict=True)):
        y = "of_mixed" if place == len(written) - 1 else f"x{place + 1}"
        x = f"x{place}" if place else "mixed"
        applied = part.applied.replace("{x}", x).replace("self.", "discriminator.")
        forward.append(f"{y} = {applied}")
        made = part.applied.partition("(")[0].replace("self.", "discriminator.")
        backward.insert(1, _backward(placed.layer, made, x, y))
    body = "\n".join(f"    {line}" for line in (*forward, *backward))
    last = f"    {backward[-1]}"
    return f'''\
def input_gradient(mixed: NDArray) -> NDArray:
    """Return D's gradient by its input; MXNet cannot differentiate its own once more."""
{body.removesuffix(last)}    return {last.removeprefix("    gradient = ")}'''


def _backward(layer: Any, module: str, x: str, y: str) -> str:
    if isinstance(layer, spec.Linear):
        return f"gradient = mx.nd.dot(gradient, {module}.weight.data())"
    if isinstance(layer, spec.Reshape):
        return f"gradient = gradient.reshape_like({x})"
    slopes = {
        spec.Tanh: f"(1 - {y}**2)",
        spec.Sigmoid: f"({y} * (1 - {y}))",
        spec.Softplus: f"mx.nd.sigmoid({x})",
        spec.ReLU: f"({x} > 0)",
        spec.LeakyReLU: f"(({x} > 0) + {number(getattr(layer, 'slope', 0))} * ({x} <= 0))",
    }
    return f"gradient = gradient * {slopes[type(layer)]}"


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
    if isinstance(loss, spec.LeastSquaresDiscriminatorLoss):
        real, fake = _square("of_real", loss.real_target), _square("of_fake", loss.fake_target)
        return _times(loss.factor, f"{real}{reduce} + {fake}{reduce}", is_sum=True)
    if isinstance(loss, spec.MinimaxDiscriminatorLoss):
        real = _logarithm(loss, "of_real", loss.real_label)
        fake = _logarithm(loss, "of_fake", 1 - loss.real_label)
        return [f"real = {real}", f"fake = {fake}", f"return -real{reduce} - fake{reduce}"]
    return [
        f"on_real = {_entropy(loss, 'of_real', loss.real_label)}{reduce}",
        f"on_fake = {_entropy(loss, 'of_fake', 1 - loss.real_label)}{reduce}",
        "return on_real + on_fake",
    ]


def _critic_loss(loss: Any, reduce: str) -> str:
    low, high = ("of_fake", "of_real") if loss.real_label == 1 else ("of_real", "of_fake")
    if isinstance(loss, spec.HingeDiscriminatorLoss):
        return f"mx.nd.relu(1 - {high}){reduce} + mx.nd.relu(1 + {low}){reduce}"
    return f"{low}{reduce} - {high}{reduce}"


def _generator_loss(loss: Any) -> list[str]:
    reduce = f".{loss.reduction}()"
    if isinstance(loss, spec.WassersteinGeneratorLoss):
        return [f"return {'-' if loss.real_label == 1 else ''}of_fake{reduce}"]
    if isinstance(loss, spec.LeastSquaresGeneratorLoss):
        return _times(loss.factor, f"{_square('of_fake', loss.target)}{reduce}", is_sum=False)
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
