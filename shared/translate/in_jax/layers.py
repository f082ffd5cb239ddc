"""The layers in JAX: functions of a network's parameters, by the names of its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_jax import augmenting, contrast, convolutions
from gan_rosetta.shared.translate.in_jax.convolutions import conv2d, conv_transpose2d
from gan_rosetta.shared.translate.parts import Part, augmented, code_error, error_between, logits_of_classes, pull_away
from gan_rosetta.shared.translate.writing import number


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x Wᵀ + b."""
    del placed
    return Part(applied=f'linear(parameters, "{name}", {{x}})', begins=True, needs=("linear",))


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation; JAX has none."""
    layer: Any = placed.layer
    settings = f"eps={number(layer.epsilon)}, momentum={number(layer.momentum)}"
    settings += "" if layer.running_variance == "unbiased" else ", ddof=0"
    settings += "" if layer.statistics == "batch" else ", by_running=True"
    return Part(applied=f'batch_norm(parameters, buffers, "{name}", {{x}}, {settings})', needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself; JAX has none."""
    layer: Any = placed.layer
    settings = f"groups={number(layer.num_groups)}, eps={number(layer.epsilon)}"
    return Part(applied=f'group_norm(parameters, "{name}", {{x}}, {settings})', needs=("group_norm",))


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    settings = f"num_kernels={number(layer.num_kernels)}, self_distance={bool(layer.self_distance)}"
    needs = ("linear", "minibatch")
    return Part(applied=f'minibatch(parameters, "{name}", {{x}}, {settings})', begins=True, needs=needs)


def tanh(placed: PlacedLayer, name: str, /) -> Part:
    """Write the hyperbolic tangent."""
    del placed, name
    return Part(applied="jnp.tanh({x})")


def sigmoid(placed: PlacedLayer, name: str, /) -> Part:
    """Write 1 / (1 + exp(-x))."""
    del placed, name
    return Part(applied="jax.nn.sigmoid({x})")


def softplus(placed: PlacedLayer, name: str, /) -> Part:
    """Write log(1 + exp(x)), exact for every x."""
    del placed, name
    return Part(applied="jax.nn.softplus({x})")


def relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write max(x, 0), with gradient 0 at 0."""
    del placed, name
    return Part(applied="jax.nn.relu({x})")


def leaky_relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, slope · x elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"leaky_relu({{x}}, {number(layer.slope)})", needs=("leaky_relu",))


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere."""
    del placed
    return Part(applied=f'prelu(parameters, "{name}", {{x}})', needs=("prelu",))


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"jax.nn.elu({{x}}, {number(layer.alpha)})")


def selu(placed: PlacedLayer, name: str, /) -> Part:
    """Write scale · ELU, both numbers JAX's own."""
    del placed, name
    return Part(applied="jax.nn.selu({x})")


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it, which is JAX's own where nothing is said."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"jax.nn.gelu({{x}}, approximate={layer.form == 'tanh'})")


def silu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · sigmoid(x)."""
    del placed, name
    return Part(applied="jax.nn.silu({x})")


def dropout(placed: PlacedLayer, name: str, /) -> Part:
    """Write a dropout by a mask that is fed."""
    del name
    layer: Any = placed.layer
    applied = f'dropout({{x}}, masks.get("{placed.name}"), {number(layer.probability)})'
    return Part(applied=applied, needs=("dropout",))


def augment(placed: PlacedLayer, name: str, /) -> Part:
    """Write an augmentation by what is drawn for each image."""
    del name
    return augmented(placed, f'masks.get("{placed.name}")')


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    several = "" if layer.rows_per_class == 1 else f", {number(layer.rows_per_class)}"
    kind = "several_rows" if several else "rows"
    row = f'{kind}(parameters, "{name}", classes{several})'
    needs = (kind,)
    if layer.joined == "alone":
        return Part(applied=row, begins=True, needs=needs)
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    return Part(applied=f"jnp.concatenate([{parts}], axis=1)", begins=True, needs=needs)


def upsample(placed: PlacedLayer, name: str, /) -> Part:
    """Write an upsampling."""
    del name
    layer: Any = placed.layer
    kind = "repeat_pixels" if layer.mode == "nearest" else "interpolate"
    return Part(applied=f"{kind}({{x}}, {number(layer.factor)})", needs=(kind,))


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    kind = "window_means" if layer.mode == "average" else "window_maxima"
    size = number(layer.kernel_size)
    return Part(applied=f"{kind}({{x}}, ({size}, {size}), {number(layer.stride)})", needs=(kind,))


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"{{x}}.{'mean' if layer.mode == 'average' else 'sum'}(axis=(2, 3))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f"window_maxima({{x}}, ({window}), 1)[:, :, 0, 0]", needs=("window_maxima",))


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    more = "" if layer.order == "channel" else ", pixels_first=True"
    return Part(applied=f"pixel_shuffle({{x}}, {number(layer.factor)}{more})", needs=("pixel_shuffle",))


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample."""
    del name
    return Part(applied=f"{{x}}.reshape(-1, {', '.join(map(number, placed.output_shape))})")


def recall(placed: PlacedLayer, name: str, /) -> Part:
    """Write features of an earlier layer, taken up again."""
    del name
    layer: Any = placed.layer
    ends = [f"{{x}}[:, {number(start)}:{number(stop)}]" for start, stop in layer.parts]
    return Part(applied=ends[0] if len(ends) == 1 else f"jnp.concatenate([{', '.join(ends)}], axis=1)")


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"jax.nn.softmax({{x}}, axis={number(layer.axis + 1)})")


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
    return Part(applied=f"{kind}({{x}}, classes, {', '.join(settings)})", needs=("halves", kind))


def scale(placed: PlacedLayer, name: str, /) -> Part:
    """Write γ · x."""
    del placed
    return Part(applied=f'parameters["{name}.weight"][0] * {{x}}', begins=True)


def branches(placed: PlacedLayer, name: str, /) -> Part:
    """Write what joins the ends of branches."""
    del name
    layer: Any = placed.layer
    if layer.join == "concatenate":
        return Part(applied="jnp.concatenate([{x}], axis=1)", between=", ")
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

# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    "linear": '''\
def linear(parameters: Tensors, name: str, x: Array) -> Array:
    """Return x Wᵀ + b, with a W (out, in)."""
    y = x @ parameters[f"{name}.weight"].T
    return y + parameters[f"{name}.bias"] if f"{name}.bias" in parameters else y''',
    "add_bias": '''\
def add_bias(parameters: Tensors, name: str, images: Array) -> Array:
    """Add a number a channel, where the layer has any."""
    bias = parameters.get(f"{name}.bias")
    return images if bias is None else images + bias[:, None, None]''',
    **convolutions.FUNCTIONS,
    "batch_norm": '''\
def batch_norm(
    parameters: Tensors,
    buffers: Tensors,
    name: str,
    x: Array,
    *,
    eps: float,
    momentum: float,
    ddof: int = 1,
    by_running: bool = False,
) -> Array:
    """Normalise each channel over the batch, and put the moved running averages into `buffers`."""
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    mean, variance = jnp.mean(x, axis=axes), jnp.var(x, axis=axes)
    names = f"{name}.running_mean", f"{name}.running_var"
    used = tuple(buffers[own] for own in names) if by_running else (mean, variance)
    size = x.size // x.shape[1]
    for own, value in zip(names, (mean, variance * (size / (size - ddof))), strict=True):
        moved = (1 - momentum) * buffers[own] + momentum * value
        buffers[own] = lax.stop_gradient(moved)
    shape = (-1, *(1,) * (x.ndim - 2))  # a number a channel
    y = (x - used[0].reshape(shape)) / jnp.sqrt(used[1] + eps).reshape(shape)
    if f"{name}.weight" not in parameters:
        return y
    scale, shift = (parameters[f"{name}.{part}"].reshape(shape) for part in ("weight", "bias"))
    return y * scale + shift''',
    "group_norm": '''\
def group_norm(parameters: Tensors, name: str, x: Array, *, groups: int, eps: float) -> Array:
    """Normalise each sample over groups of its channels, by its own mean and variance."""
    parts = x.reshape(len(x), groups, -1)
    mean, variance = (f(parts, axis=2, keepdims=True) for f in (jnp.mean, jnp.var))
    y = ((parts - mean) / jnp.sqrt(variance + eps)).reshape(x.shape)
    if f"{name}.weight" not in parameters:
        return y
    shape = (-1, *(1,) * (x.ndim - 2))  # a number a channel
    scale, shift = (parameters[f"{name}.{part}"].reshape(shape) for part in ("weight", "bias"))
    return y * scale + shift''',
    "minibatch": '''\
def minibatch(
    parameters: Tensors, name: str, x: Array, *, num_kernels: int, self_distance: bool
) -> Array:
    """Append to each sample how like it is to the others of its batch (Salimans et al. 2016)."""
    rows = linear(parameters, name, x).reshape(len(x), num_kernels, -1)
    differences = rows[:, None] - rows[None]
    # A sample less itself may be the rounding of a product that XLA fuses, and have a sign.
    itself = jnp.eye(len(x), dtype=x.dtype)[:, :, None]
    signs = lax.stop_gradient(jnp.sign(differences)) * (1 - itself[..., None])
    distances = jnp.sum(differences * signs, axis=3)  # (batch, batch, num_kernels)
    if self_distance:
        distances = distances + itself
    return jnp.concatenate([x, jnp.sum(jnp.exp(-distances), axis=1)], axis=1)''',
    "leaky_relu": '''\
def leaky_relu(x: Array, slope: float) -> Array:
    """Return x, or slope times x below 0; jax.nn.leaky_relu has another gradient at 0."""
    return jnp.where(x > 0, x, slope * x)''',
    "prelu": '''\
def prelu(parameters: Tensors, name: str, x: Array) -> Array:
    """Return x, or a learned slope times x below 0, one for all or one a channel."""
    slopes = parameters[f"{name}.weight"].reshape(1, -1, *(1,) * (x.ndim - 2))
    return jnp.where(x > 0, x, slopes * x)''',
    "dropout": '''\
def dropout(x: Array, mask: Array | None, probability: float) -> Array:
    """Keep what the mask says, scaled so that the mean stays; all where there is none."""
    return x if mask is None else x * mask / (1 - probability)''',
    "masks_of": '''\
def masks_of(batch: Tensors, place: str) -> Tensors:
    """Return what is drawn for one pass, by the layers' names."""
    return {n.split(f".{place}.")[1]: drawn for n, drawn in batch.items() if f".{place}." in n}''',
    "rows": '''\
def rows(parameters: Tensors, name: str, classes: Array) -> Array:
    """Return the row of a table for each class."""
    return parameters[f"{name}.weight"][classes]''',
    "several_rows": '''\
def several_rows(parameters: Tensors, name: str, classes: Array, count: int) -> Array:
    """Return the rows of a table for each class, one behind the other."""
    table = parameters[f"{name}.weight"]
    return table.reshape(len(table) // count, -1)[classes]''',
    **augmenting.FUNCTIONS,
    **contrast.FUNCTIONS,
    "class_cross_entropy": '''\
def class_cross_entropy(logits: Array, classes: Array) -> Array:
    """Return -log softmax of each sample's class, (batch, 1)."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), classes[:, None], axis=1)''',
    "code_entropy": '''\
def code_entropy(logits: Array, code: Array) -> Array:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    return -(code * jax.nn.log_softmax(logits)).sum(axis=1, keepdims=True)''',
    "code_distance": '''\
def code_distance(found: Array, code: Array) -> Array:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return jnp.mean((found - code) ** 2, axis=1, keepdims=True)''',
    "affine": '''\
def affine(x: Array, gain: Array, bias: Array) -> Array:
    """Return gain · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    return gain.reshape(shape) * x + bias.reshape(shape)''',
    "modulate": '''\
def modulate(x: Array, gain: Array, bias: Array) -> Array:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    return (1 + gain.reshape(shape)) * x + bias.reshape(shape)''',
    "pull_away": '''\
def pull_away(x: Array) -> Array:
    """Return the mean cosine of each sample's features and the batch's others', (batch, 1)."""
    units = x / jnp.sqrt((x**2).sum(axis=1, keepdims=True))
    return ((units @ units.T).sum(axis=1, keepdims=True) - 1) / (len(x) - 1)''',
    "error": '''\
def error(first: Array, second: Array, *, squared: bool = False, held: bool = False) -> Array:
    """Return how far a sample's numbers are apart in the mean; held: second is a constant."""
    apart = first - (lax.stop_gradient(second) if held else second)
    # |x| has derivative 1 at 0 in JAX.
    terms = apart * (apart if squared else lax.stop_gradient(jnp.sign(apart)))
    return terms.reshape(len(terms), -1).mean(axis=1, keepdims=True)''',
    "attend": '''\
def attend(query: Array, key: Array, value: Array, *, scaled: bool = False) -> Array:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.reshape(*x.shape[:2], -1) for x in (query, key, value))
    scores = jnp.einsum("bcn,bcm->bnm", q, k)
    if scaled:
        scores = scores / math.sqrt(q.shape[1])
    means = jnp.einsum("bvm,bnm->bvn", v, jax.nn.softmax(scores, axis=2))
    return means.reshape(*means.shape[:2], *query.shape[2:])''',
    "repeat_pixels": '''\
def repeat_pixels(x: Array, factor: int) -> Array:
    """Return images (batch, channels, height, width) with each pixel repeated."""
    return jnp.repeat(jnp.repeat(x, factor, axis=2), factor, axis=3)''',
    "window_means": '''\
def window_means(x: Array, window: tuple[int, int], stride: int) -> Array:
    """Return the mean of each window of images (batch, channels, height, width)."""
    sizes, strides = (1, 1, *window), (1, 1, stride, stride)
    return lax.reduce_window(x, 0.0, lax.add, sizes, strides, "VALID") / (window[0] * window[1])''',
    "window_maxima": '''\
def window_maxima(x: Array, window: tuple[int, int], stride: int) -> Array:
    """Return the largest of each window; jnp.max would share its gradient among equals."""
    sizes, strides = (1, 1, *window), (1, 1, stride, stride)
    return lax.reduce_window(x, -np.inf, lax.max, sizes, strides, "VALID")''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: Array, factor: int, *, pixels_first: bool = False) -> Array:
    """Return larger images of fewer channels; pixels_first: as TensorFlow counts the channels."""
    count, channels, height, width = len(x), x.shape[1] // factor**2, *x.shape[2:]
    if pixels_first:
        x = x.reshape(count, factor, factor, channels, height, width).transpose(0, 3, 1, 2, 4, 5)
    x = x.reshape(count, channels, factor, factor, height, width).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(count, channels, height * factor, width * factor)''',
    "interpolate": '''\
def interpolate(x: Array, factor: int) -> Array:
    """Return larger images, bilinear; jax.image.resize would compute its weights in float32."""

    def weights(size: int) -> Array:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return jnp.asarray(np.maximum(0, 1 - distances), x.dtype)

    return jnp.einsum("rh,bchw,sw->bcrs", weights(x.shape[2]), x, weights(x.shape[3]))''',
}
