"""What joins branches, at many numbers in one step: a LeakyReLU and its input, added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_gradient
from gan_rosetta.shared.accuracy.points import both_signs
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import Branch, Branches, LeakyReLU

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


BRANCHES = Operation(
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
