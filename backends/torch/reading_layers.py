"""The layers of torch in the spec's words: a module or a function each, with all its settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from torch import fx, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import Layer, Shape

_IMAGE_RANK = 3
SCORE: Shape = (1,)
# Above its threshold torch's softplus returns x itself; from here on float64 has no digit for the difference.
_EXACT_THRESHOLD = 37

# A layer, several, or what a spec has no word for.
Found = Layer | list[Layer] | str


def kind_of(module: nn.Module, /) -> type[nn.Module]:
    """Return a module's class, which torch puts another in front of where a weight is made of another tensor."""
    return type(module).__bases__[0] if parametrize.is_parametrized(module) else type(module)


def with_spectral_norm(found: Found, module: Any, /) -> Found:
    """Return a layer with the norm that its weight is under, or what a spec has no word for."""
    if isinstance(found, str | list) or not parametrize.is_parametrized(module):
        return found
    made = {name: [type(each) for each in makers] for name, makers in module.parametrizations.items()}
    weighted = isinstance(found, spec.Linear | spec.Conv2d | spec.ConvTranspose2d)
    if made != {"weight": [_SpectralNorm]} or not weighted:
        names = ", ".join(f"{name} by {kinds[0].__name__}" for name, kinds in made.items())
        return f"makes {names}; a spec has spectral norms of weights alone"
    (norm,) = module.parametrizations.weight
    outputs = 1 if isinstance(found, spec.ConvTranspose2d) else 0
    if norm.dim != outputs:
        return f"has a spectral norm by dim={norm.dim}; a spec's is by that of the outputs, {outputs}"
    own = spec.SpectralNorm(
        num_iterations=norm.n_power_iterations,
        first="u",
        epsilon=norm.eps,
        epsilon_placement="floor",
        sigma_gradient="followed",
    )
    return replace(found, spectral_norm=own)  # type: ignore[arg-type]


def _linear(module: nn.Linear, name: str, shape: Shape) -> Layer:
    del shape
    return spec.Linear(
        name=name, in_features=module.in_features, out_features=module.out_features, **_first_values(module)
    )


def _embedding(module: nn.Embedding, name: str, shape: Shape) -> Layer | str:
    if len(shape) != 1:
        return f"makes rows of shape {shape} of a sample; a spec's embedding is of one class each"
    if module.padding_idx is not None or module.max_norm is not None or module.scale_grad_by_freq:
        return "has padding_idx, max_norm or scale_grad_by_freq; a spec's rows are all parameters as they are"
    return spec.ClassEmbedding(
        name=name,
        num_classes=module.num_embeddings,
        num_features=module.embedding_dim,
        joined="alone",
        weight_init=spec.Normal(standard_deviation=1.0),
    )


def _conv(module: Any, name: str, shape: Shape) -> Layer | str:
    del shape
    kind = spec.Conv2d if isinstance(module, nn.Conv2d) else spec.ConvTranspose2d
    for setting in ("stride", "dilation", "output_padding"):
        value = getattr(module, setting)
        if len(set(value)) != 1:
            return f"has {setting}={value!r}; expected one number for height and width"
    if module.padding_mode != "zeros":
        return f"has padding_mode={module.padding_mode!r}; a spec has 'zeros' alone"
    (height, width), groups = module.kernel_size, module.groups
    more = {} if kind is spec.Conv2d else {"output_padding": module.output_padding[0]}
    return kind(
        name=name,
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        kernel_size=height,
        stride=module.stride[0],
        **_padding(module),
        **_first_values(module),
        kernel_width=None if width == height else width,
        dilation=module.dilation[0],
        groups=groups,
        **more,
    )


def _padding(module: Any) -> dict[str, Any]:
    """Return the padding of a convolution of torch's, which "same" puts one more of behind than in front."""
    found = module.padding
    if found == "valid":
        found = (0, 0)
    sides: list[int] = []
    for axis, (size, gap) in enumerate(zip(module.kernel_size, module.dilation, strict=True)):
        total = gap * (size - 1)
        sides += [total // 2, total - total // 2] if found == "same" else [found[axis]] * 2
    return {"padding": sides[0]} if len(set(sides)) == 1 else {"padding": 0, "sides": tuple(sides)}


def _first_values(module: Any) -> dict[str, Any]:
    """Return torch's own first values; what a module has is in the state that is read with it."""
    return {"weight_init": spec.UniformFanIn(), "bias_init": None if module.bias is None else spec.UniformFanIn()}


def _batch_norm(module: Any, name: str, shape: Shape) -> Layer | str:
    if len(shape) not in (1, _IMAGE_RANK):
        return f"normalises samples of shape {shape}; expected rows or images"
    if not module.track_running_stats or module.momentum is None:
        return "lacks averages that move by a momentum"
    return spec.BatchNorm(
        name=name,
        num_features=module.num_features,
        epsilon=module.eps,
        momentum=module.momentum,
        running_variance="unbiased",
        statistics="batch",
        affine=bool(module.affine),
    )


def _group_norm(module: Any, name: str, shape: Shape) -> Layer | str:
    """Return a group norm; an instance norm is one of as many groups as channels."""
    is_instance = isinstance(module, nn.InstanceNorm2d)
    if len(shape) not in (1, _IMAGE_RANK):
        return f"normalises samples of shape {shape}; expected rows or images"
    if is_instance and module.track_running_stats:
        return "keeps averages, by which it normalises where it is asked; a spec's has none"
    num_features = module.num_features if is_instance else module.num_channels
    return spec.GroupNorm(
        name=name,
        num_features=num_features,
        num_groups=num_features if is_instance else module.num_groups,
        epsilon=module.eps,
        affine=bool(module.affine),
    )


def _prelu(module: nn.PReLU, name: str, shape: Shape) -> Layer:
    del shape
    first = spec.Constant(value=float(module.init))
    return spec.PReLU(name=name, num_parameters=module.num_parameters, weight_init=first)


def _pool(module: Any, name: str, shape: Shape) -> Layer | str:
    del name, shape
    settings = {"kernel_size": module.kernel_size, "stride": module.stride}
    numbers = {setting: set(value if isinstance(value, tuple) else (value,)) for setting, value in settings.items()}
    for setting, found in numbers.items():
        if len(found) != 1:
            return f"has {setting}={settings[setting]!r}; expected one number for height and width"
    plain = {"padding": (0, (0, 0)), "dilation": (1, (1, 1)), "ceil_mode": (False,), "divisor_override": (None,)}
    for setting, allowed in plain.items():
        if getattr(module, setting, allowed[0]) not in allowed:
            return f"has {setting}={getattr(module, setting)!r}; a spec has {allowed[0]!r} alone"
    return spec.Pool2d(
        kernel_size=numbers["kernel_size"].pop(),
        stride=numbers["stride"].pop(),
        mode="average" if isinstance(module, nn.AvgPool2d) else "maximum",
    )


def _global_pool(module: Any, name: str, shape: Shape) -> list[Layer] | str:
    del name
    if module.output_size not in (1, (1, 1)):
        return f"has output_size={module.output_size!r}; a spec has pools to 1 by 1 alone"
    mode = "average" if isinstance(module, nn.AdaptiveAvgPool2d) else "maximum"
    return [spec.GlobalPool(mode=mode), spec.Reshape(shape=shape)]  # type: ignore[arg-type]


def _dropout(module: Any, name: str, shape: Shape) -> Layer:
    del shape
    unit = "channel" if isinstance(module, nn.Dropout2d) else "entry"
    return spec.Dropout(name=name, probability=module.p, unit=unit)  # type: ignore[arg-type]


def _softplus(beta: float, threshold: float) -> Layer | str:
    if beta != 1:
        return f"has beta={beta}; a spec has 1 alone"
    if threshold < _EXACT_THRESHOLD:
        return f"returns x itself above {threshold}, which is off by {math.exp(-threshold):.0e}; say threshold=40"
    return spec.Softplus()


def _upsample(module: nn.Upsample, name: str, shape: Shape) -> Layer | str:
    del name, shape
    factors = module.scale_factor if isinstance(module.scale_factor, tuple) else (module.scale_factor,)
    if module.mode not in ("nearest", "bilinear") or module.align_corners:
        return f"has mode={module.mode!r}, align_corners={module.align_corners}; known: nearest, bilinear without"
    if len(set(factors)) != 1 or factors[0] is None or factors[0] != int(factors[0]):
        return f"has scale_factor={module.scale_factor}; expected a whole number"
    return spec.Upsample(factor=int(factors[0]), mode=module.mode)  # type: ignore[arg-type]


def _reshape(_: Any, __: Any, shape: Shape) -> Layer:
    return spec.Reshape(shape=shape or SCORE)  # of scores in one row each sample has one


# What layers that keep tensors, or masks, are called where their own names are none.
SHORT: dict[type[nn.Module], str] = {
    nn.Linear: "linear",
    nn.Embedding: "class",
    nn.Conv2d: "conv",
    nn.ConvTranspose2d: "up",
    nn.BatchNorm1d: "norm",
    nn.BatchNorm2d: "norm",
    nn.GroupNorm: "norm",
    nn.InstanceNorm2d: "norm",
    nn.PReLU: "slopes",
    nn.Dropout: "drop",
    nn.Dropout2d: "drop",
}

# A subclass may do something else in its forward, and is traced instead.
MODULES: dict[type[nn.Module], Callable[..., Found]] = {
    nn.Linear: _linear,
    nn.Embedding: _embedding,
    nn.Conv2d: _conv,
    nn.ConvTranspose2d: _conv,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Dropout: _dropout,
    nn.Dropout2d: _dropout,
    nn.Tanh: lambda *_: spec.Tanh(),
    nn.Sigmoid: lambda *_: spec.Sigmoid(),
    nn.ReLU: lambda *_: spec.ReLU(),
    nn.LeakyReLU: lambda module, *_: spec.LeakyReLU(slope=module.negative_slope),
    nn.PReLU: _prelu,
    nn.Softplus: lambda module, *_: _softplus(module.beta, module.threshold),
    nn.ELU: lambda module, *_: spec.ELU(alpha=float(module.alpha)),
    nn.SELU: lambda *_: spec.SELU(),
    nn.GELU: lambda module, *_: spec.GELU(form="tanh" if module.approximate == "tanh" else "erf"),
    nn.SiLU: lambda *_: spec.SiLU(),
    nn.GroupNorm: _group_norm,
    nn.InstanceNorm2d: _group_norm,
    nn.AvgPool2d: _pool,
    nn.MaxPool2d: _pool,
    nn.AdaptiveAvgPool2d: _global_pool,
    nn.AdaptiveMaxPool2d: _global_pool,
    nn.PixelShuffle: lambda module, *_: spec.PixelShuffle(factor=module.upscale_factor, order="channel"),
    nn.Flatten: _reshape,
    nn.Unflatten: _reshape,
    nn.Upsample: _upsample,
}


def _argument(node: fx.Node, position: int, name: str, default: Any) -> Any:
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def _dropped(node: fx.Node, unit: Literal["entry", "channel"]) -> Found:
    """Return a dropout that is a function, which drops unless it is told otherwise, in evaluation too."""
    if not _argument(node, 2, "training", True):
        return []
    probability = float(_argument(node, 1, "p", 0.5))
    return spec.Dropout(name=node.name.replace("_", ""), probability=probability, unit=unit)


FUNCTIONS: dict[str, Callable[[fx.Node, Shape], Found]] = {
    "dropout": lambda node, _: _dropped(node, "entry"),
    "dropout2d": lambda node, _: _dropped(node, "channel"),
    "tanh": lambda *_: spec.Tanh(),
    "sigmoid": lambda *_: spec.Sigmoid(),
    "relu": lambda *_: spec.ReLU(),
    "relu_": lambda *_: spec.ReLU(),
    "leaky_relu": lambda node, _: spec.LeakyReLU(slope=_argument(node, 1, "negative_slope", 0.01)),
    "softplus": lambda node, _: _softplus(_argument(node, 1, "beta", 1), _argument(node, 2, "threshold", 20)),
    "elu": lambda node, _: spec.ELU(alpha=float(_argument(node, 1, "alpha", 1.0))),
    "selu": lambda *_: spec.SELU(),
    "gelu": lambda node, _: spec.GELU(form="tanh" if _argument(node, 1, "approximate", "none") == "tanh" else "erf"),
    "silu": lambda *_: spec.SiLU(),
    **{
        name: lambda node, shape: _reshape(node, "", shape)
        for name in ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze")
    },
}
