"""Modules of flax.nnx read into specs: what was read is proved by a pass, what cannot be is named by its path."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.spec import BatchNorm, Conv2d, ConvTranspose2d, Dropout, LeakyReLU
from gan_rosetta.shared.state import initial_state, state_schema
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.reading import read
from tests.unit.translate.proving import SEED, run_here

nnx = pytest.importorskip("flax.nnx")
jax = pytest.importorskip("jax")
programs = pytest.importorskip("tests.unit.translate.flax_programs")
reading_layers = pytest.importorskip("gan_rosetta.backends.jax.reading_layers")
jnp = jax.numpy
PROGRAMS = programs.PROGRAMS | programs.FORMS


@pytest.fixture(autouse=True)
def own_types():
    """A program sets the type of its framework for its whole process."""
    kept = jax.config.read("jax_enable_x64")
    yield
    jax.config.update("jax_enable_x64", kept)


@pytest.mark.parametrize("name", PROGRAMS)
def test_networks_of_programs_are_read_and_proved(name):
    like, make = PROGRAMS[name]
    generator, discriminator = make()
    found = read(generator=generator, discriminator=discriminator, like=like)
    assert found.num_samples == min(8, found.spec.batch_size)
    # Every number of the program is in the state, bit for bit, and the program has it still.
    for network, module in (("generator", generator), ("discriminator", discriminator)):
        theirs = [np.asarray(each) for each in jax.tree.leaves(nnx.state(module, nnx.Any(nnx.Param, nnx.BatchStat)))]
        schema = state_schema(found.spec).items()
        own = [found.state[key] for key, t in schema if t.network == network and t.role in ("parameter", "buffer")]
        assert {each.dtype for each in theirs} == {np.dtype("float32")}
        sorted_numbers = [np.sort(np.concatenate([each.ravel() for each in all_of])) for all_of in (theirs, own)]
        np.testing.assert_array_equal(*sorted_numbers)


def test_images_are_read_with_channels_first():
    found = read(generator=programs.images()[0], discriminator=programs.images()[1], like="wgan")
    layers = {type(each): each for each in found.spec.generator.layers}
    assert layers[ConvTranspose2d].padding == 1
    first = next(each for each in found.spec.generator.layers if isinstance(each, ConvTranspose2d))
    assert first.sides == (1, 2, 1, 2)
    assert (layers[BatchNorm].momentum, layers[BatchNorm].running_variance) == (0.1, "biased")
    assert [each.name for each in found.spec.generator.placed][:3] == ["project", "bn1", "bn1_relu"]
    judged = found.spec.discriminator.layers
    assert [each.slope for each in judged if isinstance(each, LeakyReLU)] == [0.2, 0.2]
    assert [each.sides for each in judged if isinstance(each, Conv2d)] == [(1, 2, 1, 2), (1, 2, 1, 2)]
    assert [each.probability for each in judged if isinstance(each, Dropout)] == [0.3]


def test_branches_are_read():
    found = read(generator=programs.rows()[0], discriminator=programs.rows()[1], like="sine")
    names = [each.name for each in found.spec.generator.placed]
    assert names[:4] == ["first", "widen", "widen_elu", "block1.main.norm"]


class OwnNumbers(nnx.Module):
    def __init__(self, rngs):
        self.scale = nnx.Param(jnp.ones(16))
        self.last = nnx.Linear(16, 1, rngs=rngs)

    def __call__(self, x):
        return nnx.sigmoid(self.last(x * self.scale[...]))


class Calls(nnx.Module):
    """A linear layer, what a function does, and a probability."""

    def __init__(self, function, rngs):
        self.function = function
        self.first, self.last = nnx.Linear(16, 16, rngs=rngs), nnx.Linear(16, 1, rngs=rngs)

    def __call__(self, x):
        return nnx.sigmoid(self.last(self.function(self, self.first(x))))


@pytest.mark.parametrize(
    "function",
    [
        lambda _, x: jnp.where(x > 0, x, 0.3 * x),
        lambda _, x: jnp.maximum(x, 0),
        lambda _, x: jax.jit(lambda y: jnp.tanh(y) * nnx.sigmoid(x))(x),
        lambda _, x: jnp.concatenate([x[:, :0], nnx.selu(x)], axis=-1) if x.ndim > 2 else nnx.selu(x),
    ],
)
def test_functions_are_read_and_proved(function):
    module = Calls(function, nnx.Rngs(0))
    read(generator=programs.rows()[0], discriminator=module, like="sine")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (OwnNumbers, "discriminator keeps scale itself"),
        (lambda rngs: Calls(lambda _, x: jnp.sin(x), rngs), "discriminator, in __call__: sin is no layer"),
        (lambda rngs: Calls(lambda m, x: m.first(x), rngs), "discriminator.first is used twice"),
        (lambda rngs: Calls(lambda _, x: x if x.sum() > 0 else -x, rngs), "discriminator cannot be traced, Tracer"),
        (lambda rngs: Calls(lambda _, x: 2 * x, rngs), "discriminator"),
        (lambda rngs: Calls(lambda _, x: jnp.where(x > 0, x, 0.3), rngs), "discriminator, in __call__: select_n"),
        (
            lambda rngs: nnx.Sequential(nnx.BatchNorm(16, use_scale=False, rngs=rngs), nnx.Linear(16, 1, rngs=rngs)),
            "discriminator.layers.0 lacks a scale or a bias",
        ),
    ],
)
def test_what_a_spec_cannot_say_is_named_by_its_path(make, message):
    with pytest.raises(UnsupportedLayer, match=message):
        read(generator=programs.rows()[0], discriminator=make(nnx.Rngs(0)), like="sine")


def test_what_was_read_wrongly_does_not_pass(monkeypatch):
    monkeypatch.setitem(reading_layers.FUNCTIONS, "softplus", reading_layers.FUNCTIONS["tanh"])
    generator, discriminator = programs.rows()
    with pytest.raises(UnsupportedLayer, match="does not give what the reference does"):
        read(generator=generator, discriminator=discriminator, like="sine")


def test_arrays_are_refused():
    with pytest.raises(UsageError, match="discriminator is arrays"):
        read(generator=programs.rows()[0], discriminator={"kernel": jnp.ones((16, 1))}, like="sine")


def networks_of(made):
    """The modules of a program that was written, which keeps their variables apart from them."""
    players = {"generator": (made["graph_g"], made["g"]), "discriminator": (made["graph_d"], made["d"])}
    return {
        name: made["filled"](graph, {**player.parameters, **getattr(player, "buffers", {})})
        for name, (graph, player) in players.items()
    }


@pytest.mark.parametrize("name", ["linear-2d", "sine"])
def test_a_program_that_was_written_is_read_back(name, tmp_path):
    spec = small_gan(name)
    state = initial_state(spec, seed=SEED)
    write_state(tmp_path / "state.safetensors", state, metadata={"gan": spec.name})
    (tmp_path / "program.py").write_text(write_program(spec, DIALECTS["flax"]), encoding="utf-8")
    made = run_here(tmp_path, ["--steps", "0", "--dtype", "float64", "--state", "state.safetensors", "--out", "left"])
    found = read(**networks_of(made), like=spec)
    for network, expected in spec.networks().items():
        got = found.spec.networks()[network]
        assert [type(each) for each in got.layers] == [type(each) for each in expected.layers]
    for key, array in state.items():
        assert np.array_equal(found.state[key], array), key
