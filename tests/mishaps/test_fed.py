"""What a run cannot be fed, or was not fed before: refused in a line before anything starts, or said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import BatchNorm
from gan_rosetta.shared.spec.toml_file import write_spec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import read_state
from tests.mishaps.trial import Mishap

LINEAR = find_gan("linear-2d")
TRAIN = ("train", "linear-2d", "--backend", "numpy")


@pytest.fixture
def last_of_one(mishap: Mishap) -> Path:
    """A GAN with a BatchNorm behind a Linear, and an epoch of 17 points in batches of 8."""
    norm = BatchNorm(
        name="norm1", num_features=2, epsilon=1e-5, momentum=0.1, running_variance="unbiased", statistics="batch"
    )
    spec = replace(
        LINEAR,
        name="last-of-one",
        batch_size=8,
        real=replace(LINEAR.real, num_points=17),
        generator=replace(LINEAR.generator, layers=(*LINEAR.generator.layers, norm)),
        training=replace(LINEAR.training, fake_batch="regenerated", num_steps=9),
    )
    path = mishap.folder / "mine.toml"
    write_spec(path, spec)
    return path


def tape_of(folder: Path, *, num_steps: int, seed: int = 14) -> Path:
    path = folder / f"tape-{seed}.npz"
    tape = SeededTape(LINEAR, seed=seed, digits=DigitSource.parse(None))
    write_tape(path, tape, LINEAR, pretraining_steps=0, training_steps=num_steps)
    return path


@pytest.mark.parametrize("words", [("train", "--backend", "torch"), ("compare", "--backends", "torch")])
def test_a_last_batch_of_one(mishap: Mishap, last_of_one: Path, words: tuple[str, ...]) -> None:
    out = mishap.folder / "runs"
    finished = mishap.refused(
        *words, "--spec", last_of_one, "--out", out, says="generator.norm1 would see one value a channel in step 2"
    )
    assert not list(out.rglob("*.npz"))
    done = f"`{words[0]}` of 17 points in batches of 8, with a BatchNorm that then sees one value"
    mishap.account(done, finished, mishap.files())
    one = mishap.refused(*words, "--spec", last_of_one, "--batch-size", 1, "--out", out, says="batch_size is 1")
    assert "generator.norm1" in one.text


def test_a_run_that_ends_before_it(mishap: Mishap, last_of_one: Path) -> None:
    words = ("train", "--spec", last_of_one, "--backend", "torch", "--steps", 2, "--out", mishap.folder / "runs")
    finished = mishap.run(*words)
    assert finished.status == 0, finished.text
    state = safetensors.numpy.load_file(mishap.folder / "runs" / "last-of-one" / "torch" / "state.safetensors")
    assert all(np.isfinite(array).all() for array in state.values())


def test_a_tape_that_is_too_short(mishap: Mishap) -> None:
    tape, out = tape_of(mishap.folder, num_steps=10), mishap.folder / "runs"
    says = "has 10 steps, and the run goes up to 12"
    finished = mishap.refused(*TRAIN, "--tape", tape, "--steps", 12, "--out", out, says=says)
    mishap.account("`--tape` of 10 steps with `--steps 12`", finished, mishap.files())
    assert mishap.run(*TRAIN, "--tape", tape, "--steps", 10, "--out", out).status == 0


def test_a_comparison_resumed_where_train_wrote(mishap: Mishap) -> None:
    assert mishap.run(*TRAIN, "--steps", 3, "--out", mishap.folder).status == 0
    finished = mishap.refused("compare", "--resume", mishap.folder, says="was written by train")
    assert "train --resume" in finished.text
    kept = f"{mishap.files()}, as they were"
    mishap.account("`compare --resume` of what `train` wrote", finished, kept)


def test_a_state_of_another_program(mishap: Mishap) -> None:
    path = mishap.folder / "weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    says = "is an HDF5 file, as Keras writes weights"
    finished = mishap.refused(*TRAIN, "--initial-state", path, "--out", mishap.folder / "runs", says=says)
    mishap.account("`--initial-state` is a file of Keras", finished, mishap.files())


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.npz", "model.keras", "model.weights.h5"])
def test_a_download_that_left_an_empty_file(mishap: Mishap, name: str) -> None:
    path = mishap.folder / name
    path.touch()
    words = (*TRAIN, "--initial-state", path, "--out", mishap.folder / "runs")
    finished = mishap.refused(*words, says="is empty, though by its name")
    assert f"gan-rosetta convert {path}" in finished.text
    mishap.account(f"`--initial-state` is an empty `{path.suffix}`", finished, mishap.files())


def test_a_state_with_names_of_another_program(mishap: Mishap) -> None:
    path = mishap.folder / "weights.safetensors"
    renamed = {f"net.{place}.weight": array for place, array in enumerate(initial_state(LINEAR, seed=1).values())}
    safetensors.numpy.save_file(renamed, path)
    finished = mishap.refused(
        *TRAIN, "--initial-state", path, "--out", mishap.folder / "runs", says="'net.0.weight', 'net.1.weight'"
    )
    assert "'generator.output.weight'" in finished.text
    mishap.account("`--initial-state` with tensors under other names", finished, mishap.files())


def test_a_run_that_ends_in_nan_is_carried_on(mishap: Mishap) -> None:
    before = initial_state(LINEAR, seed=1)
    spec = replace(LINEAR, name="overflows")
    rate = replace(spec.training.generator_optimizer.learning_rate, value=1.7e308)
    optimizer = replace(spec.training.generator_optimizer, learning_rate=rate)
    spec = replace(spec, training=replace(spec.training, generator_optimizer=optimizer))
    path = mishap.folder / "overflows.toml"
    write_spec(path, spec)
    train = ("train", "--spec", path, "--backend", "numpy")
    assert mishap.run(*train, "--steps", 4, "--out", mishap.folder / "half").status == 0
    left = mishap.folder / "half" / "overflows" / "numpy" / "state.safetensors"
    state = read_state(left, spec)
    assert sorted(state) == sorted(before)
    assert any(not np.isfinite(array).all() for array in state.values()), "take a larger learning rate"
    finished = mishap.run(*train, "--steps", 8, "--initial-state", left, "--out", mishap.folder / "rest")
    assert finished.status == 0, finished.text
    assert "NaN or infinite" in finished.text
    mishap.account("a run carried on from the state of one that ended in NaN", finished, "both runs, NaN and all")


def test_a_state_without_slots_that_carries_on(mishap: Mishap) -> None:
    path = mishap.folder / "state.safetensors"
    parameters = {
        name: array for name, array in initial_state(LINEAR, seed=1).items() if not name.startswith("optimizer")
    }
    safetensors.numpy.save_file(parameters, path)
    words = (*TRAIN, "--initial-state", path, "--first-step", 5, "--steps", 8, "--out", mishap.folder / "runs")
    finished = mishap.run(*words)
    assert finished.status == 0, finished.text
    assert "took no step yet (counter 0), and the run carries on at adversarial step 5" in finished.complaint
    mishap.account("parameters alone carried on at step 5", finished, "the run; its optimizers begin anew")
