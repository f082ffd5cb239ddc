"""Images made larger, smaller, or one number a channel."""

from __future__ import annotations

from typing import Any

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.layer import LayerBlock
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.resampling import upsampling_weights

_POOLS = {"average": "avg", "sum": "sum", "maximum": "max"}


class Upsample(LayerBlock):
    """Upsampling. (B, channels, height, width) to (B, channels, height · factor, width · factor).

    BilinearResize2D has its pixels' centres where align_corners puts them, hence products with constant weights.
    """

    def __init__(self, placed: spec.PlacedLayer, /, *, dtype: str) -> None:
        super().__init__(placed, dtype=dtype)
        if self.layer.mode == "bilinear":
            for name, size in zip(("rows", "columns"), placed.input_shape[1:], strict=True):
                # The inner module's `array` takes no detour over scipy.sparse, whose deprecation it would trip.
                weights = mx.nd.ndarray.array(upsampling_weights(self.layer, size), dtype=dtype)
                setattr(self, name, self.params.get_constant(name, weights))

    def hybrid_forward(self, ops: Any, inputs: Any, rows: Any = None, columns: Any = None) -> Any:
        if rows is None:
            repeated = ops.repeat(inputs, repeats=self.layer.factor, axis=2)
            return ops.repeat(repeated, repeats=self.layer.factor, axis=3)
        wide = ops.dot(inputs, columns, transpose_b=True)  # (B, channels, height, width · factor)
        tall = ops.dot(ops.swapaxes(wide, dim1=2, dim2=3), rows, transpose_b=True)
        return ops.swapaxes(tall, dim1=2, dim2=3)


class Pool2d(LayerBlock):
    """The means or the largest of windows. (B, channels, height, width) to (B, channels, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        window = {"kernel": (self.layer.kernel_size,) * 2, "stride": (self.layer.stride,) * 2}
        return ops.Pooling(inputs, pool_type=_POOLS[self.layer.mode], **window)


class GlobalPool(LayerBlock):
    """The mean, the sum or the largest of each channel. (B, channels, height, width) to (B, channels)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        window = {"kernel": self.input_shape[1:], "stride": (1, 1)}
        return ops.flatten(ops.Pooling(inputs, pool_type=_POOLS[self.layer.mode], **window))


class PixelShuffle(LayerBlock):
    """Larger images of fewer channels. (B, channels · factor², ...) to (B, channels, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        channels, height, width = self.layer.output_shape(self.input_shape)
        factors, sizes = (self.layer.factor,) * 2, self.input_shape[1:]
        if self.layer.order == "channel":
            parts = ops.reshape(inputs, shape=(0, channels, *factors, *sizes))
            parts = ops.transpose(parts, axes=(0, 1, 4, 2, 5, 3))
        else:
            parts = ops.reshape(inputs, shape=(0, *factors, channels, *sizes))
            parts = ops.transpose(parts, axes=(0, 3, 4, 1, 5, 2))
        return ops.reshape(parts, shape=(0, channels, height, width))
