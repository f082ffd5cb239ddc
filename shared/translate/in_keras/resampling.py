"""What makes images larger or smaller, in Keras, whose images have their channels last."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_keras.making import keras_layer, layers
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number, numbers


def upsample(placed: PlacedLayer, name: str, /) -> Part:
    """Write an upsampling."""
    del name
    layer: Any = placed.layer
    if layer.mode == "nearest":
        return layers(keras_layer("UpSampling2D", [number(layer.factor)]))
    return layers(_function("interpolate", f'"factor": {number(layer.factor)}'), needs=("interpolate",))


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    kind = "AveragePooling2D" if layer.mode == "average" else "MaxPooling2D"
    return layers(keras_layer(kind, [number(layer.kernel_size), f"strides={number(layer.stride)}"]))


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel; Keras's own largest shares its gradient among equals."""
    del name
    layer: Any = placed.layer
    if layer.mode == "average":
        return layers(keras_layer("GlobalAveragePooling2D", []))
    if layer.mode == "sum":
        return layers(_function("ops.sum", '"axis": (1, 2)'))
    window = keras_layer("MaxPooling2D", [numbers(placed.input_shape[1:])])
    return layers(window, keras_layer("Flatten", []))


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    if layer.order == "pixel":
        return layers(_function("tf.nn.depth_to_space", f'"block_size": {number(layer.factor)}'))
    return layers(_function("pixel_shuffle", f'"factor": {number(layer.factor)}'), needs=("pixel_shuffle",))


def _function(name: str, settings: str) -> str:
    return keras_layer("Lambda", [name, f"arguments={{{settings}}}"])


LAYERS: dict[type, Writer] = {
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
}
