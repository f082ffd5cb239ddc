"""What the layers' blocks have in common."""

from __future__ import annotations

from typing import Any

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.spectral import normalised_weight
from gan_rosetta.shared import spec


class LayerBlock(mx.gluon.HybridBlock):
    """A layer of the spec, with the parameters that it lists. axes: those that come before a parameter's own."""

    def __init__(self, placed: spec.PlacedLayer, /, *, dtype: str, axes: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.layer: Any = placed.layer
        self.input_shape = placed.input_shape
        self.dtype = dtype
        for name, parameter in placed.layer.parameters().items():
            shape = (*axes, *parameter.shape)
            setattr(self, name, self.params.get(name, shape=shape, dtype=dtype, init="zeros"))
        self.num_buffers = len(placed.layer.buffers())


class AffineBlock(LayerBlock):
    """A layer that is affine in its inputs. Of a weight under a spectral norm u and v go in and come out moved."""

    def hybrid_forward(self, ops: Any, inputs: Any, *vectors: Any, weight: Any, bias: Any = None) -> Any:
        """Return the outputs, and where there are vectors those moved, (out,) and (rest,)."""
        moved: tuple[Any, ...] = ()
        if vectors:
            weight, *moved_vectors = normalised_weight(self.layer, ops, weight, *vectors)
            moved = tuple(moved_vectors)
        outputs = self.apply(ops, inputs, weight, bias)
        return (outputs, *moved) if moved else outputs

    def apply(self, ops: Any, inputs: Any, weight: Any, bias: Any, /) -> Any:
        """Return the outputs by this weight and bias, None where there is none."""
        raise NotImplementedError
