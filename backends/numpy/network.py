"""A network of layers: its tensors, its passes forward and backward, and the two passes of its tangent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gan_rosetta.backends.numpy.layer import FED, Array, Layer, Tensors
from gan_rosetta.backends.numpy.partial_sums import gradient_spreads, output_scale
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.backends.numpy.spectral import spectral_weight
from gan_rosetta.backends.numpy.sums import SumLengths, sum_lengths
from gan_rosetta.backends.numpy.wiring import Wiring
from gan_rosetta.shared import spec
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
        self._rows: list[tuple[str, Layer, Tensors]] = [
            (layer_name, layer, parameters | buffers)
            for layer_name, layer, (parameters, buffers) in zip(self.names, layers, pairs, strict=True)
        ]
        self._layers = list(layers)
        self._spectral = [spectral_weight(placed.layer) for placed in network.placed]
        self._lengths = [sum_lengths(placed) for placed in network.placed]
        self._num_copies = math.prod(copies)
        trained = [bool(shapes) for shapes in self._parameter_shapes]
        joins = [layer.is_join for layer in layers]
        self._wiring = Wiring([placed.sources for placed in network.placed], joins=joins, trained=trained)

    @property
    def rounding(self) -> RandomRounding | None:
        """What disturbs every number that a pass computes, or None."""
        return self._rounding

    @rounding.setter
    def rounding(self, rounding: RandomRounding | None) -> None:
        self._rounding = rounding
        for layer in self._layers:
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
        held = self._wiring.held(x)
        for (name, layer, own), spectral, lengths in zip(self._rows, self._spectral, self._lengths, strict=True):
            x = held.take()
            tensors = {**own, FED: fed[name]} if name in fed else own
            if spectral is not None:
                tensors, spectral_cache = spectral.normalise(tensors, self._rounding)
            if layer.has_kink and self._rounding is not None:
                self._rounding.visit(x)
            y, cache = layer.forward(x, tensors)
            if spectral is not None:
                spectral.move(spectral_cache, own)
                cache = spectral_cache._replace(of_layer=cache)
            else:
                layer.move_buffers(cache, tensors)
            self._disturb_output(layer, x, tensors, y, lengths)
            held.keep(y)
            if observer is not None:
                observer(name, y)
            caches.append(cache)
        if self._rounding is not None:
            self._rounding.disturb(self.buffers.flat)
        return y, caches

    def infer(self, x: Array, /, *, rounding: RandomRounding | None = None) -> Array:
        """Return the output of a pass that leaves the buffers alone and is disturbed by this rounding alone."""
        own, self.rounding = self.rounding, rounding
        fed = fed_when_asked(self._spec, self._batch(x))
        held = self._wiring.held(x)
        for (name, layer, kept), spectral, lengths in zip(self._rows, self._spectral, self._lengths, strict=True):
            x = held.take()
            tensors = {**kept, FED: fed[name]} if name in fed else kept
            if spectral is not None:
                tensors, _ = spectral.normalise(tensors, rounding)
            y, _ = layer.forward(x, tensors)
            self._disturb_output(layer, x, tensors, y, lengths)
            held.keep(y)
        self.rounding = own
        return y

    def backward(
        self, gradient: Array, caches: Caches, /, *, into: FlatTensors | None, wants_input: bool
    ) -> Array | None:
        """Return ∂L/∂x of ∂L/∂y, or None; write ∂L/∂θ into `into`, unless None. May overwrite `gradient`.

        Where the input gradient is not wanted, the pass stops at the first layer that has parameters.
        """
        owed = self._wiring.owed(gradient, wants_input=wants_input, add=self._add_gradients)
        for index, current, wanted in owed:
            layer, spectral = self._layers[index], self._spectral[index]
            cache = caches[index] if spectral is None else caches[index].of_layer
            gradients = None if into is None else into.by_layer[index]
            spreads = None
            if self._rounding is not None:
                spreads = gradient_spreads(layer, current, cache, gradients, num_copies=self._num_copies)
            found = layer.backward(current, cache, gradients=gradients, wants_input=wanted)
            self._disturb_backward(index, found, gradients, spreads, self._batch(gradient))
            if spectral is not None and gradients is not None:
                num_terms = self._batch(gradient) * self._lengths[index].gradient_per_sample
                spectral.backward(gradients["weight"], caches[index], self._rounding, num_terms=num_terms)
            owed.add(index, found)
        if into is not None:
            self._disturb_gradients(into, self._batch(gradient))
        return owed.input_gradient

    def _disturb_output(self, layer: Layer, x: Array, tensors: Tensors, y: Array, lengths: SumLengths) -> None:
        if self._rounding is not None and layer.rounds:
            self._rounding.disturb(
                y,
                within=layer.output_range,
                num_terms=lengths.output,
                scale=output_scale(layer, x, tensors, y, num_copies=self._num_copies),
                exact=layer.exact(x),
                by_channel=True,
            )

    def _disturb_backward(
        self,
        index: int,
        gradient_x: Array | None,
        gradients: Tensors | None,
        spreads: tuple[Array, Tensors] | None,
        batch: int,
    ) -> None:
        """Disturb what a layer's backward pass gave; parameters' gradients only by the spreads of gradient_spreads.

        A join has disturbed what it gives to its ends.
        """
        if self._rounding is None or self._layers[index].is_join:
            return
        lengths = self._lengths[index]
        if gradient_x is not None and self._layers[index].rounds:
            scale = None if spreads is None else np.hypot(gradient_x, spreads[0])
            self._rounding.disturb(gradient_x, num_terms=lengths.input_gradient, scale=scale)
        if gradients is not None and spreads is not None:
            for short, spread in spreads[1].items():
                self._rounding.disturb(gradients[short], num_terms=batch * lengths.gradient_per_sample, scale=spread)

    def directional_gradient(self, tangent: Array, caches: Caches, /, *, into: FlatTensors) -> None:
        """Write ∂/∂θ of the derivative of Σ y in the direction `tangent`, at the pass that left the caches.

        See layer.py. Σ y does not depend on y's own place, so the reverse pass starts from ∂ẏ = 1 and ∂y = 0.
        """
        tangents: list[Any] = []
        held = self._wiring.held(tangent)
        for index, (layer, cache) in enumerate(zip(self._layers, caches, strict=True)):
            tangents.append(held.take())
            tangent = layer.forward_tangent(tangents[-1], cache)
            if self._rounding is not None and layer.rounds:
                self._rounding.disturb(tangent, num_terms=self._lengths[index].output)
            held.keep(tangent)
        of_tangents = self._wiring.owed(np.ones_like(tangent), wants_input=False, add=self._add_gradients)
        of_values = self._wiring.owed(None, wants_input=False, add=self._add_gradients)
        for index, gradient_tangent, wanted in of_tangents:
            layer = self._layers[index]
            found = layer.backward_tangent(
                of_values.take(index),
                gradient_tangent,
                caches[index],
                tangents[index],
                gradients=into.by_layer[index],
                wants_input=wanted,
            )
            for owed, gradient in zip((of_values, of_tangents), found, strict=True):
                if self._rounding is not None and layer.rounds and gradient is not None:
                    for end in gradient if layer.is_join else (gradient,):
                        self._rounding.disturb(end, num_terms=self._lengths[index].input_gradient)
                owed.add(index, gradient)
        self._disturb_gradients(into, self._batch(tangent))

    def _add_gradients(self, first: Array, second: Array, /) -> Array:
        """Return the sum of what two layers give back to one that both of them took."""
        total: Array = first + second
        if self._rounding is not None:
            self._rounding.disturb(total)
        return total

    def _batch(self, array: Array) -> int:
        return array.shape[len(self.copies)]

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
