"""Programs in Keras as people write them: loaded, watched, right ones agree, mistakes are found at their place."""

from __future__ import annotations

import numpy as np
import pytest

import gan_rosetta as gr

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras runs on another framework here", allow_module_level=True)


pytestmark = pytest.mark.usefixtures("keras_in_double")


def make_networks(mistake):
    """Of `sine`, with the activations inside of the layers, as people write them in Keras."""
    layers = keras.layers
    inner = "leaky_relu" if mistake == "activation" else "relu"
    generator = keras.Sequential(
        [keras.Input((5,)), layers.Dense(64, inner), layers.Dense(128), layers.ReLU(), layers.Dense(16)]
    )
    end = layers.Dense(1) if mistake == "no sigmoid" else layers.Dense(1, "sigmoid")
    discriminator = keras.Sequential([keras.Input((16,)), layers.Dense(64, "relu"), layers.Dense(256, "relu"), end])
    return generator, discriminator


class Descent(keras.optimizers.SGD):
    """Adam as the spec has it, whose epsilon Keras's own puts elsewhere."""

    def build(self, variables):
        super().build(variables)
        self._momentums = [tf.Variable(tf.zeros_like(v.value)) for v in variables]
        self._velocities = [tf.Variable(tf.zeros_like(v.value)) for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        del learning_rate
        place, count = self._get_variable_index(variable), int(self.iterations) + 1
        mean, square = self._momentums[place], self._velocities[place]
        mean.assign(0.9 * mean + (1 - 0.9) * gradient)
        square.assign(0.999 * square + (1 - 0.999) * tf.square(gradient))
        root = tf.sqrt(square) / np.sqrt(1 - 0.999**count) + 1e-8
        variable.assign_sub(1e-4 / (1 - 0.9**count) * mean / root)


def train(*, mistake=None, watch=True, traced=False, steps=2):
    generator, discriminator = networks = make_networks(mistake)
    kind = keras.optimizers.Adam if mistake == "keras's adam" else Descent
    optimizer_g, optimizer_d = kind(1e-4), kind(1e-4)
    for optimizer, network in zip((optimizer_g, optimizer_d), networks, strict=True):
        optimizer.build(network.trainable_variables)
    case = gr.case("sine", steps=steps, framework="tensorflow")
    case.load(generator=generator, discriminator=discriminator)
    if watch:
        case.watch(
            generator=generator,
            discriminator=discriminator,
            generator_optimizer=optimizer_g,
            discriminator_optimizer=optimizer_d,
        )

    def halves(real, latent):
        with tf.GradientTape() as tape:
            fake = generator(latent)
            loss_g = tf.reduce_mean(tf.math.log(1 - discriminator(fake)))
        variables = generator.trainable_variables
        optimizer_g.apply_gradients(zip(tape.gradient(loss_g, variables), variables, strict=True))
        if mistake == "anew":
            fake = generator(latent)
        with tf.GradientTape() as tape:
            of_real, of_fake = discriminator(real), discriminator(fake)
            if mistake == "labels":
                of_real, of_fake = of_fake, of_real
            loss_d = -tf.reduce_mean(tf.math.log(of_real)) - tf.reduce_mean(tf.math.log(1 - of_fake))
            if mistake == "from logits":
                entropy = tf.nn.sigmoid_cross_entropy_with_logits
                loss_d = tf.reduce_mean(entropy(tf.ones_like(of_real), of_real))
                loss_d += tf.reduce_mean(entropy(tf.zeros_like(of_fake), of_fake))
        variables = discriminator.trainable_variables
        optimizer_d.apply_gradients(zip(tape.gradient(loss_d, variables), variables, strict=True))
        return loss_d, loss_g

    step_of = (
        tf.function(lambda real, latent: discriminator(generator(latent)) + discriminator(real)) if traced else None
    )
    for step in case:
        if step_of is not None:
            step_of(step.real, step.latent_d)
        loss_d, loss_g = halves(step.real, step.latent_d)
        step.record(discriminator=loss_d, generator=loss_g)
    return case, networks


def test_a_right_program_agrees_and_watching_changes_no_bit():
    case, watched = train(traced=True)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == ()
    assert {"output", "loss", "gradient", "parameter", "slot", "counter"} <= set(judgement.seen)
    _, unwatched = train(watch=False)
    for first, second in zip(watched, unwatched, strict=True):
        for own, other in zip(first.weights, second.weights, strict=True):
            np.testing.assert_array_equal(own.numpy(), other.numpy())


@pytest.mark.parametrize(
    ("mistake", "place", "cause"),
    [
        ("activation", ("generator", "output", "generator.hidden1_relu"), ()),
        ("no sigmoid", ("generator", "loss", "loss"), ()),
        # Besides another ε in another place, it has its rate and its betas in float32.
        ("keras's adam", ("generator", "parameter", "generator.hidden1.weight"), ("tensorflow:adam",)),
        ("anew", ("discriminator", "output", "discriminator.hidden1_relu"), ("fake-regenerated",)),
        ("labels", ("discriminator", "loss", "loss"), ("discriminator-labels-swapped",)),
        ("from logits", ("discriminator", "loss", "loss"), ()),
    ],
)
def test_a_mistake_is_found_at_its_place_and_given_its_cause_or_none(mistake, place, cause, account):
    case, _ = train(mistake=mistake, steps=1)
    judgement = case.judge()
    account(mistake, judgement)
    assert judgement.verdict == "DISAGREE"
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == place, judgement.sentence
    assert judgement.cause.names == cause, str(judgement.cause)


class PaperAdam(keras.optimizers.Adam):
    """Adam as the spec has it, in what a tf.function can trace."""

    def __init__(self, rate, beta2):
        super().__init__(rate)
        self._rate, self._beta2 = rate, beta2

    def update_step(self, gradient, variable, learning_rate):
        del learning_rate
        count, place = tf.cast(self.iterations + 1, variable.dtype), self._get_variable_index(variable)
        mean, square = self._momentums[place], self._velocities[place]
        mean.assign(0.9 * mean + (1 - 0.9) * gradient)
        square.assign(self._beta2 * square + (1 - self._beta2) * gradient**2)
        corrected = tf.sqrt(square / (1 - self._beta2**count))
        variable.assign_sub(self._rate * (mean / (1 - 0.9**count)) / (corrected + 1e-8))


@pytest.mark.parametrize("beta2", [0.999, 0.99])
def test_of_a_compiled_step_the_moments_that_it_left_are_seen(beta2):
    layers = keras.layers
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(5, "tanh"), layers.Dense(3, "tanh"), layers.Dense(2)]
    )
    optimizer_g, optimizer_d = PaperAdam(0.01, 0.999), PaperAdam(0.05, beta2)
    optimizer_g.build(generator.trainable_variables)
    optimizer_d.build(discriminator.trainable_variables)
    case = gr.case("linear-2d", steps=2, framework="tensorflow")
    case.load(generator=generator, discriminator=discriminator)
    case.watch(
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=optimizer_g,
        discriminator_optimizer=optimizer_d,
    )
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def train_step(real, latent):
        ones, zeros = tf.ones(real.shape[0], tf.int64), tf.zeros(real.shape[0], tf.int64)
        fake = generator(latent)
        with tf.GradientTape() as tape:
            loss_d = entropy(ones, discriminator(real)) + entropy(zeros, discriminator(fake))
        variables = discriminator.trainable_variables
        optimizer_d.apply_gradients(zip(tape.gradient(loss_d, variables), variables, strict=True))
        with tf.GradientTape() as tape:
            loss_g = entropy(ones, discriminator(generator(latent)))
        variables = generator.trainable_variables
        optimizer_g.apply_gradients(zip(tape.gradient(loss_g, variables), variables, strict=True))
        return loss_d, loss_g

    for step in case:
        loss_d, loss_g = train_step(step.real, step.latent_d)
        step.record(discriminator=loss_d, generator=loss_g)
    judgement = case.judge()
    assert {"loss", "parameter", "slot", "counter"} == set(judgement.seen)
    if beta2 == 0.999:
        judgement.assert_agrees()
    else:
        # The first update is the same with any of them.
        first = judgement.first
        assert (first.visit, first.quantity) == ("step 0", "slot"), judgement.sentence
        assert judgement.cause.names == ("adam-beta2",), str(judgement.cause)


def test_a_model_that_is_not_built_is_refused():
    network = keras.Sequential([keras.layers.Dense(16)])
    with pytest.raises(gr.GanRosettaError, match="has no variables yet; build it"):
        gr.case("sine", steps=1).load(generator=network)
