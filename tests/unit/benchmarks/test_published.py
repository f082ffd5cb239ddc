"""The published programs that a benchmark times are their GANs: losses and whole state are the reference's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.benchmarks.cells import cell_spec
from gan_rosetta.benchmarks.published.trainer import PROGRAMS, PublishedTrainer
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.interface import Losses
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import installed_version

ROOT = Path(__file__).resolve().parents[3]
# GAN: steps and batch size; 160 go past a stair of the learning rate, 6 to D's second turn.
ORDERS = {
    "gaussian-1d": (160, 12),
    "linear-2d": (20, 4),
    "sine": (10, 64),
    "mnist-conv": (6, 2),
    "mnist-wgan-gp": (4, 8),
}


def test_every_program_is_tried():
    assert set(ORDERS) == set(PROGRAMS)


@pytest.mark.parametrize("backend", sorted({backend for backend, _ in PROGRAMS.values()}))
def test_its_losses_and_state_are_the_references_and_go_on_from_an_exported_state(backend, tmp_path):
    if installed_version(BACKENDS[backend]) is None:
        pytest.skip(f"{backend} is not installed")
    gans = [gan for gan, (of, _) in PROGRAMS.items() if of == backend]
    orders = [":".join(map(str, (gan, *ORDERS[gan]))) for gan in gans]
    worker = Path(__file__).with_name("published_worker.py")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", str(worker), backend, str(tmp_path), *orders]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert finished.returncode == 0, finished.stderr
    for gan in gans:
        with np.load(tmp_path / f"{gan}.npz") as file:
            _assert_is_the_reference(gan, dict(file))


# MXNet's Adam holds its numbers in float32 whatever the weights are (docs/differences.md): 1 - β₂ is 1.3e-5 off then.
RELATIVE = {"linear-2d": 2e-6}
SECOND_MOMENTS = {"linear-2d": 1.4e-5}


def _assert_is_the_reference(gan, found):
    steps, batch_size = ORDERS[gan]
    relative = RELATIVE.get(gan, 1e-7)
    spec = cell_spec(gan, batch_size=batch_size)
    state = initial_state(spec, seed=14)
    reference = NumpyTrainer.build(spec, device="cpu", dtype="float64", execution="eager")
    reference.load_state(state)
    tape = SeededTape(spec, seed=14, digits=DigitSource.parse(None))
    chunk = make_chunk(tape, spec, "adversarial", first_step=0, num_steps=steps)
    losses = {
        name: values for name, values in vars(reference.train(reference.stage(chunk))).items() if values is not None
    }
    trained = reference.export_state()
    for name, array in state.items():
        np.testing.assert_array_equal(found[f"loaded.{name}"], array, err_msg=f"{gan}: {name}")
        assert found[name].dtype == trained[name].dtype
        np.testing.assert_array_equal(found[f"cut.{name}"], found[name], err_msg=f"{gan}: {name}")
        own = SECOND_MOMENTS.get(gan, relative) if name.endswith(".v") else relative
        np.testing.assert_allclose(found[name], trained[name], rtol=own, atol=1e-3 * own, err_msg=f"{gan}: {name}")
    for name, values in losses.items():
        np.testing.assert_allclose(found[name], values, rtol=relative, err_msg=f"{gan}: {name}")
        half = found[f"cut.{name}"]
        np.testing.assert_array_equal(half, found[name][-len(half) :], err_msg=f"{gan}: {name}")


class _Still:
    """A program that computes nothing."""

    def __init__(self):
        self.asked = []

    def load(self, state):
        self.asked.append("load")

    def export(self):
        return {}

    def train(self, arrays, *, first_step):
        self.asked.append((first_step, {name: array.dtype.name for name, array in arrays.items()}))
        return {"discriminator": [1.0, float("nan")], "generator": [2.0, 3.0]}


def test_it_is_fed_its_type_and_counts_the_updates_of_each_network():
    spec = cell_spec("mnist-conv", batch_size=2)
    program = _Still()
    trainer = PublishedTrainer(spec, program, "float32")
    trainer.load_state(initial_state(spec, seed=14))
    tape = SeededTape(spec, seed=14, digits=DigitSource.parse(None))
    losses = trainer.train(trainer.stage(make_chunk(tape, spec, "adversarial", first_step=5, num_steps=2)))
    assert isinstance(losses, Losses)
    assert losses.generator.dtype == np.float32
    assert program.asked == ["load", (5, {"real": "float32", "latent_d": "float32", "latent_g": "float32"})]
    state = trainer.export_state()
    assert (state["optimizer.discriminator.step"], state["optimizer.generator.step"]) == (1, 2)
    assert state["generator.up1.weight"].dtype == np.float32


def test_other_gans_sizes_executions_and_pretraining_are_refused():
    build = PublishedTrainer.build
    with pytest.raises(UnsupportedLayer, match="no published program"):
        build(cell_spec("wgan"), device="cpu", dtype="float32", execution="eager")
    with pytest.raises(UnsupportedLayer, match="own sizes"):
        build(cell_spec("sine", batch_size=2), device="cpu", dtype="float32", execution="eager")
    with pytest.raises(UsageError, match="compiled"):
        build(cell_spec("sine"), device="cpu", dtype="float32", execution="compiled")
    spec = cell_spec("linear-2d")
    with pytest.raises(UsageError, match="probed"):
        PublishedTrainer(spec, _Still(), "float32").probe(None)
