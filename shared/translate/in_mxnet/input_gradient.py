"""D's gradient by its input in MXNet, written out: MXNet has second derivatives of few operators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.in_mxnet.convolutions import STAMPED
from gan_rosetta.shared.translate.in_mxnet.model import RESERVED, written_layers
from gan_rosetta.shared.translate.writing import attribute, fitted, number, numbers


def input_gradient_section(gan: GanSpec, /) -> list[str]:
    """Return the function of D's gradient by its input, layer by layer from the last, behind those that it calls."""
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
            made = f"discriminator.{attribute(each.name, RESERVED)}"
            pieces = [_backward(each, made, names[each.sources[0]], names[place], own)]
        for source, piece in zip(each.sources, pieces, strict=True):
            found.setdefault(source, []).append(piece)
    *backward, last = [*backward, *_sum("gradient", found[spec.NETWORK_INPUT])]
    last = last.replace("gradient = ", "return ", 1)
    masks = ", masks: Batch" if uses_masks(gan, "discriminator") else ""
    body = "\n".join(fitted(line, indent=4) for line in (*forward, *backward, last))
    function = f'''\
def input_gradient(mixed: NDArray{masks}) -> NDArray:
    """Return D's gradient by its input; MXNet cannot differentiate its own once more."""
{body}'''
    parts = [*(text for name, text in _FUNCTIONS.items() if f" {name}(" in function), function]
    is_there = any("stamped" in part.needs for network in gan.networks() for part in written_layers(gan, network))
    return [STAMPED, *parts] if "stamped(" in "".join(parts) and not is_there else parts


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


def _backward(placed: spec.PlacedLayer, module: str, x: str, y: str, gradient: str) -> str:
    """Return the gradient by a layer's input x, of that by its output y."""
    layer: Any = placed.layer
    if isinstance(layer, spec.Conv2d | spec.ConvTranspose2d):
        return _of_convolution(placed, gradient, f"{module}.weight.data()")
    if isinstance(layer, spec.Pool2d | spec.GlobalPool):
        return _of_pool(placed, x, gradient)
    factor = number(getattr(layer, "factor", 0))
    is_smooth = getattr(layer, "mode", "") == "bilinear"
    unshuffle = "unshuffle" if getattr(layer, "order", "") == "channel" else "mx.nd.space_to_depth"
    whole = {
        spec.Linear: f"mx.nd.dot({gradient}, {module}.weight.data())",
        spec.Dropout: f'dropout({gradient}, masks.get("{placed.name}"), {number(getattr(layer, "probability", 0))})',
        spec.BatchNorm: f"batch_norm_gradient({gradient}, {x}, {module})",
        spec.GroupNorm: f"norm_gradient({gradient}, {x}, {module})",
        spec.PReLU: f"{gradient} * {module}.slopes({x})",
        spec.Upsample: f"upsampling_gradient({gradient}, {x}, {factor}, smooth={is_smooth})",
        spec.PixelShuffle: f"{unshuffle}({gradient}, {factor})",
        spec.Reshape: f"{gradient}.reshape_like({x})",
    }
    return whole[type(layer)] if type(layer) in whole else f"{gradient} * {_slope(layer, x, y)}"


def _slope(layer: Any, x: str, y: str) -> str:
    """Return the derivative of an activation at its input x, whose output is y."""
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
        return f"elu_slope({x}, {number(scale)}, {number(scale * layer.alpha)})"
    return slopes[type(layer)]


def _of_pool(placed: spec.PlacedLayer, x: str, gradient: str) -> str:
    """Return the gradient by what is pooled, of that by the pool."""
    layer: Any = placed.layer
    if isinstance(layer, spec.Pool2d):
        name = "mean_gradient" if layer.mode == "average" else "largest_gradient"
        return f"{name}({gradient}, {x}, {number(layer.kernel_size)}, {number(layer.stride)})"
    if layer.mode == "maximum":
        return f"largest_of_all_gradient({gradient}, {x})"
    share = f" / {number(math.prod(placed.input_shape[1:]))}" if layer.mode == "average" else ""
    return f"mx.nd.broadcast_mul({gradient}.reshape((0, 0, 1, 1)){share}, mx.nd.ones_like({x}))"


def _of_convolution(placed: spec.PlacedLayer, gradient: str, weight: str) -> str:
    """Return the gradient by a convolution's input, of that by its output."""
    layer: Any = placed.layer
    (top, bottom), (left, right) = layer.margins
    groups, dilation = number(layer.groups), number(layer.dilation)
    if isinstance(layer, spec.Conv2d):
        settings = [f"sizes={numbers(placed.input_shape[1:])}", f"stride={number(layer.stride)}"]
        settings += [f"begins={numbers((top, left))}", f"dilation={dilation}", f"groups={groups}"]
        return f"stamped({', '.join([gradient, weight, *settings])})"
    if any((top, bottom, left, right)):
        widths = numbers((0, 0, 0, 0, top, bottom, left, right))
        gradient = f'mx.nd.pad({gradient}, mode="constant", pad_width={widths})'
    settings = ["no_bias=True", f"kernel={numbers(layer.kernel)}", f"stride={numbers((layer.stride,) * 2)}"]
    settings += [f"dilate={numbers((layer.dilation,) * 2)}", f"num_filter={number(layer.in_channels)}"]
    return f"mx.nd.Convolution({', '.join([gradient, weight, *settings, f'num_group={groups}'])})"


# What the gradient by each layer's input is made of, as expressions of recorded arrays, by their names in _backward.
_FUNCTIONS = {
    "norm_gradient": '''\
def norm_gradient(gradient: NDArray, x: NDArray, norm: GroupNorm) -> NDArray:
    """Return the gradient by what is normalised."""
    if norm.affine:
        shape = (1, -1, *(1,) * (x.ndim - 2))  # a number a channel
        gradient = mx.nd.broadcast_mul(gradient, norm.weight.data().reshape(shape))
    parts, given = (each.reshape((len(x), norm.groups, -1)) for each in (x, gradient))
    centred = mx.nd.broadcast_sub(parts, parts.mean(axis=2, keepdims=True))
    deviation = mx.nd.sqrt((centred**2).mean(axis=2, keepdims=True) + norm.eps)
    y = mx.nd.broadcast_div(centred, deviation)
    change = mx.nd.broadcast_mul(y, (given * y).mean(axis=2, keepdims=True))
    given = mx.nd.broadcast_sub(given, given.mean(axis=2, keepdims=True)) - change
    return mx.nd.broadcast_div(given, deviation).reshape_like(x)''',
    "batch_norm_gradient": '''\
def batch_norm_gradient(gradient: NDArray, x: NDArray, norm: BatchNorm) -> NDArray:
    """Return the gradient by what is normalised, by the batch's own statistics."""
    if norm.affine:
        shape = (1, -1, *(1,) * (x.ndim - 2))  # a number a channel
        gradient = mx.nd.broadcast_mul(gradient, norm.weight.data().reshape(shape))
    each = {"axis": 1, "exclude": True, "keepdims": True}
    centred = mx.nd.broadcast_sub(x, x.mean(**each))
    deviation = mx.nd.sqrt((centred**2).mean(**each) + norm.eps)
    y = mx.nd.broadcast_div(centred, deviation)
    change = mx.nd.broadcast_mul(y, (gradient * y).mean(**each))
    gradient = mx.nd.broadcast_sub(gradient, gradient.mean(**each)) - change
    return mx.nd.broadcast_div(gradient, deviation)''',
    "upsampling_gradient": '''\
def upsampling_gradient(gradient: NDArray, x: NDArray, factor: int, *, smooth: bool) -> NDArray:
    """Return what each pixel was spread to, added up."""

    def weights(size: int) -> NDArray:
        centres = (np.arange(size * factor) + 0.5) / factor - 0.5
        distances = np.abs(np.clip(centres, 0, size - 1)[:, None] - np.arange(size))
        shares = np.maximum(0, 1 - distances) if smooth else distances <= 0.5
        return mx.nd.array(shares, dtype=x.dtype)

    narrow = mx.nd.dot(gradient, weights(x.shape[3]))
    return mx.nd.dot(narrow.swapaxes(2, 3), weights(x.shape[2])).swapaxes(2, 3)''',
    "mean_gradient": '''\
def mean_gradient(gradient: NDArray, x: NDArray, kernel: int, stride: int) -> NDArray:
    """Return the gradient by what windows take the means of."""
    channels = x.shape[1]
    ones = mx.nd.ones((channels, 1, kernel, kernel), dtype=x.dtype)
    return stamped(
        gradient / kernel**2,
        ones,
        sizes=x.shape[2:],
        stride=stride,
        begins=(0, 0),
        dilation=1,
        groups=channels,
    )''',
    "largest_gradient": '''\
def largest_gradient(gradient: NDArray, x: NDArray, kernel: int, stride: int) -> NDArray:
    """Return the gradient by what windows take the largest of: it goes to the first that it is."""
    size = kernel**2
    with autograd.pause():
        # Of each channel as many as a window has places.
        one_hot = mx.nd.eye(size, dtype=x.dtype).reshape((size, 1, kernel, kernel))
        stamps = mx.nd.tile(one_hot, reps=(x.shape[1], 1, 1, 1))
        windows = mx.nd.Convolution(
            x,
            stamps,
            no_bias=True,
            kernel=(kernel, kernel),
            stride=(stride, stride),
            num_filter=len(stamps),
            num_group=x.shape[1],
        )
        shape = (len(x), x.shape[1], size, *windows.shape[2:])
        places = windows.reshape(shape).argmax(axis=2)
        chosen = mx.nd.one_hot(places, size, dtype=np.dtype(x.dtype).name)
        chosen = chosen.transpose((0, 1, 4, 2, 3))
    parts = mx.nd.broadcast_mul(gradient.expand_dims(2), chosen).reshape_like(windows)
    return stamped(
        parts,
        stamps,
        sizes=x.shape[2:],
        stride=stride,
        begins=(0, 0),
        dilation=1,
        groups=x.shape[1],
    )''',
    "largest_of_all_gradient": '''\
def largest_of_all_gradient(gradient: NDArray, x: NDArray) -> NDArray:
    """Return the gradient by what a channel's largest is taken of, the first that it is."""
    with autograd.pause():
        flat = x.reshape((0, 0, -1))
        name = np.dtype(x.dtype).name
        chosen = mx.nd.one_hot(flat.argmax(axis=2), flat.shape[2], dtype=name)
    return mx.nd.broadcast_mul(gradient.expand_dims(2), chosen).reshape_like(x)''',
    "unshuffle": '''\
def unshuffle(gradient: NDArray, factor: int) -> NDArray:
    """Return the gradient by what pixel_shuffle makes larger images of."""
    count, channels, height, width = gradient.shape
    shape = (count, channels, height // factor, factor, width // factor, factor)
    parts = gradient.reshape(shape).transpose((0, 1, 3, 5, 2, 4))
    return parts.reshape((count, channels * factor**2, height // factor, width // factor))''',
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
