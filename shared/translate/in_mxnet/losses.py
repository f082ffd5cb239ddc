"""Both losses in MXNet, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
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
    parts += [_LOGISTIC] if loss_d.score == "logit" else []
    parts += [
        _loss_function("discriminator", ["of_real", "of_fake"], _discriminator_loss(loss_d)),
        _loss_function("generator", ["of_fake"], _generator_loss(loss_g)),
    ]
    penalty = penalty_of(gan)
    if penalty is not None:
        axes = "axis=1" if penalty.norm == "channel" else "axis=0, exclude=True"
        norm = "pixel by pixel" if penalty.norm == "channel" else "sample by sample"
        by_layers = _input_gradient(gan)
        parts += [text for name, text in _SLOPES.items() if f" {name}(" in by_layers]
        parts += [
            by_layers,
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


def _input_gradient(gan: GanSpec) -> str:
    """Return the function of D's gradient by its input, layer by layer from the last."""
    written, placed = written_layers(gan, "discriminator"), gan.discriminator.placed
    names = {spec.NETWORK_INPUT: "mixed"} | {place: f"x{place + 1}" for place in range(len(placed))}
    names[len(placed) - 1] = "of_mixed"
    forward, backward = list[str](), list[str]()
    # Of the gradient by each layer's output what the layers behind it give, as expressions.
    found = {len(placed) - 1: ["mx.nd.ones_like(of_mixed)"]}
    for place, (each, part) in enumerate(zip(placed, written, strict=True)):
        taken = part.between.join(names[source] for source in each.sources)
        forward.append(f"{names[place]} = {part.applied.replace('{x}', taken)}".replace("self.", "discriminator."))
    for place in reversed(range(len(placed))):
        each, own = placed[place], f"g{place + 1}"
        backward += _sum(own, found.pop(place))
        if isinstance(each.layer, spec.Branches):
            pieces = _of_ends(gan.discriminator, place, own, names)
        else:
            made = written[place].applied.partition("(")[0].replace("self.", "discriminator.")
            pieces = [_backward(each.layer, made, names[each.sources[0]], names[place], own)]
        for source, piece in zip(each.sources, pieces, strict=True):
            found.setdefault(source, []).append(piece)
    *backward, last = [*backward, *_sum("gradient", found[spec.NETWORK_INPUT])]
    body = "\n".join(f"    {line}" for line in (*forward, *backward))
    return f'''\
def input_gradient(mixed: NDArray) -> NDArray:
    """Return D's gradient by its input; MXNet cannot differentiate its own once more."""
{body}
    return {last.removeprefix("gradient = ")}'''


def _sum(name: str, terms: list[str]) -> list[str]:
    return [f"{name} = {terms[0]}", *(f"{name} = {name} + {term}" for term in terms[1:])]


def _of_ends(network: spec.Network, place: int, gradient: str, names: Mapping[int, str]) -> list[str]:
    """Return the gradient by each end of branches."""
    layer, sources = network.placed[place].layer, network.placed[place].sources
    join = layer.join if isinstance(layer, spec.Branches) else ""
    if join == "add":
        return [gradient] * len(sources)
    if join == "multiply":
        ends = [names[source] for source in sources]
        return [" * ".join([gradient, *ends[:index], *ends[index + 1 :]]) for index in range(len(ends))]
    shapes = (network.input_shape if s == spec.NETWORK_INPUT else network.placed[s].output_shape for s in sources)
    stops = list(accumulate(shape[0] for shape in shapes))
    return [
        f"mx.nd.slice_axis({gradient}, axis=1, begin={number(start)}, end={number(stop)})"
        for start, stop in zip([0, *stops], stops, strict=False)
    ]


def _backward(layer: Any, module: str, x: str, y: str, gradient: str) -> str:
    """Return the gradient by a layer's input x, of that by its output y."""
    if isinstance(layer, spec.Linear):
        return f"mx.nd.dot({gradient}, {module}.weight.data())"
    if isinstance(layer, spec.Reshape):
        return f"{gradient}.reshape_like({x})"
    slopes = {
        spec.Tanh: f"(1 - {y}**2)",
        spec.Sigmoid: f"({y} * (1 - {y}))",
        spec.Softplus: f"mx.nd.sigmoid({x})",
        spec.ReLU: f"({x} > 0)",
        spec.LeakyReLU: f"(({x} > 0) + {number(getattr(layer, 'slope', 0))} * ({x} <= 0))",
        spec.SiLU: f"silu_slope({x})",
        spec.GELU: f"{'gelu' if getattr(layer, 'form', '') == 'erf' else 'gelu_by_tanh'}_slope({x})",
    }
    if isinstance(layer, spec.ELU | spec.SELU):
        scale = layer.scale if isinstance(layer, spec.SELU) else 1.0
        return f"{gradient} * elu_slope({x}, {number(scale)}, {number(scale * layer.alpha)})"
    return f"{gradient} * {slopes[type(layer)]}"


# Derivatives of activations as expressions of recorded arrays, by the words that are theirs in _backward.
_SLOPES = {
    "elu_slope": '''\
def elu_slope(x: NDArray, scale: float, bend: float) -> NDArray:
    """Return the derivative of an exponential unit."""
    return scale * (x > 0) + bend * (x <= 0) * mx.nd.exp(mx.nd.minimum(x, 0))''',
    "gelu_slope": '''\
def gelu_slope(x: NDArray) -> NDArray:
    """Return the derivative of gelu."""
    density = mx.nd.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + erf(x * math.sqrt(0.5))) + x * density''',
    "gelu_by_tanh_slope": '''\
def gelu_by_tanh_slope(x: NDArray) -> NDArray:
    """Return the derivative of gelu_by_tanh."""
    root = math.sqrt(2 / math.pi)
    share = mx.nd.tanh(root * (x + 0.044715 * (x * x * x)))
    steepness = root * (1 + 3 * 0.044715 * x**2)
    return 0.5 * (1 + share) + 0.5 * x * steepness * (1 - share**2)''',
    "silu_slope": '''\
def silu_slope(x: NDArray) -> NDArray:
    """Return the derivative of silu."""
    gate = mx.nd.sigmoid(x)
    return gate + x * (gate * (1 - gate))''',
}


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
