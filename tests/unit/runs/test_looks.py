"""What a run keeps of its moments: from the start to the end, small, and as samples.npz has it at the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.compare.assertions import assert_same_bits
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.looks import LookRecorder, num_shown
from gan_rosetta.shared.runs.moments import choose_moments
from gan_rosetta.shared.runs.record import read_run
from gan_rosetta.shared.runs.run import run
from gan_rosetta.shared.runs.samples import NUM_BOUNDARY_POINTS, make_samples
from gan_rosetta.shared.state import initial_state
from tests.unit.runs.orders import order_of


def train(folder: Path, gan: str, **options: object):
    order = order_of(gan, "numpy", folder, **{"steps": 30, **options})
    run(order, BACKENDS["numpy"], report_progress=lambda *_progress: None)
    return read_run(folder)


@pytest.mark.parametrize("gan", ["gaussian-1d", "gaussian-1d-minibatch"])
def test_the_decision_boundary_and_histograms_over_training(tmp_path, gan):
    found = train(tmp_path / "run", gan, pretrain_steps=12)
    looks, samples = found.moments, found.samples
    steps = [0, *choose_moments(30, count=8, chunk_steps=500).steps]
    assert looks["adversarial_steps"].tolist() == steps
    assert looks["pretraining_steps"].tolist() == [0, *[12] * (len(steps) - 1)]
    assert "generated" not in looks
    assert 100 <= len(looks["boundary_x"]) <= 200
    assert looks["boundary_y"].shape == (len(steps), len(looks["boundary_x"]))
    # Pretraining moves D alone; that of the other GAN is as good as 0 everywhere at first.
    assert gan != "gaussian-1d" or np.abs(looks["boundary_y"][1] - looks["boundary_y"][0]).max() > 0.01
    np.testing.assert_array_equal(looks["histogram_generated"][1], looks["histogram_generated"][0])
    assert (looks["histogram_generated"][-1] != looks["histogram_generated"][0]).any()
    places = np.searchsorted(samples["boundary_x"], looks["boundary_x"])
    np.testing.assert_array_equal(samples["boundary_x"][places], looks["boundary_x"])
    np.testing.assert_array_equal(samples["boundary_y"][places], looks["boundary_y"][-1])
    np.testing.assert_array_equal(samples["histogram_generated"], looks["histogram_generated"][-1])
    assert (tmp_path / "run" / "moments.npz").stat().st_size < 50_000


@pytest.mark.parametrize("gan", ["gaussian-1d", "gaussian-1d-minibatch"])
def test_a_look_is_what_the_end_would_show(gan):
    spec = find_gan(gan)
    trainer = NumpyTrainer.build(spec, device="cpu", dtype="float64", execution="eager")
    trainer.load_state(initial_state(spec, seed=2))
    before = trainer.export_state()
    tape = SeededTape(spec, seed=2, digits=DigitSource.parse(None))
    look_recorder = LookRecorder(trainer, spec, choose_moments(5, count=8, chunk_steps=5), tape=tape, seed=2)
    look_recorder.take(pretraining=0, adversarial=0)
    assert_same_bits(trainer.export_state(), before)
    look_recorder.close(make_samples(trainer, spec, tape, seed=2), pretraining=0, adversarial=0)
    looks = look_recorder.arrays()
    np.testing.assert_allclose(looks["boundary_y"][0], looks["boundary_y"][1], rtol=1e-12)
    np.testing.assert_array_equal(looks["histogram_generated"][0], looks["histogram_generated"][1])
    assert len(looks["boundary_x"]) < NUM_BOUNDARY_POINTS


@pytest.mark.parametrize("gan", ["linear-2d", "sine", "mnist-wgan-gp"])
def test_samples_over_training_are_the_first_of_samples_npz_and_small(tmp_path, gan):
    small = {"batch_size": 70} if gan.startswith("mnist") else {}
    found = train(tmp_path / "run", gan, steps=3, **small)
    looks, generated = found.moments, found.samples["generated"]
    assert looks["adversarial_steps"].tolist() == [0, 1, 2, 3]
    num = min(num_shown(find_gan(gan)), len(generated))
    assert looks["generated"].shape == (4, num, *generated.shape[1:])
    np.testing.assert_allclose(looks["generated"][-1], generated[:num], rtol=1e-2, atol=1e-3)
    assert looks["generated"].nbytes < 600_000


def test_pictures_are_fewer_where_they_are_larger():
    assert num_shown(find_gan("mnist-wgan-gp")) == 83
    assert num_shown(find_gan("mnist-conv")) == 64


def test_a_reference_of_fewer_steps_is_looked_at_when_the_others_are(tmp_path):
    short = train(tmp_path / "short", "linear-2d", steps=200, planned_steps=1000)
    long = train(tmp_path / "long", "linear-2d", steps=1000)
    common = short.moments["adversarial_steps"][:-1].tolist()
    assert len(common) > 3
    assert common == long.moments["adversarial_steps"][: len(common)].tolist()
    np.testing.assert_array_equal(short.moments["generated"][:-1], long.moments["generated"][: len(common)])
    assert short.moments["adversarial_steps"][-1] == 200


def test_numbers_that_are_not_finite_are_kept_as_such(tmp_path):
    spec = find_gan("linear-2d")
    trainer = NumpyTrainer.build(spec, device="cpu", dtype="float64", execution="eager")
    tape = SeededTape(spec, seed=2, digits=DigitSource.parse(None))
    look_recorder = LookRecorder(trainer, spec, choose_moments(5, count=8, chunk_steps=5), tape=tape, seed=2)
    look_recorder.close({"generated": np.array([[1e300, np.nan]])}, pretraining=0, adversarial=5)
    np.testing.assert_array_equal(look_recorder.arrays()["generated"][0], [[np.inf, np.nan]])
