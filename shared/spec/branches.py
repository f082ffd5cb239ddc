"""Layers side by side: several branches of one input, whose ends are added, joined or multiplied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_name, within
from gan_rosetta.shared.spec.layer import LayerBase, Shape
from gan_rosetta.shared.spec.layers import SingleLayer
from gan_rosetta.shared.spec.recall import Recall

_IMAGE_RANK = 3
# The joins that say how far two ends are apart; the second end of a "held" one is a constant.
ERRORS = ("absolute_error", "squared_error", "absolute_error_held", "squared_error_held")
_VERBS = {
    "add": "adds",
    "concatenate": "joins",
    "multiply": "multiplies",
    "dot": "takes the inner product of",
    **dict.fromkeys(ERRORS, "compares"),
}
# The joins through which a gradient penalty goes.
DIFFERENTIATED_TWICE = ("add", "concatenate", "multiply")
# What each of the ends is to a join of ends that are not alike.
ROLES = {
    **dict.fromkeys(("affine", "modulate"), ("x", "gain", "bias")),
    **dict.fromkeys(("attend", "attend_scaled"), ("query", "key", "value")),
}
Join = Literal[
    "add",
    "concatenate",
    "multiply",
    "dot",
    "affine",
    "modulate",
    "attend",
    "attend_scaled",
    "absolute_error",
    "squared_error",
    "absolute_error_held",
    "squared_error_held",
]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One of several ways from the same input: layers in a row, or none, which hands the input on as it is."""

    name: str
    layers: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        require_name(self, "branch")

    @property
    def takes_input(self) -> bool:
        """Whether its first layer takes what the branch is given; without any its end is that."""
        return bool(getattr(next(iter(self.layers), None), "takes_input", True))

    @property
    def recalls(self) -> Recall | None:
        """The Recall that it begins with, which may take up what the branch is given; None where it does not."""
        first = next(iter(self.layers), None)
        return first if isinstance(first, Recall) else None

    def output_shape(self, input_shape: Shape, /) -> Shape:
        """Return the per-sample shape of its end; raises SpecError where a layer does not fit."""
        shape = input_shape
        for index, layer in enumerate(self.layers):
            with within("layers", index):
                require(isinstance(layer, Layer), f"{layer!r} is not a layer; expected one of shared/spec/layers.py")
                shape = layer.output_shape(shape)
        return shape


@dataclass(frozen=True, kw_only=True)
class Branches(LayerBase):
    """Branches of one input, whose ends become one: a residual block is two that are added, a branch and a shortcut.

    join: "add" and "multiply" take ends of one shape, entry by entry; "concatenate" puts one end's features or channels
    behind the other's, in the branches' order; "dot" takes two ends (features,) and gives their inner product, (1,), as
    a projection discriminator scores a class. Three ends, x, a gain and a bias, the last two (channels of x,), become
    gain · x + bias where join is "affine" and (1 + gain) · x + bias where it is "modulate", each channel by its own:
    behind a BatchNorm without a weight that is a conditional one. Of images, a query (channels, height, width), a key
    of as many channels and a value of the key's size, "attend" gives (the value's channels, height, width): at each
    place of the query the mean of the value's places, weighted by softmax(Σ query · key) over these, the sum being over
    the channels, as SAGAN has it (Zhang et al. 2018); "attend_scaled" divides the sum by √channels before, as
    transformers do. "absolute_error" and "squared_error" take two ends of one shape and give (1,), the mean over a
    sample's numbers of |first - second|, with slope 0 where they are the same, or of (first - second)²: with layers
    that give back what they are given as the first, and nothing as the second, the energy of a D that is an
    autoencoder (Zhao et al. 2017). A "_held" one takes its second end for a constant.

    A layer inside is called by its block, its branch and its own name, `block1.main.conv1`, and what the block gives by
    the block's, `block1`. A single branch is what it would be without a block. He et al. 2015, section 3; Miyato and
    Koyama 2018; Dumoulin et al. 2017.
    """

    kind: ClassVar[str] = "branches"
    name: str
    join: Join
    branches: tuple[Branch, ...]

    def __post_init__(self) -> None:
        require_name(self, "layer")
        require_choice(self, "join", (*_VERBS, *ROLES))
        names = [branch.name for branch in self.branches]
        for index, name in enumerate(names):
            require(
                name not in names[:index],
                f"two branches of {self.name!r} are named {name!r}; expected each name once",
                "branches",
                index,
                "name",
            )
        require(
            any(branch.layers for branch in self.branches),
            f"Branches {self.name!r} has no layer in any branch; expected one at least",
            "branches",
        )
        require(
            any(branch.takes_input or branch.recalls is not None for branch in self.branches),
            f"Branches {self.name!r} has no branch that takes what it is given; expected one at least",
            "branches",
        )
        expected = ROLES.get(self.join, ("first", "second") if self.join in ("dot", *ERRORS) else names)
        require(
            len(names) == len(expected),
            f"Branches {self.name!r} has {len(names)} branches; join={self.join!r} takes {len(expected)}: "
            f"{', '.join(expected)}",
            "branches",
        )

    def output_shape(self, input_shape: Shape, /) -> Shape:
        shapes = []
        for index, branch in enumerate(self.branches):
            with within("branches", index):
                shapes.append(branch.output_shape(input_shape))
        return self.joined_shape(shapes)

    def joined_shape(self, shapes: Sequence[Shape], /) -> Shape:
        """Return the per-sample shape of what becomes of ends of these; raises SpecError where they do not fit."""
        if self.join in ROLES:
            return self._attended_shape(shapes) if ROLES[self.join][0] == "query" else self._modulated_shape(shapes)
        first, along = shapes[0], self.join == "concatenate"
        for branch, shape in zip(self.branches, shapes, strict=True):
            fits = len(shape) == len(first) and shape[1:] == first[1:] if along else shape == first
            alike = "expected the same" + (" but for the first number" if along else "")
            require(
                fits,
                f"Branches {self.name!r} {_VERBS[self.join]} ends of different shapes: {self.branches[0].name!r} ends "
                f"in {first}, {branch.name!r} in {shape}; {alike}",
            )
        if self.join == "dot":
            require(len(first) == 1, f"Branches {self.name!r} {_VERBS['dot']} ends of shape {first}; expected vectors")
            return (1,)
        if self.join in ERRORS:
            return (1,)
        return (sum(shape[0] for shape in shapes), *first[1:]) if along else first

    def _modulated_shape(self, shapes: Sequence[Shape]) -> Shape:
        x = shapes[0]
        for branch, role, shape in zip(self.branches[1:], ROLES[self.join][1:], shapes[1:], strict=True):
            require(
                shape == x[:1],
                f"Branches {self.name!r} takes {branch.name!r} as the {role} of {self.branches[0].name!r}, which ends "
                f"in {x}, and it ends in {shape}; expected {x[:1]}",
            )
        return x

    def attention_products(self, input_shape: Shape, /) -> int:
        """Return the products of numbers behind what attention gives of a sample, 0 where the join is another."""
        if ROLES.get(self.join, ("",))[0] != "query":
            return 0
        query, key, value = (branch.output_shape(input_shape) for branch in self.branches)
        return math.prod(query[1:]) * math.prod(key[1:]) * (query[0] + value[0])

    def _attended_shape(self, shapes: Sequence[Shape]) -> Shape:
        query, key, value = shapes
        require(
            all(len(shape) == _IMAGE_RANK for shape in shapes) and query[0] == key[0] and key[1:] == value[1:],
            f"Branches {self.name!r} attends with ends of shapes {query}, {key} and {value}; expected images, the "
            "query and the key of as many channels, the key and the value of one height and width",
        )
        return (value[0], *query[1:])


Layer = SingleLayer | Branches
