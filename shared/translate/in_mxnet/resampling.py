"""What makes images larger or smaller, in MXNet."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer, upsample
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number

_POOLS = {"average": "avg", "sum": "sum", "maximum": "max"}


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    return Part(applied=_pooling((layer.kernel_size,) * 2, (layer.stride,) * 2, layer.mode))


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"{_pooling(placed.input_shape[1:], (1, 1), layer.mode)}.flatten()")


def _pooling(kernel: tuple[int, ...], stride: tuple[int, int], mode: str) -> str:
    window, steps = (", ".join(map(number, sizes)) for sizes in (kernel, stride))
    return f'mx.nd.Pooling({{x}}, kernel=({window}), stride=({steps}), pool_type="{_POOLS[mode]}")'


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    if layer.order == "pixel":
        return Part(applied=f"mx.nd.depth_to_space({{x}}, {number(layer.factor)})")
    return Part(applied=f"pixel_shuffle({{x}}, {number(layer.factor)})", needs=("pixel_shuffle",))


LAYERS: dict[type, Writer] = {
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
}

FUNCTIONS: dict[str, str] = {
    "repeat_pixels": '''\
def repeat_pixels(x: NDArray, factor: int) -> NDArray:
    """Return images (batch, channels, height, width) with each pixel repeated."""
    return x.repeat(factor, axis=2).repeat(factor, axis=3)''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: NDArray, factor: int) -> NDArray:
    """Return larger images of fewer channels, as PyTorch counts them; see mx.nd.depth_to_space."""
    count, channels, height, width = len(x), x.shape[1] // factor**2, *x.shape[2:]
    parts = x.reshape((count, channels, factor, factor, height, width))
    parts = parts.transpose((0, 1, 4, 2, 5, 3))
    return parts.reshape((count, channels, height * factor, width * factor))''',
    "interpolate": '''\
def interpolate(x: NDArray, factor: int) -> NDArray:
    """Return larger images, bilinear; BilinearResize2D lays the corners' centres on each other."""

    def weights(size: int) -> NDArray:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return mx.nd.array(np.maximum(0, 1 - distances), dtype=x.dtype)

    wide = mx.nd.dot(x, weights(x.shape[3]), transpose_b=True)
    tall = mx.nd.dot(wide.swapaxes(2, 3), weights(x.shape[2]), transpose_b=True)
    return tall.swapaxes(2, 3)''',
}
