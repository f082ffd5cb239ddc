"""Networks of five public programs in Keras, in our words: their architecture, with fewer features, as was read there.

Each is of the program that its key names: a repository, and the program in it. What Keras has renamed since is as it is
called now: a LeakyReLU's alpha, an input_shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

Pair = tuple[Any, Any]
layers = keras.layers
IMAGE = (28, 28, 1)


def _in_a_model(*row: Any, shape: tuple[int, ...]) -> Any:
    """Return a model of the functional API that calls a Sequential, as Keras-GAN makes all of its networks."""
    model = keras.Sequential([keras.Input(shape), *row])
    given = keras.Input(shape)
    return keras.Model(given, model(given))


def _gan() -> Pair:
    def block(units: int) -> list[Any]:
        return [layers.Dense(units), layers.LeakyReLU(0.2), layers.BatchNormalization(momentum=0.8)]

    size = int(np.prod(IMAGE))
    rows = [*block(4), *block(6), *block(8), layers.Dense(size, activation="tanh"), layers.Reshape(IMAGE)]
    judge = [
        layers.Flatten(), layers.Dense(6), layers.LeakyReLU(0.2), layers.Dense(4), layers.LeakyReLU(0.2),
        layers.Dense(1, activation="sigmoid"),
    ]  # fmt: skip
    return _in_a_model(*rows, shape=(100,)), _in_a_model(*judge, shape=IMAGE)


def _padded() -> Pair:
    """Of wgan: an upsampling generator, and a critic that pads what a convolution has made."""

    def up(width: int) -> list[Any]:
        conv = layers.Conv2D(width, kernel_size=4, padding="same")
        return [layers.UpSampling2D(), conv, layers.Activation("relu"), layers.BatchNormalization(momentum=0.8)]

    def down(width: int, strides: int, *between: Any) -> list[Any]:
        conv = layers.Conv2D(width, kernel_size=3, strides=strides, padding="same")
        return [conv, *between, layers.LeakyReLU(0.2), layers.Dropout(0.25)]

    def norm() -> Any:
        return layers.BatchNormalization(momentum=0.8)

    generator = _in_a_model(
        layers.Dense(8 * 7 * 7, activation="relu"), layers.Reshape((7, 7, 8)), norm(), *up(8), *up(4),
        layers.Conv2D(1, kernel_size=4, padding="same"), layers.Activation("tanh"), shape=(100,),
    )  # fmt: skip
    pad = layers.ZeroPadding2D(padding=((0, 1), (0, 1)), name="pad")
    critic = [*down(2, 2), *down(3, 2, pad), norm(), *down(4, 2), norm(), *down(5, 1), layers.Flatten()]
    features = keras.Sequential([keras.Input(IMAGE), *critic], name="features")
    given = keras.Input(IMAGE)
    return generator, keras.Model(given, layers.Dense(1, activation="linear")(features(given)))


def _tutorial() -> Pair:
    generator = keras.Sequential([keras.Input((100,))])
    generator.add(layers.Dense(7 * 7 * 8, use_bias=False))
    generator.add(layers.BatchNormalization())
    generator.add(layers.LeakyReLU())
    generator.add(layers.Reshape((7, 7, 8)))
    for width, strides in ((4, 1), (2, 2)):
        generator.add(layers.Conv2DTranspose(width, (5, 5), strides=strides, padding="same", use_bias=False))
        generator.add(layers.BatchNormalization())
        generator.add(layers.LeakyReLU())
    last = {"strides": (2, 2), "padding": "same", "use_bias": False, "activation": "tanh"}
    generator.add(layers.Conv2DTranspose(1, (5, 5), **last))
    discriminator = keras.Sequential([keras.Input(IMAGE)])
    for width in (2, 4):
        discriminator.add(layers.Conv2D(width, (5, 5), strides=(2, 2), padding="same"))
        discriminator.add(layers.LeakyReLU())
        discriminator.add(layers.Dropout(0.3))
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))
    return generator, discriminator


def _overriding() -> Pair:
    def pieces(conv: Any, *widths: int, kernel: int) -> list[Any]:
        made = ((conv(each, kernel, strides=2, padding="same"), layers.LeakyReLU(0.2)) for each in widths)
        return [layer for pair in made for layer in pair]

    downs = pieces(layers.Conv2D, 3, 4, kernel=3)
    judge = [keras.Input(IMAGE), *downs, layers.GlobalMaxPooling2D(), layers.Dense(1)]
    ups = pieces(layers.Conv2DTranspose, 4, 4, kernel=4)
    generator = [
        keras.Input((128,)), layers.Dense(7 * 7 * 4), layers.LeakyReLU(0.2), layers.Reshape((7, 7, 4)), *ups,
        layers.Conv2D(1, (7, 7), padding="same", activation="sigmoid"),
    ]  # fmt: skip
    return keras.Sequential(generator, name="generator"), keras.Sequential(judge, name="discriminator")


def _cropped() -> Pair:
    """Of wgan_gp, whose generator makes 32 by 32 and crops them, and whose critic pads what it is given."""
    noise = keras.Input((128,))
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(layers.Dense(4 * 4 * 4, use_bias=False)(noise)))
    x = layers.Reshape((4, 4, 4))(x)
    for width, activation in ((3, layers.LeakyReLU(0.2)), (2, layers.LeakyReLU(0.2)), (1, layers.Activation("tanh"))):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(layers.UpSampling2D((2, 2))(x))
        x = activation(layers.BatchNormalization()(x))
    generator = keras.Model(noise, layers.Cropping2D((2, 2), name="crop")(x))
    given = keras.Input(IMAGE)
    x = layers.ZeroPadding2D((2, 2))(given)
    for width, drops in ((2, False), (3, True), (4, True), (5, False)):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(width, 5, strides=2, padding="same")(x))
        x = layers.Dropout(0.3)(x) if drops else x
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return generator, keras.Model(given, layers.Dense(1)(x))


# Of each program: a GAN with its data, or others of the same shapes, and what makes both networks.
PROGRAMS: dict[str, tuple[str, Callable[[], Pair]]] = {
    "eriklindernoren/Keras-GAN, gan": ("wgan", _gan),
    "tensorflow/docs, dcgan": ("dcgan-keras", _tutorial),
    "keras-team/keras-io, dcgan_overriding_train_step": ("dcgan-keras", _overriding),
}
# Of each that is not read: what is said.
NOT_READ: dict[str, tuple[str, Callable[[], Pair], str]] = {
    "eriklindernoren/Keras-GAN, wgan": (
        "wgan",
        _padded,
        "discriminator.features.pad is a ZeroPadding2D that something else than a Conv2D follows",
    ),
    "keras-team/keras-io, wgan_gp": (
        "wgan-gp-conv",
        _cropped,
        "generator.crop is a Cropping2D that is behind no Conv2DTranspose",
    ),
}
