"""A live module or optimizer of torch in the spec's words: traced, layer by layer; what has no word is named."""

from __future__ import annotations

import contextlib
import copy
import io
import re
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from gan_rosetta.backends.torch.reading_branches import find_join
from gan_rosetta.backends.torch.reading_layers import (
    FUNCTIONS,
    MODULES,
    SCORE,
    SHORT,
    Found,
    kind_of,
    with_spectral_norm,
)
from gan_rosetta.backends.torch.reading_optimizers import read_optimizer, steps_taken
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import ClassEmbedding, Layer, Network, Reshape, Shape, Sigmoid
from gan_rosetta.shared.spec.read_graph import Graph

__all__ = ["first_shape", "plain_copy", "read_network", "read_optimizer", "steps_taken"]

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_BATCH = 3
_NAMED = ("call_module", "get_attr")  # nodes whose target is a path


def read_network(network: nn.Module, /, *, input_shape: Shape, what: str) -> Network:
    """Return a module's layers, (input_shape) a sample; the module is traced, and runs once on zeros.

    It may be given classes beside the samples, behind them, which go into embeddings alone.

    Raises UnsupportedLayer, with the path of the module or the line of what the spec has no word for.
    """
    traced = _trace(network, what)
    given = [node for node in traced.graph.nodes if node.op == "placeholder"]
    if not given or not all(_are_classes(traced, node) for node in given[1:]) or len(given) > 2:
        names = ", ".join(node.name for node in given)
        raise UnsupportedLayer(
            f"{what} is given {names or 'nothing'}; a spec's network is given samples, and after them at most "
            "classes, which go into embeddings alone"
        )
    samples = torch.zeros((_BATCH, *input_shape), dtype=torch.float64)
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # torch prints a traceback of its own
            ShapeProp(traced).propagate(samples, *(torch.zeros(_BATCH, dtype=torch.int64) for _ in given[1:]))
    except Exception as error:  # a stranger's module may raise anything
        own = error.__cause__ or error
        first = (str(own).splitlines() or [""])[0]
        raise UnsupportedLayer(
            f"{what} raises {type(own).__name__} on samples of shape {input_shape}: {first}; name a GAN to be like "
            "that has samples, or noise, of its shape"
        ) from None
    reader = _Reader(traced, what)
    return reader.network(input_shape)


def first_shape(network: nn.Module, /) -> Shape | None:
    """Return the shape of a sample that a module's first layer with a weight takes; None where that leaves it open."""
    for module in network.modules():
        if isinstance(module, nn.Embedding):
            return None
        if isinstance(module, nn.Linear):
            return (module.in_features,)
        if isinstance(module, nn.ConvTranspose2d):
            return (module.in_channels, 1, 1)
        if isinstance(module, nn.Conv2d):
            return None
    return None


def plain_copy(network: nn.Module, /, *, input_shape: Shape) -> nn.Module:
    """Return a copy in float64 that drops nothing, whose scores are a column, to hold a pass of it to the reference."""
    del input_shape
    plain = copy.deepcopy(network).double()
    for module in plain.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0.0
    forward = plain.forward

    def undropped(*inputs: Any) -> Any:
        with _Undropped():
            outputs = forward(*inputs)
        return outputs.unsqueeze(1) if isinstance(outputs, torch.Tensor) and outputs.ndim == 1 else outputs

    plain.forward = undropped
    return plain


def _trace(network: nn.Module, what: str) -> fx.GraphModule:
    for path, module in network.named_modules():
        hooks = (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
        if hooks:
            place = f"{what}.{path}" if path else what
            raise UnsupportedLayer(f"{place} has hooks on its forward pass, which may change it; take them away")
    plain, tracer = copy.deepcopy(network).double().train(), _Tracer()
    try:
        return fx.GraphModule(plain, tracer.trace(plain))
    except Exception as error:  # a forward of a stranger's, on values that stand for tensors
        first = (str(error).splitlines() or [""])[0]
        place = ".".join((what, *tracer.failed))
        raise UnsupportedLayer(
            f"{place} cannot be traced, {type(error).__name__}: {first}; its forward must be layers"
        ) from None


class _Tracer(fx.Tracer):
    """Traces as of samples that are on no GPU, which programs ask before they part a batch among several.

    failed: the path of the module whose forward raised, in one entry; none where it was the network's own.
    """

    failed: tuple[str, ...] = ()

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        if all(m is not each for each in self.root.modules()) and next(m.parameters(), None) is None:
            return forward(*args, **kwargs)  # made in a forward, as an activation may be, it is what it does
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or (self.path_of_module(m),)
            raise

    def to_bool(self, obj: fx.Proxy) -> bool:
        if isinstance(obj, fx.proxy.Attribute) and obj.attr == "is_cuda":
            return False
        return super().to_bool(obj)


class _Undropped(TorchFunctionMode):
    """Lets dropouts that are functions drop nothing."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func in (functional.dropout, functional.dropout2d):
            return args[0]
        return func(*args, **(kwargs or {}))


class _Reader:
    """Goes through a traced module from what comes in to what comes out."""

    def __init__(self, traced: fx.GraphModule, what: str) -> None:
        self._modules = dict(traced.named_modules())
        self._nodes = list(traced.graph.nodes)
        self._what = what
        self._names: list[str] = []
        self._used: set[str] = set()

    def network(self, input_shape: Shape) -> Network:
        """Return the layers, in a row or in branches."""
        start, *classes = (node for node in self._nodes if node.op == "placeholder")
        (output,) = (node for node in self._nodes if node.op == "output")
        layers: dict[fx.Node, list[Layer]] = {}
        graph: Graph[fx.Node] = Graph(start, self._refuse)
        for node in self._nodes:
            if node.op in ("placeholder", "output") or _is_size(node):
                continue
            if node.op == "get_attr":
                self._refuse(node, "is taken by a forward itself, and not by a layer, as in a spec")
            shape = tuple(node.meta["tensor_meta"].shape)
            if shape[:1] != (_BATCH,):
                self._refuse(node, f"makes {shape} of a batch of {_BATCH}")
            joined = find_join(node, graph)
            if joined is not None:
                graph.add_join(node, *joined)
                continue
            layers[node] = self._layers(node, shape[1:])
            given = node.args[0] if node.args else None
            takes_classes = any(isinstance(layer, ClassEmbedding) for layer in layers[node])
            if takes_classes != (given in classes):
                self._refuse(node, "takes numbers of its own for classes; a spec's embeddings are of those on the tape")
            # An embedding alone takes of its input how many samples there are.
            given = start if takes_classes else given
            graph.add_layer(node, given if isinstance(given, fx.Node) else None)
        try:
            end = output.args[0]
            found = graph.row(layers, end if isinstance(end, fx.Node) else None)
            return _ended(Network(input_shape=input_shape, layers=tuple(found)))
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
            kind = kind_of(module)
            if kind in MODULES:
                found = MODULES[kind](module, self._name(kind, path), shape)
                return self._checked(node, with_spectral_norm(found, module))
            self._refuse(node, f"is a {type(module).__module__}.{type(module).__name__}, which no layer of a spec is")
        named = node.target if node.op == "call_method" else getattr(node.target, "__name__", str(node.target))
        function = FUNCTIONS.get(str(named))
        if function is None:
            self._refuse(node, "is no layer of a spec")
        return self._checked(node, function(node, shape))

    def _checked(self, node: fx.Node, found: Found) -> list[Layer]:
        if isinstance(found, str):
            self._refuse(node, found)
        return found if isinstance(found, list) else [found]

    def _name(self, kind: type[nn.Module], path: str) -> str:
        own = path.rpartition(".")[2]
        if not _NAME.match(own) or own in self._names:
            short, count = SHORT.get(kind, "layer"), 1
            while f"{short}{count}" in self._names:
                count += 1
            own = f"{short}{count}"
        if kind in SHORT:
            self._names.append(own)
        return own

    def _refuse(self, node: fx.Node, said: str) -> NoReturn:
        place = f"{self._what}.{node.target}" if node.op in _NAMED else f"{self._what}, in forward: {node.name}"
        raise UnsupportedLayer(f"{place} {said}")


def _ended(network: Network) -> Network:
    """Return a network whose scores have their shape before they become probabilities, in which a spec's D ends."""
    *others, last = network.layers
    if not others or not isinstance(last, Reshape) or network.output_shape != SCORE:
        return network
    before = replace(network, layers=tuple(others))
    if before.output_shape == network.output_shape:
        return _ended(before)
    if isinstance(others[-1], Sigmoid):
        return replace(network, layers=(*others[:-1], last, others[-1]))
    return network


def _are_classes(traced: fx.GraphModule, node: fx.Node) -> bool:
    """Whether what a network is given goes into embeddings, which turn whole numbers into rows."""
    modules = dict(traced.named_modules())
    takers = [modules.get(str(user.target)) if user.op == "call_module" else None for user in node.users]
    return bool(takers) and all(type(taker) is nn.Embedding for taker in takers)


def _is_size(node: fx.Node) -> bool:
    """Whether a node is of sizes, or of numbers made of them, and so no tensor."""
    return "tensor_meta" not in node.meta
