"""What makes images larger or smaller, in TensorFlow, whose images have their channels last."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer, upsample
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    kind = "avg_pool2d" if layer.mode == "average" else "max_pool2d"
    return Part(applied=f'tf.nn.{kind}({{x}}, {number(layer.kernel_size)}, {number(layer.stride)}, "VALID")')


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel; tf.reduce_max shares its gradient among equals."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"tf.reduce_{'mean' if layer.mode == 'average' else 'sum'}({{x}}, axis=(1, 2))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f'tf.nn.max_pool2d({{x}}, ({window}), 1, "VALID")[:, 0, 0]')


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    if layer.order == "pixel":
        return Part(applied=f"tf.nn.depth_to_space({{x}}, {number(layer.factor)})")
    return Part(applied=f"pixel_shuffle({{x}}, {number(layer.factor)})", needs=("pixel_shuffle",))


LAYERS: dict[type, Writer] = {
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
}

FUNCTIONS: dict[str, str] = {
    "repeat_pixels": '''\
def repeat_pixels(x: tf.Tensor, factor: int) -> tf.Tensor:
    """Return images (batch, height, width, channels) with each pixel repeated."""
    return tf.repeat(tf.repeat(x, factor, axis=1), factor, axis=2)''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: tf.Tensor, factor: int) -> tf.Tensor:
    """Return larger images of fewer channels, as PyTorch counts them; see tf.nn.depth_to_space."""
    height, width, channels = *x.shape[1:3], x.shape[3] // factor**2
    parts = tf.reshape(x, (-1, height, width, channels, factor, factor))
    parts = tf.transpose(parts, (0, 1, 4, 2, 5, 3))
    return tf.reshape(parts, (-1, height * factor, width * factor, channels))''',
    "interpolate": '''\
def interpolate(x: tf.Tensor, factor: int) -> tf.Tensor:
    """Return larger images, bilinear; tf.image.resize gives float32 whatever it is given."""

    def weights(size: int) -> tf.Tensor:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return tf.constant(np.maximum(0, 1 - distances), x.dtype)

    return tf.einsum("rh,bhwc,sw->brsc", weights(x.shape[1]), x, weights(x.shape[2]))''',
}
