"""A tape is refused, before a run, where it ends before the run or has a batch that a BatchNorm cannot take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.reach import check_reach, cut_to_tape
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.tape_file import FileTape, write_tape
from gan_rosetta.shared.errors import DataError, TapeError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import BatchNorm, GanSpec

GAUSSIAN = find_gan("gaussian-1d").with_steps(pretraining=4, training=10)


def normalised(*, num_points: int, batch_size: int = 8, num_steps: int) -> GanSpec:
    """linear-2d with a BatchNorm behind G's layer, and an epoch of so many points."""
    spec = find_gan("linear-2d").with_steps(training=num_steps)
    norm = BatchNorm(
        name="norm1", num_features=2, epsilon=1e-5, momentum=0.1, running_variance="unbiased", statistics="batch"
    )
    generator = replace(spec.generator, layers=(*spec.generator.layers, norm))
    real = replace(spec.real, num_points=num_points)
    training = replace(spec.training, fake_batch="regenerated")
    return replace(spec, generator=generator, real=real, batch_size=batch_size, training=training)


def seeded(spec: GanSpec) -> SeededTape:
    return SeededTape(spec, seed=2, digits=DigitSource.parse(None))


def from_file(path: Path, spec: GanSpec, *, written: GanSpec | None = None) -> FileTape:
    made = written or spec
    pretraining = made.num_pretraining_steps
    write_tape(path, seeded(made), made, pretraining_steps=pretraining, training_steps=made.training.num_steps)
    return FileTape.read(path, spec)


def test_an_epoch_s_last_batch_of_one_is_refused_where_a_run_reaches_it():
    spec = normalised(num_points=17, num_steps=3)
    with pytest.raises(DataError) as caught:
        check_reach(seeded(spec), spec)
    message = str(caught.value)
    assert "\n" not in message
    assert "the BatchNorm generator.norm1 would see one value a channel in step 2" in message
    assert "the last batch of the epoch" in message
    assert "--batch-size" in message
    assert "--steps 2 to end before it" in message
    shorter = spec.with_steps(training=2)
    check_reach(seeded(shorter), shorter)
    check_reach(seeded(spec), spec.with_steps(training=5), phase="adversarial", done=3)
    for num_points in (16, 18):
        fine = normalised(num_points=num_points, num_steps=30)
        check_reach(seeded(fine), fine)


def test_a_run_that_begins_at_such_a_batch_is_not_told_to_end_before_it():
    spec = normalised(num_points=17, num_steps=3)
    with pytest.raises(DataError) as caught:
        check_reach(seeded(spec), spec, phase="adversarial", done=2)
    assert "end before it" not in str(caught.value)


def test_a_batch_of_one_is_fine_without_a_batch_norm_and_over_several_places():
    bare = find_gan("linear-2d").with_steps(training=6)
    bare = replace(bare, real=replace(bare.real, num_points=5), batch_size=4)
    check_reach(seeded(bare), bare)
    images = find_gan("mnist-conv").with_steps(training=30)
    images = replace(images, real=replace(images.real, num_images=17), batch_size=8)
    check_reach(seeded(images), images)


def test_a_file_s_batch_of_one_is_refused_where_a_run_reaches_it(tmp_path):
    spec = normalised(num_points=16, num_steps=4)
    path = tmp_path / "tape.npz"
    from_file(path, spec)
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays, batch_size=np.array([8, 8, 8, 1]))
    tape = FileTape.read(path, spec)
    with pytest.raises(TapeError, match=r"step 3, which has no variance: batch_size of .*tape\.npz is 1 there"):
        check_reach(tape, spec)
    check_reach(tape, spec.with_steps(training=3))


@pytest.mark.parametrize("steps", [{"training": 12}, {"pretraining": 5}])
def test_a_tape_that_ends_before_the_run_is_refused(steps, tmp_path):
    longer = GAUSSIAN.with_steps(**steps)
    tape = from_file(tmp_path / "tape.npz", longer, written=GAUSSIAN)
    with pytest.raises(TapeError) as caught:
        check_reach(tape, longer)
    found, asked = ("10 steps", "12") if "training" in steps else ("4 pretraining steps", "5")
    assert f"has {found}, and the run goes up to {asked}" in str(caught.value)
    assert ("--pretrain-steps 4" if "pretraining" in steps else "--steps 10") in str(caught.value)
    check_reach(tape, GAUSSIAN)
    assert cut_to_tape(longer, tape).training.num_steps == 10


def test_pretraining_that_is_over_needs_no_tape(tmp_path):
    tape = from_file(tmp_path / "tape.npz", GAUSSIAN.with_steps(pretraining=5), written=GAUSSIAN)
    check_reach(tape, GAUSSIAN.with_steps(pretraining=5), phase="adversarial", done=1)


@pytest.mark.parametrize("name", ["sine", "mnist-conv"])
def test_what_the_gan_repeats_may_be_shorter(name, tmp_path):
    spec = find_gan(name).with_steps(training=20)
    tape = from_file(tmp_path / "tape.npz", spec)
    check_reach(tape, spec)
    # All that mnist-conv is fed begins again with each epoch; sine's noise does not.
    assert tape.num_steps("adversarial") == (None if name == "mnist-conv" else 20)
    assert seeded(spec).num_steps("adversarial") is None


def test_but_a_part_of_an_epoch_is_not_the_whole(tmp_path):
    spec = find_gan("mnist-conv").with_steps(training=20)
    tape = from_file(tmp_path / "tape.npz", spec, written=spec.with_steps(training=4))
    with pytest.raises(TapeError, match="has 4 steps, and the run goes up to 20"):
        check_reach(tape, spec)
