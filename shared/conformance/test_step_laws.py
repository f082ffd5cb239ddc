"""Laws on stepping: probing, cutting into chunks, what memory held before and reseeding a framework change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.compare.assertions import assert_losses_close, assert_same_bits, assert_tensors_close
from gan_rosetta.shared.conformance.noise import reference_run, run_steps
from gan_rosetta.shared.conformance.small import (
    adversarial_chunk,
    build_trainer,
    loaded_trainer,
    pretraining_chunk,
    small_gan,
    whole_step,
)
from gan_rosetta.shared.state import ROLES
from gan_rosetta.shared.workers.registry import load_device_module

_NUM_STEPS = 6
# By the kind of a type: what reads a NaN shows it, and so does a step taken once more or with another D.
_REMAINS = {"f": np.nan, "b": True, "i": -1, "u": 255}
_new_memory = np.empty


def test_probe_changes_nothing(reference_too, backend, gan):
    spec = small_gan(gan)
    trainer = loaded_trainer(spec, backend=backend)
    trainer.train(trainer.stage(adversarial_chunk(spec)))
    before = trainer.export_state()
    trainer.probe(adversarial_chunk(spec, first_step=1))
    assert_same_bits(trainer.export_state(), before)
    if spec.pretraining is not None:
        trainer.probe(pretraining_chunk(spec))
        assert_same_bits(trainer.export_state(), before)


def test_probe_shows_the_step_that_train_takes(reference_too, backend, gan):
    spec = small_gan(gan)
    trainer = loaded_trainer(spec, backend=backend)
    step = whole_step(spec)
    probe = trainer.probe(adversarial_chunk(spec, first_step=step))
    losses, state = run_steps(trainer, spec, 0, 1, first_step=step)
    after = {key.name: value for key, value in probe.items() if key.quantity in ROLES}
    assert_same_bits(after, {name: state[name] for name in after})
    for name in spec.training.loss_names:
        assert probe[next(k for k in probe if k.phase == name and k.name == "loss")] == losses[name][0]


def test_a_chunk_equals_its_steps_one_by_one(reference_too, backend, gan):
    spec = small_gan(gan)
    together, state = run_steps(loaded_trainer(spec, backend=backend), spec, 0, _NUM_STEPS)
    trainer = loaded_trainer(spec, backend=backend)
    steps = [run_steps(trainer, spec, 0, 1, first_step=step)[0] for step in range(_NUM_STEPS)]
    apart = {name: np.concatenate([losses[name] for losses in steps]) for name in together}
    assert_same_bits(apart, together)
    assert_same_bits(trainer.export_state(), state)


@pytest.mark.compiled
def test_a_compiled_chunk_equals_its_steps_one_by_one(backend, compiled_gan):
    spec = small_gan(compiled_gan)
    _, yardstick, _, allowed = reference_run(spec, dtype="float64", num_pretraining=0, num_steps=_NUM_STEPS)
    together, state = run_steps(loaded_trainer(spec, backend=backend, execution="compiled"), spec, 0, _NUM_STEPS)
    trainer = loaded_trainer(spec, backend=backend, execution="compiled")
    steps = [run_steps(trainer, spec, 0, 1, first_step=step)[0] for step in range(_NUM_STEPS)]
    for name, values in together.items():
        apart = np.concatenate([losses[name] for losses in steps])
        assert_losses_close(apart, values, yardstick=yardstick, name=name)
    assert_tensors_close(trainer.export_state(), state, within=allowed)


def test_memory_that_was_not_written_is_not_read(reference_too, backend, gan, monkeypatch):
    trainer = loaded_trainer(small_gan(gan), backend=backend)
    _assert_reads_no_remains(trainer, small_gan(gan), monkeypatch)


@pytest.mark.compiled
def test_compiled_steps_read_no_memory_that_was_not_written(backend, compiled_gan, monkeypatch):
    """A short chunk may be staged in arrays that are longer, and the rest of them left as it was."""
    trainer = loaded_trainer(small_gan(compiled_gan), backend=backend, execution="compiled")
    _assert_reads_no_remains(trainer, small_gan(compiled_gan), monkeypatch)


def _assert_reads_no_remains(trainer, spec, monkeypatch):
    before = trainer.export_state()
    expected, state = run_steps(trainer, spec, 0, _NUM_STEPS)
    assert all(np.all(np.isfinite(tensor)) for tensor in state.values())
    monkeypatch.setattr(np, "empty", _memory_with_remains)
    trainer.load_state(before)
    losses, other = run_steps(trainer, spec, 0, _NUM_STEPS)
    assert_same_bits(losses, expected)
    assert_same_bits(other, state)


def _memory_with_remains(*arguments, **keywords):
    array = _new_memory(*arguments, **keywords)
    if array.dtype.kind in _REMAINS:
        array.fill(_REMAINS[array.dtype.kind])
    return array


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["sine"])
def test_reseeding_the_framework_changes_nothing(reference_too, backend, name, seed):
    spec = small_gan(name)
    expected, state = run_steps(build_trainer(spec, backend=backend), spec, 0, 3)
    np.random.seed(seed)
    load_device_module(BACKENDS[backend]).reseed(seed)
    losses, other = run_steps(build_trainer(spec, backend=backend), spec, 0, 3)
    assert_same_bits(losses, expected)
    assert_same_bits(other, state)
