"""Blocks of Gluon read into specs: what was read is proved by a pass, what cannot be is named by its path."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.spec import Adadelta, Adagrad, Adam, BatchNorm, Dropout, GradientDescent, LeakyReLU, RMSprop
from gan_rosetta.shared.state import initial_state, state_schema
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.reading import read
from tests.unit.translate.proving import SEED, run_here

programs = pytest.importorskip("tests.unit.translate.gluon_programs")
layers = pytest.importorskip("gan_rosetta.backends.mxnet.reading_layers")
mx, nn = programs.mx, programs.nn
# mx.nd.array, in the program, asks SciPy for a name that SciPy warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_networks_of_programs_are_read_and_proved(name):
    like, make = programs.PROGRAMS[name]
    mx.random.seed(5)
    generator, discriminator = make()
    found = read(generator=generator, discriminator=discriminator, like=like)
    assert found.num_samples == min(8, found.spec.batch_size)
    # Every number of the program is in the state, bit for bit, and the program has it still.
    for network, block in (("generator", generator), ("discriminator", discriminator)):
        theirs = [each.data().asnumpy() for each in block.collect_params().values()]
        schema = state_schema(found.spec).items()
        own = [found.state[key] for key, t in schema if t.network == network and t.role in ("parameter", "buffer")]
        assert {each.dtype for each in theirs} == {np.dtype("float32")}
        assert sorted(each.astype(float).tobytes() for each in theirs) == sorted(each.tobytes() for each in own)


def sequence(*found):
    network = nn.HybridSequential()
    network.add(*found)
    return programs.made(network, (16,))


def images(*shape):
    return nn.HybridLambda(lambda ops, x: ops.reshape(x, (-1, *shape)))


def doubled():
    return nn.HybridLambda(lambda ops, x: ops.UpSampling(x, scale=2, sample_type="nearest"))


def small_pair(*found):
    generator = nn.HybridSequential()
    generator.add(nn.Dense(7, activation="relu"), nn.Dense(16))
    return programs.made(generator, (5,)), sequence(*found, nn.Activation("sigmoid"))


def test_branches_and_operators_are_read_and_proved():
    generator, _ = small_pair()
    discriminator = programs.made(programs.Residual(), (16,))
    found = read(generator=generator, discriminator=discriminator, like="sine")
    names = [each.name for each in found.spec.discriminator.placed]
    assert names[:3] == ["hidden", "hidden_leaky_relu", "block1.main.drop"]
    kinds = {type(each.layer): each.layer for each in found.spec.discriminator.placed}
    assert (kinds[LeakyReLU].slope, kinds[Dropout].probability) == (0.2, 0.3)
    np.testing.assert_array_equal(
        found.state["discriminator.block3.main.block2.shortcut.gate.weight"], discriminator.gate.weight.data().asnumpy()
    )


@pytest.mark.parametrize(
    "made",
    [
        lambda: [nn.ELU(0.7), nn.SELU(), nn.GELU(), nn.Activation("softrelu")],
        lambda: [images(1, 4, 4), nn.Conv2D(3, 2), nn.InstanceNorm(scale=True), nn.GroupNorm(3), nn.AvgPool2D(2, 1)],
        lambda: [images(4, 2, 2), nn.MaxPool2D(2), nn.Dropout(0.5)],
        lambda: [images(4, 2, 2), nn.Conv2DTranspose(3, (3, 2), 2, (1, 0), 1), doubled(), nn.GlobalMaxPool2D(),
                 nn.Flatten()],
        lambda: [nn.Swish(), nn.BatchNorm(momentum=0.8, epsilon=1e-3), nn.LayerNorm()],
    ],
)  # fmt: skip
def test_each_layer_is_read_and_proved(made):
    generator, discriminator = small_pair(*made(), nn.Dense(1))
    found = read(generator=generator, discriminator=discriminator, like="sine")
    for each in found.spec.discriminator.layers:
        if isinstance(each, BatchNorm):
            assert (each.momentum, each.epsilon, each.running_variance) == (0.2, 1e-3, "biased")


class Shares(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Dense(16), nn.Dense(1)

    def hybrid_forward(self, F, x):  # noqa: N803 (Gluon's name)
        return self.last(self.first(self.first(x)))


class Imperative(Shares):
    def forward(self, x):
        return self.last(x if x.mean().asscalar() > 0 else mx.nd.relu(x))


class Parts(Shares):
    def hybrid_forward(self, F, x):  # noqa: N803 (Gluon's name)
        first = self.first(x)
        return self.last(F.broadcast_div(first, F.sum(F.abs(first), axis=1, keepdims=True)))


def hooked():
    network = sequence(nn.Dense(1))
    network[0].register_forward_hook(lambda *_: None)
    return network


def whole(kind):
    return lambda: programs.made(kind(), (16,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sequence(nn.Swish(0.5), nn.Dense(1)), "discriminator.0 multiplies by 0.5"),
        (lambda: sequence(nn.BatchNorm(scale=False), nn.Dense(1)), "discriminator.0 lacks a scale or a center"),
        (lambda: sequence(nn.BatchNorm(use_global_stats=True)), "discriminator.0 normalises by its averages"),
        (lambda: sequence(nn.Dense(4, activation="softsign")), "discriminator.0.act is the activation softsign"),
        (lambda: sequence(nn.PReLU(), nn.Dense(1)), "discriminator.0"),
        (whole(Shares), r"discriminator.first takes dense\d+_weight anew"),
        (whole(Imperative), "discriminator does not make a graph"),
        (whole(Parts), "discriminator, in forward: .*abs0 is abs, which no layer"),
        (hooked, "discriminator.0 has hooks"),
    ],
)
def test_what_a_spec_cannot_say_is_named_by_its_path(make, message):
    with pytest.raises(UnsupportedLayer, match=message):
        read(generator=small_pair()[0], discriminator=make(), like="sine")


def test_what_has_no_parameters_yet_is_refused():
    network = nn.HybridSequential()
    network.add(nn.Dense(1, activation="sigmoid"))
    with pytest.raises(UsageError, match="is not made yet; initialize"):
        read(generator=small_pair()[0], discriminator=network, like="sine")


def test_what_was_read_wrongly_does_not_pass(monkeypatch):
    monkeypatch.setitem(layers.FUNCTIONS, "LeakyReLU", lambda *_: LeakyReLU(slope=0.1))
    generator, discriminator = small_pair(nn.LeakyReLU(0.2), nn.Dense(1))
    with pytest.raises(UnsupportedLayer, match="does not give what the reference does"):
        read(generator=generator, discriminator=discriminator, like="sine")


@pytest.mark.parametrize(
    ("optimizer", "settings", "kind", "slots"),
    [
        ("sgd", {}, GradientDescent, ()),
        ("sgd", {"momentum": 0.5, "wd": 0.125}, GradientDescent, ("momentum",)),
        ("nag", {"momentum": 0.5}, GradientDescent, ("momentum",)),
        ("adagrad", {"wd": 0.125}, Adagrad, ("sum",)),
        ("adam", {"beta1": 0.5, "epsilon": 1e-6}, Adam, ("m", "v")),
        ("rmsprop", {"gamma1": 0.8}, RMSprop, ("square",)),
        ("rmsprop", {"gamma1": 0.8, "centered": True, "gamma2": 0.5}, RMSprop, ("square", "mean", "momentum")),
        ("adadelta", {"rho": 0.8}, Adadelta, ("square", "delta")),
    ],
)
def test_optimizers_are_read_with_their_settings_and_what_they_have_kept(optimizer, settings, kind, slots):
    generator, discriminator = small_pair(nn.Dense(4), nn.Dense(1))
    rate = {} if kind is Adadelta else {"learning_rate": 0.25}
    trainer = mx.gluon.Trainer(discriminator.collect_params(), optimizer, rate | settings)
    given = {"generator": generator, "discriminator": discriminator, "like": "sine"}
    for count in (0, 2):
        found = read(**given, discriminator_optimizer=trainer)
        assert (found.notes, int(found.state["optimizer.discriminator.step"])) == ((), count)
        for _ in range(2 - count):
            with mx.autograd.record():
                loss = discriminator(mx.nd.random.normal(shape=(3, 16))).sum()
            loss.backward()
            trainer.step(3)
    own = found.spec.training.discriminator_optimizer
    assert isinstance(own, kind)
    assert own.learning_rate.value == (1.0 if kind is Adadelta else 0.25)
    words = {"gamma1": "rho", "gamma2": "momentum"}
    found_settings = {name: getattr(own, words.get(name, name)) for name in settings if name != "wd"}
    found_settings |= {"wd": own.weight_decay.share} if own.weight_decay else {}
    assert found_settings == settings
    states = trainer._updaters[0].states
    params = trainer._params
    for block, layer in ((discriminator[0], "linear1"), (discriminator[1], "linear2")):
        place = next(place for place, each in enumerate(params) if each is block.weight)
        kept = states[place] if isinstance(states[place], tuple) else (states[place],)
        for slot, array in zip(slots, kept, strict=False):
            mine = found.state[f"optimizer.discriminator.{layer}.weight.{slot}"]
            # MXNet adds its momentum to the parameters, a spec takes its own away.
            sign = -1 if slot == "momentum" else 1
            np.testing.assert_array_equal(mine, sign * array.asnumpy().astype(float))
            assert mine.any()


@pytest.mark.parametrize(
    ("optimizer", "settings", "message"),
    [
        ("adam", {"clip_gradient": 0.1}, "has clip_gradient=0.1"),
        ("nag", {"momentum": 0.5, "wd": 0.1}, "NAG has wd=0.1, which MXNet takes of a weight before the step"),
        ("adam", {"lr_scheduler": mx.lr_scheduler.FactorScheduler(1)}, "has a schedule of rates"),
        ("nadam", {}, "has a Nadam; known"),
    ],
)
def test_an_optimizer_that_a_spec_cannot_say_is_named(optimizer, settings, message):
    generator, discriminator = small_pair(nn.Dense(1))
    given = {"generator": generator, "discriminator": discriminator, "like": "sine"}
    trainer = mx.gluon.Trainer(discriminator.collect_params(), optimizer, settings)
    with pytest.raises(UnsupportedLayer, match=message):
        read(**given, discriminator_optimizer=trainer)
    discriminator[0].bias.wd_mult = 0
    spared = mx.gluon.Trainer(discriminator.collect_params(), "sgd", {"wd": 0.1})
    with pytest.raises(UnsupportedLayer, match=r"has wd_mult=0 of dense\d+_bias"):
        read(**given, discriminator_optimizer=spared)
    partial = mx.gluon.Trainer([discriminator[0].weight], "sgd")
    with pytest.raises(UnsupportedLayer, match="moves 1 of its network's 2 parameters"):
        read(**given, discriminator_optimizer=partial)


@pytest.mark.parametrize("name", ["linear-2d", "sine"])
def test_a_program_that_was_written_is_read_back(name, tmp_path):
    spec = small_gan(name)
    state = initial_state(spec, seed=SEED)
    write_state(tmp_path / "state.safetensors", state, metadata={"gan": spec.name})
    (tmp_path / "program.py").write_text(write_program(spec, DIALECTS["mxnet"]), encoding="utf-8")
    made = run_here(tmp_path, ["--steps", "0", "--dtype", "float64", "--state", "state.safetensors", "--out", "left"])
    found = read(generator=made["generator"], discriminator=made["discriminator"], like=spec)
    for network, expected in spec.networks().items():
        got = found.spec.networks()[network]
        assert [type(each) for each in got.layers] == [type(each) for each in expected.layers]
    for key, array in state.items():
        assert np.array_equal(found.state[key], array), key
