"""The C program is gaussian-1d: its losses and its state are the reference's."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.benchmarks.cells import cell_spec
from gan_rosetta.benchmarks.floor import library
from gan_rosetta.benchmarks.floor.trainer import FloorTrainer
from gan_rosetta.benchmarks.parity import ReferenceRun, judge_cell, run_reference
from gan_rosetta.benchmarks.runner import tape_digest
from gan_rosetta.shared.compare.assertions import assert_same_bits
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, chunks
from gan_rosetta.shared.errors import BackendUnavailable, UnsupportedLayer, UsageError
from gan_rosetta.shared.state import initial_state

SPEC = cell_spec("gaussian-1d")
TAPE = SeededTape(SPEC, seed=14, digits=DigitSource.parse(None))
STATE = initial_state(SPEC, seed=14)
STEPS = 400  # past two stairs of the learning rate


@pytest.fixture
def compiler():
    try:
        return library.find_compiler()
    except BackendUnavailable as error:
        pytest.skip(str(error))


def _train(trainer, size):
    trainer.load_state(STATE)
    cut = list(chunks(TAPE, SPEC, "adversarial", first_step=0, stop=STEPS, size=size))
    losses = [trainer.train(trainer.stage(chunk)) for chunk in cut]
    joined = {n: np.concatenate([getattr(part, n) for part in losses]) for n in ("discriminator", "generator")}
    return joined, tape_digest(cut, STEPS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_its_losses_agree_with_the_reference_by_the_projects_own_verdict(compiler, dtype):
    floor = FloorTrainer.build(SPEC, device="cpu", dtype=dtype, execution="compiled")
    losses, digest = _train(floor, 150)
    reference = ReferenceRun(**run_reference(SPEC, TAPE, STATE, dtype=dtype, seed=14, num_steps=STEPS))
    as_lists = {name: values.tolist() for name, values in losses.items()}
    found = judge_cell(reference, as_lists, digest, spec=SPEC, precision=dtype, name="floor")
    assert found.verdict == "AGREE", found.reason
    assert found.judged_steps == STEPS
    # One loss that is off by a thousandth is seen.
    as_lists["generator"][3] *= 1.001
    wrong = judge_cell(reference, as_lists, digest, spec=SPEC, precision=dtype, name="floor")
    assert wrong.verdict == "DISAGREE"
    assert "generator's loss at step 3" in wrong.reason
    # So is another tape.
    assert judge_cell(reference, as_lists, "00", spec=SPEC, precision=dtype, name="f").verdict == "NOT COMPARABLE"


def test_its_state_is_the_references_and_goes_in_and_out_bit_for_bit(compiler):
    floor = FloorTrainer.build(SPEC, device="cpu", dtype="float64", execution="compiled")
    floor.load_state(STATE)
    assert_same_bits(floor.export_state(), STATE)
    _train(floor, 500)
    reference = NumpyTrainer.build(SPEC, device="cpu", dtype="float64", execution="eager")
    _train(reference, 500)
    mine, theirs = floor.export_state(), reference.export_state()
    assert list(mine) == list(theirs)
    for name, array in theirs.items():
        np.testing.assert_allclose(mine[name], array, rtol=1e-9, atol=1e-12, err_msg=name)


def test_how_steps_are_cut_changes_nothing(compiler):
    floor = FloorTrainer.build(SPEC, device="cpu", dtype="float32", execution="compiled")
    whole, _ = _train(floor, 400)
    state = floor.export_state()
    parts, _ = _train(floor, 37)
    assert_same_bits(parts, whole)
    assert_same_bits(floor.export_state(), state)


def test_other_gans_sizes_and_devices_are_refused():
    with pytest.raises(UnsupportedLayer, match="another GAN"):
        FloorTrainer.build(cell_spec("gaussian-1d", batch_size=13), device="cpu", dtype="float32", execution="compiled")
    with pytest.raises(UsageError, match="cuda"):
        FloorTrainer.build(SPEC, device="cuda", dtype="float32", execution="compiled")


def test_without_a_compiler_there_is_a_reason(monkeypatch):
    monkeypatch.setattr(library.shutil, "which", lambda name: None)
    with pytest.raises(BackendUnavailable, match="no C compiler"):
        library.build_library("float32")
    monkeypatch.setattr(library.shutil, "which", lambda name: "/bin/false")
    with pytest.raises(BackendUnavailable, match="refuses"):
        library.build_library("float32")
