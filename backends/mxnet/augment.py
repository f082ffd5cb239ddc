"""Augmentation of images by numbers that are fed, as DiffAugment has it."""

from __future__ import annotations

from typing import Any

from gan_rosetta.backends.mxnet.layer import LayerBlock


class Augment(LayerBlock):
    """Changes each image by what is drawn for it, as DiffAugment does. (B, channels, height, width)."""

    def hybrid_forward(self, ops: Any, images: Any, drawn: Any = None) -> Any:
        if drawn is None:
            return images
        if self.layer.policy == "colour":
            numbers = ops.split(drawn, num_outputs=3, axis=1)
            moved, saturation, contrast = (ops.reshape(number, shape=(-1, 1, 1, 1)) for number in numbers)
            images = ops.broadcast_add(images, moved)
            images = self._spread(ops, images, saturation, axis=1)
            return self._spread(ops, images, contrast, axis=(1, 2, 3))
        rows, columns = ops.split(drawn, num_outputs=2, axis=1)
        if self.layer.policy == "translation":
            moved = self._shifted(ops, images, rows, self.input_shape[1])
            turned = ops.swapaxes(moved, dim1=2, dim2=3)
            return ops.swapaxes(self._shifted(ops, turned, columns, self.input_shape[2]), dim1=2, dim2=3)
        height, width = (
            self._inside(ops, middles, size)
            for middles, size in zip((rows, columns), self.input_shape[1:], strict=True)
        )
        inside = ops.broadcast_mul(ops.expand_dims(height, axis=2), ops.expand_dims(width, axis=1))
        return ops.broadcast_mul(images, ops.expand_dims(1 - inside, axis=1))

    @staticmethod
    def _spread(ops: Any, images: Any, factor: Any, *, axis: Any) -> Any:
        mean = ops.mean(images, axis=axis, keepdims=True)
        return ops.broadcast_add(ops.broadcast_mul(ops.broadcast_sub(images, mean), factor), mean)

    def _shifted(self, ops: Any, images: Any, moves: Any, size: int) -> Any:
        """Return images whose row i is the row i + move: products with 0 and 1, since take has one place for all."""
        places = ops.reshape(ops.arange(size, dtype=self.dtype), shape=(1, size, 1))
        wanted = ops.broadcast_add(places, ops.reshape(moves, shape=(-1, 1, 1)))
        taken = ops.broadcast_equal(wanted, ops.reshape(places, shape=(1, 1, size)))  # (B, to, from)
        by_rows = ops.reshape(ops.swapaxes(images, dim1=1, dim2=2), shape=(0, 0, -1))  # (B, from, channels * columns)
        moved = ops.reshape(ops.batch_dot(taken, by_rows), shape=(0, 0, self.input_shape[0], -1))
        return ops.swapaxes(moved, dim1=1, dim2=2)

    def _inside(self, ops: Any, middles: Any, size: int) -> Any:
        """Return 1 for the rows or columns of each image that are in its window, (B, size)."""
        width = self.layer.reach(size)
        places = ops.reshape(ops.arange(size, dtype=self.dtype), shape=(1, size))
        behind = ops.broadcast_sub(places, middles - width // 2)
        return (behind >= 0) * (behind < width)
