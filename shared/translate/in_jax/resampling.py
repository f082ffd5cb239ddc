"""What makes images larger or smaller, in JAX."""

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
    kind = "window_means" if layer.mode == "average" else "window_maxima"
    size = number(layer.kernel_size)
    return Part(applied=f"{kind}({{x}}, ({size}, {size}), {number(layer.stride)})", needs=(kind,))


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"{{x}}.{'mean' if layer.mode == 'average' else 'sum'}(axis=(2, 3))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f"window_maxima({{x}}, ({window}), 1)[:, :, 0, 0]", needs=("window_maxima",))


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    more = "" if layer.order == "channel" else ", pixels_first=True"
    return Part(applied=f"pixel_shuffle({{x}}, {number(layer.factor)}{more})", needs=("pixel_shuffle",))


LAYERS: dict[type, Writer] = {
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
}

FUNCTIONS: dict[str, str] = {
    "repeat_pixels": '''\
def repeat_pixels(x: Array, factor: int) -> Array:
    """Return images (batch, channels, height, width) with each pixel repeated."""
    return jnp.repeat(jnp.repeat(x, factor, axis=2), factor, axis=3)''',
    "window_means": '''\
def window_means(x: Array, window: tuple[int, int], stride: int) -> Array:
    """Return the mean of each window of images (batch, channels, height, width)."""
    sizes, strides = (1, 1, *window), (1, 1, stride, stride)
    return lax.reduce_window(x, 0.0, lax.add, sizes, strides, "VALID") / (window[0] * window[1])''',
    "window_maxima": '''\
def window_maxima(x: Array, window: tuple[int, int], stride: int) -> Array:
    """Return the largest of each window; jnp.max would share its gradient among equals."""
    sizes, strides = (1, 1, *window), (1, 1, stride, stride)
    return lax.reduce_window(x, -np.inf, lax.max, sizes, strides, "VALID")''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: Array, factor: int, *, pixels_first: bool = False) -> Array:
    """Return larger images of fewer channels; pixels_first: as TensorFlow counts the channels."""
    count, channels, height, width = len(x), x.shape[1] // factor**2, *x.shape[2:]
    if pixels_first:
        x = x.reshape(count, factor, factor, channels, height, width).transpose(0, 3, 1, 2, 4, 5)
    x = x.reshape(count, channels, factor, factor, height, width).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(count, channels, height * factor, width * factor)''',
    "interpolate": '''\
def interpolate(x: Array, factor: int) -> Array:
    """Return larger images, bilinear; jax.image.resize would compute its weights in float32."""

    def weights(size: int) -> Array:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return jnp.asarray(np.maximum(0, 1 - distances), x.dtype)

    return jnp.einsum("rh,bchw,sw->bcrs", weights(x.shape[2]), x, weights(x.shape[3]))''',
}
