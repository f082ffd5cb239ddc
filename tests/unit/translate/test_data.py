"""A program's data: what is drawn has the tape's names, shapes and distribution, and what is read is the tape."""

from __future__ import annotations

import gzip
import itertools
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import gan_rosetta as gr
from gan_rosetta.shared.data.digits import DigitSource, prepare_digits
from gan_rosetta.shared.data.tape import SeededTape, array_shapes, make_chunk
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.gans.affordable import narrowed
from gan_rosetta.shared.quality.measure import measure_quality
from gan_rosetta.shared.spec import Dropout, GanSpec, GridReal, Normal, RingReal, SpiralReal
from gan_rosetta.shared.spec.feeding import is_label
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.translate.data import data_section
from tests.unit.translate.odd_gans import ODD_GANS

GANS = {name: narrowed(spec, 8) if name == "mnist-conv" else spec for name, spec in (gr.gans() | ODD_GANS).items()}
STEPS = 3
MASKED = ("discriminator.real", "discriminator.fake", "generator.real", "generator.fake")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder with MNIST's own files, of the packaged digits."""
    folder = tmp_path_factory.mktemp("mnist")
    source = DigitSource.parse(None)
    images, labels = source.load(), source.load_labels()
    files = {
        "train-images-idx3-ubyte.gz": struct.pack(">IIII", 2051, *images.shape) + images.tobytes(),
        "train-labels-idx1-ubyte.gz": struct.pack(">II", 2049, len(labels)) + labels.tobytes(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(gzip.compress(content, 1))
    return folder


def names_of(spec: GanSpec) -> dict[str, object]:
    names: dict[str, object] = {"np": np, "Path": Path, "Iterator": Iterator}
    names |= {"gzip": gzip, "json": json, "itertools": itertools}
    exec(data_section(spec), names)  # noqa: S102 - what is tested
    return names


def drawn(spec: GanSpec, digits: Path, names: dict[str, object]):
    arguments = (1, digits) if "read_digits" in names else (1,)
    return names["draw_batches"](*arguments)


@pytest.mark.parametrize("name", GANS)
def test_what_is_drawn_is_what_a_tape_has(name, digits):
    spec = GANS[name]
    names = names_of(spec)
    phases = {"adversarial": drawn(spec, digits, names)}
    if spec.pretraining is not None:
        phases["pretraining"] = names["draw_pretraining"](1)
    for phase, batches in phases.items():
        shapes = array_shapes(spec, phase)
        for batch in itertools.islice(batches, 2):
            assert set(shapes) <= set(batch), "what the step is fed"
            for array, shape in shapes.items():
                assert batch[array].shape == (spec.batch_size, *shape), array
                kind = "iu" if is_label(array) else "b" if array.startswith("mask.") else "f"
                kind = "if" if array.startswith("augment.") else kind
                assert batch[array].dtype.kind in kind, array


@pytest.mark.parametrize("name", GANS)
def test_what_is_read_is_the_tape(name, tmp_path):
    spec = GANS[name].with_steps(pretraining=STEPS, training=STEPS)
    tape = SeededTape(spec, seed=1, digits=DigitSource.parse(None))
    write_tape(tmp_path / "tape.npz", tape, spec, pretraining_steps=STEPS, training_steps=STEPS)
    read = names_of(spec)["read_batches"]
    feeds = {"adversarial": read(tmp_path / "tape.npz")}
    if spec.pretraining is not None:
        feeds["pretraining"] = read(tmp_path / "tape.npz", pretraining=True)
    for phase, batches in feeds.items():
        for step, batch in enumerate(itertools.islice(batches, STEPS)):
            expected = make_chunk(tape, spec, phase, first_step=step, num_steps=1).arrays
            assert set(expected) <= set(batch)
            for array, values in expected.items():
                assert np.array_equal(batch[array], values[0]), (phase, step, array)


@pytest.mark.parametrize("steps_per_batch", [1, 2])
@pytest.mark.parametrize(
    "real",
    [
        RingReal(num_modes=8, radius=2.0, standard_deviation=0.02),
        GridReal(side=5, spacing=2.0, standard_deviation=0.05),
        SpiralReal(num_arms=3, num_turns=1.5, radius=1.0, standard_deviation=0.02),
    ],
)
def test_a_toys_points_are_drawn_as_the_tape_draws_them(real, steps_per_batch, digits):
    training = replace(GANS["linear-2d"].training, steps_per_batch=steps_per_batch)
    spec = replace(GANS["linear-2d"], real=real, batch_size=4000, training=training)
    ours, second = itertools.islice(drawn(spec, digits, names_of(spec)), 2)
    assert ours["real"].shape == (4000, 2)
    assert np.array_equal(ours["real"], second["real"]) == (steps_per_batch == 2)
    tape = SeededTape(spec, seed=1, digits=DigitSource.parse(None))
    (fed,) = tape.arrays("adversarial", first_step=0, num_steps=1)["real"]
    numbers = measure_quality({"generated": ours["real"], "real": fed}, spec)
    for number in numbers:
        assert number.value == pytest.approx(number.real, abs=0.01), number.name
    # Along several lines, each of which would show another density of modes or of an arm.
    for direction in ([1, 0], [0, 1], [0.6, 0.8]):
        assert stats.ks_2samp(ours["real"] @ direction, fed @ direction).pvalue > 0.01
    assert stats.ks_2samp(np.hypot(*ours["real"].T), np.hypot(*fed.T)).pvalue > 0.01


def test_a_batch_that_is_shown_once_has_the_same_masks_in_both_updates(digits):
    spec = GANS["dcgan-keras"]
    masks = next(iter(drawn(spec, digits, names_of(spec))))
    for drop in ("drop1", "drop2"):
        kept = {at: masks[f"mask.{at}.discriminator.{drop}"] for at in ("generator.fake", "discriminator.fake")}
        assert np.array_equal(kept["generator.fake"], kept["discriminator.fake"])
        assert not np.array_equal(masks[f"mask.discriminator.real.discriminator.{drop}"], kept["generator.fake"])


def test_real_samples_that_are_shown_once_have_the_same_masks_too(digits):
    spec = MADE_UP["relativistic-2d"]
    first, *others = spec.discriminator.layers
    layers = (first, Dropout(name="drop", probability=0.5, unit="entry"), *others)
    training = replace(
        spec.training,
        dropout_masks="shared",
        discriminator_loss=replace(spec.training.discriminator_loss, penalty=None),
    )
    spec = replace(spec, discriminator=replace(spec.discriminator, layers=layers), training=training)
    masks = next(iter(drawn(spec, digits, names_of(spec))))
    kept = {at: masks[f"mask.{at}.discriminator.drop"] for at in MASKED}
    assert np.array_equal(kept["generator.real"], kept["discriminator.real"])
    assert np.array_equal(kept["generator.fake"], kept["discriminator.fake"])
    assert not np.array_equal(kept["generator.fake"], kept["generator.real"])


def test_an_epoch_ends_in_a_short_batch_which_counts_on(digits, tmp_path):
    spec = GANS["wgan"]
    names = names_of(spec)
    batches = list(itertools.islice(drawn(spec, digits, names), 80))
    assert [len(batch["real"]) for batch in batches[76:]] == [64, 64, 8, 64]
    assert [int(batch["step_in_epoch"]) for batch in batches[76:]] == [76, 77, 78, 0]
    assert not np.array_equal(batches[0]["real"], batches[79]["real"]), "a new order"
    tape = SeededTape(spec, seed=1, digits=DigitSource.parse(None))
    write_tape(tmp_path / "tape.npz", tape, spec, pretraining_steps=0, training_steps=80)
    read = list(names["read_batches"](tmp_path / "tape.npz"))
    assert [len(batch["real"]) for batch in read[76:]] == [64, 64, 8, 64]
    assert [int(batch["step_in_epoch"]) for batch in read[76:]] == [76, 77, 78, 0]


def test_a_batch_serves_several_steps_and_a_short_one_is_left_out(digits, tmp_path):
    spec = ODD_GANS["odd-spectra"]
    names = names_of(spec)
    tape = SeededTape(spec, seed=1, digits=DigitSource.parse(None))
    write_tape(tmp_path / "tape.npz", tape, spec, pretraining_steps=0, training_steps=4)
    for batches in (drawn(spec, digits, names), names["read_batches"](tmp_path / "tape.npz")):
        found = list(itertools.islice(batches, 4))
        assert [len(batch["real"]) for batch in found] == [4] * 4
        assert [int(batch["epoch"]) for batch in found] == [0, 0, 1, 1]
        assert [int(batch["step_in_epoch"]) for batch in found] == [0, 1, 0, 1]
        assert np.array_equal(found[0]["real"], found[1]["real"])
        assert not np.array_equal(found[0]["latent_d"], found[1]["latent_d"])
    often = replace(GANS["gaussian-1d"], training=replace(GANS["gaussian-1d"].training, steps_per_batch=2))
    found = list(itertools.islice(drawn(often, digits, names_of(often)), 3))
    assert [np.array_equal(found[0]["real"], batch["real"]) for batch in found] == [True, True, False]
    assert not np.array_equal(found[0]["latent_d"], found[1]["latent_d"])


def test_too_few_images_for_a_batch_are_refused_where_short_ones_are_left_out(digits):
    spec = ODD_GANS["odd-spectra"]
    names = names_of(replace(spec, real=replace(spec.real, num_images=None), batch_size=5001))
    with pytest.raises(SystemExit, match="has 5000 images, fewer than a batch of 5001"):
        next(names["draw_batches"](1, digits))


def test_a_file_without_images_is_refused_where_a_batch_may_be_short(tmp_path):
    for file, head in (
        ("images-idx3", struct.pack(">IIII", 2051, 0, 28, 28)),
        ("labels-idx1", struct.pack(">II", 2049, 0)),
    ):
        (tmp_path / f"train-{file}-ubyte.gz").write_bytes(gzip.compress(head))
    with pytest.raises(SystemExit, match="has no images"):
        next(names_of(GANS["cgan"])["draw_batches"](1, tmp_path))


@pytest.mark.parametrize("name", ["mnist-wgan-gp", "mnist-conv", "cgan"])
def test_digits_are_the_suite_s_own_to_a_grey_level(name, digits):
    spec = GANS[name]
    found = names_of(spec)["read_digits"](digits)
    source = DigitSource.parse(None)
    if name == "cgan":
        found, classes = found
        assert np.array_equal(classes, source.load_labels())
    expected = prepare_digits(source.load()[: spec.real.num_images], spec.real)
    level = (spec.real.high - spec.real.low) / 255
    assert found.shape == expected.shape
    # Pillow rounds to 8 bits after each of two passes.
    assert np.abs(found - expected).max() < 1.6 * level


def test_what_a_gan_is_drawn_from_is_as_the_spec_says(digits):
    batches = list(itertools.islice(drawn(GANS["linear-2d"], digits, names_of(GANS["linear-2d"])), 250))
    real = np.concatenate([batch["real"] for batch in batches])
    matrix = np.array(GANS["linear-2d"].real.matrix)
    assert np.allclose(real.mean(axis=0), [1.0, 2.0], atol=0.2)
    assert np.allclose(np.cov(real.T), matrix.T @ matrix, atol=0.6)
    assert len(np.unique(real[:, 0])) == 1000, "an epoch goes through all points"
    masks = next(drawn(GANS["cgan"], digits, names_of(GANS["cgan"])))
    mask = masks["mask.generator.fake.discriminator.drop2"]
    assert abs(mask.mean() - 0.6) < 0.02, "dropped with the probability 0.4"


def test_a_state_is_read_bit_for_bit(tmp_path):
    spec = GANS["gaussian-1d-minibatch"]
    state = initial_state(spec, seed=3)
    assert any(isinstance(layer.weight_init, Normal) for layer in spec.generator.layers if hasattr(layer, "name"))
    write_state(tmp_path / "state.safetensors", state, metadata={"gan": spec.name})
    read = names_of(spec)["read_state"](tmp_path / "state.safetensors")
    assert set(read) == set(state)
    assert all(read[name].tobytes() == array.tobytes() for name, array in state.items())
    assert all(read[name].dtype == array.dtype for name, array in state.items())
