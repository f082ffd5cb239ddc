"""A softmax of features, and its gradient: numbers that are near, far apart, or all alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_gradient
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import Softmax

_SEED = 12
_FEATURES = 24
_ONE = np.ones((1, 1))


def _trials(dtype: Dtype) -> Sequence[Trial]:
    random = np.random.default_rng(_SEED)
    drawn = random.standard_normal(_FEATURES)
    kinds = {
        "ordinary": drawn,
        "alike": np.full(_FEATURES, 0.1),
        "wide": 20 * drawn,
        "far from 0": drawn + 500,
        "one ahead": np.where(np.arange(_FEATURES) == 7, 60.0, drawn),
    }
    weights = in_type(random.uniform(-1, 1, _FEATURES), dtype)
    return [
        Trial(
            inputs=(name,),
            state={
                "generator.input.weight": in_type(numbers, dtype),
                "generator.output.weight": weights,
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
        for name, numbers in kinds.items()
    ]


SOFTMAX = Operation(
    name="softmax",
    group="norms",
    title=f"softmax of {_FEATURES} numbers",
    spec=tiny_gan(
        "softmax",
        generator=(linear("input", 1, _FEATURES), Softmax(axis=0), linear("output", _FEATURES, 1)),
        discriminator=(linear("score", 1, 1),),
    ),
    trials=_trials,
    quantities=(
        Quantity(name="outputs", read=read_gradient("output.weight", as_one_row=True)),
        Quantity(name="input's gradient", read=read_gradient("input.weight", as_one_row=True)),
    ),
)
