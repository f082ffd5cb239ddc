"""The cross entropy of a class and its gradient: logits that are near, far apart, all alike, or sure of the class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_gradient
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import ClassCrossEntropy, DigitsReal, Reshape

_SEED = 17
_CLASSES = DigitsReal.num_classes
_OWN = 7
_ONE = np.ones((1, 1))


def _trials(dtype: Dtype) -> Sequence[Trial]:
    drawn = np.random.default_rng(_SEED).standard_normal(_CLASSES)
    is_own = np.arange(_CLASSES) == _OWN
    kinds = {
        "ordinary": drawn,
        "alike": np.full(_CLASSES, 0.1),
        "wide": 20 * drawn,
        "far from 0": drawn + 500,
        "sure": np.where(is_own, 12.0, drawn),
        "surely another": np.where(is_own, -60.0, drawn),
    }
    return [
        Trial(
            inputs=(name,),
            state={"generator.input.weight": in_type(logits, dtype), "discriminator.score.weight": _ONE},
            arrays=step_arrays(latent=_ONE, real=np.zeros((1, 1, 1, 1))) | {"label_d": np.full((1, 1), _OWN)},
        )
        for name, logits in kinds.items()
    ]


CLASS_CROSS_ENTROPY = Operation(
    name="class-cross-entropy",
    group="losses",
    title=f"cross entropy of {_CLASSES} logits and a class",
    spec=tiny_gan(
        "class-cross-entropy",
        generator=(linear("input", 1, _CLASSES), ClassCrossEntropy(num_classes=_CLASSES), Reshape(shape=(1, 1, 1))),
        discriminator=(Reshape(shape=(1,)), linear("score", 1, 1)),
        real=DigitsReal(size=1, num_channels=1, low=-1.0, high=1.0, num_images=1, reshuffle=False),
    ),
    trials=_trials,
    quantities=(
        loss_quantity("loss", "generator"),
        Quantity(name="gradient", read=read_gradient("input.weight", as_one_row=True)),
    ),
)
