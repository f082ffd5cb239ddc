"""Dropout at many numbers in one step, every second of which is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_gradient
from gan_rosetta.shared.accuracy.points import both_signs
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import Dropout
from gan_rosetta.shared.spec.feeding import mask_draws

_NUM_POINTS = len(both_signs("float32"))
_ONE = np.ones((1, 1))
_LAYER = Dropout(name="drop", probability=0.3, unit="entry")
_MASK = (np.arange(_NUM_POINTS) % 2 == 0).astype(np.float64)
_SPEC = tiny_gan(
    "dropout",
    generator=(linear("input", 1, _NUM_POINTS), _LAYER, linear("output", _NUM_POINTS, 1)),
    discriminator=(linear("score", 1, 1),),
)


def _trials(dtype: Dtype) -> Sequence[Trial]:
    points = both_signs(dtype)
    masks = {mask.name: _MASK[np.newaxis, np.newaxis] for mask in mask_draws(_SPEC, pretraining=False)}
    return [
        Trial(
            inputs=tuple(points.tolist()),
            state={
                "generator.input.weight": points,
                "generator.output.weight": np.ones(_NUM_POINTS),
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE) | masks,
            arguments={"x": points},
        )
    ]


def _times(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """Return the truth that is what a function gives of x, times what dropout keeps."""
    factors = exact.extended(_MASK) * exact.extended(_LAYER.scale)
    return lambda arguments: (function(exact.extended(arguments["x"])) * factors)[:, np.newaxis]


DROPOUT = Operation(
    name="dropout",
    group="activations",
    title="dropout",
    spec=_SPEC,
    trials=_trials,
    quantities=(
        Quantity(name="value", read=read_gradient("output.weight"), truth=_times(lambda x: x)),
        Quantity(name="derivative", read=read_gradient("input.weight"), truth=_times(np.ones_like)),
    ),
    axis="x",
)
