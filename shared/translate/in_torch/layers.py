"""The layers in PyTorch: what makes each in a network's __init__, and what its forward does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_torch.convolutions import conv2d, conv_transpose2d
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

_SOFTPLUS = "# Above PyTorch's own threshold of 20 softplus returns x itself, which is off by 2e-9."


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x Wᵀ + b."""
    layer: Any = placed.layer
    sizes = [number(layer.in_features), number(layer.out_features)]
    return Part(made=("nn.Linear(", [*sizes, *_no_bias(layer)]), applied=f"self.{name}({{x}})")


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation, torch's own where it normalises by the batch and keeps the unbiased variance."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"eps={number(layer.epsilon)}", f"momentum={number(layer.momentum)}"]
    settings += [] if layer.affine else ["affine=False"]
    if is_own_norm(layer):
        kind = "nn.BatchNorm1d(" if len(placed.input_shape) == 1 else "nn.BatchNorm2d("
        return Part(made=(kind, settings), applied=f"self.{name}({{x}})", joins=True)
    more = [
        f"correction={1 if layer.running_variance == 'unbiased' else 0}",
        f"by_running={layer.statistics == 'running'}",
    ]
    return Part(made=("BatchNorm(", [*settings, *more]), applied=f"self.{name}({{x}})", joins=True)


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself."""
    layer: Any = placed.layer
    settings = [number(layer.num_groups), number(layer.num_features), f"eps={number(layer.epsilon)}"]
    settings += [] if layer.affine else ["affine=False"]
    return Part(made=("nn.GroupNorm(", settings), applied=f"self.{name}({{x}})", joins=True)


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    sizes = [number(size) for size in (layer.in_features, layer.num_kernels, layer.kernel_dims)]
    settings = [f"bias={layer.bias_init is not None}", f"self_distance={bool(layer.self_distance)}"]
    return Part(made=("MinibatchDiscrimination(", [*sizes, *settings]), applied=f"self.{name}({{x}})")


def tanh(placed: PlacedLayer, name: str, /) -> Part:
    """Write the hyperbolic tangent."""
    del placed, name
    return Part(applied="torch.tanh({x})")


def sigmoid(placed: PlacedLayer, name: str, /) -> Part:
    """Write 1 / (1 + exp(-x))."""
    del placed, name
    return Part(applied="torch.sigmoid({x})")


def softplus(placed: PlacedLayer, name: str, /) -> Part:
    """Write log(1 + exp(x)), exact for every x."""
    del placed, name
    return Part(applied="functional.softplus({x}, threshold=40)", remark=_SOFTPLUS)


def relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write max(x, 0)."""
    del placed, name
    return Part(applied="torch.relu({x})")


def leaky_relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, slope · x elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"functional.leaky_relu({{x}}, {number(layer.slope)})")


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere."""
    layer: Any = placed.layer
    return Part(made=("nn.PReLU(", [number(layer.num_parameters)]), applied=f"self.{name}({{x}})", joins=True)


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"functional.elu({{x}}, {number(layer.alpha)})")


def selu(placed: PlacedLayer, name: str, /) -> Part:
    """Write scale · ELU, both numbers torch's own."""
    del placed, name
    return Part(applied="torch.selu({x})")


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it."""
    del name
    layer: Any = placed.layer
    more = "" if layer.form == "erf" else ', approximate="tanh"'
    return Part(applied=f"functional.gelu({{x}}{more})")


def silu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · sigmoid(x)."""
    del placed, name
    return Part(applied="functional.silu({x})")


def dropout(placed: PlacedLayer, name: str, /) -> Part:
    """Write a dropout by a mask that is fed."""
    del name
    layer: Any = placed.layer
    return Part(applied=f'dropout({{x}}, masks.get("{placed.name}"), {number(layer.probability)})')


def augment(placed: PlacedLayer, name: str, /) -> Part:
    """Write an augmentation by what is drawn for each image."""
    del name
    return augmented(placed, f'masks.get("{placed.name}")')


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    own = rows_of_classes(layer, f"self.{name}", "{r}.flatten(1)")
    row = own.applied
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    made = ("nn.Embedding(", list(map(number, layer.table)))
    if layer.joined == "alone":
        return Part(made=made, applied=row)
    return Part(made=made, applied=f"torch.cat([{parts}], dim=1)")


def upsample(placed: PlacedLayer, name: str, /) -> Part:
    """Write an upsampling."""
    del name
    layer: Any = placed.layer
    more = "" if layer.mode == "nearest" else ', mode="bilinear"'
    return Part(applied=f"functional.interpolate({{x}}, scale_factor={number(layer.factor)}{more})")


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    kind = "avg_pool2d" if layer.mode == "average" else "max_pool2d"
    return Part(applied=f"functional.{kind}({{x}}, {number(layer.kernel_size)}, stride={number(layer.stride)})")


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"{{x}}.{'mean' if layer.mode == 'average' else 'sum'}(dim=(2, 3))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f"functional.max_pool2d({{x}}, ({window})).flatten(1)")


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    factor = number(layer.factor)
    if layer.order == "channel":
        return Part(applied=f"functional.pixel_shuffle({{x}}, {factor})")
    moved = f"{{x}}.unflatten(1, ({factor}, {factor}, -1)).permute(0, 3, 1, 2, 4, 5)"
    return Part(applied=f"functional.pixel_shuffle({moved}.flatten(1, 3), {factor})")


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample."""
    del name
    if len(placed.output_shape) == 1:
        return Part(applied="{x}.flatten(1)")
    return Part(applied=f"{{x}}.reshape(-1, {', '.join(map(number, placed.output_shape))})")


def recall(placed: PlacedLayer, name: str, /) -> Part:
    """Write features of an earlier layer, taken up again."""
    del name
    layer: Any = placed.layer
    ends = [f"{{x}}[:, {number(start)}:{number(stop)}]" for start, stop in layer.parts]
    return Part(applied=ends[0] if len(ends) == 1 else f"torch.cat([{', '.join(ends)}], dim=1)")


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"torch.softmax({{x}}, dim={number(layer.axis + 1)})")


def class_cross_entropy(placed: PlacedLayer, name: str, /) -> Part:
    """Write -log softmax of the classes that are fed."""
    del name
    layer: Any = placed.layer
    wanted = logits_of_classes(layer)
    return Part(applied=f'functional.cross_entropy({{x}}, {wanted}, reduction="none").unsqueeze(1)')


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
    return Part(made=("Scale(", []), applied=f"self.{name}({{x}})", joins=True)


def branches(placed: PlacedLayer, name: str, /) -> Part:
    """Write what joins the ends of branches."""
    del name
    layer: Any = placed.layer
    if layer.join == "concatenate":
        return Part(applied="torch.cat([{x}], dim=1)", between=", ")
    if layer.join == "dot":
        return Part(applied="({x}).sum(dim=1, keepdim=True)", between=" * ")
    if layer.join in spec.ERRORS:
        return error_between(layer.join)
    if layer.join in ("attend", "attend_scaled"):
        more = ", scaled=True" if layer.join == "attend_scaled" else ""
        return Part(applied=f"attend({{x}}{more})", between=", ")
    if layer.join in ("affine", "modulate"):
        return Part(applied=f"{layer.join}({{x}})", between=", ")
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
    return ["bias=False"] if layer.bias_init is None else []


def is_own_norm(layer: spec.BatchNorm, /) -> bool:
    """Whether torch's own normalises by the batch and keeps the unbiased variance."""
    return layer.statistics == "batch" and layer.running_variance == "unbiased"
