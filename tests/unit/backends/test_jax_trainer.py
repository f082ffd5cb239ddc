from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from gan_rosetta.backends.jax import compiled  # noqa: E402
from gan_rosetta.backends.jax.trainer import JaxTrainer  # noqa: E402
from gan_rosetta.shared.errors import UsageError  # noqa: E402
from gan_rosetta.shared.gans import find_gan  # noqa: E402
from gan_rosetta.shared.interface import Chunk  # noqa: E402
from gan_rosetta.shared.spec import StepPattern  # noqa: E402
from gan_rosetta.shared.state import initial_state  # noqa: E402

SPEC = find_gan("gaussian-1d")
SOMETIMES = replace(SPEC, training=replace(SPEC.training, discriminator_steps=StepPattern(period=3, offsets=(1,))))


def make_chunk(spec, *, num_steps, batch_size=4):
    generator = np.random.default_rng(num_steps)
    arrays = {name: generator.normal(size=(num_steps, batch_size, 1)) for name in ("real", "latent_d", "latent_g")}
    pattern = spec.training.discriminator_steps
    trains = np.array([pattern.includes(step) for step in range(num_steps)])
    return Chunk(
        phase="adversarial",
        first_step=0,
        arrays=arrays,
        trains_discriminator=trains,
        trains_generator=np.ones(num_steps, dtype=bool),
    )


def build(spec, *, execution, dtype="float64"):
    trainer = JaxTrainer.build(spec, device="cpu", dtype=dtype, execution=execution)
    trainer.load_state(initial_state(spec, seed=1))
    return trainer


def train(spec, chunks, *, execution):
    trainer = build(spec, execution=execution)
    losses = [trainer.train(trainer.stage(chunk)) for chunk in chunks]
    return losses, trainer.export_state()


@pytest.mark.parametrize("spec", [SPEC, SOMETIMES])
def test_chunks_of_any_length_run_the_same_compiled_code(spec, monkeypatch):
    traced = []
    original = compiled.adversarial_step

    def counted(*arguments, **keywords):
        traced.append(arguments)
        return original(*arguments, **keywords)

    chunks = [make_chunk(spec, num_steps=num_steps) for num_steps in (5, 1, 2)]
    expected_losses, expected_state = train(spec, chunks, execution="eager")
    compiled.programs.cache_clear()
    monkeypatch.setattr(compiled, "adversarial_step", counted)
    losses, state = train(spec, chunks, execution="compiled")
    # The loop's body is traced once for its types and, where those are weaker than what it is given, once more.
    assert len(traced) <= 2
    for found, expected in zip(losses, expected_losses, strict=True):
        np.testing.assert_allclose(found.discriminator, expected.discriminator, rtol=1e-13)
        np.testing.assert_allclose(found.generator, expected.generator, rtol=1e-13)
    for name, expected_tensor in expected_state.items():
        np.testing.assert_allclose(state[name], expected_tensor, rtol=1e-12, atol=1e-14, err_msg=name)


def test_a_chunk_longer_than_a_block_runs_as_several(monkeypatch):
    monkeypatch.setattr(compiled, "_MAXIMUM_STEPS", 4)
    chunk = make_chunk(SOMETIMES, num_steps=10)
    (found,), state = train(SOMETIMES, [chunk], execution="compiled")
    (expected,), expected_state = train(SOMETIMES, [chunk], execution="eager")
    np.testing.assert_allclose(found.discriminator, expected.discriminator, rtol=1e-13)
    np.testing.assert_allclose(found.generator, expected.generator, rtol=1e-13)
    assert state["optimizer.discriminator.step"] == expected_state["optimizer.discriminator.step"] == 3


def test_what_a_probe_shows_leads_to_what_training_leaves():
    """Outputs and gradients come from another compilation than the tensors beside them."""
    trainer = build(find_gan("gaussian-1d"), execution="eager")
    before = trainer.export_state()
    probe = trainer.probe(make_chunk(SPEC, num_steps=1))
    rate = SPEC.training.discriminator_optimizer.learning_rate.at(0)
    gradients = [key for key in probe if key.quantity == "gradient"]
    assert len(gradients) == 12
    for key in gradients:
        left = probe[key._replace(quantity="parameter")]
        np.testing.assert_allclose(left, before[key.name] - rate * probe[key], rtol=1e-13, atol=1e-15)


def test_a_counter_beyond_32_bits_goes_on():
    trainer = build(SPEC, execution="compiled")
    state = trainer.export_state()
    state["optimizer.generator.step"] = np.array(2**40, dtype=np.int64)
    trainer.load_state(state)
    trainer.train(trainer.stage(make_chunk(SPEC, num_steps=2)))
    assert trainer.export_state()["optimizer.generator.step"] == 2**40 + 2


@pytest.mark.parametrize("execution", ["eager", "compiled"])
def test_float32_stays_float32(execution):
    trainer = build(SPEC, execution=execution, dtype="float32")
    losses = trainer.train(trainer.stage(make_chunk(SPEC, num_steps=2)))
    assert losses.generator.dtype == np.float32
    tensors = trainer.export_state()
    assert {tensor.dtype for name, tensor in tensors.items() if not name.endswith(".step")} == {np.dtype("float32")}


def test_without_64_bits_nothing_is_built():
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(UsageError, match=r"call backends\.jax\.device\.configure first"):
            build(SPEC, execution="eager")
    finally:
        jax.config.update("jax_enable_x64", True)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="device is 'tpu'; JAX"):
        JaxTrainer.build(SPEC, device="tpu", dtype="float64", execution="eager")


@pytest.mark.parametrize("execution", ["eager", "compiled"])
def test_a_step_in_which_nobody_trains_shows_nothing_and_changes_nothing(execution):
    trainer = build(SPEC, execution=execution)
    before = trainer.export_state()
    chunk = replace(
        make_chunk(SPEC, num_steps=1), trains_discriminator=np.zeros(1, bool), trains_generator=np.zeros(1, bool)
    )
    assert trainer.probe(chunk) == {}
    losses = trainer.train(trainer.stage(chunk))
    assert np.isnan(losses.generator).all()
    assert np.isnan(losses.discriminator).all()
    after = trainer.export_state()
    assert all(np.array_equal(after[name], array) for name, array in before.items())
