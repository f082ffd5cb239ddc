"""Convolutions in JAX: lax's own, which take every form but a transposed one in groups."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number, numbers


def conv2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a cross-correlation."""
    return _part("conv", placed, name)


def conv_transpose2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a transposed convolution."""
    return _part("conv_transpose", placed, name)


def _part(function: str, placed: PlacedLayer, name: str) -> Part:
    layer: Any = placed.layer
    settings = [f"stride={number(layer.stride)}"]
    more = getattr(layer, "output_padding", 0)
    if layer.sides is None and layer.kernel_width is None and (layer.dilation, layer.groups, more) == (1, 1, 0):
        settings.append(f"padding={number(layer.padding)}")
    else:
        function = f"any_{function}"
        settings.append(f"padding=({', '.join(map(numbers, layer.margins))})")
        settings += [f"more={number(more)}"] if more else []
        settings += [f"dilation={number(layer.dilation)}"] if layer.dilation != 1 else []
        settings += [f"groups={number(layer.groups)}"] if layer.groups != 1 else []
    applied = f'{function}(parameters, "{name}", {{x}}, {", ".join(settings)})'
    return Part(applied=applied, begins=True, needs=(function, "add_bias"))


FUNCTIONS = {
    "conv": '''\
def conv(parameters: Tensors, name: str, x: Array, *, stride: int, padding: int) -> Array:
    """Return a convolution of images (batch, channels, height, width)."""
    kernel = parameters[f"{name}.weight"]  # (out, in, height, width)
    edges = [(padding, padding)] * 2
    return add_bias(parameters, name, lax.conv_general_dilated(x, kernel, (stride, stride), edges))''',
    "conv_transpose": '''\
def conv_transpose(parameters: Tensors, name: str, x: Array, *, stride: int, padding: int) -> Array:
    """Return a transposed convolution of images (batch, channels, height, width)."""
    kernel = parameters[f"{name}.weight"]  # (in, out, height, width)
    edges = [(kernel.shape[2] - 1 - padding,) * 2] * 2
    # Without transpose_kernel it would not be turned round, and so be no convolution's transpose.
    images = lax.conv_transpose(
        x,
        kernel,
        (stride, stride),
        edges,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        transpose_kernel=True,
    )
    return add_bias(parameters, name, images)''',
    "any_conv": '''\
def any_conv(
    parameters: Tensors,
    name: str,
    x: Array,
    *,
    stride: int,
    padding: tuple[tuple[int, int], tuple[int, int]],
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """Return a convolution of images (batch, channels, height, width), in groups of channels."""
    images = lax.conv_general_dilated(
        x,
        parameters[f"{name}.weight"],  # (out, in / groups, height, width)
        (stride, stride),
        padding,
        rhs_dilation=(dilation, dilation),
        feature_group_count=groups,
    )
    return add_bias(parameters, name, images)''',
    "any_conv_transpose": '''\
def any_conv_transpose(
    parameters: Tensors,
    name: str,
    x: Array,
    *,
    stride: int,
    padding: tuple[tuple[int, int], tuple[int, int]],
    more: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """Return a transposed convolution of images (batch, channels, height, width), in groups."""
    kernel = parameters[f"{name}.weight"]  # (in, out / groups, height, width)
    reach = [dilation * (size - 1) for size in kernel.shape[2:]]
    pairs = zip(reach, padding, strict=True)
    edges = [(far - one, far - other + more) for far, (one, other) in pairs]
    # Turned round, its groups one after the other: (out, in / groups, height, width).
    parts = jnp.split(kernel[:, :, ::-1, ::-1], groups)
    images = lax.conv_general_dilated(
        x,
        jnp.concatenate([part.swapaxes(0, 1) for part in parts]),
        (1, 1),
        edges,
        lhs_dilation=(stride, stride),
        rhs_dilation=(dilation, dilation),
        feature_group_count=groups,
    )
    return add_bias(parameters, name, images)''',
}
