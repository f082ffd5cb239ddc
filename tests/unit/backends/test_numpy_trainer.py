"""The NumPy trainer: the order of a step, its gradients end to end, and the laws of the interface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.backends.numpy import device
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.errors import StateError, UsageError
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP, find_gan
from gan_rosetta.shared.spec import GradientPenalty, StepPattern
from gan_rosetta.shared.state import BALANCE, initial_state, state_schema
from tests.unit.backends.numpy_chunks import build, make_chunk, slices, still, variant

_SMALL = ["gaussian-1d", "gaussian-1d-minibatch", "gaussian-1d-adam", "gaussian-1d-adam-minibatch", "linear-2d", "sine"]
# The large one takes its step in the faster type alone; its layers are tested in both.
_STEPS = [(name, dtype) for name in CATALOGUE for dtype in ("float64", "float32")]
_STEPS.remove(("mnist-conv", "float64"))


def _assert_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=str(name))


@pytest.mark.parametrize(("name", "dtype"), _STEPS)
def test_every_gan_trains_a_step_in_its_type(name, dtype):
    spec = find_gan(name)
    trainer = build(spec, dtype=dtype)
    before = trainer.export_state()
    # In one in which both train.
    chunk = make_chunk(spec, batch_size=3, first_step=spec.training.generator_steps.offsets[0])
    losses = trainer.train(trainer.stage(chunk))
    assert losses.discriminator.dtype == losses.generator.dtype == np.dtype(dtype)
    assert np.all(np.isfinite([losses.discriminator, losses.generator]))
    assert (losses.real_score is not None) == (spec.training.stop is not None)
    after = trainer.export_state()
    assert list(after) == list(state_schema(spec))
    for key, tensor in state_schema(spec).items():
        assert after[key].dtype == (np.int64 if tensor.role == "counter" else np.dtype(dtype)), key
        if tensor.role == "parameter" and tensor.tensor.endswith("weight"):
            # What a gain of 0 lets nothing through of has no gradient yet.
            rests = ".attention.main." in key and ".gamma." not in key
            assert np.array_equal(after[key], before[key]) == rests, key
    assert trainer.generate(chunk.arrays["latent_d"][0]).shape == (3, *spec.real.sample_shape)
    assert trainer.discriminate(chunk.arrays["real"][0]).shape == (3, *spec.discriminator.output_shape)


@pytest.mark.parametrize("name", [*_SMALL, "mnist-wgan-gp"])
def test_probe_changes_nothing_and_shows_the_step_that_train_takes(name):
    spec = find_gan(name)
    trainer = build(spec)
    trainer.train(trainer.stage(make_chunk(spec, num_steps=2)))
    for phase in ("pretraining", "adversarial") if spec.pretraining else ("adversarial",):
        chunk = make_chunk(spec, phase=phase, first_step=2)
        before = trainer.export_state()
        probe = trainer.probe(chunk)
        _assert_same(trainer.export_state(), before)
        losses = trainer.train(trainer.stage(chunk))
        after = trainer.export_state()
        last = {}
        for key, value in probe.items():
            if key.quantity in ("parameter", "slot", "counter", "buffer"):
                last[key.name] = value
            if key.quantity == "loss" and key.name == "loss":
                np.testing.assert_array_equal(value, getattr(losses, key.phase)[0])
                assert value.shape == ()
        for key, value in last.items():
            np.testing.assert_array_equal(value, after[key], err_msg=key)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [*_SMALL, "mnist-wgan-gp"])
def test_a_chunk_equals_its_steps_one_by_one(name, dtype):
    spec = find_gan(name)
    together, apart = build(spec, dtype=dtype), build(spec, dtype=dtype)
    for phase in ("pretraining", "adversarial") if spec.pretraining else ("adversarial",):
        chunk = make_chunk(spec, phase=phase, num_steps=3)
        whole = together.train(together.stage(chunk))
        parts = [apart.train(apart.stage(part)) for part in slices(chunk)]
        for field in ("pretraining", "discriminator", "generator", "real_score"):
            if getattr(whole, field) is not None:
                joined = np.concatenate([getattr(part, field) for part in parts])
                np.testing.assert_array_equal(getattr(whole, field), joined)
    _assert_same(together.export_state(), apart.export_state())


def test_probe_names_come_in_order_of_execution():
    spec = find_gan("mnist-wgan-gp")
    groups = []
    for key, value in build(spec).probe(make_chunk(spec)).items():
        entry = (key.phase, key.quantity, key.stream, key.name.split(".")[0] if key.quantity == "output" else "")
        if not groups or groups[-1] != entry:
            groups.append(entry)
        if key.quantity == "input_gradient":
            assert key.name == "discriminator"
            assert value.shape == (4, 1, 28, 28)
    update = ["parameter", "slot", "counter", "buffer"]
    assert groups == [
        ("discriminator", "output", "fake", "generator"),
        ("discriminator", "output", "real", "discriminator"),
        ("discriminator", "output", "fake", "discriminator"),
        ("discriminator", "output", "mixed", "discriminator"),
        ("discriminator", "input_gradient", "mixed", ""),
        ("discriminator", "loss", "", ""),
        ("discriminator", "penalty_gradient", "", ""),
        ("discriminator", "gradient", "", ""),
        *(("discriminator", quantity, "", "") for quantity in update),
        ("generator", "output", "fake", "generator"),
        ("generator", "output", "fake", "discriminator"),
        ("generator", "loss", "", ""),
        ("generator", "gradient", "", ""),
        *(("generator", quantity, "", "") for quantity in update),
    ]


def _by_name(probe, phase, quantity):
    return {key.name: value for key, value in probe.items() if (key.phase, key.quantity) == (phase, quantity)}


def _slope(spec, chunk, *, network, phase, loss):
    """The slope of a probed loss in a random direction of a network's parameters, by central differences; and it."""
    generator = np.random.default_rng(3)
    state = initial_state(spec, seed=1)
    names = [name for name, tensor in state_schema(spec).items() if tensor.role == "parameter"]
    directions = {name: generator.standard_normal(state[name].shape) for name in names if name.startswith(network)}
    values = []
    trainer = build(spec)
    for step in (1e-6, -1e-6):
        trainer.load_state({n: a + step * directions[n] if n in directions else a for n, a in state.items()})
        values.append(_by_name(trainer.probe(chunk), phase, "loss")[loss])
    return (values[0] - values[1]) / 2e-6, directions


def _along(gradients, directions):
    return sum(np.sum(gradients[name] * direction) for name, direction in directions.items())


@pytest.mark.parametrize("name", _SMALL)
def test_gradients_of_a_step_are_slopes_of_its_losses(name):
    spec = find_gan(name)
    # D's update would carry G's parameters into G's loss by another way; with a rate of zero it does not.
    spec = variant(name, discriminator_optimizer=still(spec.training.discriminator_optimizer))
    cases = [("adversarial", "discriminator", "discriminator"), ("adversarial", "generator", "generator")]
    if spec.pretraining is not None:
        cases.append(("pretraining", "pretraining", "discriminator"))
    for kind, phase, network in cases:
        chunk = make_chunk(spec, phase=kind)
        slope, directions = _slope(spec, chunk, network=network, phase=phase, loss="loss")
        gradients = _by_name(build(spec).probe(chunk), phase, "gradient")
        np.testing.assert_allclose(_along(gradients, directions), slope, rtol=1e-5, atol=1e-9)


def test_the_total_gradient_holds_the_penalty_gradient():
    spec = find_gan("mnist-wgan-gp-sample")
    without = variant(spec.name, discriminator_loss=_without_penalty(spec.training.discriminator_loss))
    chunk = make_chunk(spec)
    probe = build(spec).probe(chunk)
    plain = _by_name(build(without).probe(chunk), "discriminator", "gradient")
    penalty = _by_name(probe, "discriminator", "penalty_gradient")
    for name, total in _by_name(probe, "discriminator", "gradient").items():
        np.testing.assert_array_equal(total, plain[name] + penalty[name])
        assert np.any(penalty[name]) == name.endswith("weight"), name
    losses = _by_name(probe, "discriminator", "loss")
    expected = _by_name(build(without).probe(chunk), "discriminator", "loss")["loss"] + losses["penalty"]
    np.testing.assert_array_equal(losses["loss"], expected)


@pytest.mark.parametrize("at", ["real", "fake", "both"])
def test_a_penalty_beside_any_loss_is_taken_where_it_says(at):
    penalty = GradientPenalty(weight=3.0, norm="sample", at=at, target=0.0)
    plain = MADE_UP["logistic-2d"]
    loss = replace(plain.training.discriminator_loss, penalty=penalty)
    spec = replace(plain, training=replace(plain.training, discriminator_loss=loss))
    chunk = make_chunk(spec)
    assert "mix" not in chunk.arrays
    probe = build(spec).probe(chunk)
    gradient = next(value for key, value in probe.items() if key.quantity == "input_gradient")
    batch_size = chunk.arrays["real"].shape[1]
    assert len(gradient) == batch_size * (2 if at == "both" else 1)
    outputs = {
        key.stream: value
        for key, value in probe.items()
        if (key.phase, key.quantity, key.name) == ("discriminator", "output", "discriminator.output")
    }
    both = {"real": outputs["real"], "fake": outputs["fake"]}
    np.testing.assert_array_equal(outputs["mixed"], both.get(at, np.concatenate(list(both.values()))))
    value = _by_name(probe, "discriminator", "loss")["penalty"]
    np.testing.assert_allclose(value, 3.0 * np.sum(gradient**2) / batch_size, rtol=1e-13)
    slope, directions = _slope(spec, chunk, network="discriminator", phase="discriminator", loss="penalty")
    found = _along(_by_name(probe, "discriminator", "penalty_gradient"), directions)
    np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-9)


def _without_penalty(loss):
    return type(loss)(penalty=None, reduction=loss.reduction, real_label=loss.real_label)


@pytest.mark.parametrize("name", ["linear-2d", "gaussian-1d"])  # a reused fake batch, a regenerated one
def test_without_detach_the_loss_of_d_reaches_g_and_adds(name):
    spec = variant(name, detach_fake=False)
    chunk = make_chunk(spec)
    added = _by_name(build(spec).probe(chunk), "generator", "gradient")
    alone = _by_name(build(find_gan(name)).probe(chunk), "generator", "gradient")
    slope, directions = _slope(spec, chunk, network="generator", phase="discriminator", loss="loss")
    assert abs(slope) > 1e-6
    difference = {key: added[key] - alone[key] for key in added}
    np.testing.assert_allclose(_along(difference, directions), slope, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("fake_batch", ["reused", "regenerated"])
def test_generator_first_uses_the_batch_it_should(fake_batch):
    spec = variant("sine", fake_batch=fake_batch)
    chunk = make_chunk(spec)
    trainer = build(spec)
    before = trainer.generate(chunk.arrays["latent_d"][0])
    probe = trainer.probe(chunk)
    trainer.train(trainer.stage(chunk))
    after = trainer.generate(chunk.arrays["latent_d"][0])
    phases = list(dict.fromkeys(key.phase for key in probe))
    assert phases == ["generator", "discriminator"]
    made = {key.phase: value for key, value in probe.items() if key.name == "generator.output"}
    np.testing.assert_array_equal(made["generator"], before)
    assert ("discriminator" in made) == (fake_batch == "regenerated")
    if fake_batch == "regenerated":
        np.testing.assert_array_equal(made["discriminator"], after)


def test_a_step_without_the_discriminator_runs_nothing_of_its_phase():
    spec = variant("gaussian-1d-adam", discriminator_steps=StepPattern(period=3, offsets=(1,)))
    trainer = build(spec)
    losses = trainer.train(trainer.stage(make_chunk(spec, num_steps=5)))
    np.testing.assert_array_equal(np.isnan(losses.discriminator), [True, False, True, True, False])
    state = trainer.export_state()
    assert state["optimizer.discriminator.step"] == 2
    assert state["optimizer.generator.step"] == 5
    assert {key.phase for key in trainer.probe(make_chunk(spec))} == {"generator"}


def test_the_stop_rule_gets_the_mean_score_of_the_real_batch():
    spec = find_gan("sine")
    chunk = make_chunk(spec)
    trainer = build(spec)
    expected = trainer.discriminate(chunk.arrays["real"][0]).mean()
    found = trainer.train(trainer.stage(chunk)).real_score
    np.testing.assert_allclose(found, [expected], rtol=1e-14)


def test_batch_norm_buffers_move_once_for_each_training_pass_of_g():
    spec = find_gan("mnist-wgan-gp")
    trainer = build(spec)
    chunk = make_chunk(spec)
    latent = chunk.arrays["latent_d"][0]
    trainer.generate(latent)
    probe = trainer.probe(chunk)
    name = "generator.norm2.running_mean"
    outputs = [value for key, value in probe.items() if key.name == "generator.linear2"]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    mean = outputs[0].mean(axis=0)
    moved = {key.phase: value for key, value in probe.items() if key.quantity == "buffer" and key.name == name}
    np.testing.assert_allclose(moved["discriminator"], 0.1 * mean, rtol=1e-13)
    np.testing.assert_allclose(moved["generator"], (0.1 + 0.09) * mean, rtol=1e-13)


def test_non_finite_losses_pass_through():
    spec = find_gan("gaussian-1d")
    trainer = build(spec)
    state = trainer.export_state()
    state["discriminator.output.bias"][...] = 1e4
    trainer.load_state(state)
    losses = trainer.train(trainer.stage(make_chunk(spec, num_steps=2)))
    assert losses.discriminator[0] == np.inf
    assert np.isnan(losses.discriminator[1])


def test_state_goes_in_and_out_unchanged_and_copied():
    spec = find_gan("linear-2d")
    generator = np.random.default_rng(0)
    state = {
        name: np.array(5, np.int64) if tensor.role == "counter" else generator.standard_normal(tensor.shape)
        for name, tensor in state_schema(spec).items()
    }
    trainer = build(spec)
    trainer.load_state(state)
    exported = trainer.export_state()
    _assert_same(exported, state)
    for array in exported.values():
        array[...] = 0
    _assert_same(trainer.export_state(), state)


def test_what_cannot_be_built_or_fed_is_refused():
    spec = find_gan("linear-2d")
    for arguments, message in (
        ({"execution": "compiled"}, "nothing to compile with; use execution 'eager'"),
        ({"device": "cuda"}, "'cuda' is not available to numpy; expected one of cpu"),
        ({"dtype": "float16"}, "expected one of float32, float64"),
    ):
        with pytest.raises(UsageError, match=message):
            NumpyTrainer.build(spec, **({"device": "cpu", "dtype": "float64", "execution": "eager"} | arguments))
    trainer = build(spec)
    with pytest.raises(StateError, match=r"lacks 'generator\.output\.weight'"):
        trainer.load_state({})
    with pytest.raises(UsageError, match="a chunk of 2 steps; expected 1"):
        trainer.probe(make_chunk(spec, num_steps=2))
    with pytest.raises(UsageError, match="'linear-2d' has no pretraining"):
        trainer.train(trainer.stage(make_chunk(find_gan("gaussian-1d"), phase="pretraining")))


def test_the_device_module_answers():
    assert device.list_devices() == ("cpu",)
    assert device.framework_version() == np.__version__
    device.configure(threads=1)


@pytest.mark.parametrize(("begins", "shift"), [(0.3, 0.0), (0.0, 2.0), (1.0, -2.0)])
def test_a_balance_follows_the_energies_of_each_step_and_is_held_to_0_and_1(begins, shift):
    """A bias that shifts fakes and real samples alike takes the balance to an end, where it stays."""
    spec = MADE_UP["smooth-2d"]
    loss = spec.training.balanced
    trainer = build(spec)
    state = initial_state(spec, seed=3) | {BALANCE: np.array(begins)}
    state["discriminator.output.bias"] = np.array([shift])
    trainer.load_state(state)
    chunk = make_chunk(spec, batch_size=8)
    probe = trainer.probe(chunk)
    of_real, of_fake = (
        probe["discriminator", "output", stream, "discriminator.output"].mean() for stream in ("real", "fake")
    )
    wanted = np.clip(begins + loss.rate * (loss.diversity * of_real - of_fake), 0, 1)
    np.testing.assert_allclose(probe["discriminator", "balance", "", BALANCE], wanted, rtol=1e-12)
    assert float(wanted) == begins or shift == 0
    penalty = probe["discriminator", "loss", "", "penalty"]
    np.testing.assert_allclose(
        probe["discriminator", "loss", "", "loss"], of_real - begins * of_fake + penalty, rtol=1e-10
    )
    assert trainer.export_state()[BALANCE] == begins
    trainer.train(trainer.stage(chunk))
    assert trainer.export_state()[BALANCE] == probe["discriminator", "balance", "", BALANCE]
