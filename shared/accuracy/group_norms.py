"""Group norm: groups of numbers that differ, are all alike, or lie far from 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_gradient
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import GroupNorm

_SEED = 11
_FEATURES, _GROUPS, _EPSILON = 24, 2, 1e-5
_ONE = np.ones((1, 1))


def _trials(dtype: Dtype) -> Sequence[Trial]:
    random = np.random.default_rng(_SEED)
    drawn = random.standard_normal(_FEATURES)
    far = 0.02 / float(np.finfo(dtype).eps) ** 0.5
    kinds = {
        "ordinary": drawn + 0.3,
        "constant": np.full(_FEATURES, 0.1),
        "far from 0": drawn + far,
        "tiny spread": 1e-3 * _EPSILON**0.5 * drawn,
        "one outlier": np.where(np.arange(_FEATURES) % 12 == 0, 1e3, 0.1 * drawn),
    }
    weights = in_type(random.uniform(-1, 1, _FEATURES), dtype)
    return [
        Trial(
            inputs=(name,),
            state={
                "generator.input.weight": in_type(numbers, dtype),
                "generator.norm.weight": np.ones(_FEATURES),
                "generator.output.weight": weights,
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
        for name, numbers in kinds.items()
    ]


GROUP_NORMS = (
    Operation(
        name="group-norm",
        group="norms",
        title=f"GroupNorm, {_GROUPS} groups of {_FEATURES // _GROUPS} numbers",
        spec=tiny_gan(
            "group-norm",
            generator=(
                linear("input", 1, _FEATURES),
                GroupNorm(name="norm", num_features=_FEATURES, num_groups=_GROUPS, epsilon=_EPSILON, affine=True),
                linear("output", _FEATURES, 1),
            ),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_trials,
        quantities=(
            Quantity(name="outputs", read=read_gradient("output.weight", as_one_row=True)),
            Quantity(name="weight's gradient", read=read_gradient("norm.weight", as_one_row=True)),
            Quantity(name="input's gradient", read=read_gradient("input.weight", as_one_row=True)),
        ),
    ),
)
