"""The layers of Keras in the spec's words, each with all its settings. Keras has channels last, a spec first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import Layer, Shape

_IMAGE_RANK = 3

Read = list[Layer]

ACTIVATIONS: dict[str, Layer] = {
    "tanh": spec.Tanh(),
    "sigmoid": spec.Sigmoid(),
    "softplus": spec.Softplus(),
    "relu": spec.ReLU(),
    "silu": spec.SiLU(),
    "elu": spec.ELU(alpha=1.0),
    "selu": spec.SELU(),
}


def _first_values(layer: Any) -> dict[str, Any]:
    """Return Keras's own first values; what a layer has is in the state that is read with it."""
    return {"weight_init": spec.GlorotUniform(), "bias_init": spec.ZEROS if layer.use_bias else None}


def _linear(layer: Any, name: str, shape: Shape) -> Read | str:
    if len(shape) != 1:
        return f"is given samples of shape {shape}; a spec's is given vectors: put a Flatten before it"
    return [spec.Linear(name=name, in_features=shape[0], out_features=layer.units, **_first_values(layer))]


def _conv(layer: Any, name: str, shape: Shape) -> Read | str:
    if len(shape) != _IMAGE_RANK:
        return f"is given samples of shape {shape}; expected images"
    for setting in ("strides", "dilation_rate"):
        value = getattr(layer, setting)
        if len(set(value)) != 1:
            return f"has {setting}={value!r}; expected one number for height and width"
    if layer.data_format != "channels_last" or layer.padding not in ("valid", "same"):
        return (
            f"has data_format={layer.data_format!r}, padding={layer.padding!r}; expected channels_last, valid or same"
        )
    kernel, stride, dilation = tuple(layer.kernel_size), layer.strides[0], layer.dilation_rate[0]
    is_transpose = isinstance(layer, keras.layers.Conv2DTranspose)
    if is_transpose and (layer.output_padding is not None or min(kernel) < stride):
        return "has an output_padding, or a kernel smaller than its strides; not read"
    sides: tuple[int, ...] = (0, 0, 0, 0)
    if layer.padding == "same" and is_transpose:
        totals = [dilation * (size - 1) + 1 - stride for size in kernel]
        if min(totals) < 0:
            return "has strides larger than its kernel; not read"
        sides = tuple(side for total in totals for side in (total // 2, total - total // 2))
    elif layer.padding == "same":
        sides = spec.same_sides((shape[1], shape[2]), kernel=kernel, stride=stride, dilation=dilation)
    kind: Any = spec.ConvTranspose2d if is_transpose else spec.Conv2d
    return [
        kind(
            name=name,
            in_channels=shape[0],
            out_channels=layer.filters,
            kernel_size=kernel[0],
            kernel_width=None if kernel[0] == kernel[1] else kernel[1],
            stride=stride,
            dilation=dilation,
            groups=1 if is_transpose else layer.groups,
            **_padding(sides),
            **_first_values(layer),
        )
    ]


def margins_of(layer: Any, setting: str, /) -> tuple[int, ...]:
    """Return what a layer pads or crops: above, below, at the left, at the right."""
    return tuple(side for sides in getattr(layer, setting) for side in sides)


def with_margins(convolution: Any, margins: tuple[int, ...], /) -> Layer:
    """Return a convolution, transposed or not, that is padded by so much more."""
    own = [side for sides in convolution.margins for side in sides]
    sides = tuple(first + second for first, second in zip(own, margins, strict=True))
    return replace(convolution, **{"sides": None, **_padding(sides)})


def _padding(sides: tuple[int, ...]) -> dict[str, Any]:
    return {"padding": sides[0]} if len(set(sides)) == 1 else {"padding": 0, "sides": sides}


def _batch_norm(layer: Any, name: str, shape: Shape) -> Read | str:
    if not (layer.center and layer.scale) or not layer.trainable:
        return "lacks a scale or a center, or is not trainable"
    return [
        spec.BatchNorm(
            name=name,
            num_features=shape[0],
            epsilon=layer.epsilon,
            momentum=round(1 - layer.momentum, 12),
            running_variance="biased",
            statistics="batch",
        )
    ]


def _group_norm(layer: Any, name: str, shape: Shape) -> Read | str:
    """Return a group norm; a layer norm of rows is one of one group."""
    is_rows = isinstance(layer, keras.layers.LayerNormalization)
    axis = layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis
    if len(shape) not in ((1,) if is_rows else (1, _IMAGE_RANK)) or axis not in (-1, len(shape)):
        return f"normalises axis {layer.axis} of samples of shape {shape}; expected the last, of rows" + (
            "" if is_rows else " or images"
        )
    if layer.center != layer.scale:
        return "has one of a scale and a center; a spec's has both or none"
    return [
        spec.GroupNorm(
            name=name,
            num_features=shape[0],
            num_groups=1 if is_rows else shape[0] if layer.groups == -1 else layer.groups,
            epsilon=layer.epsilon,
            affine=bool(layer.scale),
        )
    ]


def _relu(layer: Any, name: str, shape: Shape) -> Read | str:
    del name, shape
    if layer.max_value is not None or layer.threshold or layer.negative_slope:
        return "has a max_value, a threshold or a negative_slope; a spec's ReLU has none"
    return [spec.ReLU()]


def _activation(layer: Any, name: str, shape: Shape) -> Read | str:
    del name, shape
    kind = getattr(layer.activation, "__name__", "")
    return [ACTIVATIONS[kind]] if kind in ACTIVATIONS else f"is the activation {kind}, which no layer of a spec is"


def _pool(layer: Any, name: str, shape: Shape) -> Read | str:
    del name, shape
    if layer.padding != "valid" or len({*layer.pool_size}) != 1 or len({*layer.strides}) != 1:
        return f"has padding={layer.padding!r} or sides of two lengths; a spec has 'valid' and one number"
    mode: Any = "average" if isinstance(layer, keras.layers.AveragePooling2D) else "maximum"
    return [spec.Pool2d(kernel_size=layer.pool_size[0], stride=layer.strides[0], mode=mode)]


def _upsample(layer: Any, name: str, shape: Shape) -> Read | str:
    del name, shape
    if layer.interpolation != "nearest" or layer.size[0] != layer.size[1]:
        return f"has interpolation={layer.interpolation!r}, size={layer.size!r}; expected nearest, and one number"
    return [spec.Upsample(factor=layer.size[0], mode="nearest")]


def _flatten(layer: Any, name: str, shape: Shape) -> Read:
    del layer, name
    size = 1
    for length in shape:
        size *= length
    return [spec.Reshape(shape=(size,))] if len(shape) > 1 else []


def _reshape(layer: Any, name: str, shape: Shape) -> Read | str:
    target = tuple(layer.output.shape[1:])
    if len(target) == 1:
        return _flatten(layer, name, shape)
    if len(target) != _IMAGE_RANK or len(shape) != 1:
        return f"makes {target} of {shape}; expected images of vectors, or vectors"
    return [spec.Reshape(shape=(target[2], *target[:2]))]


def _operation(kind: str) -> Callable[[Any, str, Shape], Read]:
    return lambda *_: [ACTIVATIONS[kind]]


LAYERS: dict[type, Callable[[Any, str, Shape], Read | str]] = {
    keras.layers.Dense: _linear,
    keras.layers.Conv2D: _conv,
    keras.layers.Conv2DTranspose: _conv,
    keras.layers.BatchNormalization: _batch_norm,
    keras.layers.LayerNormalization: _group_norm,
    keras.layers.GroupNormalization: _group_norm,
    keras.layers.ReLU: _relu,
    keras.layers.LeakyReLU: lambda layer, *_: [spec.LeakyReLU(slope=float(layer.negative_slope))],
    keras.layers.ELU: lambda layer, *_: [spec.ELU(alpha=float(layer.alpha))],
    keras.layers.Activation: _activation,
    keras.layers.AveragePooling2D: _pool,
    keras.layers.MaxPooling2D: _pool,
    keras.layers.GlobalAveragePooling2D: lambda *_: [spec.GlobalPool(mode="average")],
    keras.layers.GlobalMaxPooling2D: lambda *_: [spec.GlobalPool(mode="maximum")],
    keras.layers.UpSampling2D: _upsample,
    keras.layers.Flatten: _flatten,
    keras.layers.Reshape: _reshape,
    keras.layers.Dropout: lambda layer, name, _: [spec.Dropout(name=name, probability=float(layer.rate), unit="entry")],
}

# What keras.ops makes of a tensor without numbers, by the class of the operation.
OPERATIONS: dict[str, Callable[[Any, str, Shape], Read]] = {
    **{name: _operation(name.lower()) for name in ("Relu", "Tanh", "Sigmoid", "Softplus", "Silu", "Selu")},
    "LeakyRelu": lambda layer, *_: [spec.LeakyReLU(slope=float(layer.negative_slope))],
    "Elu": lambda layer, *_: [spec.ELU(alpha=float(layer.alpha))],
}

# What layers that keep tensors, or masks, are called where their own names are none of a spec's.
SHORT: dict[type, str] = {
    keras.layers.Dense: "linear",
    keras.layers.Conv2D: "conv",
    keras.layers.Conv2DTranspose: "up",
    keras.layers.BatchNormalization: "norm",
    keras.layers.LayerNormalization: "norm",
    keras.layers.GroupNormalization: "norm",
    keras.layers.Dropout: "drop",
}
