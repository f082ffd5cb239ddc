"""What joins branches: a LeakyReLU and its input, added; two vectors' inner product; a gain and a bias by channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_gradient
from gan_rosetta.shared.accuracy.points import both_signs
from gan_rosetta.shared.accuracy.sums import KINDS, make_terms
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import ZEROS, Branch, Branches, LeakyReLU, Reshape, Scale

_NUM_POINTS = len(both_signs("float32"))
_ONE = np.ones((1, 1))
_SLOPE = 0.5
_LAYER = Branches(
    name="block",
    join="add",
    branches=(Branch(name="main", layers=(LeakyReLU(slope=_SLOPE),)), Branch(name="shortcut")),
)
_SPEC = tiny_gan(
    "branches",
    generator=(linear("input", 1, _NUM_POINTS), _LAYER, linear("output", _NUM_POINTS, 1)),
    discriminator=(linear("score", 1, 1),),
)


def _trials(dtype: Dtype) -> Sequence[Trial]:
    points = both_signs(dtype)
    return [
        Trial(
            inputs=tuple(points.tolist()),
            state={
                "generator.input.weight": points,
                "generator.output.weight": np.ones(_NUM_POINTS),
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
            arguments={"x": points},
        )
    ]


def _slopes(points: np.ndarray) -> np.ndarray:
    return exact.extended(np.where(points > 0, 1.0, _SLOPE)) + exact.extended(np.ones(len(points)))


_NUM_TERMS, _SIZE = 500, 8


def _product_trials(dtype: Dtype) -> Sequence[Trial]:
    first = make_terms("positive", dtype, size=_NUM_TERMS)
    return [
        Trial(
            inputs=(kind,),
            state={
                "generator.block.first.first.weight": first,
                "generator.block.second.second.weight": make_terms(kind, dtype, size=_NUM_TERMS),
                "generator.output.weight": _ONE,
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
        for kind in KINDS
    ]


def _inner_product() -> Operation:
    ends = tuple(Branch(name=name, layers=(linear(name, 1, _NUM_TERMS),)) for name in ("first", "second"))
    return Operation(
        name="inner-product",
        group="sums",
        title=f"inner product of two vectors of {_NUM_TERMS}",
        spec=tiny_gan(
            "inner-product",
            generator=(Branches(name="block", join="dot", branches=ends), linear("output", 1, 1)),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_product_trials,
        quantities=(Quantity(name="value", read=read_gradient("output.weight")),),
    )


def _gain_trials(dtype: Dtype) -> Sequence[Trial]:
    images = np.stack([make_terms(kind, dtype, size=_SIZE**2) for kind in KINDS])
    return [
        Trial(
            inputs=KINDS,
            state={
                "generator.block.x.x.weight": images,
                "generator.output.weight": np.ones(images.size),
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
    ]


def _gain() -> Operation:
    """The gain's gradient is the sum of a channel's places."""
    num = len(KINDS) * _SIZE**2
    ends = (
        Branch(name="x", layers=(linear("x", 1, num), Reshape(shape=(len(KINDS), _SIZE, _SIZE)))),
        Branch(name="gain", layers=(linear("gain", 1, len(KINDS)),)),
        Branch(name="bias", layers=(linear("bias", 1, len(KINDS)),)),
    )
    return Operation(
        name="gain",
        group="sums",
        title=f"a gain's gradient over {_SIZE} × {_SIZE} places",
        spec=tiny_gan(
            "gain",
            generator=(
                Branches(name="block", join="modulate", branches=ends),
                Reshape(shape=(num,)),
                linear("output", num, 1),
            ),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_gain_trials,
        quantities=(Quantity(name="gradient", read=read_gradient("block.gain.gain.weight")),),
    )


def _scale_trials(dtype: Dtype) -> Sequence[Trial]:
    return [
        Trial(
            inputs=(kind,),
            state={
                "generator.input.weight": make_terms(kind, dtype, size=_NUM_TERMS),
                "generator.scale.weight": np.ones(1),
                "generator.output.weight": np.ones(_NUM_TERMS),
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
        for kind in KINDS
    ]


def _scale() -> Operation:
    return Operation(
        name="scale",
        group="sums",
        title=f"the gradient of one gain for {_NUM_TERMS} numbers",
        spec=tiny_gan(
            "scale",
            generator=(
                linear("input", 1, _NUM_TERMS),
                Scale(name="scale", weight_init=ZEROS),
                linear("output", _NUM_TERMS, 1),
            ),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_scale_trials,
        quantities=(Quantity(name="gradient", read=read_gradient("scale.weight", as_one_row=True)),),
    )


SUM = Operation(
    name="branches",
    group="sums",
    title="the sum of two branches",
    spec=_SPEC,
    trials=_trials,
    quantities=(
        Quantity(
            name="value",
            read=read_gradient("output.weight"),
            truth=lambda arguments: (exact.extended(arguments["x"]) * _slopes(arguments["x"]))[:, np.newaxis],
        ),
        Quantity(
            name="derivative",
            read=read_gradient("input.weight"),
            truth=lambda arguments: _slopes(arguments["x"])[:, np.newaxis],
        ),
    ),
    axis="x",
)
BRANCHES = (SUM, _inner_product(), _gain(), _scale())
