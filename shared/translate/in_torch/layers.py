"""The layers in PyTorch: what makes each, what a network's forward does with it, and what torch has none of."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_torch import activations, augmenting, contrast, normalising, resampling
from gan_rosetta.shared.translate.in_torch.convolutions import conv2d, conv_transpose2d
from gan_rosetta.shared.translate.layers import (
    Writer,
    augment,
    class_contrast,
    code_error,
    dropout,
    joined,
    logits_of_classes,
    pull_away,
    recalled,
    rows_of_classes,
    scale,
)
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x Wᵀ + b."""
    layer: Any = placed.layer
    sizes = [number(layer.in_features), number(layer.out_features)]
    return Part(made=("nn.Linear(", [*sizes, *_no_bias(layer)]), applied=f"self.{name}({{x}})")


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    sizes = [number(size) for size in (layer.in_features, layer.num_kernels, layer.kernel_dims)]
    settings = [f"bias={layer.bias_init is not None}", f"self_distance={bool(layer.self_distance)}"]
    made = ("MinibatchDiscrimination(", [*sizes, *settings])
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("minibatch",))


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    own = rows_of_classes(layer, f"self.{name}", "{r}.flatten(1)")
    row = own.applied
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    made = ("nn.Embedding(", list(map(number, layer.table)))
    if layer.joined == "alone":
        return Part(made=made, applied=row, needs=own.needs)
    return Part(made=made, applied=f"torch.cat([{parts}], dim=1)", needs=own.needs)


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample."""
    del name
    if len(placed.output_shape) == 1:
        return Part(applied="{x}.flatten(1)")
    return Part(applied=f"{{x}}.reshape(-1, {', '.join(map(number, placed.output_shape))})")


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


def _no_bias(layer: Any) -> list[str]:
    return ["bias=False"] if layer.bias_init is None else []


LAYERS: dict[type, Writer] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    **normalising.LAYERS,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    **activations.LAYERS,
    spec.Reshape: reshape,
    spec.Recall: recalled("torch.cat([{x}], dim=1)"),
    spec.Dropout: dropout,
    spec.Augment: augment,
    spec.ClassEmbedding: class_embedding,
    **resampling.LAYERS,
    spec.Softmax: softmax,
    spec.ClassCrossEntropy: class_cross_entropy,
    spec.ClassContrast: class_contrast,
    spec.PullAway: pull_away,
    spec.CodeError: code_error,
    spec.Scale: scale,
    spec.Branches: joined(concatenated="torch.cat([{x}], dim=1)", dot="({x}).sum(dim=1, keepdim=True)"),
}


# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    **normalising.FUNCTIONS,
    "minibatch": '''\
class MinibatchDiscrimination(nn.Linear):
    """Appends to each sample how like it is to the others of its batch (Salimans et al. 2016)."""

    def __init__(
        self, in_features: int, num_kernels: int, size: int, *, bias: bool, self_distance: bool
    ) -> None:
        super().__init__(in_features, num_kernels * size, bias=bias)
        self.num_kernels, self.self_distance = num_kernels, self_distance

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, in_features + num_kernels)."""
        rows = super().forward(x).reshape(len(x), self.num_kernels, -1)
        distances = (rows[:, None] - rows[None]).abs().sum(dim=3)  # (batch, batch, num_kernels)
        if self.self_distance:
            distances = distances + torch.eye(len(x))[:, :, None]
        return torch.cat([x, torch.exp(-distances).sum(dim=1)], dim=1)''',
    "dropout": '''\
def dropout(x: Tensor, mask: Tensor | None, probability: float) -> Tensor:
    """Keep what the mask says, scaled as nn.Dropout does; all where there is none."""
    return x if mask is None else x * mask / (1 - probability)''',
    **augmenting.FUNCTIONS,
    "masks_of": '''\
def masks_of(batch: Batch, place: str) -> Batch:
    """Return what is drawn for one pass, by the layers' names."""
    return {n.split(f".{place}.")[1]: drawn for n, drawn in batch.items() if f".{place}." in n}''',
    "error": '''\
def error(first: Tensor, second: Tensor, *, squared: bool = False, held: bool = False) -> Tensor:
    """Return how far a sample's numbers are apart in the mean; held: second is a constant."""
    apart = first - (second.detach() if held else second)
    terms = apart**2 if squared else apart.abs()
    return terms.flatten(1).mean(dim=1, keepdim=True)''',
    "affine": '''\
def affine(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return gain · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.dim() - 2))
    return gain.reshape(shape) * x + bias.reshape(shape)''',
    "modulate": '''\
def modulate(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.dim() - 2))
    return (1 + gain.reshape(shape)) * x + bias.reshape(shape)''',
    "attend": '''\
def attend(query: Tensor, key: Tensor, value: Tensor, *, scaled: bool = False) -> Tensor:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.flatten(2) for x in (query, key, value))  # (batch, channels, places)
    scores = q.transpose(1, 2) @ k
    if scaled:
        scores = scores / math.sqrt(q.shape[1])
    means = v @ torch.softmax(scores, dim=2).transpose(1, 2)
    return means.unflatten(2, query.shape[2:])''',
    "scale": '''\
class Scale(nn.Module):
    """A gain for all that comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the gain times x."""
        return self.weight * x''',
    "rows_of": '''\
def rows_of(classes: Tensor, count: int) -> Tensor:
    """Return the numbers of each class's rows, (batch, count)."""
    return count * classes[:, None] + torch.arange(count, device=classes.device)''',
    "pull_away": '''\
def pull_away(x: Tensor) -> Tensor:
    """Return the mean cosine of each sample's features and the batch's others', (batch, 1)."""
    units = x / (x**2).sum(dim=1, keepdim=True).sqrt()
    return ((units @ units.T).sum(dim=1, keepdim=True) - 1) / (len(x) - 1)''',
    **contrast.FUNCTIONS,
    "code_entropy": '''\
def code_entropy(logits: Tensor, code: Tensor) -> Tensor:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    return functional.cross_entropy(logits, code, reduction="none").unsqueeze(1)''',
    "code_distance": '''\
def code_distance(found: Tensor, code: Tensor) -> Tensor:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return (found - code).square().mean(dim=1, keepdim=True)''',
}
