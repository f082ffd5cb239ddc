"""Networks of Keras read into specs: what was read is proved by a pass, what cannot be is named by its path."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import (
    Adam,
    BatchNorm,
    Branches,
    Conv2d,
    Dropout,
    GradientDescent,
    LeakyReLU,
    Linear,
    RMSprop,
)
from gan_rosetta.shared.state import state_schema
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.reading import read
from tests.unit.translate.proving import run_here

keras = pytest.importorskip("keras")
programs = pytest.importorskip("tests.unit.translate.keras_programs")
layers = keras.layers


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_networks_of_programs_are_read_and_proved(name):
    like, make = programs.PROGRAMS[name]
    keras.utils.set_random_seed(5)
    generator, discriminator = make()
    found = read(generator=generator, discriminator=discriminator, like=like)
    assert found.num_samples == min(8, found.spec.batch_size)
    # Every number of the program is in the state, bit for bit, and the program has it still.
    schema = state_schema(found.spec).items()
    for network, model in (("generator", generator), ("discriminator", discriminator)):
        theirs = [np.sort(each.numpy(), axis=None) for each in model.weights if "seed" not in each.path]
        own = [found.state[key] for key, t in schema if t.network == network and t.role in ("parameter", "buffer")]
        assert {each.dtype for each in theirs} == {np.dtype("float32")}
        own_bytes = sorted(np.sort(each, axis=None).tobytes() for each in own)
        assert sorted(each.astype(np.float64).tobytes() for each in theirs) == own_bytes


@pytest.mark.parametrize("name", programs.NOT_READ)
def test_what_of_a_program_is_not_read_is_named_by_its_place(name):
    like, make, message = programs.NOT_READ[name]
    generator, discriminator = make()
    with pytest.raises(UnsupportedLayer, match=message):
        read(generator=generator, discriminator=discriminator, like=like)


def image_generator():
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(7 * 7 * 4, use_bias=False),
            layers.BatchNormalization(momentum=0.8),
            layers.LeakyReLU(),
            layers.Reshape((7, 7, 4)),
            layers.Conv2DTranspose(3, 5, strides=1, padding="same", use_bias=False),
            layers.UpSampling2D(2),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"),
        ]
    )


def image_discriminator():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(3, 5, strides=2, padding="same"),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(4, 3, padding="valid", activation="silu"),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def sine_row():
    spec = small_gan("sine")
    noise, size = spec.latent.sample_shape, spec.real.sample_shape
    generator = keras.Sequential([keras.Input(noise), layers.Dense(7, activation="relu"), layers.Dense(*size)])
    given = keras.Input(size)
    x = layers.LeakyReLU(negative_slope=0.2)(layers.Dense(4)(given))
    x = layers.Dropout(0.3)(layers.ELU()(x))
    return generator, keras.Model(given, layers.Dense(1, activation="sigmoid", use_bias=False)(x))


def test_rows_of_both_kinds_are_read_with_their_weights():
    generator, discriminator = sine_row()
    found = read(generator=generator, discriminator=discriminator, like=small_gan("sine"))
    kinds = [type(each).__name__ for each in found.spec.discriminator.layers]
    assert kinds == ["Linear", "LeakyReLU", "ELU", "Dropout", "Linear", "Sigmoid"]
    assert found.spec.discriminator.layers[1] == LeakyReLU(slope=0.2)
    (first,) = (each for each in found.spec.generator.layers[:1] if isinstance(each, Linear))
    kernel = generator.layers[0].kernel.numpy()
    np.testing.assert_array_equal(found.state[f"generator.{first.name}.weight"], kernel.T.astype(np.float64))
    assert any(isinstance(each, Dropout) for each in found.spec.discriminator.layers)


def test_images_are_read_with_channels_first():
    found = read(generator=image_generator(), discriminator=image_discriminator(), like="mnist-wgan-gp")
    norm = next(each for each in found.spec.generator.layers if isinstance(each, BatchNorm))
    assert (norm.running_variance, norm.momentum, norm.epsilon) == ("biased", 0.2, 1e-3)
    conv = next(each for each in found.spec.discriminator.layers if isinstance(each, Conv2d))
    assert (conv.padding, conv.sides) == (0, (1, 2, 1, 2)), "the one more of SAME is behind"
    assert found.spec.latent.sample_shape == (8,)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: layers.Dense(3, activation="softmax"), "generator.wrong has the activation softmax"),
        (lambda: layers.GaussianNoise(0.1), "generator.wrong is a GaussianNoise, which no layer"),
        (lambda: layers.ReLU(max_value=6), "generator.wrong has a max_value"),
        (lambda: layers.LayerNormalization(scale=False), "generator.wrong has one of a scale and a center"),
    ],
)
def test_what_a_spec_cannot_say_is_named_by_its_path(layer, message):
    made = layer()
    made.name = "wrong"
    _, discriminator = sine_row()
    with pytest.raises(UnsupportedLayer, match=message):
        read(generator=keras.Sequential([keras.Input((5,)), made]), discriminator=discriminator, like=small_gan("sine"))


def residual_images():
    """Blocks as they are written: a way and its input, ways put together, one times another; a sum by an operator."""
    given = keras.Input((28, 28, 1))
    x = layers.Conv2D(4, 4, strides=4)(given)
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(layers.GroupNormalization(2)(x))
    x = layers.Add()([layers.Conv2D(4, 3, padding="same")(y), x])
    x = layers.Concatenate()([x, layers.Conv2D(2, 1, activation="tanh")(x)])
    x = layers.GlobalAveragePooling2D()(layers.LeakyReLU(negative_slope=0.2)(x))
    x = layers.LayerNormalization()(layers.Dense(6)(x))
    x = layers.Multiply()([layers.Dense(6)(x), layers.Dense(6, activation="sigmoid")(x)]) + x
    return keras.Model(given, layers.Dense(1)(x))


class Residual(layers.Layer):
    """A layer of layers, with an operation of keras.ops."""

    def __init__(self, width, **options):
        super().__init__(**options)
        self.inner = layers.Conv2D(width, 3, padding="same", name="inner")

    def call(self, x, training=None):
        return x + keras.ops.leaky_relu(self.inner(x), 0.1)


class PaddedJudge(keras.Model):
    """Pads by side, and calls a layer of its own."""

    def __init__(self):
        super().__init__()
        self.pad, self.down = layers.ZeroPadding2D(((0, 1), (2, 1))), layers.Conv2D(3, 4, strides=4, padding="same")
        self.block, self.last = Residual(3, name="block"), layers.Dense(1)

    def call(self, x):
        x = self.block(keras.ops.relu(self.down(self.pad(x))))
        return self.last(layers.Flatten()(x))


class CroppedGenerator(keras.Model):
    def __init__(self):
        super().__init__()
        self.project = keras.Sequential([layers.Dense(8 * 8 * 2), layers.LeakyReLU(0.2), layers.Reshape((8, 8, 2))])
        self.up = layers.Conv2DTranspose(1, 4, strides=4, activation="tanh")
        self.crop = layers.Cropping2D(((1, 3), (2, 2)))

    def call(self, z):
        return self.crop(self.up(self.project(z)))


def test_calls_of_one_s_own_are_traced_with_their_padding_and_cropping():
    generator, discriminator = CroppedGenerator(), PaddedJudge()
    generator(np.zeros((1, 6), "float32"))
    discriminator(np.zeros((1, 28, 28, 1), "float32"))
    found = read(generator=generator, discriminator=discriminator, like="wgan")
    up = found.spec.generator.layers[3]
    assert (up.sides, found.spec.latent.sample_shape) == ((1, 3, 2, 2), (6,))
    down = next(each for each in found.spec.discriminator.layers if isinstance(each, Conv2d))
    assert down.sides == (1, 3, 2, 2), "SAME of 29 by 31 and what is padded before"
    assert [type(each).__name__ for each in found.spec.discriminator.layers][1:3] == ["ReLU", "Branches"]


class WithoutGraph(keras.Model):
    def __init__(self, function):
        super().__init__()
        self.last, self.function = layers.Dense(1), function

    def call(self, x):
        return self.function(self.last(x))


class OwnNumbers(layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],))

    def call(self, x):
        return x * self.scale


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WithoutGraph(lambda x: x if float(x[0, 0]) > 0 else -x), "discriminator has a call that cannot be"),
        (lambda: WithoutGraph(keras.ops.sin), "discriminator.sin.* is a Sin, which no layer"),
        (lambda: keras.Sequential([layers.Dense(1), OwnNumbers(name="own")]), "discriminator.own keeps scale itself"),
    ],
)
def test_calls_that_are_no_layers_are_named(make, message):
    generator, _ = sine_row()
    discriminator = make()
    discriminator(np.ones((1, *small_gan("sine").real.sample_shape), "float32"))
    with pytest.raises(UnsupportedLayer, match=message):
        read(generator=generator, discriminator=discriminator, like=small_gan("sine"))


def test_branches_are_read_and_proved():
    found = read(generator=image_generator(), discriminator=residual_images(), like="mnist-wgan-gp")
    placed = [each.name for each in found.spec.discriminator.placed if "." not in each.name]
    assert placed[1:4] == ["block1", "block2", "block2_leaky_relu"]
    assert [(each.name, each.join) for each in found.spec.discriminator.layers if isinstance(each, Branches)] == [
        ("block1", "add"),
        ("block2", "concatenate"),
        ("block4", "add"),
    ]


def test_a_join_and_a_call_of_its_own_that_a_spec_cannot_say_are_refused():
    given = keras.Input((5,))
    _, discriminator = sine_row()
    for made, message in (
        (layers.Subtract()([layers.Dense(5)(given), given]), "takes 2 tensors"),
        (layers.Dense(5)(given) * layers.Dense(1)(given), "takes 2 tensors"),
        (layers.Dot(1)([given, layers.Dense(5)(given)]), "takes 2 tensors"),
    ):
        parted = keras.Model(given, made)
        with pytest.raises(UnsupportedLayer, match=message):
            read(generator=parted, discriminator=discriminator, like=small_gan("sine"))

    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    own = Own()
    own.build((None, 5))
    with pytest.raises(UnsupportedLayer, match="needs at least one layer"):
        read(generator=own, discriminator=discriminator, like=small_gan("sine"))


@pytest.mark.parametrize(
    ("make", "slots"),
    [
        (lambda: keras.optimizers.Adam(0.1), {"m": "_momentums", "v": "_velocities"}),
        (
            lambda: keras.optimizers.RMSprop(0.1, momentum=0.5, centered=True),
            {"square": "_velocities", "mean": "_average_gradients", "momentum": "_momentums"},
        ),
        (
            lambda: keras.optimizers.Adadelta(0.1),
            {"square": "_accumulated_grads", "delta": "_accumulated_delta_vars"},
        ),
        (
            lambda: keras.optimizers.AdamW(0.1, amsgrad=True),
            {"m": "_momentums", "v": "_velocities", "largest": "_velocity_hats"},
        ),
        (lambda: keras.optimizers.Adagrad(0.1), {"sum": "_accumulators"}),
    ],
)
def test_what_an_optimizer_has_kept_is_read(make, slots):
    generator, discriminator = sine_row()
    optimizer = make()
    given = {"generator": generator, "discriminator": discriminator, "like": small_gan("sine")}
    for count in (0, 1, 2):
        found = read(**given, generator_optimizer=optimizer)
        assert (found.notes, int(found.state["optimizer.generator.step"])) == ((), count)
        random = np.random.default_rng(count)
        weights = generator.trainable_variables
        optimizer.apply([random.normal(size=each.shape) for each in weights], weights)
    found = read(**given, generator_optimizer=optimizer)
    for slot, own in slots.items():
        kept = [array for name, array in found.state.items() if name.endswith(f".{slot}") and ".generator." in name]
        for array, theirs in zip(kept, getattr(optimizer, own), strict=True):
            assert np.array_equal(array.T, theirs.numpy().astype(np.float64))
            assert array.any()


def test_optimizers_are_read_with_their_settings():
    generator, discriminator = sine_row()
    kinds = {
        keras.optimizers.Adam(2e-4, beta_1=0.5): Adam,
        keras.optimizers.SGD(0.1): GradientDescent,
        keras.optimizers.RMSprop(5e-5, momentum=0.5, centered=True): RMSprop,
    }
    for optimizer, kind in kinds.items():
        found = read(
            generator=generator,
            discriminator=discriminator,
            like=small_gan("sine"),
            generator_optimizer=optimizer,
        )
        own = found.spec.training.generator_optimizer
        assert isinstance(own, kind)
        assert own.learning_rate.value in (2e-4, 0.1, 5e-5)
    for wrong in (keras.optimizers.Adam(clipnorm=1.0), keras.optimizers.SGD(use_ema=True), keras.optimizers.Nadam()):
        with pytest.raises(UnsupportedLayer, match="generator_optimizer"):
            read(generator=generator, discriminator=discriminator, like=small_gan("sine"), generator_optimizer=wrong)


@pytest.fixture
def networks_of(tmp_path):
    """What makes the live networks of a program of a dialect that starts from what was read."""

    def made(reading, to):
        folder = tmp_path / to
        folder.mkdir()
        (folder / "program.py").write_text(write_program(reading.spec, DIALECTS[to]), encoding="utf-8")
        write_state(folder / "state.safetensors", reading.state, metadata={"gan": "read"})
        options = ["--steps", "0", "--state", "state.safetensors", "--dtype", "float64", "--out", "left"]
        names = run_here(folder, options)
        return {name: names[name] for name in reading.spec.networks()}

    kept = keras.config.floatx(), keras.config.dtype_policy()
    yield made
    keras.config.set_floatx(kept[0])
    keras.config.set_dtype_policy(kept[1])


def test_from_torch_to_keras_and_back_nothing_is_lost(networks_of):
    nn = pytest.importorskip("torch").nn
    generator = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2, bias=False))
    discriminator = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3), nn.SiLU(), nn.Linear(3, 2))
    first = read(generator=generator, discriminator=discriminator, like="linear-2d")
    second = read(**networks_of(first, "keras"), like=first.spec)
    third = read(**networks_of(second, "torch"), like=first.spec)
    assert third.spec.networks() == first.spec.networks()
    assert third.spec.training == first.spec.training
    for name, array in first.state.items():
        assert third.state[name].tobytes() == array.tobytes(), name
