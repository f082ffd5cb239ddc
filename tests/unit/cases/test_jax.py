"""Programs in JAX as people write them: what they tell is judged, right ones agree, mistakes are at their place."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest

import gan_rosetta as gr

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
import jax.numpy as jnp  # noqa: E402

COSTLY = pytest.mark.skipif(
    os.environ.get("GAN_ROSETTA_LONG") != "1",
    reason="to find that nothing explains it takes 20 s of a core each; GAN_ROSETTA_LONG=1 runs it",
)
LAYERS = {"generator": ("output",), "discriminator": ("hidden1", "hidden2", "output")}
SIZES = {"generator": (2, 2), "discriminator": (2, 5, 3, 2)}


@pytest.fixture(autouse=True)
def _double():
    jax.config.update("jax_enable_x64", True)


def make_parameters(network):
    """Return parameters as JAX's own examples have them: a dictionary a layer, whose matrices come after the inputs."""
    sizes = SIZES[network]
    return {
        name: {"w": jnp.zeros((before, after)), "b": jnp.zeros(after)}
        for name, before, after in zip(LAYERS[network], sizes, sizes[1:], strict=False)
    }


def apply(parameters, inputs, *, see, turned=False):
    for name, layer in parameters.items():
        inputs = inputs @ (layer["w"].T if turned else layer["w"]) + layer["b"]
        see(name, inputs)
        if name != "output":
            inputs = jnp.tanh(inputs)
            see(f"{name}_tanh", inputs)
    return inputs


def cross_entropy(logits, label, *, axis=-1, reduce=jnp.mean):
    return -reduce(jax.nn.log_softmax(logits, axis=axis)[:, label])


def optimizer_of(rate, mistake):
    if mistake == "chain order":
        return optax.chain(optax.scale(-rate), optax.scale_by_adam())
    options = {"beta2": {"b2": 0.99}, "root": {"eps_root": 1e-5}, "decay": {"weight_decay": 1e-2}}.get(mistake, {})
    return (optax.adamw if mistake == "decay" else optax.adam)(rate, **options)


def program(*, mistake=None, watch=True, compiled=False, reverse=False, steps=2):
    """Train linear-2d. reverse: D sees the fake samples first."""
    generator, discriminator = make_parameters("generator"), make_parameters("discriminator")
    case = gr.case("linear-2d", steps=steps, framework="jax")
    case.load(generator=generator, discriminator=discriminator)
    if watch:
        case.watch(generator=generator, discriminator=discriminator)
    adam_g, adam_d = optimizer_of(0.01, None), optimizer_of(0.05, mistake)
    state_g, state_d = adam_g.init(generator), adam_d.init(discriminator)
    loss_of = partial(
        cross_entropy, axis=0 if mistake == "axis" else -1, reduce=jnp.sum if mistake == "sum" else jnp.mean
    )

    def loss_d(parameters, fake, real, see):
        if mistake == "float32":
            fake = fake.astype(jnp.float32).astype(jnp.float64)
        ones = int(mistake != "labels")
        own = partial(apply, parameters, see=see)
        if reverse:
            return loss_of(own(fake), 1 - ones) + loss_of(own(real), ones)
        return loss_of(own(real), ones) + loss_of(own(fake), 1 - ones)

    def loss_g(parameters, critic, latent, see_g, see_d):
        fake = apply(parameters, latent, see=see_g, turned=mistake == "kernel")
        return loss_of(apply(critic, fake, see=see_d), int(mistake != "labels"))

    def update(optimizer, gradients, state, parameters):
        updates, state = optimizer.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    if compiled:
        loss_d, loss_g = jax.jit(loss_d, static_argnums=3), jax.jit(loss_g, static_argnums=(3, 4))
    for step in case:

        def see(network, name, value, step=step):
            if watch and not compiled:
                step.see(f"{network}.{name}", value)

        see_g, see_d = partial(see, "generator"), partial(see, "discriminator")
        if compiled:
            see_g = see_d = nothing
        fake = apply(generator, step.latent_d, see=see_g, turned=mistake == "kernel")
        before = discriminator
        value_d, gradients_d = jax.value_and_grad(loss_d)(discriminator, fake, step.real, see_d)
        state_d = adam_d.init(discriminator) if mistake == "moments" else state_d
        discriminator, state_d = update(adam_d, gradients_d, state_d, discriminator)
        critic = before if mistake == "stale" else discriminator
        value_g, gradients_g = jax.value_and_grad(loss_g)(generator, critic, step.latent_d, see_g, see_d)
        generator, state_g = update(adam_g, gradients_g, state_g, generator)
        if watch:
            step.see_update("discriminator", parameters=discriminator, gradients=gradients_d, optimizer=state_d)
            step.see_update("generator", parameters=generator, gradients=gradients_g, optimizer=state_g)
        step.record(discriminator=value_d, generator=value_g)
    return case, (generator, discriminator)


def nothing(name, value):
    del name, value


@pytest.mark.parametrize("options", [{}, {"compiled": True}], ids=["eager", "compiled"])
def test_a_right_program_agrees_and_watching_changes_no_bit(options):
    case, watched = program(**options)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == ()
    assert judgement.watched_steps == 2
    seen = {"loss", "gradient", "parameter", "slot", "counter"} | (set() if options else {"output"})
    assert seen <= set(judgement.seen)
    if not options:
        # A step has four passes that differ: of G, which has one layer, and three of D, which has five.
        assert judgement.seen["output"] == 2 * (1 + 3 * 5)
    _, unwatched = program(watch=False, **options)
    for first, second in zip(jax.tree.leaves(watched), jax.tree.leaves(unwatched), strict=True):
        np.testing.assert_array_equal(first, second)


def test_passes_in_another_order_are_known_by_their_numbers():
    judgement = program(reverse=True)[0].judge()
    assert (judgement.verdict, judgement.notes) == ("AGREE", ()), judgement.sentence


@pytest.mark.parametrize(
    ("mistake", "place", "cause"),
    [
        ("chain order", ("discriminator", "parameter", "discriminator.hidden1.weight"), ()),
        ("beta2", ("discriminator", "slot", "optimizer.discriminator.hidden1.weight.v"), ("adam-beta2",)),
        ("axis", ("discriminator", "loss", "loss"), ()),
        ("sum", ("discriminator", "loss", "loss"), ("discriminator-loss-summed", "generator-loss-summed")),
        ("labels", ("discriminator", "loss", "loss"), ("discriminator-labels-swapped", "generator-labels-swapped")),
        ("stale", ("generator", "output", "discriminator.hidden1"), ()),
        *(
            pytest.param(mistake, ("discriminator", "parameter", "discriminator.hidden1.weight"), (), marks=COSTLY)
            for mistake in ("root", "moments")
        ),
        (
            "decay",
            ("discriminator", "parameter", "discriminator.hidden1.weight"),
            ("weight-decay-added-beside",),
        ),
        ("kernel", ("discriminator", "output", "generator.output"), ("linear-transposed",)),
        ("float32", ("discriminator", "output", "discriminator.hidden1"), ()),
    ],
)
def test_a_mistake_is_found_at_its_place_and_given_its_cause_or_none(mistake, place, cause, account):
    judgement = program(mistake=mistake)[0].judge()
    account(mistake, judgement)
    assert judgement.verdict == "DISAGREE"
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == place, judgement.sentence
    assert [name for name in judgement.cause.names if ":" not in name] == list(cause), str(judgement.cause)


def test_a_pytree_gets_the_state_in_its_place_and_tuples_that_cannot_are_refused():
    case = gr.case("linear-2d", steps=1, framework="jax")
    state = case.initial_state
    parameters = [(layer["w"], layer["b"]) for layer in make_parameters("discriminator").values()]
    names = case.load(discriminator=parameters)
    assert names["discriminator.hidden2.weight"] == "1.0"
    np.testing.assert_array_equal(parameters[1][0], state["discriminator.hidden2.weight"].T)
    assert isinstance(parameters[1][0], jax.Array)
    with pytest.raises(gr.GanRosettaError, match=r"0\.0 is in a tuple, which cannot be changed"):
        case.load(discriminator=tuple(parameters))
    with pytest.raises(gr.GanRosettaError, match="every matrix of 'linear-2d' in it is square"):
        case.load(generator=make_parameters("generator"))
    generator = make_parameters("generator")
    case.load(generator=generator, mapping={"layout": "keras"})
    np.testing.assert_array_equal(generator["output"]["w"], state["generator.output.weight"].T)


def test_arrays_of_numpy_stay_the_same_ones():
    arrays = {"w": np.zeros((2, 2)), "b": np.zeros(2)}
    kept = arrays["w"]
    gr.case("linear-2d", steps=1).load(generator=arrays, mapping={"layout": "canonical"})
    assert arrays["w"] is kept
    assert kept.any()


def test_what_is_told_wrongly_is_refused():
    parameters = {name: make_parameters(name) for name in LAYERS}
    case = gr.case("linear-2d", steps=1, framework="jax")
    case.load(**parameters)
    with pytest.raises(gr.GanRosettaError, match=r"with step\.see_update\(…, optimizer=…\)"):
        case.watch(**parameters, generator_optimizer=optax.adam(0.1).init(parameters["generator"]))
    case.watch(**parameters)
    step = next(iter(case))
    with pytest.raises(gr.GanRosettaError, match=r"unknown layer 'discriminator\.hidden3': did you mean"):
        step.see("discriminator.hidden3", step.real)
    with pytest.raises(gr.GanRosettaError, match="unknown stream 'true'"):
        step.see("discriminator.hidden1", step.real, stream="true")
    with pytest.raises(gr.GanRosettaError, match=r"expected those of the generator that case\.watch got: output\.w"):
        step.see_update("generator", parameters=parameters["discriminator"])
    with pytest.raises(
        gr.GanRosettaError, match="'critic', which is not watched; watched are: generator, discriminator"
    ):
        step.see_update("critic", parameters=parameters["discriminator"])
    with pytest.raises(gr.GanRosettaError, match=r"whose numbers cannot be read .*outside of it"):
        jax.jit(lambda x: step.see("discriminator.hidden1", x))(step.real)
    unwatched = next(iter(gr.case("linear-2d", steps=1, framework="jax")))
    with pytest.raises(gr.GanRosettaError, match=r"call case\.watch\(\) before the loop"):
        unwatched.see("discriminator.hidden1", step.real)
