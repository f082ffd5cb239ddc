"""Names that other programs give to tensors, taken apart: which layer a tensor is of, and which part of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec import Network as SpecNetwork
from gan_rosetta.shared.spec import Shape
from gan_rosetta.shared.spec.spectral import U, V

# What frameworks call the parts of a layer. Vectors that scale and shift are a BatchNorm's weight and bias.
PARTS = {
    **dict.fromkeys(("weight", "weights", "kernel", "w", "gamma", "scale", "embedding", "embeddings"), "weight"),
    **dict.fromkeys(("alpha", "negative_slope"), "weight"),  # of a PReLU
    # Of a weight under a spectral norm: torch's hook, and the programs that came before it.
    **dict.fromkeys(("weight_orig", "weight_bar"), "weight"),
    **{vector: vector for vector in (U, V)},
    **dict.fromkeys(("bias", "biases", "b", "beta", "offset"), "bias"),
    **dict.fromkeys(("running_mean", "moving_mean", "mean"), "running_mean"),
    **dict.fromkeys(("running_var", "moving_variance", "moving_var", "running_variance", "var"), "running_var"),
}
# By position, as Keras numbers a layer's variables.
_PARTS_IN_ORDER = ("weight", "bias", "running_mean", "running_var")
# What Keras and flax name layers after, where a program gives no name.
_KINDS = {
    "dense": "linear",
    "conv": "conv",
    "conv2d": "conv",
    "convtranspose": "conv_transpose",
    "conv2dtranspose": "conv_transpose",
    "batchnorm": "batch_norm",
    "batchnormalization": "batch_norm",
    "groupnorm": "group_norm",
    "groupnormalization": "group_norm",
    "minibatchdiscrimination": "minibatch",
    "embed": "class_embedding",
    "embedding": "class_embedding",
    "prelu": "prelu",
    "scale": "scale",
}
# Where torch's parametrization keeps a weight under a spectral norm, within its layer.
_PARAMETRIZED = {
    "parametrizations.weight.original": "weight",
    "parametrizations.weight.0._u": U,
    "parametrizations.weight.0._v": V,
}
# Counts and seeds that belong to no state.
_IGNORED = ("num_batches_tracked", "seed_generator_state")
_NUMBERED_PART = re.compile(r"([A-Za-z_]+?)_?(\d+)\Z")
_NUMBERS = re.compile(r"(\d+)")


@dataclass(frozen=True, kw_only=True)
class FoundTensor:
    """A tensor of another program. name: as that program has it, steps separated by dots or slashes.

    shape: as it has it too. kind: of the layer, as in the spec's layers, where the program says so, else None.
    """

    name: str
    shape: Shape
    kind: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundLayer:
    """The tensors of another program that belong to one layer. parts: by what they are, as in the spec's layers."""

    name: str
    parts: dict[str, FoundTensor]
    kind: str | None = None

    def describe(self) -> str:
        """Return its tensors with their shapes, in words."""
        return ", ".join(f"{tensor.name!r} {tensor.shape}" for tensor in self.parts.values())


def split_name(name: str, /) -> list[str]:
    """Return the steps of a name: `layers/dense/vars/0` and `model.0.weight` have several, `dense0_weight` one."""
    return [step for step in re.split(r"[./]", name.partition(":")[0]) if step]


def kind_of_class(name: str, /) -> str | None:
    """Return the kind of layer after whose class a layer is named, `dense_1` or `ConvTranspose_0`; None if none."""
    return _KINDS.get(re.sub(r"_\d+\Z", "", name).replace("_", "").lower())


def belongs_to_a_state(name: str, /) -> bool:
    """Whether a tensor of that name is more than a count or a seed, which a state of ours has not."""
    return not any(step in _IGNORED for step in split_name(name)[-2:])


def in_layers(found: Iterable[FoundTensor], /) -> list[FoundLayer]:
    """Return tensors by layer, in the order in which each layer's first one comes."""
    tensors = [tensor for tensor in found if belongs_to_a_state(tensor.name)]
    groups: dict[str, list[tuple[str | None, FoundTensor]]] = {}
    for tensor in tensors:
        layer, part = _layer_and_part(tensor.name)
        groups.setdefault(layer, []).append((part, tensor))
    layers: list[FoundLayer] = []
    for name, members in groups.items():
        layers += _as_layers(name, members)
    return layers


def numeric_order(names: Sequence[str], /) -> list[str] | None:
    """Return names that differ in numbers only, by those numbers; None where they differ in more.

    Keras names the first of a class without a number, `dense`, `dense_1`.
    """
    whole = [_with_number(name, names) for name in names]
    words = {tuple(_NUMBERS.split(name)[::2]) for name in whole}
    numbers = [tuple(int(number) for number in _NUMBERS.findall(name)) for name in whole]
    if len(words) > 1 or len(set(numbers)) < len(names):
        return None
    return [name for _, name in sorted(zip(numbers, names, strict=True))]


def natural_key(name: str, /) -> tuple[tuple[int, str], ...]:
    """Return what sorts names by their numbers, 2 before 10."""
    return tuple((int(piece), "") if place % 2 else (-1, piece) for place, piece in enumerate(_NUMBERS.split(name)))


def _with_number(name: str, names: Sequence[str]) -> str:
    follows = any(re.fullmatch(rf"{re.escape(name)}_\d+", other) for other in names)
    return f"{name}_0" if follows else name


def _layer_and_part(name: str) -> tuple[str, str | None]:
    """Return the name of a tensor's layer, and which part of the layer it is; None where only its place can tell."""
    *steps, last = split_name(name)
    for ending, part in _PARAMETRIZED.items():
        if name.endswith(f".{ending}"):
            return ".".join(split_name(name.removesuffix(f".{ending}"))), part
    lowered = last.lower()
    if lowered in PARTS and steps:
        return ".".join(steps), PARTS[lowered]
    if lowered.isdecimal():
        steps = steps[:-1] if steps[-1:] == ["vars"] else steps
        return ".".join(steps), None
    for known in sorted(PARTS, key=len, reverse=True):  # hidden1_running_mean, dense0_weight
        if len(known) > 1 and lowered.endswith(f"_{known}"):
            return ".".join([*steps, last[: -len(known) - 1]]), PARTS[known]
    numbered = _NUMBERED_PART.match(lowered)
    if numbered is not None and numbered[1] in PARTS:  # W1, b1
        return ".".join([*steps, numbered[2]]), PARTS[numbered[1]]
    return ".".join(steps), PARTS.get(lowered)


def _as_layers(name: str, members: list[tuple[str | None, FoundTensor]]) -> list[FoundLayer]:
    kinds = {tensor.kind for _, tensor in members}
    kind = kinds.pop() if len(kinds) == 1 else None
    parts = [part for part, _ in members]
    if None not in parts and len(set(parts)) == len(parts):
        return [FoundLayer(name=name, kind=kind, parts={str(part): tensor for part, tensor in members})]
    # By their places: a layer begins with a matrix, or is one that has vectors alone.
    runs: list[list[FoundTensor]] = []
    for _, tensor in members:
        if not runs or len(tensor.shape) > 1 or (len(runs[-1][0].shape) > 1 and len(runs[-1]) > 1):
            runs.append([])
        runs[-1].append(tensor)
    layers = []
    for place, run in enumerate(runs):
        layer = name if len(runs) == 1 else f"{name}.{place}".removeprefix(".")
        # A BatchNorm of two has no weight and no bias.
        order = (
            _PARTS_IN_ORDER[2:] if kind == "batch_norm" and len(run) == len(_PARTS_IN_ORDER[2:]) else _PARTS_IN_ORDER
        )
        layers.append(FoundLayer(name=layer, kind=kind, parts=dict(zip(order, run, strict=False))))
    return layers


Network = Literal["generator", "discriminator"]
_NETWORK_WORDS: dict[Network, tuple[str, ...]] = {
    "generator": ("generator", "gen", "g", "netg"),
    "discriminator": ("discriminator", "disc", "dis", "d", "netd", "critic"),
}


def network_of(name: str, /) -> Network | None:
    """Return the network that a name speaks of, `netG.main.0.weight` or `d_optimizer`; None where it speaks of none."""
    for step in split_name(name):
        words = re.split(r"_|-", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", step).lower())
        words.append(step.lower())
        for network, known in _NETWORK_WORDS.items():
            if any(word in known for word in words):
                return network
    return None


def class_names(network: SpecNetwork, classes: Mapping[str, str], /, *, numbers_the_first: bool) -> dict[str, str]:
    """Return what a framework that numbers layers within their class calls each layer that has tensors.

    classes: by the layers' kinds. numbers_the_first: `Dense_0, Dense_1` as flax has it, or `dense, dense_1` as Keras.
    """
    counts: dict[str, int] = {}
    names: dict[str, str] = {}
    for placed in network.placed:
        if not placed.layer.parameters() and not placed.layer.buffers():
            continue
        stem = classes[placed.layer.kind]
        number = counts[stem] = counts.get(stem, -1) + 1
        names[placed.name] = f"{stem}_{number}" if number or numbers_the_first else stem
    return names
