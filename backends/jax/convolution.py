"""Convolutions by lax, or by products where XLA has no fast one."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gan_rosetta.backends.jax.layer import Convolve, LayerTensors, with_bias
from gan_rosetta.shared import spec


def conv2d(layer: spec.Conv2d, tensors: LayerTensors, inputs: Any, /, *, convolve: Convolve) -> Any:
    """Return a cross-correlation. (B, in, height, width) to (B, out, ...)."""
    return with_bias(convolve(inputs, tensors["weight"], **_window(layer)), tensors)


def conv_transpose2d(layer: spec.ConvTranspose2d, tensors: LayerTensors, inputs: Any, /, *, convolve: Convolve) -> Any:
    """Return what Conv2d's gradient by its input is. (B, in, height, width) to (B, out, ...).

    lax.conv_transpose with transpose_kernel=True is the same; this one also transposes the convolution by products.
    """
    _, height, width = layer.output_shape(inputs.shape[1:])
    outputs = jax.ShapeDtypeStruct((len(inputs), layer.out_channels, height, width), inputs.dtype)
    (images,) = jax.linear_transpose(lambda images: convolve(images, tensors["weight"], **_window(layer)), outputs)(
        inputs
    )
    return with_bias(images, tensors)


def _window(layer: spec.Conv2d | spec.ConvTranspose2d) -> dict[str, Any]:
    return {
        "stride": layer.stride,
        "padding": layer.margins,
        "dilation": layer.dilation,
        "groups": layer.groups,
    }


def convolve_by_lax(
    images: Any, weight: Any, /, *, stride: int, padding: spec.Margins, dilation: int = 1, groups: int = 1
) -> Any:
    """Return the cross-correlation of images (B, in, height, width) with a kernel (out, in / groups, rows, columns)."""
    if 1 in images.shape[2:]:
        # XLA aborts the process over the gradient where a row that its own padding makes is left over.
        images, padding = jnp.pad(images, ((0, 0), (0, 0), *padding)), ((0, 0), (0, 0))
    return lax.conv_general_dilated(
        images,
        weight,
        window_strides=(stride, stride),
        padding=padding,
        rhs_dilation=(dilation, dilation),
        feature_group_count=groups,
    )


def convolve_by_products(
    images: Any, weight: Any, /, *, stride: int, padding: spec.Margins, dilation: int = 1, groups: int = 1
) -> Any:
    """Return the same as one matrix product a group, of what the kernel sees from each place."""
    if groups > 1:
        window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
        pairs = zip(jnp.split(images, groups, axis=1), jnp.split(weight, groups), strict=True)
        return jnp.concatenate([convolve_by_products(*pair, **window) for pair in pairs], axis=1)
    num_out, _, *sizes = weight.shape
    images = jnp.pad(images.transpose(0, 2, 3, 1), ((0, 0), *padding, (0, 0)))
    height, width = (
        stride * ((length - dilation * (size - 1) - 1) // stride) + 1
        for length, size in zip(images.shape[1:3], sizes, strict=True)
    )
    # Without barriers XLA writes what made the images into each of the slices, and compiles for minutes.
    images = lax.optimization_barrier(images)
    # Rows first, then columns: so many slices fewer, each of which XLA compiles by itself, as it does its gradient.
    starts = [[dilation * place for place in range(size)] for size in sizes]
    rows = [lax.slice_in_dim(images, row, row + height, stride, axis=1) for row in starts[0]]
    bands = lax.optimization_barrier(jnp.concatenate(rows, axis=3))  # (B, height, all columns, rows · in)
    columns = [lax.slice_in_dim(bands, column, column + width, stride, axis=2) for column in starts[1]]
    seen = lax.optimization_barrier(jnp.concatenate(columns, axis=3))  # (B, height, width, columns · rows · in)
    return (seen @ weight.transpose(3, 2, 1, 0).reshape(-1, num_out)).transpose(0, 3, 1, 2)
