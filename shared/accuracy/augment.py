"""Augmentation of an image: its colours, of which numbers may cancel, then its place and a window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_gradient
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import Augment, Reshape
from gan_rosetta.shared.spec.feeding import AUGMENT

_SEED = 31
_IMAGE = (3, 4, 4)
_NUMBERS = 48
_ONE = np.ones((1, 1))
# Brightness, saturation and contrast; rows and columns; the middle of the window.
_DRAWN = {"colour": (0.25, 1.75, 0.625), "moved": (1.0, -2.0), "cut": (0.0, 3.0)}


def _trials(dtype: Dtype) -> Sequence[Trial]:
    random = np.random.default_rng(_SEED)
    drawn = random.standard_normal(_NUMBERS)
    kinds = {"ordinary": drawn, "far from 0": drawn + 500, "alike": np.full(_NUMBERS, 0.1), "small": 1e-3 * drawn}
    weights = in_type(random.uniform(-1, 1, _NUMBERS), dtype)
    passes = {"discriminator.fake.generator", "generator.fake.generator"}
    fed = {f"{AUGMENT}.{place}.{name}": np.array([[numbers]]) for place in passes for name, numbers in _DRAWN.items()}
    return [
        Trial(
            inputs=(name,),
            state={
                "generator.input.weight": in_type(numbers, dtype),
                "generator.output.weight": weights,
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE) | fed,
        )
        for name, numbers in kinds.items()
    ]


AUGMENTATION = Operation(
    name="augmentation",
    group="sums",
    title="an image's colours, place and a window changed",
    spec=tiny_gan(
        "augmentation",
        generator=(
            linear("input", 1, _NUMBERS),
            Reshape(shape=_IMAGE),
            Augment(name="colour", policy="colour", ratio=None),
            Augment(name="moved", policy="translation", ratio=0.5),
            Augment(name="cut", policy="cutout", ratio=0.5),
            Reshape(shape=(_NUMBERS,)),
            linear("output", _NUMBERS, 1),
        ),
        discriminator=(linear("score", 1, 1),),
    ),
    trials=_trials,
    quantities=(
        Quantity(name="outputs", read=read_gradient("output.weight", as_one_row=True)),
        Quantity(name="input's gradient", read=read_gradient("input.weight", as_one_row=True)),
    ),
)
