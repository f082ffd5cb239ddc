"""The activations and their derivatives, by a learned slope too, at many numbers in one step: a feature each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_gradient
from gan_rosetta.shared.accuracy.points import both_signs, in_type
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import (
    ELU,
    GELU,
    SELU,
    ZEROS,
    Activation,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)

_SLOPE = 0.2
_ALPHA = 1.25
_ELU = {"scale": exact.extended(1), "bend": exact.extended(_ALPHA)}
_SELU = {"scale": exact.extended(SELU.scale), "bend": exact.extended(SELU.scale) * exact.extended(SELU.alpha)}
_NUM_POINTS = len(both_signs("float32"))
_ONE = np.ones((1, 1))

Function = Callable[[np.ndarray], np.ndarray]


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


def _learned_trials(dtype: Dtype) -> Sequence[Trial]:
    """Return the same trials with a slope for each number, each of them the slope as the type has it."""
    slopes = in_type(np.full(_NUM_POINTS, _SLOPE), dtype)
    return [
        replace(
            trial,
            state={**trial.state, "generator.slopes.weight": slopes},
            arguments={**trial.arguments, "slope": slopes},
        )
        for trial in _trials(dtype)
    ]


def _of(function: Function) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    return lambda arguments: function(exact.extended(arguments["x"]))[:, np.newaxis]


def _operation(name: str, layer: Activation, value: Function, derivative: Function) -> Operation:
    """F is read as the gradient of the weight that follows it, f' as that of the weight before it."""
    return Operation(
        name=name,
        group="activations",
        title=name,
        spec=tiny_gan(
            name.lower(),
            generator=(linear("input", 1, _NUM_POINTS), layer, linear("output", _NUM_POINTS, 1)),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_trials,
        quantities=(
            Quantity(name="value", read=read_gradient("output.weight"), truth=_of(value)),
            Quantity(name="derivative", read=read_gradient("input.weight"), truth=_of(derivative)),
        ),
        axis="x",
    )


def _leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, exact.extended(_SLOPE) * x)


def _leaky_derivative(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, exact.extended(1), exact.extended(_SLOPE))


def _learned(arguments: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    x, slope = (exact.extended(arguments[name])[:, np.newaxis] for name in ("x", "slope"))
    return x, np.where(x > 0, exact.extended(1), slope)


def _prelu() -> Operation:
    """What a slope is moved by is read beside, the input where that is below 0."""
    layer = PReLU(name="slopes", num_parameters=_NUM_POINTS, weight_init=ZEROS)
    slope = Quantity(
        name="slope",
        read=read_gradient("slopes.weight"),
        truth=lambda arguments: np.minimum(_learned(arguments)[0], 0),
    )
    value = Quantity(
        name="value",
        read=read_gradient("output.weight"),
        truth=lambda arguments: np.prod(_learned(arguments), axis=0),
    )
    derivative = Quantity(
        name="derivative", read=read_gradient("input.weight"), truth=lambda arguments: _learned(arguments)[1]
    )
    return Operation(
        name="prelu",
        group="activations",
        title="prelu",
        spec=tiny_gan(
            "prelu",
            generator=(linear("input", 1, _NUM_POINTS), layer, linear("output", _NUM_POINTS, 1)),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_learned_trials,
        quantities=(value, derivative, slope),
        axis="x",
    )


ACTIVATIONS = (
    _operation("sigmoid", Sigmoid(), exact.sigmoid, exact.sigmoid_derivative),
    _operation("tanh", Tanh(), exact.tanh, exact.tanh_derivative),
    _operation("softplus", Softplus(), exact.softplus, exact.sigmoid),
    _operation("relu", ReLU(), lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
    _operation("leaky-relu", LeakyReLU(slope=_SLOPE), _leaky, _leaky_derivative),
    _prelu(),
    _operation("elu", ELU(alpha=_ALPHA), partial(exact.elu, **_ELU), partial(exact.elu_derivative, **_ELU)),
    _operation("selu", SELU(), partial(exact.elu, **_SELU), partial(exact.elu_derivative, **_SELU)),
    _operation("gelu", GELU(form="erf"), exact.normal_gelu, exact.normal_gelu_derivative),
    _operation("gelu-tanh", GELU(form="tanh"), exact.tanh_gelu, exact.tanh_gelu_derivative),
    _operation("silu", SiLU(), exact.silu, exact.silu_derivative),
)
