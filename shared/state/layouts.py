"""How frameworks keep what a state holds: the axes of kernels, the order of flattened images, the names of slots.

Canonical is torch's layout, which is also MXNet's and the suite's own in JAX. "keras" is what TensorFlow and Keras
keep, images and kernels with channels last. "flax" differs from it in one thing: `flax.linen.ConvTranspose` keeps its
kernel turned by half a turn, with its input channels before its output channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from gan_rosetta.shared.interface import Momentum
from gan_rosetta.shared.spec import (
    ERRORS,
    NETWORK_INPUT,
    BatchNorm,
    Branches,
    ClassEmbedding,
    ConstantRate,
    ConvTranspose2d,
    GanSpec,
    GradientDescent,
    GroupNorm,
    Layer,
    Linear,
    MinibatchDiscrimination,
    Network,
    Optimizer,
    PlacedLayer,
    PReLU,
    Recall,
    Reshape,
    RMSprop,
    Shape,
    WeightedLayer,
)
from gan_rosetta.shared.spec.optimizers import keeps_steps
from gan_rosetta.shared.spec.spectral import V
from gan_rosetta.shared.state.schema import state_schema

Layout = Literal["canonical", "keras", "flax"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

# A canonical tensor's axes in the order in which TensorFlow keeps them, by rank; a slot's are its parameter's.
# Matrices: (out, in) -> (in, out). Kernels: (out, in, height, width) -> (height, width, in, out), of transposed
# convolutions (in, out, height, width) -> (height, width, out, in).
NATIVE_AXES: Mapping[int, tuple[int, ...]] = {0: (), 1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}
# Of flax's transposed convolutions: (in, out, height, width) -> (height, width, in, out).
_TURNED_AXES = (2, 3, 0, 1)
_IMAGE_RANK = 3

# The spec's slots by the names that torch's optimizers and optax's states have for them.
TORCH_SLOTS: Mapping[str, str] = {
    "m": "exp_avg",
    "v": "exp_avg_sq",
    "square": "square_avg",
    "delta": "acc_delta",
    "mean": "grad_avg",
    "momentum": "momentum_buffer",
    "largest": "max_exp_avg_sq",
    "sum": "sum",
}
OPTAX_SLOTS: dict[str, str] = {
    "m": "mu",
    "v": "nu",
    "square": "e_g",
    "delta": "e_x",
    "mean": "mu",
    "momentum": "trace",
    "largest": "nu_max",
    "sum": "sum_of_squares",
}

# In the order in which Keras's RMSprop makes them: velocity, momentum, average gradient.
_KERAS_RMSPROP = ("square", "momentum", "mean")


def optax_slots(optimizer: Optimizer, /) -> dict[str, str]:
    """Return the optimizer's slots by the names that optax's state has for them."""
    names = OPTAX_SLOTS | ({"square": "nu"} if isinstance(optimizer, RMSprop) else {})
    return {slot: names[slot] for slot in optimizer.slots}


def torch_slots(optimizer: Optimizer, /) -> dict[str, str]:
    """Return the optimizer's slots by the names that torch's state has for them."""
    return {slot: TORCH_SLOTS[slot] for slot in optimizer.slots}


def momentum_factor(optimizer: Optimizer, /, *, kept: Momentum) -> float:
    """Return what a momentum is multiplied by as a framework keeps it, of directions or steps, added or taken away.

    Where the learning rate changes, only the sign: no number makes the one kind into the other.
    """
    sign, kind = (-1.0, "step") if kept == "added_step" else (1.0, kept)
    own = "step" if keeps_steps(optimizer) else "direction"
    rate = optimizer.learning_rate
    if kind == own or not isinstance(rate, ConstantRate) or rate.value == 0:
        return sign
    return sign * (rate.value if kind == "step" else 1 / rate.value)


def optax_sign(optimizer: Optimizer, slot: str, /) -> int:
    """Return the sign that optax keeps a slot with: it adds its steps where the spec takes them away."""
    return -1 if slot == "momentum" and keeps_steps(optimizer) else 1


def keras_sign(optimizer: Optimizer, slot: str, /) -> int:
    """Return the sign that Keras keeps a slot with: its SGD adds its steps where the spec takes them away."""
    return -1 if slot == "momentum" and isinstance(optimizer, GradientDescent) else 1


def keras_rows(optimizer: Optimizer, parameters: Sequence[str], /) -> list[tuple[str, str]]:
    """Return parameters with slots in the order in which Keras's optimizer keeps them.

    Of each parameter one slot after another, but of RMSprop one slot of all parameters after another.
    """
    if isinstance(optimizer, RMSprop):
        kinds = [slot for slot in _KERAS_RMSPROP if slot in optimizer.slots]
        return [(parameter, slot) for slot in kinds for parameter in parameters]
    return [(parameter, slot) for parameter in parameters for slot in optimizer.slots]


@dataclass(frozen=True, kw_only=True)
class LayerOrder:
    """In which order a framework with channels last has a layer's features, where that is not the canonical one.

    Each is None where it is, else (features,): which canonical feature stands at each place. inputs: of what a Linear
    takes; outputs: of what it gives, or what a BatchNorm takes and gives.
    """

    inputs: np.ndarray | None = None
    outputs: np.ndarray | None = None


def parameter_to_native(array: np.ndarray, /) -> np.ndarray:
    """Return a copy of a canonical parameter, buffer or slot with TensorFlow's axes."""
    return np.array(array.transpose(NATIVE_AXES[array.ndim]), order="C")


def parameter_to_canonical(array: np.ndarray, /) -> np.ndarray:
    """Return a copy of a parameter, buffer or slot of TensorFlow's axes with the canonical ones."""
    return np.array(array.transpose(np.argsort(NATIVE_AXES[array.ndim])), order="C")


def samples_to_native(array: np.ndarray, /, *, num_leading: int) -> np.ndarray:
    """Return canonical samples with images (channels, height, width) moved to (height, width, channels).

    num_leading: how many axes come before a sample's own, such as steps and batch.
    """
    return np.moveaxis(array, -3, -1) if array.ndim - num_leading == _IMAGE_RANK else array


def samples_to_canonical(array: np.ndarray, /) -> np.ndarray:
    """Return a copy of a batch (batch, ...) with images moved back to (channels, height, width)."""
    return np.array(np.moveaxis(array, -1, -3) if array.ndim - 1 == _IMAGE_RANK else array, order="C")


def to_layout(array: np.ndarray, layer: Layer, /, *, layout: Layout, order: LayerOrder | None = None) -> np.ndarray:
    """Return a copy of a layer's canonical parameter, buffer or slot as a framework keeps it.

    order: that of the layer's features where images are flattened with channels last; see flattened_orders.
    """
    if layout == "canonical" or isinstance(layer, ClassEmbedding):
        return np.array(array, order="C")
    array = _reordered(array, order or LayerOrder(), backwards=False)
    if layout == "flax" and isinstance(layer, ConvTranspose2d) and array.ndim == len(_TURNED_AXES):
        return np.array(array[:, :, ::-1, ::-1].transpose(_TURNED_AXES), order="C")
    return parameter_to_native(array)


def from_layout(array: np.ndarray, layer: Layer, /, *, layout: Layout, order: LayerOrder | None = None) -> np.ndarray:
    """Return a copy of a framework's parameter, buffer or slot in the canonical layout; to_layout's other direction."""
    if layout == "canonical" or isinstance(layer, ClassEmbedding):
        return np.array(array, order="C")
    if layout == "flax" and isinstance(layer, ConvTranspose2d) and array.ndim == len(_TURNED_AXES):
        array = array.transpose(np.argsort(_TURNED_AXES))[:, :, ::-1, ::-1]
    else:
        array = parameter_to_canonical(array)
    return np.array(_reordered(array, order or LayerOrder(), backwards=True), order="C")


def shape_in_layout(shape: Shape, layer: Layer, /, *, layout: Layout) -> Shape:
    """Return the shape that a framework gives to a layer's parameter or buffer of a canonical shape."""
    return to_layout(np.broadcast_to(np.empty(()), shape), layer, layout=layout).shape


def flattened_orders(network: Network, /) -> dict[str, LayerOrder]:
    """Return, by the names of the placed layers, the orders of features where a framework flattens with channels last.

    A Linear behind a flattened image takes it in the order (height, width, channels), and one whose output becomes an
    image gives it in that order; a norm between them has it too, and slopes of features. Layers without one are left
    out.
    """
    orders: dict[str, LayerOrder] = {}
    for placed, before, after in _feature_orders(network):
        if isinstance(placed.layer, Linear):
            orders[placed.name] = LayerOrder(inputs=before, outputs=after)
        elif isinstance(placed.layer, MinibatchDiscrimination):
            orders[placed.name] = LayerOrder(inputs=before)
        elif _keeps_features(placed) or _has_slopes_of_features(placed):
            orders[placed.name] = LayerOrder(outputs=after)
    return {name: order for name, order in orders.items() if order.inputs is not None or order.outputs is not None}


@lru_cache(maxsize=32)
def output_orders(network: Network, /) -> dict[str, np.ndarray]:
    """Return, by the names of placed layers, in which order they give features where images are flattened so.

    As flattened_orders has it, of every layer whose output is flat and in another order than the canonical one.
    """
    return {
        placed.name: after
        for placed, _, after in _feature_orders(network)
        if after is not None and len(placed.output_shape) == 1
    }


def _feature_orders(network: Network) -> Iterator[tuple[PlacedLayer, np.ndarray | None, np.ndarray | None]]:
    """Yield each layer with the orders of the features that it takes and gives, None where that is the canonical."""
    found: list[np.ndarray | None] = []
    for place, placed in enumerate(network.placed):
        given = [None if source == NETWORK_INPUT else found[source] for source in placed.sources]
        is_linear = isinstance(placed.layer, Linear)
        found.append(_order_ahead(network, place, found) if is_linear else _order_behind(placed, given, network))
        yield placed, given[0], found[-1]


def _keeps_features(placed: PlacedLayer) -> bool:
    return isinstance(placed.layer, BatchNorm | GroupNorm) and len(placed.input_shape) == 1


def _has_slopes_of_features(placed: PlacedLayer) -> bool:
    return isinstance(placed.layer, PReLU) and placed.layer.by_channel and len(placed.input_shape) == 1


def _order_behind(placed: PlacedLayer, given: list[np.ndarray | None], network: Network) -> np.ndarray | None:
    """Return the order of what a layer gives that has none of its own, by the orders of what it takes."""
    layer, first = placed.layer, given[0]
    if isinstance(layer, Reshape):
        return _flat_order(placed.input_shape) if len(placed.output_shape) == 1 else None
    if isinstance(layer, Branches) and layer.join != "concatenate":
        return None if layer.join in ("dot", *ERRORS) else next((order for order in given if order is not None), None)
    if isinstance(layer, Branches):
        sizes = [network.placed[s].output_shape[0] if s >= 0 else network.input_shape[0] for s in placed.sources]
        return _side_by_side(list(zip(given, sizes, strict=True)))
    if isinstance(layer, MinibatchDiscrimination):
        return _side_by_side([(first, layer.in_features), (None, layer.num_kernels)])
    if isinstance(layer, ClassEmbedding):
        parts = [(first, placed.input_shape[0]), (None, layer.num_features)] if layer.takes_input else []
        return _side_by_side(parts if layer.joined == "after" else parts[::-1])
    return None if isinstance(layer, WeightedLayer | Recall) and not _keeps_features(placed) else first


def _side_by_side(parts: list[tuple[np.ndarray | None, int]]) -> np.ndarray | None:
    """Return the order of features one behind the other, each of an order, None for the canonical, and a number."""
    if all(order is None for order, _ in parts):
        return None
    starts = np.cumsum([0, *(size for _, size in parts)])
    pairs = zip(parts, starts, strict=False)
    return np.concatenate([(np.arange(size) if order is None else order) + start for (order, size), start in pairs])


def _order_ahead(network: Network, place: int, found: list[np.ndarray | None]) -> np.ndarray | None:
    """Return the order that a layer's features have to have, or None for the canonical.

    That of the image that they become before another layer with a matrix sees them, or of what they are added to.
    found: the orders of the layers before. Of features that are put together with others none makes up for it.
    """
    for other, placed in enumerate(network.placed):
        if place not in placed.sources:
            continue
        layer = placed.layer
        if isinstance(layer, Reshape):
            return _flat_order(placed.output_shape)
        if isinstance(layer, WeightedLayer | Recall) and not isinstance(layer, BatchNorm | GroupNorm):
            continue
        beside = [found[source] for source in placed.sources if NETWORK_INPUT < source < len(found)]
        known = next((order for order in beside if order is not None), None)
        order = _order_ahead(network, other, found) if known is None else known
        if order is not None and order.size == math.prod(network.placed[place].output_shape):
            return order
    return None


def _flat_order(image: Shape) -> np.ndarray | None:
    if len(image) != _IMAGE_RANK:
        return None
    places = np.arange(np.prod(image)).reshape(image)
    order = samples_to_native(places, num_leading=0).reshape(-1)
    return None if np.array_equal(order, places.reshape(-1)) else order


def _reordered(array: np.ndarray, order: LayerOrder, *, backwards: bool) -> np.ndarray:
    """Return an array (outputs,) or (outputs, inputs) with its features in that order, or back in the canonical one."""
    for axis, places in enumerate((order.outputs, order.inputs)[: array.ndim]):
        if places is not None:
            array = np.take(array, np.argsort(places) if backwards else places, axis=axis)
    return array


def tensor_to_layout(
    spec: GanSpec, name: str, array: np.ndarray, /, *, layout: Layout, flattens_last: bool = True
) -> np.ndarray:
    """Return a copy of a state's tensor, by its canonical name, as a framework keeps it; counters stay as they are.

    flattens_last: whether a program of a layout with channels last flattens images so, or has channels first by then.
    """
    layer, order = _layer_of(spec, name)
    if layer is None:
        return np.array(array)
    return to_layout(array, layer, layout=layout, order=order if flattens_last else None)


def tensor_from_layout(
    spec: GanSpec, name: str, array: np.ndarray, /, *, layout: Layout, flattens_last: bool = True
) -> np.ndarray:
    """Return a copy of a framework's tensor in the canonical layout, by its canonical name; see tensor_to_layout."""
    layer, order = _layer_of(spec, name)
    if layer is None:
        return np.array(array)
    return from_layout(array, layer, layout=layout, order=order if flattens_last else None)


def _layer_of(spec: GanSpec, name: str) -> tuple[Layer | None, LayerOrder | None]:
    tensor = state_schema(spec)[name]
    if not tensor.layer:
        return None, None
    layers, orders = _layers_and_orders(spec.networks()[tensor.network])
    order = orders.get(tensor.layer)
    if order is not None and tensor.tensor.endswith(f".{V}"):
        order = LayerOrder(outputs=order.inputs)  # A number for each of what the layer takes.
    return layers[tensor.layer], order


@lru_cache(maxsize=32)
def _layers_and_orders(network: Network) -> tuple[dict[str, Layer], dict[str, LayerOrder]]:
    return {placed.name: placed.layer for placed in network.placed}, flattened_orders(network)
