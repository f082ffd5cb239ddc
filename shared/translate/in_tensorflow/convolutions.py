"""Convolutions in TensorFlow: Keras's own without padding, and layers for what has no gradient on a CPU."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_tensorflow.making import named, no_bias
from gan_rosetta.shared.translate.parts import Part, inner, pair
from gan_rosetta.shared.translate.writing import number, numbers


def conv2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a cross-correlation; Keras has no padding that is equal on both sides."""
    layer: Any = placed.layer
    needs = ["spread", "split_conv"] if _is_split(layer) else []
    x = "{x}"
    (top, bottom), (left, right) = layer.margins
    if len({top, bottom, left, right}) > 1:
        x = f"tf.pad({{x}}, [[0, 0], [{top}, {bottom}], [{left}, {right}], [0, 0]])"
    elif top:
        x = f"pad({{x}}, {number(top)})"
        needs.append("pad")
    kind = "SplitConv2D(" if _is_split(layer) else "keras.layers.Conv2D("
    more = [f"gaps={number(layer.dilation)}"] if layer.dilation != 1 else []
    more += [f"groups={number(layer.groups)}"] if layer.groups != 1 else []
    return Part(made=(kind, _window(placed, more)), applied=f"self.{name}({x})", needs=tuple(needs))


def conv_transpose2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a transposed convolution: Keras's own without padding, of which the inner is taken."""
    layer: Any = placed.layer
    applied = f"self.{name}({{x}})"
    if any(map(any, layer.margins)) or min(layer.kernel) < layer.stride:
        applied = f"{applied}[:, {', '.join(inner(placed))}]"
    if not _is_split(layer) and not layer.output_padding:
        return Part(made=("keras.layers.Conv2DTranspose(", _window(placed, [])), applied=applied)
    if layer.spectral_norm is not None:
        _refuse(layer)
    whole = [size + sum(margins) for size, margins in zip(placed.output_shape[1:], layer.margins, strict=True)]
    more = [f"size={numbers(whole)}"]
    more += [f"dilation={number(layer.dilation)}"] if layer.dilation != 1 else []
    more += [f"groups={number(layer.groups)}"] if layer.groups != 1 else []
    return Part(
        made=("SplitConv2DTranspose(", _window(placed, more)), applied=applied, needs=("spread", "split_transpose")
    )


def _is_split(layer: Any) -> bool:
    split = layer.dilation != 1 or layer.groups != 1
    if split and layer.spectral_norm is not None:
        _refuse(layer)
    return bool(split)


def _refuse(layer: Any) -> None:
    raise UnsupportedLayer(
        f"TensorFlow: {layer.name!r} has a spectral norm beside a dilation, groups or output padding; leave out either"
    )


def _window(placed: PlacedLayer, more: list[str]) -> list[str]:
    layer: Any = placed.layer
    settings = [number(layer.out_channels), pair(layer.kernel)]
    settings += [f"strides={number(layer.stride)}"] if layer.stride != 1 else []
    settings += more
    return [*settings, *no_bias(layer), named(placed)]


SPREAD = '''\
def spread(kernel: tf.Tensor, gaps: int) -> tf.Tensor:
    """Return a kernel with zeros between its entries; a dilation has no gradient on a CPU."""
    height, width, *channels = kernel.shape
    apart = tf.reshape(kernel, (height, 1, width, 1, *channels))
    apart = tf.pad(apart, [[0, 0], [0, gaps - 1], [0, 0], [0, gaps - 1], [0, 0], [0, 0]])
    apart = tf.reshape(apart, (height * gaps, width * gaps, *channels))
    return apart[: gaps * (height - 1) + 1, : gaps * (width - 1) + 1]'''

SPLIT_CONV = '''\
class SplitConv2D(keras.layers.Conv2D):
    """A convolution group by group, with gaps at any stride; Keras's own has no such gradient."""

    def __init__(self, *sizes: Any, gaps: int = 1, **settings: Any) -> None:
        super().__init__(*sizes, **settings)
        self.gaps = gaps

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return what keras.layers.Conv2D does without padding."""
        kernel = spread(self.kernel, self.gaps)
        kernels, images = (tf.split(each, self.groups, axis=-1) for each in (kernel, x))
        pairs = zip(images, kernels, strict=True)
        y = tf.concat([tf.nn.conv2d(*each, self.strides, "VALID") for each in pairs], axis=-1)
        return y + self.bias if self.use_bias else y'''

SPLIT_TRANSPOSE = '''\
class SplitConv2DTranspose(keras.layers.Layer):
    """A transposed convolution group by group, of a given size; Keras has none in groups."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        *,
        size: tuple[int, int],
        strides: int = 1,
        dilation: int = 1,
        groups: int = 1,
        use_bias: bool = True,
        name: str,
    ) -> None:
        super().__init__(name=name)
        both = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        self.shape, self.use_bias = (*both, filters // groups), use_bias
        self.size, self.strides, self.dilation, self.groups = size, strides, dilation, groups

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Make the kernel, (height, width, filters / groups, inputs), and the bias."""
        self.kernel = self.add_weight(name="kernel", shape=(*self.shape, input_shape[-1]))
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.shape[-1] * self.groups,))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the whole output, without padding."""
        kernel = spread(self.kernel, self.dilation)
        shape = (tf.shape(x)[0], *self.size, self.shape[-1])
        kernels, images = (tf.split(each, self.groups, axis=-1) for each in (kernel, x))
        pairs = zip(images, kernels, strict=True)
        made = [tf.nn.conv2d_transpose(*each, shape, self.strides, "VALID") for each in pairs]
        return tf.concat(made, axis=-1) + (self.bias if self.use_bias else 0)'''

FUNCTIONS = {"spread": SPREAD, "split_conv": SPLIT_CONV, "split_transpose": SPLIT_TRANSPOSE}
