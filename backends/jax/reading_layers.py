"""The layers of flax.nnx, and functions of JAX, in the spec's words. flax has channels last, a spec first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flax import nnx

from gan_rosetta.backends.jax.reading_branches import Operation
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import Layer, Shape

_IMAGE_RANK = 3

# A layer, several, or what a spec has no word for.
Found = Layer | list[Layer] | str


def _first_values(module: Any) -> dict[str, Any]:
    """Return first values of flax's kind; what a layer has is in the state that is read with it."""
    return {"weight_init": spec.UniformFanIn(), "bias_init": None if module.bias is None else spec.ZEROS}


def _linear(module: Any, name: str, shape: Shape) -> Found:
    if len(shape) != 1:
        return f"is given samples of shape {shape}; a spec's is given vectors: reshape them before it"
    return spec.Linear(
        name=name, in_features=module.in_features, out_features=module.out_features, **_first_values(module)
    )


def _pair(value: Any) -> tuple[int, int]:
    found = tuple(value) if isinstance(value, tuple | list) else (value or 1,)
    return found if len(found) == 2 else found * 2  # type: ignore[return-value]


def _conv(module: Any, name: str, shape: Shape) -> Found:
    kernel = tuple(module.kernel_size) if isinstance(module.kernel_size, tuple | list) else (module.kernel_size,)
    if len(shape) != _IMAGE_RANK or len(kernel) != 2:
        return f"is given samples of shape {shape} and has a kernel of {kernel}; expected images, and two sides"
    if module.mask is not None or getattr(module, "transpose_kernel", False):
        return "has a mask, or transposes its kernel; a spec's has neither"
    stride, dilation = _pair(module.strides), _pair(module.kernel_dilation)
    for setting, value in {"strides": stride, "kernel_dilation": dilation}.items():
        if len(set(value)) != 1:
            return f"has {setting}={value!r}; expected one number for height and width"
    if _pair(getattr(module, "input_dilation", 1)) != (1, 1):
        return f"has input_dilation={module.input_dilation!r}; a spec has 1 alone"
    is_transpose = isinstance(module, nnx.ConvTranspose)
    size: dict[str, Any] = {"kernel": kernel, "stride": stride[0], "dilation": dilation[0]}
    sides = _cut(module.padding, **size) if is_transpose else _sides(module.padding, shape, **size)
    if isinstance(sides, str) or min(sides) < 0:
        return f"has padding={module.padding!r} and strides={stride[0]}; not read"
    kind: Any = spec.ConvTranspose2d if is_transpose else spec.Conv2d
    return kind(  # type: ignore[no-any-return]
        name=name,
        in_channels=module.in_features,
        out_channels=module.out_features,
        kernel_size=kernel[0],
        kernel_width=None if kernel[0] == kernel[1] else kernel[1],
        stride=stride[0],
        dilation=dilation[0],
        groups=1 if is_transpose else module.feature_group_count,
        **({"padding": sides[0]} if len(set(sides)) == 1 else {"padding": 0, "sides": sides}),
        **_first_values(module),
    )


def _told_sides(padding: Any) -> tuple[int, ...] | None:
    """Return a padding that is told in numbers, each of four sides."""
    if isinstance(padding, int):
        return (padding,) * 4
    if isinstance(padding, tuple | list) and len(padding) == 2:
        pairs = [(each, each) if isinstance(each, int) else tuple(each) for each in padding]
        return tuple(side for pair in pairs for side in pair)
    return None


def _sides(padding: Any, shape: Shape, *, kernel: tuple[int, ...], stride: int, dilation: int) -> tuple[int, ...] | str:
    if padding == "SAME":
        height, width = kernel
        return spec.same_sides(shape[1:], kernel=(height, width), stride=stride, dilation=dilation)  # type: ignore[arg-type]
    return (0, 0, 0, 0) if padding == "VALID" else _told_sides(padding) or "unknown"


def _cut(padding: Any, *, kernel: tuple[int, ...], stride: int, dilation: int) -> tuple[int, ...] | str:
    """Return what a transposed convolution leaves away: JAX pads what it spreads out, a spec cuts what comes out."""
    reaches = [dilation * (side - 1) for side in kernel]
    told = _told_sides(padding)
    cut: list[int] = []
    for axis, reach in enumerate(reaches):
        if padding == "SAME":
            total = reach + stride - 1
            before = reach if stride > reach else -(-total // 2)
        elif padding == "VALID":
            total, before = reach + stride - 1 + max(reach + 1 - stride, 0), reach
        elif told is not None:
            before = told[2 * axis]
            total = before + told[2 * axis + 1]
        else:
            return "unknown"
        cut += [reach - before, reach - (total - before)]
    return tuple(cut)


def _batch_norm(module: Any, name: str, shape: Shape) -> Found:
    if module.use_running_average or module.axis not in (-1, len(shape)) or module.axis_name is not None:
        return "normalises by its running averages, or over other axes than the batch's"
    if not (module.use_bias and module.use_scale):
        return "lacks a scale or a bias"
    return spec.BatchNorm(
        name=name,
        num_features=module.num_features,
        epsilon=module.epsilon,
        momentum=round(1 - module.momentum, 12),
        running_variance="biased",
        statistics="batch",
    )


def _group_norm(module: Any, name: str, shape: Shape) -> Found:
    """Return a group norm; a layer norm of rows is one of one group."""
    is_rows = isinstance(module, nnx.LayerNorm)
    if is_rows and (len(shape) != 1 or module.reduction_axes != -1 or module.feature_axes != -1):
        return f"is a layer norm of samples of shape {shape}; expected rows"
    if not is_rows and getattr(module, "reduction_axes", None) is not None:
        return f"has reduction_axes={module.reduction_axes!r}; expected None"
    if module.use_bias != module.use_scale:
        return "has one of a scale and a bias; a spec's has both or none"
    return spec.GroupNorm(
        name=name,
        num_features=module.num_features,
        num_groups=1 if is_rows else module.num_groups,
        epsilon=module.epsilon,
        affine=bool(module.use_scale),
    )


def _dropout(module: Any, name: str, shape: Shape) -> Found:
    axes = tuple(module.broadcast_dims)
    if axes not in ((), (1, 2)) or (axes and len(shape) != _IMAGE_RANK):
        return f"has broadcast_dims={axes!r}; expected none, or (1, 2) of images"
    unit: Any = "channel" if axes else "entry"
    return spec.Dropout(name=name, probability=float(module.rate), unit=unit)


LAYERS: dict[type, Callable[[Any, str, Shape], Found]] = {
    nnx.Linear: _linear,
    nnx.Conv: _conv,
    nnx.ConvTranspose: _conv,
    nnx.BatchNorm: _batch_norm,
    nnx.GroupNorm: _group_norm,
    nnx.LayerNorm: _group_norm,
    nnx.Dropout: _dropout,
}

# What layers that keep tensors, or masks, are called where their own names are none of a spec's.
SHORT: dict[type, str] = {
    nnx.Linear: "linear",
    nnx.Conv: "conv",
    nnx.ConvTranspose: "up",
    nnx.BatchNorm: "norm",
    nnx.GroupNorm: "norm",
    nnx.LayerNorm: "norm",
    nnx.Dropout: "drop",
}


def _number(node: Operation, place: int, default: float) -> float | None:
    return node.inputs[place].number if len(node.inputs) > place else default


def _leaky_relu(node: Operation, _: Shape) -> Found:
    slope = _number(node, 1, 0.01)
    return "has a slope that is no number" if slope is None else spec.LeakyReLU(slope=slope)


def _elu(node: Operation, _: Shape) -> Found:
    alpha = _number(node, 1, 1.0)
    return "has an alpha that is no number" if alpha is None else spec.ELU(alpha=alpha)


def _maximum(node: Operation, _: Shape) -> Found:
    return spec.ReLU() if 0.0 in [each.number for each in node.inputs] else "takes the larger of two arrays"


def _reshape(node: Operation, given: Shape) -> Found:
    """Return a reshape, of images (height, width, channels) to rows, or back, or of what has the axes already."""
    made = node.shape[1:]
    if given == made:
        return []
    if len(made) == 1:
        return spec.Reshape(shape=made)
    if len(made) == _IMAGE_RANK and len(given) == 1:
        return spec.Reshape(shape=(made[-1], *made[:-1]))
    return f"makes {made} of {given}; expected images of vectors, or vectors"


FUNCTIONS: dict[str, Callable[[Operation, Shape], Found]] = {
    "relu": lambda *_: spec.ReLU(),
    "max": _maximum,
    "leaky_relu": _leaky_relu,
    "tanh": lambda *_: spec.Tanh(),
    "sigmoid": lambda *_: spec.Sigmoid(),
    "logistic": lambda *_: spec.Sigmoid(),
    "silu": lambda *_: spec.SiLU(),
    "elu": _elu,
    "selu": lambda *_: spec.SELU(),
    "softplus": lambda *_: spec.Softplus(),
    "reshape": _reshape,
    "squeeze": _reshape,
    "copy": lambda *_: [],
    "convert_element_type": lambda *_: [],
}
