"""Layers by hand in JAX, of images and of a batch: right ones agree, mistakes are found at their place."""

from __future__ import annotations

from functools import partial

import pytest

import gan_rosetta as gr

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from tests.unit.cases.gans import descending, images, normalised  # noqa: E402

RATE = 0.05
SHAPES = {
    "images": {
        "generator": {"linear": (12, 5), "up1": (3, 3, 4, 4), "up2": (3, 1, 4, 4)},
        "discriminator": {"down1": (4, 1, 3, 3), "down2": (3, 4, 3, 3), "output": (1, 12)},
    },
    "normalised": {
        "generator": {"hidden": (2, 2), "norm": (2,), "output": (2, 2)},
        "discriminator": {"hidden1": (5, 2), "hidden2": (3, 5), "output": (2, 3)},
    },
}


@pytest.fixture(autouse=True)
def _double():
    jax.config.update("jax_enable_x64", True)


def make_parameters(gan):
    def layer(name, shape):
        # A transposed convolution has its output channels second.
        return {"weight": jnp.zeros(shape), "bias": jnp.zeros(shape[1 if name.startswith("up") else 0])}

    return {
        network: {name: layer(name, shape) for name, shape in layers.items()} for network, layers in SHAPES[gan].items()
    }


def linear(layer, inputs):
    return inputs @ layer["weight"].T + layer["bias"]


def up(layer, inputs, *, order="OIHW", turned=True):
    """A transposed convolution; of transpose_kernel=True the kernel is that of the convolution that it undoes."""
    kernel = layer["weight"]
    axes = ("NCHW", order, "NCHW")
    given = jax.lax.conv_transpose(inputs, kernel, (2, 2), "SAME", dimension_numbers=axes, transpose_kernel=turned)
    return given + layer["bias"][:, None, None]


def down(layer, inputs, *, padding=((1, 1), (1, 1))):
    axes = ("NCHW", "OIHW", "NCHW")
    given = jax.lax.conv_general_dilated(inputs, layer["weight"], (2, 2), padding, dimension_numbers=axes)
    return given + layer["bias"][:, None, None]


def make_image(parameters, latent, *, see, mistake):
    hidden = linear(parameters["linear"], latent)
    see("linear", hidden)
    # Of as many channels in as out, either order fits.
    options = {"channels": {"order": "IOHW"}, "turned": {"order": "IOHW", "turned": False}}.get(mistake, {})
    hidden = up(parameters["up1"], hidden.reshape(-1, 3, 2, 2), **options)
    see("up1", hidden)
    hidden = jnp.tanh(hidden)
    see("up1_tanh", hidden)
    hidden = up(parameters["up2"], hidden, **(options if mistake == "turned" else {}))
    see("up2", hidden)
    return jnp.tanh(hidden)


def score_image(parameters, inputs, *, see, mistake):
    for name in ("down1", "down2"):
        inputs = down(parameters[name], inputs, **({"padding": "SAME"} if mistake == "same" else {}))
        see(name, inputs)
        inputs = jnp.tanh(inputs)
        see(f"{name}_tanh", inputs)
    scores = linear(parameters["output"], inputs.reshape(len(inputs), -1))
    see("output", scores)
    return scores


def make_point(parameters, latent, *, see, mistake):
    hidden = linear(parameters["hidden"], latent)
    see("hidden", hidden)
    axis = 1 if mistake == "norm axis" else 0
    centred = hidden - hidden.mean(axis=axis, keepdims=True)
    hidden = centred / jnp.sqrt(jnp.square(centred).mean(axis=axis, keepdims=True) + 1e-5)
    hidden = hidden * parameters["norm"]["weight"] + parameters["norm"]["bias"]
    see("norm", hidden)
    return linear(parameters["output"], hidden)


def score_point(parameters, inputs, *, see, mistake):
    del mistake
    for name in ("hidden1", "hidden2"):
        inputs = jnp.tanh(linear(parameters[name], inputs))
        see(f"{name}_tanh", inputs)
    logits = linear(parameters["output"], inputs)
    see("output", logits)
    return logits


def critic_losses(of_real, of_fake):
    return -of_real.mean() + of_fake.mean(), -of_fake.mean()


def entropy_losses(of_real, of_fake):
    real, fake = jax.nn.log_softmax(of_real), jax.nn.log_softmax(of_fake)
    return -real[:, 1].mean() - fake[:, 0].mean(), -fake[:, 1].mean()


PROGRAMS = {
    "images": (images, make_image, score_image, critic_losses),
    "normalised": (lambda: descending(normalised(), RATE), make_point, score_point, entropy_losses),
}


def program(gan, *, mistake=None, steps=2):
    make_spec, generate, discriminate, losses_of = PROGRAMS[gan]
    networks = make_parameters(gan)
    case = gr.case(make_spec(), steps=steps, framework="jax")
    case.load(**networks, mapping={"layout": "canonical"})
    case.watch(**networks, mapping={"layout": "canonical"})
    generator, discriminator = networks["generator"], networks["discriminator"]
    for step in case:

        def see(network, name, value, step=step):
            step.see(f"{network}.{name}", value)

        see_g, see_d = partial(see, "generator"), partial(see, "discriminator")

        def loss_d(parameters, fake, real, see_d=see_d):
            of_real = discriminate(parameters, real, see=see_d, mistake=mistake)
            return losses_of(of_real, discriminate(parameters, fake, see=see_d, mistake=mistake))[0]

        def loss_g(parameters, critic, latent, see_g=see_g, see_d=see_d):
            fake = generate(parameters, latent, see=see_g, mistake=mistake)
            of_fake = discriminate(critic, fake, see=see_d, mistake=mistake)
            return losses_of(of_fake, of_fake)[1]

        fake = generate(generator, step.latent_d, see=see_g, mistake=mistake)
        value_d, gradients_d = jax.value_and_grad(loss_d)(discriminator, fake, step.real)
        discriminator = jax.tree.map(lambda own, gradient: own - RATE * gradient, discriminator, gradients_d)
        value_g, gradients_g = jax.value_and_grad(loss_g)(generator, discriminator, step.latent_d)
        generator = jax.tree.map(lambda own, gradient: own - RATE * gradient, generator, gradients_g)
        step.see_update("discriminator", parameters=discriminator, gradients=gradients_d)
        step.see_update("generator", parameters=generator, gradients=gradients_g)
        step.record(discriminator=value_d, generator=value_g)
    return case.judge()


@pytest.mark.parametrize("gan", PROGRAMS)
def test_a_right_program_agrees(gan):
    judgement = program(gan)
    assert (judgement.verdict, judgement.notes) == ("AGREE", ()), judgement.sentence
    assert {"output", "loss", "gradient", "parameter"} == set(judgement.seen)


@pytest.mark.parametrize(
    ("gan", "mistake", "place", "cause"),
    [
        ("images", "same", ("discriminator", "output", "discriminator.down1"), ("conv-padding-same",)),
        ("images", "turned", ("discriminator", "output", "generator.up1"), ("conv-transpose-kernel-flipped",)),
        ("images", "channels", ("discriminator", "output", "generator.up1"), ("conv-transpose-channels-swapped",)),
        ("normalised", "norm axis", ("discriminator", "output", "generator.norm"), ()),
    ],
)
def test_a_mistake_is_found_at_its_place_and_given_its_cause_or_none(gan, mistake, place, cause, account):
    judgement = program(gan, mistake=mistake)
    account(mistake, judgement)
    assert judgement.verdict == "DISAGREE"
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == place, judgement.sentence
    assert judgement.cause.names == cause, str(judgement.cause)
