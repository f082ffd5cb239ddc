"""Laws on mathematics: every layer's output, every gradient, one step and many agree with the reference."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.compare.assertions import assert_losses_close, assert_tensors_close
from gan_rosetta.shared.conformance.noise import reference_probe, reference_run, run_steps
from gan_rosetta.shared.conformance.small import (
    adversarial_chunk,
    loaded_trainer,
    pretraining_chunk,
    small_gan,
    whole_step,
)
from gan_rosetta.shared.spec.feeding import shown_when_asked

_NUM_PRETRAINING = 5
_NUM_STEPS = 6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_quantity_of_a_step_agrees(backend, gan, dtype):
    spec = small_gan(gan)
    step = whole_step(spec)
    reference, judged = reference_probe(spec, dtype=dtype, phase="adversarial", first_step=step)
    probe = loaded_trainer(spec, backend=backend, dtype=dtype).probe(adversarial_chunk(spec, first_step=step))
    assert_tensors_close(probe, reference, **judged)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_quantity_of_a_pretraining_step_agrees(backend, pretrained_gan, dtype):
    spec = small_gan(pretrained_gan)
    reference, judged = reference_probe(spec, dtype=dtype, phase="pretraining", first_step=0)
    probe = loaded_trainer(spec, backend=backend, dtype=dtype).probe(pretraining_chunk(spec))
    assert_tensors_close(probe, reference, **judged)


def test_many_steps_agree_eager(backend, gan):
    _assert_many_steps_agree(backend, gan, dtype="float64", execution="eager")


@pytest.mark.compiled
def test_many_steps_agree_compiled(backend, compiled_gan):
    _assert_many_steps_agree(backend, compiled_gan, dtype="float64", execution="compiled")


def test_many_steps_agree_in_float32(backend, gan):
    _assert_many_steps_agree(backend, gan, dtype="float32", execution="eager")


def _assert_many_steps_agree(backend, gan, *, dtype, execution):
    spec = small_gan(gan)
    expected, yardstick, final, allowed = reference_run(
        spec, dtype=dtype, num_pretraining=_NUM_PRETRAINING, num_steps=_NUM_STEPS
    )
    trainer = loaded_trainer(spec, backend=backend, dtype=dtype, execution=execution)
    losses, state = run_steps(trainer, spec, _NUM_PRETRAINING, _NUM_STEPS)
    for name, values in expected.items():
        assert losses[name].dtype == np.dtype(dtype)
        assert_losses_close(losses[name], values, yardstick=yardstick, name=name)
    assert_tensors_close(state, final, within=allowed)


def test_changing_the_backend_in_the_middle_changes_nothing(backend, gan):
    spec = small_gan(gan)
    expected, yardstick, _, _ = reference_run(spec, dtype="float64", num_pretraining=0, num_steps=_NUM_STEPS)
    half = _NUM_STEPS // 2
    for first, second in (("numpy", backend), (backend, "numpy")):
        start, state = run_steps(loaded_trainer(spec, backend=first), spec, 0, half)
        trainer = loaded_trainer(spec, backend=second)
        trainer.load_state(state)
        rest, _ = run_steps(trainer, spec, 0, half, first_step=half)
        for name in spec.training.loss_names:
            whole = np.concatenate([start[name], rest[name]])
            assert_losses_close(whole, expected[name], yardstick=yardstick, name=name)


def test_generate_and_discriminate_agree_and_change_nothing(backend, gan):
    spec = small_gan(gan)
    chunk = adversarial_chunk(spec, first_step=whole_step(spec))
    latent, real = chunk.arrays["latent_d"][0], chunk.arrays["real"][0]
    reference, judged = reference_probe(spec, dtype="float64", phase="adversarial", first_step=chunk.first_step)
    phase = spec.training.first
    generated = next(
        key for key in reversed(reference) if key[:3] == (phase, "output", "fake") and "generator." in key.name
    )
    trainer, numpy_trainer = (loaded_trainer(spec, backend=name) for name in (backend, "numpy"))
    before = trainer.export_state()
    fake = trainer.generate(latent)
    assert_tensors_close({generated: fake}, {generated: numpy_trainer.generate(latent)}, **judged)
    scored = next(key for key in reference if key.phase == "discriminator" and key.stream == "real")
    last = [key for key in reference if key[:3] == scored[:3]][-1]
    asked = shown_when_asked(spec, real, latent)
    scores = {last: trainer.discriminate(asked)}
    assert_tensors_close(scores, {last: numpy_trainer.discriminate(asked)}, **judged)
    after = trainer.export_state()
    assert all(after[name].tobytes() == before[name].tobytes() for name in before)
