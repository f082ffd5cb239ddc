"""A live module or optimizer of torch in the spec's words: traced, layer by layer; what has no word is named."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm

from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import ConstantRate, Layer, Network, Optimizer, Shape

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_BATCH = 3
_IMAGE_RANK = 3
# Above its threshold torch's softplus returns x itself; from here on float64 has no digit for the difference.
_EXACT_THRESHOLD = 37


def read_network(network: nn.Module, /, *, input_shape: Shape, what: str) -> Network:
    """Return a module's layers in a row, (input_shape) a sample; the module is traced, and runs once on zeros.

    Raises UnsupportedLayer, with the path of the module or the line of what the spec has no word for.
    """
    traced = _trace(network, what)
    given = [node.name for node in traced.graph.nodes if node.op == "placeholder"]
    if len(given) != 1:
        raise UnsupportedLayer(
            f"{what} is given {', '.join(given) or 'nothing'}; a spec's network is given samples alone"
        )
    try:
        ShapeProp(traced).propagate(torch.zeros((_BATCH, *input_shape), dtype=torch.float64))
    except Exception as error:  # a stranger's module may raise anything
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedLayer(
            f"{what} raises {type(error).__name__} on samples of shape {input_shape}: {first}"
        ) from None
    reader = _Reader(traced, what)
    return reader.network(input_shape)


def first_shape(network: nn.Module, /) -> Shape | None:
    """Return the shape of a sample that a module's first layer with a weight takes; None where that leaves it open."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            return (module.in_features,)
        if isinstance(module, nn.ConvTranspose2d):
            return (module.in_channels, 1, 1)
        if isinstance(module, nn.Conv2d):
            return None
    return None


def plain_copy(network: nn.Module, /) -> nn.Module:
    """Return a copy in float64 that drops nothing, to hold a pass of it to the reference."""
    plain = copy.deepcopy(network).double()
    for module in plain.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0.0
    return plain


def read_optimizer(optimizer: torch.optim.Optimizer, network: nn.Module, /, *, what: str) -> Optimizer:
    """Return an optimizer with all its settings; raises UnsupportedLayer for what the spec has no word for."""
    if type(optimizer) not in _OPTIMIZERS:
        known = ", ".join(f"torch.optim.{kind.__name__}" for kind in _OPTIMIZERS)
        raise UnsupportedLayer(f"{what} is a {type(optimizer).__name__}; known: {known}")
    if len(optimizer.param_groups) != 1:
        raise UnsupportedLayer(f"{what} has {len(optimizer.param_groups)} groups of parameters; expected one")
    (group,) = optimizer.param_groups
    moved, own = {id(each) for each in group["params"]}, {id(each) for each in network.parameters()}
    if moved != own:
        raise UnsupportedLayer(
            f"{what} moves {len(moved & own)} of its network's {len(own)} parameters, and {len(moved - own)} others; "
            "expected all of its network's and no other"
        )
    if "initial_lr" in group:
        raise UnsupportedLayer(f"{what} has a schedule of rates, which is not read; write it into the spec by hand")
    read, settings = _OPTIMIZERS[type(optimizer)]
    for name, expected in settings.items():
        if name in group and group[name] != expected:
            raise UnsupportedLayer(f"{what} has {name}={group[name]!r}; only {name}={expected!r} has a word in a spec")
    return read(group, ConstantRate(value=float(group["lr"])))


def _trace(network: nn.Module, what: str) -> fx.GraphModule:
    for path, module in network.named_modules():
        hooks = (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
        if hooks:
            place = f"{what}.{path}" if path else what
            raise UnsupportedLayer(f"{place} has hooks on its forward pass, which may change it; take them away")
    try:
        traced = fx.symbolic_trace(copy.deepcopy(network).double().train())
    except Exception as error:  # a forward of a stranger's, on values that stand for tensors
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedLayer(
            f"{what} cannot be traced, {type(error).__name__}: {first}; its forward must be layers in a row"
        ) from None
    return traced


class _Reader:
    """Goes through a traced module from what comes in to what comes out."""

    def __init__(self, traced: fx.GraphModule, what: str) -> None:
        self._modules = dict(traced.named_modules())
        self._nodes = list(traced.graph.nodes)
        self._what = what
        self._names: list[str] = []
        self._used: set[str] = set()

    def network(self, input_shape: Shape) -> Network:
        """Return the layers in a row."""
        (current,) = (node for node in self._nodes if node.op == "placeholder")
        layers: list[Layer] = []
        for node in self._nodes:
            if node.op in ("placeholder", "output") or _is_size(node):
                continue
            shape = tuple(node.meta["tensor_meta"].shape)
            if shape[:1] != (_BATCH,):
                self._refuse(node, f"makes {shape} of a batch of {_BATCH}")
            layers += self._layers(node, shape[1:])
            if not node.args or node.args[0] is not current:
                self._refuse(node, "is not given what the layer before it gives")
            current = node
        (output,) = (node for node in self._nodes if node.op == "output")
        if output.args[0] is not current:
            self._refuse(output, "is not what the last layer gives")
        try:
            return Network(input_shape=input_shape, layers=tuple(layers))
        except SpecError as error:
            raise UnsupportedLayer(f"{self._what}: {error}") from None

    def _layers(self, node: fx.Node, shape: Shape) -> list[Layer]:
        if node.op == "call_module":
            module = self._modules[str(node.target)]
            path = str(node.target)
            if path in self._used and next(module.parameters(), None) is not None:
                self._refuse(node, "is used twice; a spec's layers have each their own parameters")
            self._used.add(path)
            if type(module) is nn.Identity:
                return []
            kind = _kind(module)
            if kind in _MODULES:
                found = _MODULES[kind](module, self._name(kind, path), shape)
                return self._checked(node, _with_spectral_norm(found, module))
            self._refuse(node, f"is a {type(module).__module__}.{type(module).__name__}, which no layer of a spec is")
        named = node.target if node.op == "call_method" else getattr(node.target, "__name__", str(node.target))
        function = _FUNCTIONS.get(str(named))
        if function is None:
            self._refuse(node, "is no layer of a spec")
        return self._checked(node, function(node, shape))

    def _checked(self, node: fx.Node, found: Layer | str) -> list[Layer]:
        if isinstance(found, str):
            self._refuse(node, found)
        return [found]

    def _name(self, kind: type[nn.Module], path: str) -> str:
        own = path.rpartition(".")[2]
        if not _NAME.match(own) or own in self._names:
            short, count = _SHORT.get(kind, "layer"), 1
            while f"{short}{count}" in self._names:
                count += 1
            own = f"{short}{count}"
        if kind in _SHORT:
            self._names.append(own)
        return own

    def _refuse(self, node: fx.Node, said: str) -> NoReturn:
        place = f"{self._what}.{node.target}" if node.op == "call_module" else f"{self._what}, in forward: {node.name}"
        raise UnsupportedLayer(f"{place} {said}")


def _is_size(node: fx.Node) -> bool:
    """Whether a node is of sizes, or of numbers made of them, and so no tensor."""
    return "tensor_meta" not in node.meta


def _kind(module: nn.Module) -> type[nn.Module]:
    """Return a module's class, which torch puts another in front of where a weight is made of another tensor."""
    return type(module).__bases__[0] if parametrize.is_parametrized(module) else type(module)


def _with_spectral_norm(found: Layer | str, module: Any) -> Layer | str:
    """Return a layer with the norm that its weight is under, or what a spec has no word for."""
    if isinstance(found, str) or not parametrize.is_parametrized(module):
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


def _conv(module: Any, name: str, shape: Shape) -> Layer | str:
    del shape
    kind = spec.Conv2d if isinstance(module, nn.Conv2d) else spec.ConvTranspose2d
    settings = {"kernel_size": module.kernel_size, "stride": module.stride, "padding": module.padding}
    for setting, value in settings.items():
        if isinstance(value, str) or len(set(value)) != 1:
            return f"has {setting}={value!r}; expected one number for height and width"
    plain = {"dilation": (1, 1), "groups": 1, "padding_mode": "zeros", "output_padding": (0, 0)}
    for setting, expected in plain.items():
        if getattr(module, setting) != expected:
            return f"has {setting}={getattr(module, setting)!r}; a spec has {expected!r} alone"
    return kind(
        name=name,
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        **{setting: value[0] for setting, value in settings.items()},
        **_first_values(module),
    )


def _first_values(module: Any) -> dict[str, Any]:
    """Return torch's own first values; what a module has is in the state that is read with it."""
    return {"weight_init": spec.UniformFanIn(), "bias_init": None if module.bias is None else spec.UniformFanIn()}


def _batch_norm(module: Any, name: str, shape: Shape) -> Layer | str:
    if len(shape) not in (1, _IMAGE_RANK):
        return f"normalises samples of shape {shape}; expected rows or images"
    if not module.affine or not module.track_running_stats or module.momentum is None:
        return "lacks a weight, a bias, or averages that move by a momentum"
    return spec.BatchNorm(
        name=name,
        num_features=module.num_features,
        epsilon=module.eps,
        momentum=module.momentum,
        running_variance="unbiased",
        statistics="batch",
    )


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
    return spec.Reshape(shape=shape)


_SHORT: dict[type[nn.Module], str] = {
    nn.Linear: "linear",
    nn.Conv2d: "conv",
    nn.ConvTranspose2d: "up",
    nn.BatchNorm1d: "norm",
    nn.BatchNorm2d: "norm",
    nn.Dropout: "drop",
    nn.Dropout2d: "drop",
}

# A subclass may do something else in its forward, and is traced instead.
_MODULES: dict[type[nn.Module], Callable[..., Layer | str]] = {
    nn.Linear: _linear,
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
    nn.Softplus: lambda module, *_: _softplus(module.beta, module.threshold),
    nn.Flatten: _reshape,
    nn.Unflatten: _reshape,
    nn.Upsample: _upsample,
}


def _argument(node: fx.Node, position: int, name: str, default: Any) -> Any:
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


_FUNCTIONS: dict[str, Callable[[fx.Node, Shape], Layer | str]] = {
    "tanh": lambda *_: spec.Tanh(),
    "sigmoid": lambda *_: spec.Sigmoid(),
    "relu": lambda *_: spec.ReLU(),
    "relu_": lambda *_: spec.ReLU(),
    "leaky_relu": lambda node, _: spec.LeakyReLU(slope=_argument(node, 1, "negative_slope", 0.01)),
    "softplus": lambda node, _: _softplus(_argument(node, 1, "beta", 1), _argument(node, 2, "threshold", 20)),
    "view": lambda _, shape: spec.Reshape(shape=shape),
    "reshape": lambda _, shape: spec.Reshape(shape=shape),
    "flatten": lambda _, shape: spec.Reshape(shape=shape),
    "unflatten": lambda _, shape: spec.Reshape(shape=shape),
}


def _sgd(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    del group
    return spec.GradientDescent(learning_rate=rate)


def _adam(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    beta1, beta2 = map(float, group["betas"])
    return spec.Adam(
        learning_rate=rate,
        beta1=beta1,
        beta2=beta2,
        epsilon=group["eps"],
        epsilon_placement="outside",
        bias_correction=True,
    )


def _adadelta(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.Adadelta(learning_rate=rate, rho=group["rho"], epsilon=group["eps"])


def _rmsprop(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.RMSprop(
        learning_rate=rate,
        rho=group["alpha"],
        epsilon=group["eps"],
        epsilon_placement="outside",
        centered=bool(group["centered"]),
        momentum=float(group["momentum"]),
        momentum_of="direction",
    )


_PLAIN = {"weight_decay": 0, "maximize": False}
_OPTIMIZERS: dict[type, tuple[Callable[[dict[str, Any], ConstantRate], Optimizer], dict[str, Any]]] = {
    torch.optim.SGD: (_sgd, {**_PLAIN, "momentum": 0, "nesterov": False}),
    torch.optim.Adam: (_adam, {**_PLAIN, "amsgrad": False}),
    torch.optim.Adadelta: (_adadelta, _PLAIN),
    torch.optim.RMSprop: (_rmsprop, _PLAIN),
}
