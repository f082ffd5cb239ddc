"""The layers in MXNet: Gluon's own blocks where they compute what the spec says, functions and blocks written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_mxnet import augmenting, contrast
from gan_rosetta.shared.translate.in_mxnet.convolutions import DILATED_TRANSPOSE, STAMPED, conv2d, conv_transpose2d
from gan_rosetta.shared.translate.parts import (
    Part,
    augmented,
    code_error,
    error_between,
    logits_of_classes,
    pull_away,
    rows_of_classes,
)
from gan_rosetta.shared.translate.writing import number


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x Wᵀ + b."""
    layer: Any = placed.layer
    settings = [number(layer.out_features), f"in_units={number(layer.in_features)}", *_no_bias(layer)]
    return Part(made=("nn.Dense(", settings), applied=f"self.{name}({{x}})")


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation; Gluon's moves its averages in the backward pass."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"eps={number(layer.epsilon)}", f"momentum={number(layer.momentum)}"]
    settings += [f"correction={1 if layer.running_variance == 'unbiased' else 0}"]
    settings += [f"by_running={layer.statistics == 'running'}", *([] if layer.affine else ["affine=False"])]
    return Part(made=("BatchNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself; Gluon's keeps its ε in float32."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"groups={number(layer.num_groups)}", f"eps={number(layer.epsilon)}"]
    settings += [f"affine={bool(layer.affine)}"]
    return Part(made=("GroupNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("group_norm",))


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    sizes = [number(size) for size in (layer.in_features, layer.num_kernels, layer.kernel_dims)]
    settings = [*sizes, f"use_bias={layer.bias_init is not None}", f"self_distance={bool(layer.self_distance)}"]
    made = ("MinibatchDiscrimination(", settings)
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("minibatch",))


def tanh(placed: PlacedLayer, name: str, /) -> Part:
    """Write the hyperbolic tangent."""
    del placed, name
    return Part(applied="mx.nd.tanh({x})")


def sigmoid(placed: PlacedLayer, name: str, /) -> Part:
    """Write 1 / (1 + exp(-x))."""
    del placed, name
    return Part(applied="mx.nd.sigmoid({x})")


def softplus(placed: PlacedLayer, name: str, /) -> Part:
    """Write log(1 + exp(x)), exact for every x."""
    del placed, name
    return Part(applied="softplus({x})", needs=("softplus",))


def relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write max(x, 0), with gradient 0 at 0."""
    del placed, name
    return Part(applied="mx.nd.relu({x})")


def leaky_relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, slope · x elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"leaky_relu({{x}}, {number(layer.slope)})", needs=("leaky_relu",))


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere."""
    layer: Any = placed.layer
    made = ("PReLU(", [number(layer.num_parameters)])
    return Part(made=made, applied=f"self.{name}({{x}})", joins=True, needs=("prelu",))


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"elu({{x}}, {number(layer.alpha)})", needs=("elu",))


def selu(placed: PlacedLayer, name: str, /) -> Part:
    """Write scale · ELU."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"{number(layer.scale)} * elu({{x}}, {number(layer.alpha)})", needs=("elu",))


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it, which MXNet has not."""
    del name
    layer: Any = placed.layer
    if layer.form == "tanh":
        return Part(applied="gelu_by_tanh({x})", needs=("gelu_by_tanh",))
    return Part(applied="gelu({x})", needs=("erf", "gelu"))


def silu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · sigmoid(x)."""
    del placed, name
    return Part(applied="silu({x})", needs=("silu",))


def dropout(placed: PlacedLayer, name: str, /) -> Part:
    """Write a dropout by a mask that is fed."""
    del name
    layer: Any = placed.layer
    applied = f'dropout({{x}}, masks.get("{placed.name}"), {number(layer.probability)})'
    return Part(applied=applied, needs=("dropout", "masks_of"))


def augment(placed: PlacedLayer, name: str, /) -> Part:
    """Write an augmentation by what is drawn for each image."""
    del name
    return augmented(placed, f'masks.get("{placed.name}")')


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    own = rows_of_classes(layer, f"self.{name}", "{r}.flatten()")
    row = own.applied
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    sizes = [*map(number, layer.table), "dtype=options.dtype"]
    if layer.joined == "alone":
        return Part(made=("nn.Embedding(", sizes), applied=row, needs=own.needs)
    return Part(made=("nn.Embedding(", sizes), applied=f"mx.nd.concat({parts}, dim=1)", needs=own.needs)


def upsample(placed: PlacedLayer, name: str, /) -> Part:
    """Write an upsampling."""
    del name
    layer: Any = placed.layer
    kind = "repeat_pixels" if layer.mode == "nearest" else "interpolate"
    return Part(applied=f"{kind}({{x}}, {number(layer.factor)})", needs=(kind,))


_POOLS = {"average": "avg", "sum": "sum", "maximum": "max"}


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    return Part(applied=_pooling((layer.kernel_size,) * 2, (layer.stride,) * 2, layer.mode))


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"{_pooling(placed.input_shape[1:], (1, 1), layer.mode)}.flatten()")


def _pooling(kernel: tuple[int, ...], stride: tuple[int, int], mode: str) -> str:
    window, steps = (", ".join(map(number, sizes)) for sizes in (kernel, stride))
    return f'mx.nd.Pooling({{x}}, kernel=({window}), stride=({steps}), pool_type="{_POOLS[mode]}")'


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    if layer.order == "pixel":
        return Part(applied=f"mx.nd.depth_to_space({{x}}, {number(layer.factor)})")
    return Part(applied=f"pixel_shuffle({{x}}, {number(layer.factor)})", needs=("pixel_shuffle",))


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample."""
    del name
    return Part(applied=f"{{x}}.reshape((-1, {', '.join(map(number, placed.output_shape))}))")


def recall(placed: PlacedLayer, name: str, /) -> Part:
    """Write features of an earlier layer, taken up again."""
    del name
    layer: Any = placed.layer
    ends = [
        f"mx.nd.slice_axis({{x}}, axis=1, begin={number(start)}, end={number(stop)})" for start, stop in layer.parts
    ]
    return Part(applied=ends[0] if len(ends) == 1 else f"mx.nd.concat({', '.join(ends)}, dim=1)")


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"mx.nd.softmax({{x}}, axis={number(layer.axis + 1)})")


def class_cross_entropy(placed: PlacedLayer, name: str, /) -> Part:
    """Write -log softmax of the classes that are fed."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"class_cross_entropy({{x}}, {logits_of_classes(layer)})", needs=("class_cross_entropy",))


def class_contrast(placed: PlacedLayer, name: str, /) -> Part:
    """Write a contrast with the batch's other samples."""
    del name
    layer: Any = placed.layer
    kind = "contrast" if layer.margin is None else "data_to_data"
    settings = [number(layer.temperature), number(layer.epsilon)]
    settings += [] if layer.margin is None else [number(layer.margin)]
    return Part(applied=f"{kind}({{x}}, classes, {', '.join(settings)})", needs=("halves", "alike", kind))


def scale(placed: PlacedLayer, name: str, /) -> Part:
    """Write γ · x."""
    del placed
    return Part(made=("Scale(", []), applied=f"self.{name}({{x}})", joins=True, needs=("scale",))


def branches(placed: PlacedLayer, name: str, /) -> Part:
    """Write what joins the ends of branches."""
    del name
    layer: Any = placed.layer
    if layer.join == "concatenate":
        return Part(applied="mx.nd.concat({x}, dim=1)", between=", ")
    if layer.join == "dot":
        return Part(applied="({x}).sum(axis=1, keepdims=True)", between=" * ")
    if layer.join in spec.ERRORS:
        return error_between(layer.join)
    if layer.join in ("attend", "attend_scaled"):
        more = ", scaled=True" if layer.join == "attend_scaled" else ""
        return Part(applied=f"attend({{x}}{more})", between=", ", needs=("attend",))
    if layer.join in ("affine", "modulate"):
        return Part(applied=f"{layer.join}({{x}})", between=", ", needs=(layer.join,))
    return Part(applied="{x}", between=" + " if layer.join == "add" else " * ")


LAYERS: dict[type, Callable[[PlacedLayer, str], Part]] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    spec.Tanh: tanh,
    spec.Sigmoid: sigmoid,
    spec.Softplus: softplus,
    spec.ReLU: relu,
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: prelu,
    spec.ELU: elu,
    spec.SELU: selu,
    spec.GELU: gelu,
    spec.SiLU: silu,
    spec.Reshape: reshape,
    spec.Recall: recall,
    spec.Dropout: dropout,
    spec.Augment: augment,
    spec.ClassEmbedding: class_embedding,
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
    spec.Softmax: softmax,
    spec.ClassCrossEntropy: class_cross_entropy,
    spec.ClassContrast: class_contrast,
    spec.PullAway: pull_away,
    spec.CodeError: code_error,
    spec.Scale: scale,
    spec.Branches: branches,
}


def _no_bias(layer: Any) -> list[str]:
    return ["use_bias=False"] if layer.bias_init is None else []


# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    "stamped": STAMPED,
    "dilated_transpose": DILATED_TRANSPOSE,
    "batch_norm": '''\
class BatchNorm(gluon.Block):
    """Batch normalisation; nn.BatchNorm moves its averages in the backward pass, in float32."""

    def __init__(
        self,
        num_features: int,
        *,
        eps: float,
        momentum: float,
        correction: int,
        by_running: bool,
        affine: bool = True,
    ) -> None:
        super().__init__()
        self.eps, self.momentum, self.affine = eps, momentum, affine
        self.correction, self.by_running = correction, by_running
        shape = (num_features,)
        if affine:
            self.weight = self.params.get("weight", shape=shape)
            self.bias = self.params.get("bias", shape=shape)
        self.running_mean = self.params.get("running_mean", shape=shape, grad_req="null")
        self.running_var = self.params.get("running_var", shape=shape, grad_req="null")

    def forward(self, x: NDArray) -> NDArray:
        """Normalise, and move the running averages."""
        shape = (1, -1, *(1,) * (x.ndim - 2))  # a number a channel
        mean = x.mean(axis=1, exclude=True)
        squares = mx.nd.broadcast_sub(x, mean.reshape(shape)) ** 2
        variance = squares.mean(axis=1, exclude=True)
        with autograd.pause():
            size = x.size // x.shape[1]
            found = (mean, variance * (size / (size - self.correction)))
            averages = (self.running_mean, self.running_var)
            kept = tuple(average.data().copy() for average in averages)
            for average, old, value in zip(averages, kept, found, strict=True):
                average.set_data((1 - self.momentum) * old + self.momentum * value)
        if self.by_running:
            mean, variance = kept
        centred = mx.nd.broadcast_sub(x, mean.reshape(shape))
        y = mx.nd.broadcast_div(centred, mx.nd.sqrt(variance + self.eps).reshape(shape))
        if not self.affine:
            return y
        y = mx.nd.broadcast_mul(y, self.weight.data().reshape(shape))
        return mx.nd.broadcast_add(y, self.bias.data().reshape(shape))''',
    "group_norm": '''\
class GroupNorm(gluon.Block):
    """Normalises each sample over groups of its channels, by its own mean and variance."""

    def __init__(self, num_features: int, *, groups: int, eps: float, affine: bool) -> None:
        super().__init__()
        self.groups, self.eps, self.affine = groups, eps, affine
        if affine:
            self.weight = self.params.get("weight", shape=(num_features,))
            self.bias = self.params.get("bias", shape=(num_features,))

    def forward(self, x: NDArray) -> NDArray:
        """Normalise."""
        parts = x.reshape((len(x), self.groups, -1))
        centred = mx.nd.broadcast_sub(parts, parts.mean(axis=2, keepdims=True))
        deviation = mx.nd.sqrt((centred**2).mean(axis=2, keepdims=True) + self.eps)
        y = mx.nd.broadcast_div(centred, deviation).reshape(x.shape)
        if not self.affine:
            return y
        shape = (1, -1, *(1,) * (x.ndim - 2))  # a number a channel
        y = mx.nd.broadcast_mul(y, self.weight.data().reshape(shape))
        return mx.nd.broadcast_add(y, self.bias.data().reshape(shape))''',
    "minibatch": '''\
class MinibatchDiscrimination(nn.Dense):
    """Appends to each sample how like it is to the others of its batch (Salimans et al. 2016)."""

    def __init__(
        self, in_features: int, num_kernels: int, size: int, *, use_bias: bool, self_distance: bool
    ) -> None:
        super().__init__(num_kernels * size, in_units=in_features, use_bias=use_bias)
        self.num_kernels, self.self_distance = num_kernels, self_distance

    def forward(self, x: NDArray) -> NDArray:
        """Return (batch, in_features + num_kernels)."""
        rows = super().forward(x).reshape((len(x), self.num_kernels, -1))
        differences = mx.nd.broadcast_sub(rows.expand_dims(1), rows.expand_dims(0))
        distances = mx.nd.abs(differences).sum(axis=3)  # (batch, batch, num_kernels)
        if self.self_distance:
            same = mx.nd.eye(len(x), dtype=x.dtype).expand_dims(2)
            distances = mx.nd.broadcast_add(distances, same)
        return mx.nd.concat(x, mx.nd.exp(-distances).sum(axis=1), dim=1)''',
    "softplus": '''\
def softplus(x: NDArray) -> NDArray:
    """Return log(1 + exp(x)); above 20 MXNet's own returns x itself, which is off by 2e-9."""
    beyond = mx.nd.relu(x - 40)
    return beyond + mx.nd.log1p(mx.nd.exp(x - beyond))''',
    "leaky_relu": '''\
def leaky_relu(x: NDArray, slope: float) -> NDArray:
    """Return x, or slope times x below 0; mx.nd.LeakyReLU rounds the slope to float32."""
    with autograd.pause():
        slopes = (x > 0) + slope * (x <= 0)
    return x * slopes''',
    "elu": '''\
def elu(x: NDArray, alpha: float) -> NDArray:
    """Return x, or alpha times exp(x) - 1 below 0; mx.nd.LeakyReLU rounds alpha to float32."""
    return mx.nd.relu(x) + alpha * mx.nd.expm1(mx.nd.minimum(x, 0))''',
    "erf": '''\
def erf(x: NDArray) -> NDArray:
    """Return the error function; MXNet's derivative of it has π as a float32."""
    found = mx.nd.erf(x)
    scaled = found * (float(np.sqrt(np.float32(math.pi))) / math.sqrt(math.pi))
    return scaled - (scaled - found).detach()''',
    "gelu": '''\
def gelu(x: NDArray) -> NDArray:
    """Return x times the normal distribution's function."""
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))''',
    "gelu_by_tanh": '''\
def gelu_by_tanh(x: NDArray) -> NDArray:
    """Return what is near x times the normal distribution's function."""
    return 0.5 * x * (1 + mx.nd.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))''',
    "silu": '''\
def silu(x: NDArray) -> NDArray:
    """Return x times its sigmoid."""
    return x * mx.nd.sigmoid(x)''',
    "dropout": '''\
def dropout(x: NDArray, mask: NDArray | None, probability: float) -> NDArray:
    """Keep what the mask says, scaled as mx.nd.Dropout does; all where there is none."""
    return x if mask is None else mx.nd.broadcast_mul(x, mask) / (1 - probability)''',
    "masks_of": '''\
def masks_of(batch: Batch, place: str) -> Batch:
    """Return what is drawn for one pass, by the layers' names."""
    return {n.split(f".{place}.")[1]: drawn for n, drawn in batch.items() if f".{place}." in n}''',
    **augmenting.FUNCTIONS,
    "rows_of": '''\
def rows_of(classes: NDArray, count: int) -> NDArray:
    """Return the numbers of each class's rows, (batch, count)."""
    return mx.nd.stack(*(count * classes + row for row in range(count)), axis=1)''',
    **contrast.FUNCTIONS,
    "class_cross_entropy": '''\
def class_cross_entropy(logits: NDArray, classes: NDArray) -> NDArray:
    """Return -log softmax of each sample's class, (batch, 1); MXNet's own is float32's."""
    logits = mx.nd.broadcast_sub(logits, logits.detach().max(axis=1, keepdims=True))
    normaliser = mx.nd.log(mx.nd.exp(logits).sum(axis=1, keepdims=True))
    return normaliser - mx.nd.pick(logits, classes, axis=1, keepdims=True)''',
    "code_entropy": '''\
def code_entropy(logits: NDArray, code: NDArray) -> NDArray:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    logits = mx.nd.broadcast_sub(logits, logits.detach().max(axis=1, keepdims=True))
    normaliser = mx.nd.log(mx.nd.exp(logits).sum(axis=1, keepdims=True))
    return (code * mx.nd.broadcast_sub(normaliser, logits)).sum(axis=1, keepdims=True)''',
    "code_distance": '''\
def code_distance(found: NDArray, code: NDArray) -> NDArray:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return (found - code).square().mean(axis=1, keepdims=True)''',
    "affine": '''\
def affine(x: NDArray, gain: NDArray, bias: NDArray) -> NDArray:
    """Return gain · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    y = mx.nd.broadcast_mul(x, gain.reshape(shape))
    return mx.nd.broadcast_add(y, bias.reshape(shape))''',
    "modulate": '''\
def modulate(x: NDArray, gain: NDArray, bias: NDArray) -> NDArray:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    y = mx.nd.broadcast_mul(x, 1 + gain.reshape(shape))
    return mx.nd.broadcast_add(y, bias.reshape(shape))''',
    "pull_away": '''\
def pull_away(x: NDArray) -> NDArray:
    """Return the mean cosine of each sample's features and the batch's others', (batch, 1)."""
    units = mx.nd.broadcast_div(x, mx.nd.sqrt((x**2).sum(axis=1, keepdims=True)))
    return (mx.nd.dot(units, units.T).sum(axis=1, keepdims=True) - 1) / (len(x) - 1)''',
    "error": '''\
def error(first: NDArray, second: NDArray, *, squared: bool = False, held: bool = False) -> NDArray:
    """Return how far a sample's numbers are apart in the mean; held: second is a constant."""
    apart = first - (second.detach() if held else second)
    terms = apart**2 if squared else apart.abs()
    return terms.mean(axis=0, exclude=True).reshape((-1, 1))''',
    "attend": '''\
def attend(query: NDArray, key: NDArray, value: NDArray, *, scaled: bool = False) -> NDArray:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.reshape((0, 0, -1)) for x in (query, key, value))  # (batch, channels, places)
    scores = mx.nd.batch_dot(q, k, transpose_a=True)
    if scaled:
        scores = scores / math.sqrt(q.shape[1])
    means = mx.nd.batch_dot(v, mx.nd.softmax(scores, axis=2), transpose_b=True)
    return means.reshape((0, 0, *query.shape[2:]))''',
    "prelu": '''\
class PReLU(gluon.Block):
    """A leaky ReLU of learned slopes, one for all or one a channel."""

    def __init__(self, num_parameters: int) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(num_parameters,))

    def slopes(self, x: NDArray) -> NDArray:
        """Return 1, or a slope below 0, of which alone there is a gradient."""
        weight = self.weight.data().reshape((1, -1, *(1,) * (x.ndim - 2)))
        with autograd.pause():
            above, below = x > 0, x <= 0
        return above + mx.nd.broadcast_mul(below, weight)

    def forward(self, x: NDArray) -> NDArray:
        """Return x, or its slope times x below 0."""
        return x * self.slopes(x)''',
    "scale": '''\
class Scale(gluon.Block):
    """A gain for all that comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(1,))

    def forward(self, x: NDArray) -> NDArray:
        """Return the gain times x."""
        return mx.nd.broadcast_mul(x, self.weight.data().reshape((1,) * x.ndim))''',
    "repeat_pixels": '''\
def repeat_pixels(x: NDArray, factor: int) -> NDArray:
    """Return images (batch, channels, height, width) with each pixel repeated."""
    return x.repeat(factor, axis=2).repeat(factor, axis=3)''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: NDArray, factor: int) -> NDArray:
    """Return larger images of fewer channels, as PyTorch counts them; see mx.nd.depth_to_space."""
    count, channels, height, width = len(x), x.shape[1] // factor**2, *x.shape[2:]
    parts = x.reshape((count, channels, factor, factor, height, width))
    parts = parts.transpose((0, 1, 4, 2, 5, 3))
    return parts.reshape((count, channels, height * factor, width * factor))''',
    "interpolate": '''\
def interpolate(x: NDArray, factor: int) -> NDArray:
    """Return larger images, bilinear; BilinearResize2D lays the corners' centres on each other."""

    def weights(size: int) -> NDArray:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return mx.nd.array(np.maximum(0, 1 - distances), dtype=x.dtype)

    wide = mx.nd.dot(x, weights(x.shape[3]), transpose_b=True)
    tall = mx.nd.dot(wide.swapaxes(2, 3), weights(x.shape[2]), transpose_b=True)
    return tall.swapaxes(2, 3)''',
}
