"""What convolutions and their transposes are made of where MXNet's own operators do not do."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec


def apart(ops: Any, images: Any, /, *, stride: int, sizes: spec.Shape) -> Any:
    """Return images of these sizes with zeros behind every row and column, (B, C, stride · H, stride · W)."""
    if stride == 1:
        return images
    channels, height, width = sizes
    rows = ops.reshape(images, shape=(-1, height, 1, width, 1))
    rows = ops.pad(rows, mode="constant", pad_width=(0, 0, 0, 0, 0, stride - 1, 0, 0, 0, stride - 1))
    return ops.reshape(rows, shape=(-1, channels, stride * height, stride * width))


def transposed_convolution(
    ops: Any,
    images: Any,
    weight: Any,
    layer: spec.Conv2d | spec.ConvTranspose2d,
    /,
    *,
    sizes: spec.Shape,
    output_shape: spec.Shape,
) -> Any:
    """Return what a kernel (in, out / groups, ...) stamps, of images whose per-sample shape is sizes.

    MXNet's Deconvolution is wrong with a dilation and a stride, and in float32 has no gradient of a weight that is
    computed ("could not execute a primitive"): this is a Convolution by the kernel turned around, of images apart.
    """
    parts = (layer.groups, sizes[0] // layer.groups, output_shape[0] // layer.groups, *layer.kernel)
    turned = ops.swapaxes(ops.reshape(ops.reverse(weight, axis=(2, 3)), shape=parts), dim1=1, dim2=2)
    turned = ops.reshape(turned, shape=(output_shape[0], parts[1], *layer.kernel))
    changed = {
        "stride": (1, 1),
        "pad": tuple(reach - 1 for reach in layer.reach),
        "num_filter": output_shape[0],
    }
    spread = apart(ops, images, stride=layer.stride, sizes=sizes)
    found = ops.Convolution(spread, turned, no_bias=True, **(convolution_window(layer) | changed))
    for axis, ((before, _), size) in enumerate(zip(layer.margins, output_shape[1:], strict=True), start=2):
        found = ops.slice_axis(found, axis=axis, begin=before, end=before + size)
    return found


def convolution_window(layer: spec.Conv2d | spec.ConvTranspose2d, /) -> dict[str, Any]:
    """Return what MXNet's operators are told of a convolution beside its tensors."""
    return {
        "kernel": layer.kernel,
        "stride": (layer.stride,) * 2,
        "pad": layer.even_margins or (0, 0),
        "dilate": (layer.dilation,) * 2,
        "num_filter": layer.out_channels,
        "num_group": layer.groups,
    }
