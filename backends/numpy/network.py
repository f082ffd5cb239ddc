"""A network of layers: its tensors, its passes forward and backward, and the two passes of its tangent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gan_rosetta.backends.numpy.layer import FED, Array, Layer, Tensors
from gan_rosetta.backends.numpy.rounded import RoundedLayer
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.backends.numpy.spectral import under_its_norm
from gan_rosetta.backends.numpy.sums import sum_lengths
from gan_rosetta.backends.numpy.wiring import Owed, Taking, Wiring, hand_on
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import NETWORK_INPUT
from gan_rosetta.shared.spec.feeding import fed_when_asked
from gan_rosetta.shared.state import parameter_name

Caches = list[Any]
# The shape of the axis of copies (see copies.py): (n,), or () where there is none.
Copies = tuple[int, ...]
Observer = Callable[[str, Array], None]
NOTHING_FED: Tensors = MappingProxyType({})


class FlatTensors:
    """Named tensors that share one flat vector, so that a sum or an update over all of them is one operation.

    flat: the vector. by_layer: for each layer its tensors, views of the vector, by short name. All have the axis of
    copies first, if there is one.
    """

    def __init__(self, shapes: Sequence[dict[str, spec.Shape]], dtype: DTypeLike, *, copies: Copies = ()) -> None:
        size = sum(math.prod(s) for layer in shapes for s in layer.values())
        self.flat: Array = np.zeros((*copies, size), dtype)
        self.by_layer: list[dict[str, Array]] = []
        start = 0
        for layer in shapes:
            views = {}
            for short, shape in layer.items():
                stop = start + math.prod(shape)
                views[short] = self.flat[..., start:stop].reshape(*copies, *shape)
                start = stop
            self.by_layer.append(views)


class Network:
    """Layers, in order of execution, with their tensors. name: "generator" or "discriminator". copies: of FlatTensors.

    gradients: where `backward` puts the gradient of a loss; more_gradients: where it puts one that is to be added.
    """

    def __init__(
        self, network: spec.Network, layers: Sequence[Layer], *, name: str, dtype: DTypeLike, copies: Copies = ()
    ) -> None:
        self.name = name
        self.copies = copies
        self._spec = network
        self.names = [placed.name for placed in network.placed]
        self._rounding: RandomRounding | None = None
        self._dtype = dtype
        self._parameter_shapes = [
            {short: tensor.shape for short, tensor in placed.layer.parameters().items()} for placed in network.placed
        ]
        buffer_shapes = [
            {short: tensor.shape for short, tensor in placed.layer.buffers().items()} for placed in network.placed
        ]
        self.parameters = self.new_tensors()
        self.buffers = FlatTensors(buffer_shapes, dtype, copies=copies)
        self.gradients = self.new_tensors()
        self.more_gradients = self.new_tensors()
        pairs = zip(self.parameters.by_layer, self.buffers.by_layer, strict=True)
        self._tensors: list[Tensors] = [parameters | buffers for parameters, buffers in pairs]
        trained = [bool(shapes) for shapes in self._parameter_shapes]
        joins = [layer.is_join for layer in layers]
        self._wiring = Wiring([placed.sources for placed in network.placed], joins=joins, trained=trained)
        self._lengths = [sum_lengths(placed) for placed in network.placed]
        self._bare = list(layers)
        self._exact = self._under_norms(layers)
        num_copies, num_axes = math.prod(copies), len(copies)
        self._rounded = self._under_norms(
            [
                RoundedLayer(layer, lengths, num_copies=num_copies, num_axes=num_axes)
                for layer, lengths in zip(layers, self._lengths, strict=True)
            ]
        )
        self._layers = self._exact

    def _under_norms(self, layers: Sequence[Layer]) -> list[Layer]:
        """Return layers with the spectral norms of those that have one."""
        found = zip(layers, self._spec.placed, self._lengths, strict=True)
        return [under_its_norm(own, placed.layer, num_terms=sums.gradient_per_sample) for own, placed, sums in found]

    @property
    def rounding(self) -> RandomRounding | None:
        """What disturbs every number that a pass computes, or None."""
        return self._rounding

    @rounding.setter
    def rounding(self, rounding: RandomRounding | None) -> None:
        self._rounding = rounding
        self._layers = self._exact if rounding is None else self._rounded
        for layer in (*self._bare, *self._rounded):
            layer.rounding = rounding

    def new_tensors(self) -> FlatTensors:
        """Return zeros shaped as the parameters: gradients, or a slot of an optimizer."""
        return FlatTensors(self._parameter_shapes, self._dtype, copies=self.copies)

    def by_name(self, tensors: FlatTensors, /) -> dict[str, Array]:
        """Return tensors by canonical name, in the order of the layers."""
        rows = zip(self.names, tensors.by_layer, strict=True)
        return {parameter_name(self.name, layer, short): view for layer, views in rows for short, view in views.items()}

    def forward(
        self, x: Array, /, *, fed: Tensors = NOTHING_FED, observer: Observer | None = None
    ) -> tuple[Array, Caches]:
        """Return the output and every layer's cache; a training pass, so buffers move.

        fed: what the pass is fed beside x, by layer. observer: called with each layer's name and output.
        """
        caches: Caches = []
        outputs = {NETWORK_INPUT: x}
        for place, (name, layer, own, (take, last)) in enumerate(self._visits()):
            tensors = {**own, FED: fed[name]} if name in fed else own
            y, cache = layer.forward(take(outputs), tensors)
            layer.move_buffers(cache, tensors)
            caches.append(cache)
            outputs[place] = y
            for source in last:
                del outputs[source]
            if observer is not None:
                observer(name, y)
        if self._rounding is not None:
            self._rounding.disturb(self.buffers.flat)
        return y, caches

    def infer(self, x: Array, /, *, rounding: RandomRounding | None = None) -> Array:
        """Return the output of a pass that leaves the buffers alone and is disturbed by this rounding alone."""
        own, self.rounding = self.rounding, rounding
        fed = fed_when_asked(self._spec, self._batch(x))
        outputs = {NETWORK_INPUT: x}
        for place, (name, layer, tensors, (take, last)) in enumerate(self._visits()):
            y, _ = layer.forward(take(outputs), {**tensors, FED: fed[name]} if name in fed else tensors)
            outputs[place] = y
            for source in last:
                del outputs[source]
        self.rounding = own
        return y

    def backward(
        self, gradient: Array, caches: Caches, /, *, into: FlatTensors | None, wants_input: bool
    ) -> Array | None:
        """Return ∂L/∂x of ∂L/∂y, or None; write ∂L/∂θ into `into`, unless None. May overwrite `gradient`.

        Where the input gradient is not wanted, the pass stops at the first layer that has parameters.
        """
        owed: Owed = {self._wiring.last: gradient}
        for place, wanted, takers in self._wiring.to_input if wants_input else self._wiring.to_parameters:
            current = owed.pop(place, None)
            if current is None:
                continue
            gradients = None if into is None else into.by_layer[place]
            found = self._layers[place].backward(current, caches[place], gradients=gradients, wants_input=wanted)
            hand_on(owed, takers, found, self._add_gradients)
        if into is not None:
            self._disturb_gradients(into, self._batch(gradient))
        return owed.get(NETWORK_INPUT)

    def directional_gradient(self, tangent: Array, caches: Caches, /, *, into: FlatTensors) -> None:
        """Write ∂/∂θ of the derivative of Σ y in the direction `tangent`, at the pass that left the caches.

        See layer.py. Σ y does not depend on y's own place, so the reverse pass starts from ∂ẏ = 1 and ∂y = 0.
        """
        tangents: list[Any] = []
        outputs = {NETWORK_INPUT: tangent}
        for place, (layer, cache, taking) in enumerate(zip(self._layers, caches, self._wiring.takings, strict=True)):
            tangents.append(taking.take(outputs))
            outputs[place] = tangent = layer.forward_tangent(tangents[-1], cache)
        of_tangents: Owed = {self._wiring.last: np.ones_like(tangent)}
        of_values: Owed = {}
        for place, wanted, takers in self._wiring.to_parameters:
            gradient_tangent = of_tangents.pop(place, None)
            if gradient_tangent is None:
                continue
            found = self._layers[place].backward_tangent(
                of_values.pop(place, None),
                gradient_tangent,
                caches[place],
                tangents[place],
                gradients=into.by_layer[place],
                wants_input=wanted,
            )
            for owed, gradient in zip((of_values, of_tangents), found, strict=True):
                self._disturb_input_gradient(place, gradient)
                hand_on(owed, takers, gradient, self._add_gradients)
        self._disturb_gradients(into, self._batch(tangent))

    def _visits(self) -> Iterator[tuple[str, Layer, Tensors, Taking]]:
        """Return what a forward pass goes through: each layer's name, itself, its tensors and what it takes."""
        return zip(self.names, self._layers, self._tensors, self._wiring.takings, strict=True)

    def _add_gradients(self, first: Array, second: Array, /) -> Array:
        """Return the sum of what two layers give back to one that both of them took."""
        total: Array = first + second
        if self._rounding is not None:
            self._rounding.disturb(total)
        return total

    def _batch(self, array: Array) -> int:
        return array.shape[len(self.copies)]

    def _disturb_input_gradient(self, place: int, gradient: Any) -> None:
        """Disturb what a layer of a tangent's pass gave for its input, of a join for each end."""
        layer = self._bare[place]
        if self._rounding is not None and layer.rounds and gradient is not None:
            for end in gradient if layer.is_join else (gradient,):
                self._rounding.disturb(end, num_terms=self._lengths[place].input_gradient)

    def _disturb_gradients(self, tensors: FlatTensors, batch: int) -> None:
        """Disturb gradients by parameters, which are sums over the batch and, of kernels, over places."""
        if self._rounding is None:
            return
        if all(lengths.gradient_per_sample == 1 for lengths in self._lengths):
            self._rounding.disturb(tensors.flat, num_terms=batch)
            return
        for views, lengths in zip(tensors.by_layer, self._lengths, strict=True):
            for view in views.values():
                self._rounding.disturb(view, num_terms=batch * lengths.gradient_per_sample)
