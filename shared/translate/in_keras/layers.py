"""The layers in Keras: its own where they compute what the spec says, each with all of its settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate import layers as alike
from gan_rosetta.shared.translate.in_keras import activations, augmenting, contrast, resampling
from gan_rosetta.shared.translate.in_keras.convolutions import conv2d, conv_transpose2d
from gan_rosetta.shared.translate.in_keras.making import keras_layer, last, layers, named, own_class
from gan_rosetta.shared.translate.in_tensorflow import layers as in_tensorflow
from gan_rosetta.shared.translate.in_tensorflow.making import no_bias
from gan_rosetta.shared.translate.layers import Writer, augmented, error_forms, recalled, rows_of_classes
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number, numbers

_IMAGE_RANK = 3


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x W + b."""
    del name
    layer: Any = placed.layer
    return layers(keras_layer("Dense", [number(layer.out_features), *no_bias(layer), named(placed)]))


def dropout(placed: PlacedLayer, name: str, /) -> Part:
    """Write a dropout by a mask that is fed, an input of the network."""
    layer: Any = placed.layer
    made = f"Dropout({number(layer.probability)}, {named(placed)})"
    return Part(applied=f"{made}({{x}}, {name}_mask)", begins=True, needs=("dropout", "masks_of"))


def augment(placed: PlacedLayer, name: str, /) -> Part:
    """Write an augmentation by what is drawn for each image, an input of the network."""
    own = augmented(placed, f"{name}_mask")
    function, settings = own.needs[0], own.applied.split(f"{name}_mask")[1].rstrip(")")
    made = f"Augment({function}{settings}, {named(placed)})"
    return Part(applied=f"{made}({{x}}, {name}_mask)", begins=True, needs=("augment", function, "masks_of"))


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed, an input of the network."""
    layer: Any = placed.layer
    made = keras_layer("Embedding", [*map(number, layer.table), named(placed)])
    own = rows_of_classes(layer, made, "{r}")
    flat = "{r}" if layer.rows_per_class == 1 else "keras.layers.Flatten()({r})"
    if layer.joined == "alone":
        return Part(applied=flat.format(r=own.applied), begins=True, needs=own.needs)
    row = flat.format(r=f"{name}_row")
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    applied = f"keras.layers.Concatenate()([{parts}])"
    return Part(applied=applied, begins=True, remark=f"{name}_row = {own.applied}", needs=own.needs)


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample, of images as if their channels came first."""
    del name
    found = []
    if len(placed.input_shape) == _IMAGE_RANK:
        found += [keras_layer("Permute", ["(3, 1, 2)"])]
        found += [keras_layer("Flatten", [])] if len(placed.output_shape) != _IMAGE_RANK else []
    if len(placed.output_shape) == _IMAGE_RANK:
        found += [keras_layer("Reshape", [numbers(placed.output_shape)]), keras_layer("Permute", ["(2, 3, 1)"])]
    return layers(*found)


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis, of which a sample's first is last here."""
    del name
    layer: Any = placed.layer
    return layers(keras_layer("Softmax", [f"axis={number(layer.axis or -1)}"]))


def class_cross_entropy(placed: PlacedLayer, name: str, /) -> Part:
    """Write -log softmax of the classes that are fed, an input of the network."""
    return replace(alike.class_cross_entropy(placed, name), begins=True)


def class_contrast(placed: PlacedLayer, name: str, /) -> Part:
    """Write a contrast with the batch's other samples."""
    del name
    layer: Any = placed.layer
    kind = "contrast" if layer.margin is None else "data_to_data"
    settings = [number(layer.temperature), number(layer.epsilon)]
    settings += [] if layer.margin is None else [number(layer.margin)]
    return Part(
        applied=f"ByBatch({', '.join([kind, *settings])})({{x}}, classes)",
        begins=True,
        needs=("halves", kind, "by_batch"),
    )


def pull_away(placed: PlacedLayer, name: str, /) -> Part:
    """Write how alike samples are."""
    del placed, name
    return layers(keras_layer("Lambda", ["pull_away", "output_shape=(1,)"]), needs=("pull_away",))


def code_error(placed: PlacedLayer, name: str, /) -> Part:
    """Write how far what is found of a code is from it, a part of the codes that are fed."""
    return replace(alike.code_error(placed, name), begins=True)


def branches(placed: PlacedLayer, name: str, /) -> Part:
    """Write what joins the ends of branches."""
    del name
    layer: Any = placed.layer
    if layer.join in ("affine", "modulate"):
        return Part(applied=f"{layer.join}({{x}})", between=", ", needs=(layer.join,))
    if layer.join == "dot":
        return Part(applied="keras.layers.Dot(axes=1)([{x}])", between=", ")
    if layer.join in spec.ERRORS:
        settings = ", ".join(f"{name}=True" for name, asked in error_forms(layer.join).items() if asked)
        made = keras_layer("Lambda", [f"lambda ends: error(*ends{', ' if settings else ''}{settings})"])
        return Part(applied=f"{made}([{{x}}])", between=", ", needs=("error",))
    if layer.join in ("attend", "attend_scaled"):
        scaled = ", scaled=True" if layer.join == "attend_scaled" else ""
        made = keras_layer("Lambda", [f"lambda ends: attend(*ends{scaled})"])
        return Part(applied=f"{made}([{{x}}])", between=", ", needs=("attend",))
    kind = {"add": "Add", "concatenate": "Concatenate", "multiply": "Multiply"}[layer.join]
    return Part(applied=f"keras.layers.{kind}()([{{x}}])", between=", ")


LAYERS: dict[type, Writer] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    spec.BatchNorm: own_class,
    spec.GroupNorm: own_class,
    spec.MinibatchDiscrimination: own_class,
    **activations.LAYERS,
    spec.Reshape: reshape,
    spec.Recall: recalled("keras.layers.Concatenate()([{x}])"),
    spec.Dropout: dropout,
    spec.Augment: augment,
    spec.ClassEmbedding: class_embedding,
    **resampling.LAYERS,
    spec.Softmax: softmax,
    spec.ClassCrossEntropy: class_cross_entropy,
    spec.ClassContrast: class_contrast,
    spec.PullAway: pull_away,
    spec.CodeError: code_error,
    spec.Scale: own_class,
    spec.Branches: branches,
}


# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    **last(in_tensorflow.FUNCTIONS, of=("split_conv", "minibatch")),
    **activations.FUNCTIONS,
    "rows_of": '''\
def rows_of(classes: keras.KerasTensor, count: int) -> Any:
    """Return the numbers of each class's rows, (batch, count)."""
    return ops.expand_dims(count * classes, 1) + ops.arange(count, dtype="int64")''',
    **augmenting.FUNCTIONS,
    **contrast.FUNCTIONS,
    "class_cross_entropy": '''\
def class_cross_entropy(logits: keras.KerasTensor, classes: keras.KerasTensor) -> Any:
    """Return -log softmax of each sample's class, (batch, 1)."""
    return -ops.take_along_axis(ops.log_softmax(logits), ops.expand_dims(classes, 1), axis=1)''',
    "code_entropy": '''\
def code_entropy(logits: keras.KerasTensor, code: keras.KerasTensor) -> Any:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    return -ops.sum(code * ops.log_softmax(logits), axis=1, keepdims=True)''',
    "code_distance": '''\
def code_distance(found: keras.KerasTensor, code: keras.KerasTensor) -> Any:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return ops.mean(ops.square(found - code), axis=1, keepdims=True)''',
    "affine": '''\
def affine(x: keras.KerasTensor, gain: keras.KerasTensor, bias: keras.KerasTensor) -> Any:
    """Return gain · x + bias, of each sample a gain and a bias a channel, which is last."""
    shape = (-1, *(1,) * (len(x.shape) - 2), x.shape[-1])
    # Behind a +, Keras takes a number a sample for one a row, where there are as many rows.
    return ops.reshape(bias, shape) + ops.reshape(gain, shape) * x''',
    "modulate": '''\
def modulate(x: keras.KerasTensor, gain: keras.KerasTensor, bias: keras.KerasTensor) -> Any:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel, which is last."""
    shape = (-1, *(1,) * (len(x.shape) - 2), x.shape[-1])
    # Behind a +, Keras takes a number a sample for one a row, where there are as many rows.
    return ops.reshape(bias, shape) + (1 + ops.reshape(gain, shape)) * x''',
    "dropout": '''\
class Dropout(keras.layers.Layer):
    """Drops what a mask says, scaled as keras.layers.Dropout does; that draws by itself."""

    def __init__(self, rate: float, *, name: str) -> None:
        super().__init__(name=name)
        self.rate = rate

    def call(self, x: tf.Tensor, kept: tf.Tensor | None) -> tf.Tensor:
        """Return what is kept of x; all where there is no mask."""
        return x if kept is None else x * kept / (1 - self.rate)''',
    "masks_of": '''\
def masks_of(batch: Batch, place: str) -> list[tf.Tensor]:
    """Return the masks of one pass in the order of their names, as a network takes them."""
    return [mask for name, mask in sorted(batch.items()) if f".{place}." in name]''',
}
