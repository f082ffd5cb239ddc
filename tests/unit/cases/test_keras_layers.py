"""Layers of Keras that do otherwise than others unless told, of images and of a batch: loaded, watched, judged."""

from __future__ import annotations

import numpy as np
import pytest

import gan_rosetta as gr
from tests.unit.cases.gans import descending, images, normalised

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras runs on another framework here", allow_module_level=True)
pytestmark = pytest.mark.usefixtures("keras_in_double")


class PlainDescent(keras.optimizers.SGD):
    """Gradient descent at a rate in float64."""

    def update_step(self, gradient, variable, learning_rate):
        del learning_rate
        variable.assign_sub(0.05 * gradient)


def train(spec, networks, losses_of, *, training=True):
    """losses_of: of D and of G, from D of real and of fake samples; training: what G is called with."""
    generator, discriminator = networks
    optimizer_g, optimizer_d = PlainDescent(), PlainDescent()
    case = gr.case(spec, steps=2, framework="tensorflow")
    case.load(generator=generator, discriminator=discriminator)
    case.watch(
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=optimizer_g,
        discriminator_optimizer=optimizer_d,
    )
    for step in case:
        # What a case feeds has channels first.
        real = tf.transpose(step.real, (0, 2, 3, 1)) if len(step.real.shape) == 4 else step.real
        fake = generator(step.latent_d, training=training)
        with tf.GradientTape() as tape:
            loss_d, _ = losses_of(discriminator(real), discriminator(fake))
        variables = discriminator.trainable_variables
        optimizer_d.apply_gradients(zip(tape.gradient(loss_d, variables), variables, strict=True))
        with tf.GradientTape() as tape:
            of_fake = discriminator(generator(step.latent_d, training=training))
            _, loss_g = losses_of(of_fake, of_fake)
        variables = generator.trainable_variables
        optimizer_g.apply_gradients(zip(tape.gradient(loss_g, variables), variables, strict=True))
        step.record(discriminator=loss_d, generator=loss_g)
    return case.judge()


def train_normalised(*, mistake=None):
    layers, entropy = keras.layers, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    options = {} if mistake == "batch-norm defaults" else {"epsilon": 1e-5, "momentum": 0.9}
    generator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2), layers.BatchNormalization(**options), layers.Dense(2)]
    )
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(5, "tanh"), layers.Dense(3, "tanh"), layers.Dense(2)]
    )

    def losses_of(of_real, of_fake):
        ones, zeros = tf.ones(len(of_fake), tf.int64), tf.zeros(len(of_fake), tf.int64)
        return entropy(ones, of_real) + entropy(zeros, of_fake), entropy(ones, of_fake)

    spec = descending(normalised(), 0.05)
    return train(spec, (generator, discriminator), losses_of, training=mistake != "training")


def train_images(*, mistake=None):
    layers = keras.layers
    generator = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(12),
            layers.Reshape((2, 2, 3)),
            layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh"),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh"),
        ]
    )
    discriminator = keras.Sequential([keras.Input((8, 8, 1))])
    for channels in (4, 3):
        if mistake == "same":
            discriminator.add(layers.Conv2D(channels, 3, 2, "same", activation="tanh"))
        else:
            discriminator.add(layers.ZeroPadding2D(1))
            discriminator.add(layers.Conv2D(channels, 3, 2, activation="tanh"))
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))

    def losses_of(of_real, of_fake):
        return -tf.reduce_mean(of_real) + tf.reduce_mean(of_fake), -tf.reduce_mean(of_fake)

    return train(images(), (generator, discriminator), losses_of)


def test_a_batch_norm_of_keras_told_all_that_it_does_otherwise_agrees():
    judgement = train_normalised()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert "buffer" in judgement.seen


@pytest.mark.parametrize(
    ("mistake", "place", "cause"),
    [
        (
            "batch-norm defaults",
            ("discriminator", "output", "generator.norm"),
            ("batch-norm-epsilon", "batch-norm-momentum"),
        ),
        ("training", ("discriminator", "output", "generator.norm"), ("batch-norm-prediction",)),
    ],
)
def test_mistakes_with_a_batch_norm_are_found_and_named(mistake, place, cause, account):
    judgement = train_normalised(mistake=mistake)
    account(mistake, judgement)
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == place, judgement.sentence
    assert judgement.cause.names == cause, str(judgement.cause)
    assert len(judgement.cause.causes) == 1, str(judgement.cause)


def test_convolutions_that_pad_both_sides_alike_agree():
    judgement = train_images()
    assert (judgement.verdict, judgement.notes) == ("AGREE", ()), judgement.sentence
    assert {"output", "loss", "gradient", "parameter"} <= set(judgement.seen)


def test_same_at_stride_2_is_found_in_the_first_layer_and_named(account):
    judgement = train_images(mistake="same")
    account("same", judgement)
    first = judgement.first
    # A layer with its activation inside shows what that gives.
    assert (first.phase, first.quantity, first.name) == ("discriminator", "output", "discriminator.down1_tanh")
    assert judgement.cause.names == ("conv-padding-same",), str(judgement.cause)


def test_images_and_kernels_go_into_the_layout_of_keras():
    up = [(768, 3, 1), (384, 3, 1), (192, 3, 2), (96, 2, 2), (48, 3, 1), (24, 3, 1), (12, 3, 1), (6, 3, 1), (3, 3, 1)]
    network = keras.Sequential([keras.Input((1, 1, 100))])
    for index, (channels, kernel, stride) in enumerate(up, start=1):
        network.add(keras.layers.Conv2DTranspose(channels, kernel, stride, use_bias=False))
        network.add(keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9))
        network.add(keras.layers.Activation("relu" if index < len(up) else "sigmoid"))
    case = gr.case("mnist-conv", steps=1, batch_size=4, framework="tensorflow")
    before = [weight.numpy() for weight in network.non_trainable_weights]
    names = case.load(generator=network)
    assert len(names) == 9 * 5
    assert case.initial_state["generator.up3.weight"].shape == (384, 192, 3, 3)
    assert network.layers[6].kernel.shape == (3, 3, 192, 384)
    # Without a word from the proof, which moves no buffer.
    assert case._notes == []
    for own, other in zip(network.non_trainable_weights, before, strict=True):
        np.testing.assert_array_equal(own.numpy(), other)
