"""What makes images larger or smaller, in flax, whose images have their channels last."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_jax import resampling as of_jax
from gan_rosetta.shared.translate.layers import Writer, upsample
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    kind = "avg_pool" if layer.mode == "average" else "max_pool"
    window, strides = (f"({number(size)}, {number(size)})" for size in (layer.kernel_size, layer.stride))
    return Part(applied=f"nnx.{kind}({{x}}, {window}, strides={strides})")


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel; jnp.max would share its gradient among equals."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"{{x}}.{'mean' if layer.mode == 'average' else 'sum'}(axis=(1, 2))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f"nnx.max_pool({{x}}, ({window}))[:, 0, 0]")


LAYERS: dict[type, Writer] = {
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: of_jax.pixel_shuffle,
}

FUNCTIONS: dict[str, str] = {
    "repeat_pixels": '''\
def repeat_pixels(x: Array, factor: int) -> Array:
    """Return images (batch, height, width, channels) with each pixel repeated."""
    return jnp.repeat(jnp.repeat(x, factor, axis=1), factor, axis=2)''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: Array, factor: int, *, pixels_first: bool = False) -> Array:
    """Return larger images of fewer channels; pixels_first: as TensorFlow counts the channels."""
    count, height, width, channels = *x.shape[:3], x.shape[3] // factor**2
    if pixels_first:
        parts = x.reshape(count, height, width, factor, factor, channels)
        parts = parts.transpose(0, 1, 3, 2, 4, 5)
    else:
        parts = x.reshape(count, height, width, channels, factor, factor)
        parts = parts.transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(count, height * factor, width * factor, channels)''',
    "interpolate": '''\
def interpolate(x: Array, factor: int) -> Array:
    """Return larger images, bilinear; jax.image.resize would compute its weights in float32."""

    def weights(size: int) -> Array:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return jnp.asarray(np.maximum(0, 1 - distances), x.dtype)

    return jnp.einsum("rh,bhwc,sw->brsc", weights(x.shape[1]), x, weights(x.shape[2]))''',
}
