"""The operators of MXNet in the spec's words, each with all its settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gan_rosetta.backends.mxnet.reading_branches import Operation
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import Layer, Shape

_IMAGE_RANK = 3

# A layer, several, or what a spec has no word for.
Found = Layer | list[Layer] | str
Read = Callable[[Operation, str, Shape, Sequence[Any]], Found]


def _linear(node: Operation, name: str, shape: Shape, parameters: Sequence[Any]) -> Found:
    if len(shape) > 1 and not node.settings.get("flatten", True):
        return f"is given samples of shape {shape} and flatten=False; a spec's is given vectors"
    size = math.prod(shape)
    own = spec.Linear(
        name=name, in_features=size, out_features=node.settings["num_hidden"], **_first_values(parameters)
    )
    return [spec.Reshape(shape=(size,)), own] if len(shape) > 1 else own


def _conv(node: Operation, name: str, shape: Shape, parameters: Sequence[Any]) -> Found:
    settings = node.settings
    kernel = settings["kernel"]
    if len(kernel) != 2 or settings.get("layout", "NCHW") not in ("NCHW", "None", None):
        return f"has kernel={kernel!r}, layout={settings.get('layout')!r}; expected two sides, NCHW"
    windows = {key: tuple(settings.get(key) or default) for key, default in _WINDOW.items()}
    for key in ("stride", "dilate", "adj"):
        if len(set(windows[key])) != 1:
            return f"has {key}={windows[key]!r}; expected one number for height and width"
    is_transpose = node.kind == "Deconvolution"
    if is_transpose and settings.get("target_shape") not in (None, (), (0, 0)):
        return f"has target_shape={settings['target_shape']!r}; say adj (output_padding) in its place"
    kind: Any = spec.ConvTranspose2d if is_transpose else spec.Conv2d
    (down, across), (height, width) = windows["pad"], kernel
    padding = {"padding": down} if down == across else {"padding": 0, "sides": (down, down, across, across)}
    more = {"output_padding": windows["adj"][0]} if is_transpose else {}
    return kind(  # type: ignore[no-any-return]
        name=name,
        in_channels=shape[0],
        out_channels=settings["num_filter"],
        kernel_size=height,
        kernel_width=None if width == height else width,
        stride=windows["stride"][0],
        dilation=windows["dilate"][0],
        groups=settings.get("num_group", 1),
        **padding,
        **more,
        **_first_values(parameters),
    )


_WINDOW = {"stride": (1, 1), "dilate": (1, 1), "pad": (0, 0), "adj": (0, 0)}


def _first_values(parameters: Sequence[Any]) -> dict[str, Any]:
    """Return Gluon's own first values; what a block has is in the state that is read with it."""
    uniform = spec.Uniform(bound=_GLUON_RANGE)
    return {"weight_init": uniform, "bias_init": spec.ZEROS if len(parameters) > 1 else None}


_GLUON_RANGE = 0.07


def _batch_norm(node: Operation, name: str, shape: Shape, parameters: Sequence[Any]) -> Found:
    settings = node.settings
    if len(shape) not in (1, _IMAGE_RANK) or settings.get("axis", 1) != 1:
        return f"normalises axis {settings.get('axis', 1)} of samples of shape {shape}; expected rows, or images by 1"
    if settings.get("use_global_stats", False):
        return "normalises by its averages (use_global_stats=True); expected the batch's own"
    if settings.get("fix_gamma", True) or any(each.grad_req == "null" for each in parameters[:2]):
        return "lacks a scale or a center"
    return spec.BatchNorm(
        name=name,
        num_features=shape[0],
        epsilon=float(settings.get("eps", 1e-3)),
        momentum=round(1 - float(settings.get("momentum", 0.9)), 12),
        running_variance="biased",
        statistics="batch",
    )


def _group_norm(node: Operation, name: str, shape: Shape, parameters: Sequence[Any]) -> Found:
    """Return a group norm; an instance norm is one of as many groups as channels, a layer norm of rows one of one."""
    settings = node.settings
    groups = {"InstanceNorm": shape[0], "LayerNorm": 1}.get(node.kind, settings.get("num_groups", 1))
    if node.kind == "LayerNorm" and (len(shape) != 1 or settings.get("axis", -1) not in (-1, 1)):
        return f"is a layer norm of samples of shape {shape}; expected rows"
    if len(shape) not in (1, _IMAGE_RANK):
        return f"normalises samples of shape {shape}; expected rows or images"
    if any(each.grad_req == "null" for each in parameters):
        return "lacks a scale or a center"
    if any(tuple(each.shape) not in ((0,), shape[:1]) for each in parameters) or (
        node.kind == "GroupNorm" and groups != shape[0]
    ):
        return f"has a scale for each of {groups} groups, as MXNet's have; a spec's has one for each channel"
    default = 1e-3 if node.kind == "InstanceNorm" else 1e-5
    return spec.GroupNorm(
        name=name,
        num_features=shape[0],
        num_groups=groups,
        epsilon=float(settings.get("eps", default)),
        affine=True,
    )


def _pool(node: Operation, name: str, shape: Shape, parameters: Sequence[Any]) -> Found:
    del name, parameters
    settings = node.settings
    kind = settings.get("pool_type", "max")
    if kind not in _POOLS:
        return f"has pool_type={kind!r}; known: {', '.join(_POOLS)}"
    mode: Any = _POOLS[kind]
    if settings.get("global_pool", False):
        return [spec.GlobalPool(mode=mode), spec.Reshape(shape=(shape[0], 1, 1))]
    kernel, stride = settings["kernel"], settings.get("stride") or (1, 1)
    pad, convention = settings.get("pad") or (0, 0), settings.get("pooling_convention", "valid")
    if len(kernel) != 2 or len(set(kernel)) != 1 or len(set(stride)) != 1 or any(pad) or convention != "valid":
        return (
            f"has kernel={kernel}, stride={stride}, pad={pad}, {convention}; a spec has one number each, no pad, valid"
        )
    return spec.Pool2d(kernel_size=kernel[0], stride=stride[0], mode=mode)


_POOLS = {"max": "maximum", "avg": "average"}


def _dropout(node: Operation, name: str, shape: Shape, parameters: Sequence[Any]) -> Found:
    del parameters
    axes = node.settings.get("axes") or ()
    if axes not in ((), (2, 3)) or (axes and len(shape) != _IMAGE_RANK):
        return f"has axes={axes!r}; expected none, or (2, 3) of images"
    if node.settings.get("mode", "training") != "training":
        return f"has mode={node.settings['mode']!r}; a spec drops in training alone"
    unit: Any = "channel" if axes else "entry"
    return spec.Dropout(name=name, probability=float(node.settings.get("p", 0.5)), unit=unit)


def _activation(node: Operation, *_: Any) -> Found:
    kind = str(node.settings["act_type"])
    return _ACTIVATIONS.get(kind, f"is the activation {kind}, which no layer of a spec is")


_ACTIVATIONS: dict[str, Layer | str] = {
    "relu": spec.ReLU(),
    "sigmoid": spec.Sigmoid(),
    "tanh": spec.Tanh(),
    "softrelu": spec.Softplus(),
}


def _leaky_relu(node: Operation, *_: Any) -> Found:
    kind, slope = str(node.settings.get("act_type", "leaky")), float(node.settings.get("slope", 0.25))
    known: dict[str, Layer] = {"selu": spec.SELU(), "gelu": spec.GELU(form="erf")}
    if kind == "leaky":
        return spec.LeakyReLU(slope=slope)
    if kind == "elu":
        return spec.ELU(alpha=slope)
    return known.get(kind, f"is the activation {kind}, which no layer of a spec is")


def _upsample(node: Operation, name: str, shape: Shape, parameters: Sequence[Any]) -> Found:
    del name, shape, parameters
    kind = node.settings.get("sample_type")
    if kind != "nearest" or len(node.inputs) != 1:
        return f"has sample_type={kind!r} and {len(node.inputs)} inputs; expected nearest, of one"
    return spec.Upsample(factor=int(node.settings["scale"]), mode="nearest")


def _reshape(node: Operation, *_: Any) -> Found:
    return spec.Reshape(shape=node.shape[1:])


def _scaled(node: Operation, *_: Any) -> Found:
    """Return nothing for a product with 1, as Swish has one by its β."""
    scalar = float(node.settings["scalar"])
    return [] if scalar == 1 else f"multiplies by {scalar}, which no layer of a spec does"


def _same(*_: Any) -> Found:
    return []


# What layers that keep tensors, or masks, are called where their own names are none of a spec's.
SHORT: dict[str, str] = {
    "FullyConnected": "linear",
    "Convolution": "conv",
    "Deconvolution": "up",
    "BatchNorm": "norm",
    "GroupNorm": "norm",
    "InstanceNorm": "norm",
    "LayerNorm": "norm",
    "Dropout": "drop",
}

FUNCTIONS: dict[str, Read] = {
    "FullyConnected": _linear,
    "Convolution": _conv,
    "Deconvolution": _conv,
    "BatchNorm": _batch_norm,
    "GroupNorm": _group_norm,
    "InstanceNorm": _group_norm,
    "LayerNorm": _group_norm,
    "Pooling": _pool,
    "Dropout": _dropout,
    "Activation": _activation,
    "LeakyReLU": _leaky_relu,
    "UpSampling": _upsample,
    "Flatten": _reshape,
    "Reshape": _reshape,
    "reshape": _reshape,
    "expand_dims": _reshape,
    "tanh": lambda *_: spec.Tanh(),
    "sigmoid": lambda *_: spec.Sigmoid(),
    "relu": lambda *_: spec.ReLU(),
    "_mul_scalar": _scaled,
    "identity": _same,
    "_copy": _same,
}
