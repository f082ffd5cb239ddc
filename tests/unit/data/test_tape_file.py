"""Tapes in files: reading gives the bits that were written, and anything that does not fit is named."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, array_shapes, chunks
from gan_rosetta.shared.data.tape_file import FileTape, write_tape
from gan_rosetta.shared.errors import TapeError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import GanSpec, NormalLatent

PACKAGED = DigitSource.parse(None)
# The other form of the penalty is fed the same tape.
# What is left out has the arrays of others, and in its batches of large images some hundred megabytes a step.
TAPES = [
    name for name in CATALOGUE if name not in ("mnist-wgan-gp-sample", "dcgan", "dcgan-keras", "sagan-small", "sgan")
]


def shortened(name: str, *, pretraining: int = 5, training: int) -> GanSpec:
    return find_gan(name).with_steps(pretraining=pretraining, training=training)


def tape_of(spec: GanSpec) -> SeededTape:
    return SeededTape(spec, seed=2, digits=PACKAGED)


def write(path, spec: GanSpec, tape=None):
    pretraining = spec.num_pretraining_steps
    tape = tape or tape_of(spec)
    write_tape(path, tape, spec, pretraining_steps=pretraining, training_steps=spec.training.num_steps)
    return path


def assert_same_chunks(first, second, spec: GanSpec) -> None:
    steps = {"pretraining": spec.num_pretraining_steps}
    steps["adversarial"] = spec.training.num_steps
    for phase, stop in steps.items():
        ours, theirs = (list(chunks(tape, spec, phase, first_step=0, stop=stop, size=11)) for tape in (first, second))
        assert [(c.first_step, c.num_steps, c.batch_size) for c in ours] == [
            (c.first_step, c.num_steps, c.batch_size) for c in theirs
        ]
        for one, other in zip(ours, theirs, strict=True):
            assert list(one.arrays) == list(other.arrays)
            for name in one.arrays:
                assert one.arrays[name].tobytes() == other.arrays[name].tobytes(), (name, one.first_step)


def small() -> dict[str, np.ndarray]:
    """A tape for gaussian-1d, with periods 2 and 3."""
    return {
        "pretrain_input": np.full((2, 12, 1), 0.25),
        "pretrain_target": np.full((2, 12, 1), 0.5),
        "real": np.arange(36.0).reshape(3, 12, 1),
        "latent_d": np.arange(24.0).reshape(2, 12, 1),
        "latent_g": -np.arange(36.0).reshape(3, 12, 1),
    }


def saved(path, arrays):
    np.savez(path, **arrays)
    return path


def fault(path, name: str = "gaussian-1d") -> str:
    with pytest.raises(TapeError) as caught:
        FileTape.read(path, find_gan(name))
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize("name", TAPES)
def test_reading_back_gives_the_same_bits(name, tmp_path):
    spec = shortened(name, training=85 if name.startswith("mnist-wgan") else 20)
    path = write(tmp_path / "tape.npz", spec)
    read = FileTape.read(path, spec)
    assert_same_chunks(tape_of(spec), read, spec)
    again = write(tmp_path / "again.npz", spec, read)
    assert path.read_bytes() == again.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["again.npz", "tape.npz"]


def test_what_repeats_is_stored_once(tmp_path):
    spec = shortened("mnist-conv", training=40)
    with np.load(write(tmp_path / "tape.npz", spec)) as archive:
        assert {name: len(archive[name]) for name in archive.files} == {"real": 9, "latent_d": 1, "latent_g": 1}
    few = shortened("mnist-conv", training=4)
    with np.load(write(tmp_path / "few.npz", few)) as archive:
        assert len(archive["real"]) == 4
    sine = shortened("sine", training=30)
    with np.load(write(tmp_path / "sine.npz", sine)) as archive:
        assert {name: len(archive[name]) for name in archive.files} == {"real": 1, "latent_d": 30}


def test_short_batches_are_padded_and_said(tmp_path):
    spec = shortened("mnist-wgan-gp", training=80)
    with np.load(write(tmp_path / "tape.npz", spec)) as archive:
        np.testing.assert_array_equal(archive["batch_size"], [64] * 78 + [8])
        assert archive["batch_size"].dtype == np.int64
        assert archive["real"].shape == (80, 64, 1, 28, 28)
        for name in ("real", "latent_d", "mix"):
            assert not archive[name][78, 8:].any()
            assert archive[name][78, :8].any()
    with np.load(write(tmp_path / "whole.npz", shortened("mnist-wgan-gp", training=78))) as archive:
        assert "batch_size" not in archive.files


def test_fixed_noise_and_short_batches(tmp_path):
    spec = shortened("linear-2d", training=9)
    spec = replace(spec, latent=NormalLatent(shape=(2,), redraw="never"), real=replace(spec.real, num_points=6))
    path = write(tmp_path / "tape.npz", spec)
    with np.load(path) as archive:
        assert {name: len(archive[name]) for name in archive.files} == {"real": 9, "latent_d": 1, "batch_size": 2}
    assert_same_chunks(tape_of(spec), FileTape.read(path, spec), spec)


def test_arrays_repeat_each_with_its_own_period(tmp_path):
    spec = find_gan("gaussian-1d")
    arrays = small()
    tape = FileTape.read(saved(tmp_path / "tape.npz", arrays), spec)
    got = tape.arrays("adversarial", first_step=4, num_steps=4)
    assert list(got) == ["real", "latent_d", "latent_g"]
    for name, indices in {"real": [1, 2, 0, 1], "latent_d": [0, 1, 0, 1], "latent_g": [1, 2, 0, 1]}.items():
        np.testing.assert_array_equal(got[name], arrays[name][indices])
    assert list(tape.arrays("pretraining", first_step=7, num_steps=1)) == ["pretrain_input", "pretrain_target"]
    got["real"][:] = 0  # A caller's copy.
    assert tape.arrays("adversarial", first_step=1, num_steps=1)["real"].any()


def test_a_tape_with_periods_of_its_own_is_exported_whole(tmp_path):
    spec = shortened("gaussian-1d", training=50)
    arrays = small() | {"batch_size": np.array([12, 12, 5, 12, 1])}
    tape = FileTape.read(saved(tmp_path / "tape.npz", arrays), spec)
    assert [tape.batch_size("adversarial", step) for step in range(7)] == [12, 12, 5, 12, 1, 12, 12]
    assert tape.batch_size("pretraining", 2) == 12
    assert_same_chunks(tape, FileTape.read(write(tmp_path / "again.npz", spec, tape), spec), spec)


def test_integers_and_single_precision_are_read_as_float64(tmp_path):
    arrays = {
        name: array.astype(dtype)
        for (name, array), dtype in zip(small().items(), ("f4", "f2", "i4", ">f8", "i8"), strict=True)
    }
    read = FileTape.read(saved(tmp_path / "tape.npz", arrays), find_gan("gaussian-1d"))
    for phase in ("pretraining", "adversarial"):
        for name, array in read.arrays(phase, first_step=0, num_steps=1).items():
            assert array.dtype == np.dtype("=f8")
            np.testing.assert_array_equal(array[0], small()[name][0])


def test_pretraining_arrays_may_be_absent_where_it_is_skipped(tmp_path):
    arrays = {name: array for name, array in small().items() if not name.startswith("pretrain")}
    path = saved(tmp_path / "tape.npz", arrays)
    FileTape.read(path, shortened("gaussian-1d", pretraining=0, training=3))
    assert "lacks 'pretrain_input'" in fault(path)


@pytest.mark.parametrize("missing", small())
def test_a_missing_array_is_named(missing, tmp_path):
    arrays = small()
    del arrays[missing]
    assert f"lacks {missing!r}" in fault(saved(tmp_path / "tape.npz", arrays))


@pytest.mark.parametrize("extra", ["mix", "latent_z", "real.npy"])
def test_an_array_that_is_not_used_is_named(extra, tmp_path):
    message = fault(saved(tmp_path / "tape.npz", small() | {extra: np.ones((1, 12, 1))}))
    assert f"{extra!r}, which 'gaussian-1d' does not use" in message


def test_a_shared_draw_has_no_latent_g(tmp_path):
    arrays = {"real": np.ones((1, 64, 16)), "latent_d": np.ones((1, 64, 5))}
    FileTape.read(saved(tmp_path / "tape.npz", arrays), find_gan("sine"))
    assert "'latent_g'" in fault(saved(tmp_path / "tape.npz", arrays | {"latent_g": arrays["latent_d"]}), "sine")


@pytest.mark.parametrize("name", small())
@pytest.mark.parametrize("shape", [(3, 11, 1), (3, 13, 1), (3, 12), (3, 12, 2), (0, 12, 1), (), (3, 12, 1, 1)])
def test_a_wrong_shape_is_named(name, shape, tmp_path):
    message = fault(saved(tmp_path / "tape.npz", small() | {name: np.ones(shape)}))
    assert name in message
    assert str(shape) in message
    assert "(steps, 12, 1)" in message


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_must_be_finite(bad, tmp_path):
    arrays = small()
    arrays["latent_d"][1, 7, 0] = bad
    message = fault(saved(tmp_path / "tape.npz", arrays))
    assert f"latent_d of {tmp_path / 'tape.npz'} has {bad} at index (1, 7, 0)" in message


@pytest.mark.parametrize(
    ("name", "place", "value", "words"),
    [
        ("real", (1, 3, 0, 5, 5), 255.0, "has 255 at index (1, 3, 0, 5, 5); 'mnist-wgan-gp' has it from -1 to 1"),
        ("mix", (0, 2, 0, 0, 0), -0.1, "has -0.1 at index (0, 2, 0, 0, 0); 'mnist-wgan-gp' has it from 0 to 1"),
    ],
)
def test_numbers_outside_the_range_that_the_gan_says_are_named(name, place, value, words, tmp_path):
    spec = shortened("mnist-wgan-gp", training=2)
    with np.load(write(tmp_path / "tape.npz", spec)) as archive:
        arrays = dict(archive)
    arrays[name][place] = value
    assert words in fault(saved(tmp_path / "tape.npz", arrays), spec.name)
    # Padding is never fed, and single precision may be a little over.
    FileTape.read(saved(tmp_path / "tape.npz", arrays | {"batch_size": np.array([2, 2])}), spec)
    arrays[name][place] = 1 + 1e-7
    FileTape.read(saved(tmp_path / "tape.npz", arrays), spec)


def test_pretraining_inputs_are_in_the_range_of_their_density(tmp_path):
    arrays = small()
    arrays["pretrain_input"][1, 4, 0] = 1e3
    message = fault(saved(tmp_path / "tape.npz", arrays))
    assert "pretrain_input" in message
    assert "has 1000 at index (1, 4, 0)" in message


@pytest.mark.parametrize("dtype", ["c16", "?", "U4", "M8[s]"])
def test_other_types_are_refused(dtype, tmp_path):
    message = fault(saved(tmp_path / "tape.npz", small() | {"real": np.zeros((3, 12, 1), dtype=dtype)}))
    assert "real" in message
    assert "dtype" in message


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (np.array([12, 0]), "is 0 at step 1; expected 1 to 12"),
        (np.array([13]), "is 13 at step 0"),
        (np.array([12.0]), "float64"),
        (np.array([[12]]), "(1, 1)"),
        (np.array([], dtype=int), "(0,)"),
    ],
)
def test_batch_sizes_are_checked(sizes, words, tmp_path):
    message = fault(saved(tmp_path / "tape.npz", small() | {"batch_size": sizes}))
    assert "batch_size" in message
    assert words in message


def test_pickled_objects_are_never_loaded(tmp_path):
    objects = np.array([[[print]] * 12], dtype=object)
    message = fault(saved(tmp_path / "tape.npz", small() | {"real": objects}))
    assert "real" in message
    assert "Python objects" in message


def test_what_is_no_archive_is_named(tmp_path):
    path = tmp_path / "tape.npz"
    assert "does not exist" in fault(path)
    path.mkdir()
    assert "is a folder; expected an .npz file" in fault(path)
    path.rmdir()
    array = io.BytesIO()
    np.save(array, np.ones(3))
    for content in (b"", b"text", array.getvalue()):
        path.write_bytes(content)
        assert "not a whole .npz file" in fault(path)


def test_damaged_archives_are_named(tmp_path):
    path = saved(tmp_path / "tape.npz", small())
    whole = path.read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "not a whole .npz file" in fault(path)
    place = whole.index(np.arange(36.0)[20:22].tobytes())
    path.write_bytes(whole[:place] + b"\x55" + whole[place + 1 :])
    message = fault(path)
    assert "CRC" in message
    assert "real" in message


def test_a_member_that_is_no_array_is_named(tmp_path):
    path = saved(tmp_path / "tape.npz", small())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("notes", "text")
    assert "notes" in fault(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    spec = shortened("sine", training=2)
    with pytest.raises(TapeError, match="cannot be written"):
        write(tmp_path / "absent" / "tape.npz", spec)


def test_a_failure_leaves_the_old_file(tmp_path):
    spec = shortened("sine", training=4)
    path = write(tmp_path / "tape.npz", spec)
    before = path.read_bytes()

    class Failing:
        def batch_size(self, phase, step, /):
            return 64

        def arrays(self, phase, /, *, first_step, num_steps):
            if first_step == 2:
                raise TapeError("planted")
            return {name: np.ones((1, 64, *shape)) for name, shape in array_shapes(spec, phase).items()}

    with pytest.raises(TapeError, match="planted"):
        write(path, spec, Failing())
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["tape.npz"]


@pytest.mark.parametrize("name", ["lsgan", "cgan"])
def test_masks_and_classes_take_a_byte_each_and_are_checked(name, tmp_path):
    spec = replace(shortened(name, training=3), batch_size=4)
    seeded, path = tape_of(spec), write(tmp_path / "tape.npz", spec)
    read = FileTape.read(path, spec)
    expected, found = (tape.arrays("adversarial", first_step=1, num_steps=2) for tape in (seeded, read))
    assert list(found) == list(expected)
    for array_name, array in expected.items():
        np.testing.assert_array_equal(found[array_name], array)
        assert found[array_name].dtype == np.float64
    with np.load(path) as archive:
        arrays = dict(archive)
    small = [array_name for array_name, array in arrays.items() if array.dtype == np.uint8]
    assert small == [array_name for array_name in arrays if array_name.startswith(("mask", "real_label", "label"))]
    for wrong, allowed in ((2.0, "1 for what is kept"), (10.0, "whole numbers from 0 to 9"), (0.5, "expected")):
        chosen = small[-1] if "kept" in allowed else small[0]
        spoilt = arrays[chosen].astype(float)
        spoilt.flat[1] = wrong
        if name == "cgan" or "9" not in allowed:
            with pytest.raises(TapeError, match=rf"{chosen} of .* has {wrong:g} at index .*{allowed}"):
                FileTape.read(saved(tmp_path / "spoilt.npz", arrays | {chosen: spoilt}), spec)


@pytest.mark.parametrize("batch_size", [64, 50])
def test_turns_within_epochs_are_the_same_from_a_file(batch_size, tmp_path):
    # 5000 digits: 79 steps with a short one at their end, or 100 whole ones.
    spec = replace(shortened("wgan", training=205), batch_size=batch_size)
    seeded, read = tape_of(spec), FileTape.read(write(tmp_path / "tape.npz", spec), spec)
    epoch = {64: 79, 50: 100}[batch_size]
    assert seeded.steps_per_epoch() == read.steps_per_epoch() == epoch
    for tape in (seeded, read):
        fed = chunks(tape, spec, "adversarial", first_step=0, stop=205, size=50)
        trains = np.concatenate([chunk.trains_generator for chunk in fed])
        np.testing.assert_array_equal(np.flatnonzero(trains), [s for s in range(205) if s % epoch % 5 == 0])


def test_without_a_word_on_epochs_a_short_batch_ends_one_and_the_file_is_one(tmp_path):
    spec = replace(shortened("wgan", training=3), batch_size=2)
    arrays = {"real": np.zeros((6, 2, 1, 28, 28)), "latent_d": np.zeros((6, 2, 100))}
    assert FileTape.read(saved(tmp_path / "whole.npz", arrays), spec).steps_per_epoch() == 6
    short = arrays | {"batch_size": np.array([2, 2, 1, 2, 2, 1])}
    assert FileTape.read(saved(tmp_path / "short.npz", short), spec).steps_per_epoch() == 3
    said = arrays | {"steps_per_epoch": np.array(4)}
    assert FileTape.read(saved(tmp_path / "said.npz", said), spec).steps_per_epoch() == 4
    for wrong, words in ((np.array(0), "is 0; expected 1 or more"), (np.array([4]), "shape \\(1,\\)")):
        with pytest.raises(TapeError, match=words):
            FileTape.read(saved(tmp_path / "wrong.npz", arrays | {"steps_per_epoch": wrong}), spec)
