"""Where a run starts: at the beginning, at the step at which its state was saved, or at the one that is asked for."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.compare.assertions import assert_same_bits
from gan_rosetta.shared.data.digest import TapeDigest
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, chunks
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.errors import RecordError, StateError, TapeError, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.checkpoint import BEGINNING, Checkpoint, Place, Position, write_checkpoint
from gan_rosetta.shared.runs.inputs import open_inputs, open_start, state_metadata, tape_metadata
from gan_rosetta.shared.runs.order import Feed, Order
from gan_rosetta.shared.runs.run import run
from gan_rosetta.shared.runs.saved import require_fed_so_far
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import read_state, write_state
from tests.unit.runs.orders import order_of

SPEC = find_gan("gaussian-1d").with_steps(pretraining=4, training=12)
SAVED = Place(phase="adversarial", done=5)


def asked(folder: Path, **options: object) -> Order:
    return order_of(SPEC.name, "numpy", folder / "run", **{"pretrain_steps": 4, "steps": 12, **options})


def place_of(order: Order) -> Place:
    return open_start(order.feed, order.spec).place


def saved(folder: Path, kind: str, *, state=None) -> str:
    state = state or initial_state(SPEC, seed=3)
    path = folder / f"{kind}.saved"
    if kind == "checkpoint":
        found = Checkpoint(position=Position(place=SAVED), state=state, order=asked(folder, backend="torch"))
        write_checkpoint(path, found)
    else:
        metadata = state_metadata(SPEC, SAVED, backend="torch", seed=14) if kind == "state" else {}
        write_state(path, state, metadata=metadata)
    return str(path)


@pytest.mark.parametrize(
    ("kind", "expected"), [("state", SAVED), ("checkpoint", SAVED), ("state that nobody trained", BEGINNING)]
)
def test_a_run_starts_where_its_state_was_saved(tmp_path, kind, expected):
    assert place_of(asked(tmp_path)) == BEGINNING
    path = saved(tmp_path, kind)
    assert place_of(asked(tmp_path, initial_state=path)) == expected
    for step in (1, 11):
        place = place_of(asked(tmp_path, initial_state=path, first_step=step))
        assert place == Place(phase="adversarial", done=step)
    assert place_of(asked(tmp_path, initial_state=path, first_step=0)) == BEGINNING


@pytest.mark.parametrize("kind", ["state", "checkpoint"])
def test_another_tape_is_refused_unless_the_step_is_given(tmp_path, kind):
    path = saved(tmp_path, kind)
    with pytest.raises(UsageError, match="tape of seed 14, and this run has seed 3; give --seed 14"):
        place_of(asked(tmp_path, initial_state=path, seed=3))
    assert place_of(asked(tmp_path, initial_state=path, seed=3, first_step=5)) == SAVED


def test_another_gan_is_refused_unless_the_step_is_given(tmp_path):
    path = saved(tmp_path, "state")
    with pytest.raises(UsageError, match="by another 'gaussian-1d'"):
        place_of(asked(tmp_path, initial_state=path, batch_size=7))
    assert place_of(asked(tmp_path, initial_state=path, batch_size=7, first_step=5)) == SAVED


@pytest.mark.parametrize("options", [{"steps": 5}, {"steps": 4}, {"first_step": 12}])
def test_a_run_without_a_step_left_is_refused(tmp_path, options):
    path = saved(tmp_path, "state")
    with pytest.raises(UsageError, match="nothing is left to do"):
        place_of(asked(tmp_path, initial_state=path, **options))


@pytest.mark.parametrize("wrong", [{"phase": "evening"}, {"done": "-1"}, {"done": "five"}])
def test_a_state_that_was_saved_nowhere_is_refused(tmp_path, wrong):
    path = tmp_path / "state.safetensors"
    metadata = state_metadata(SPEC, SAVED, backend="torch", seed=14)
    write_state(path, initial_state(SPEC, seed=3), metadata=metadata | wrong)
    with pytest.raises(StateError, match="expected a phase and a step"):
        place_of(asked(tmp_path, initial_state=str(path)))


@pytest.mark.parametrize("kind", ["state", "checkpoint"])
def test_a_run_from_there_on_is_the_rest_of_the_whole(tmp_path, kind):
    def train(name: str, **options: object) -> Path:
        order = asked(tmp_path / name, **options)
        (tmp_path / name).mkdir()
        run(order, BACKENDS["numpy"], report_progress=lambda *_: None)
        return tmp_path / name / "run"

    whole, half = train("whole"), train("half", steps=5)
    path = str(half / "state.safetensors")
    if kind == "checkpoint":
        path = saved(tmp_path, kind, state=read_state(half / "state.safetensors", SPEC))
    rest = train("rest", initial_state=path)
    with np.load(whole / "losses.npz") as expected, np.load(rest / "losses.npz") as found:
        assert len(found["pretraining"]) == 0
        for name in ("discriminator", "generator"):
            np.testing.assert_array_equal(found[name], expected[name][5:])
    assert_same_bits(read_state(rest / "state.safetensors", SPEC), read_state(whole / "state.safetensors", SPEC))
    outcome = json.loads((rest / "record.json").read_text())["outcome"]
    assert outcome["began_at"] == {"phase": "adversarial", "step": 5}
    assert outcome["training_steps"] == 7


def left_by(folder: Path, *, digests=None, **options: object) -> str:
    """The state of a run on the tape that the options name, saved at step 5."""
    feed = asked(folder, **options).feed
    path = folder / "left.safetensors"
    found = {"adversarial": {"5": digest_of(feed)}} if digests is None else digests
    tape = tape_metadata(feed, SPEC, began=BEGINNING, ended=SAVED, tape_digests=found)
    metadata = state_metadata(SPEC, SAVED, backend="torch", seed=feed.seed, tape=tape)
    write_state(path, initial_state(SPEC, seed=3), metadata=metadata)
    return str(path)


def digest_of(feed: Feed) -> str:
    digest = TapeDigest()
    _, tape = open_inputs(feed, SPEC)
    for chunk in chunks(tape, SPEC, "adversarial", first_step=0, stop=SAVED.done, size=3):
        digest.update(chunk)
    return digest.hexdigest()


def exported(folder: Path, *, seed: int, name: str = "tape.npz") -> str:
    tape = SeededTape(SPEC, seed=seed, digits=DigitSource.parse(None))
    write_tape(folder / name, tape, SPEC, pretraining_steps=4, training_steps=12)
    return str(folder / name)


def test_the_same_numbers_are_the_same_tape_wherever_they_come_from(tmp_path):
    mine, again = exported(tmp_path, seed=14), exported(tmp_path, seed=14, name="again.npz")
    for before, now in (({}, {"tape": mine}), ({"tape": mine}, {}), ({"tape": mine}, {"tape": again})):
        path = left_by(tmp_path, **before)
        start = open_start(asked(tmp_path, initial_state=path, **now).feed, SPEC)
        assert start.place == SAVED
        assert not [note for note in start.notes if "tape" in note]


def test_other_numbers_are_another_tape(tmp_path):
    mine, other = exported(tmp_path, seed=14), exported(tmp_path, seed=15, name="other.npz")
    for before, now in (({}, {"tape": other}), ({"tape": other}, {}), ({"tape": mine}, {"tape": other})):
        path = left_by(tmp_path, **before)
        with pytest.raises(UsageError, match="whose numbers up to there are not those of") as caught:
            open_start(asked(tmp_path, initial_state=path, **now).feed, SPEC)
        assert "--first-step 5 to go on with another tape" in str(caught.value)
        assert place_of(asked(tmp_path, initial_state=path, first_step=5, **now)) == SAVED


def test_a_checkpoint_knows_its_tape_too(tmp_path):
    other = exported(tmp_path, seed=15, name="other.npz")
    digest = TapeDigest()
    _, tape = open_inputs(asked(tmp_path).feed, SPEC)
    for chunk in chunks(tape, SPEC, "adversarial", first_step=0, stop=SAVED.done, size=2):
        digest.update(chunk)
    path = tmp_path / "run.checkpoint.npz"
    found = Checkpoint(
        position=Position(place=SAVED, chain=digest.hexdigests()),
        state=initial_state(SPEC, seed=3),
        order=asked(tmp_path),
    )
    write_checkpoint(path, found)
    assert (
        place_of(asked(tmp_path, initial_state=str(path), tape=exported(tmp_path, seed=14, name="same.npz"))) == SAVED
    )
    with pytest.raises(UsageError, match="whose numbers up to there are not those of"):
        place_of(asked(tmp_path, initial_state=str(path), tape=other))


def test_a_checkpoint_is_gone_on_with_on_the_file_that_it_was_reached_with(tmp_path):
    order = asked(tmp_path, tape=exported(tmp_path, seed=14))
    spec, tape = order.spec, open_inputs(order.feed, SPEC)[1]
    digest = TapeDigest()
    for chunk in chunks(tape, SPEC, "adversarial", first_step=0, stop=SAVED.done, size=2):
        digest.update(chunk)
    position = Position(place=SAVED, chain=digest.hexdigests())
    require_fed_so_far(tmp_path / "at", position, order.feed, spec, tape)
    exported(tmp_path, seed=15)
    tape = open_inputs(order.feed, SPEC)[1]
    with pytest.raises(RecordError, match=r"on other numbers than .*tape\.npz holds now; put the file back"):
        require_fed_so_far(tmp_path / "at", position, order.feed, spec, tape)


def test_a_tape_that_cannot_be_known_is_said(tmp_path):
    path = saved(tmp_path, "state")
    start = open_start(asked(tmp_path, initial_state=path, tape=exported(tmp_path, seed=15)).feed, SPEC)
    assert any("does not say which tape it was saved on" in note for note in start.notes)


def write_digit_files(folder: Path) -> None:
    """Noise for digits, as MNIST's four files have them."""
    folder.mkdir()
    for name in ("train", "t10k"):
        pixels = np.random.default_rng(1).integers(0, 256, (70, 28, 28), dtype=np.uint8)
        header = struct.pack(">IIII", 0x803, *pixels.shape)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, len(pixels)) + bytes(len(pixels)))


def test_digits_from_elsewhere_are_another_tape(tmp_path):
    spec = find_gan("mnist-wgan-gp").with_steps(training=3)
    folder = tmp_path / "digits"
    write_digit_files(folder)
    feed = Feed(mnist=str(folder))
    _, tape = open_inputs(feed, spec)
    digest = TapeDigest()
    for chunk in chunks(tape, spec, "adversarial", first_step=0, stop=1, size=1):
        digest.update(chunk)
    place = Place(phase="adversarial", done=1)
    told = tape_metadata(
        feed, spec, began=BEGINNING, ended=place, tape_digests={"adversarial": {"1": digest.hexdigest()}}
    )
    path = tmp_path / "state.safetensors"
    metadata = state_metadata(spec, place, backend="numpy", seed=feed.seed, tape=told)
    write_state(path, initial_state(spec, seed=3), metadata=metadata)
    again = replace(feed, initial_state=str(path))
    assert open_start(again, spec).place == place
    with pytest.raises(UsageError, match="whose numbers up to there are not those of the tape of seed 14 with digits"):
        open_start(replace(again, mnist=None), spec)


def test_optimizers_that_begin_anew_are_said(tmp_path):
    path = saved(tmp_path, "state that nobody trained")
    assert open_start(asked(tmp_path, initial_state=path).feed, SPEC).notes == ()
    (note,) = open_start(asked(tmp_path, initial_state=path, first_step=5).feed, SPEC).notes
    assert "the optimizer of the generator and that of the discriminator took no step yet (counter 0)" in note
    assert "carries on at adversarial step 5" in note
    state = initial_state(SPEC, seed=3) | {
        f"optimizer.{name}.step": np.array(5) for name in ("generator", "discriminator")
    }
    path = saved(tmp_path, "state that nobody trained", state=state)
    assert open_start(asked(tmp_path, initial_state=path, first_step=5).feed, SPEC).notes == ()


@pytest.mark.parametrize("kind", ["state", "checkpoint"])
def test_a_run_carries_on_from_whatever_it_came_to(tmp_path, kind):
    state = initial_state(SPEC, seed=3)
    state["generator.output.bias"] = np.full_like(state["generator.output.bias"], np.nan)
    path = saved(tmp_path, kind, state=state)
    order = asked(tmp_path, initial_state=path)
    assert place_of(order) == SAVED
    run(order, BACKENDS["numpy"], report_progress=lambda *_: None)
    left = read_state(tmp_path / "run" / "state.safetensors", SPEC)
    assert np.isnan(left["generator.output.bias"]).all()
    # And what that leaves is read again.
    order = asked(tmp_path, initial_state=str(tmp_path / "run" / "state.safetensors"), steps=13)
    assert place_of(order) == Place(phase="adversarial", done=12)


def test_a_tape_that_ends_before_the_run_is_refused(tmp_path):
    with pytest.raises(TapeError, match="has 12 steps, and the run goes up to 13"):
        place_of(asked(tmp_path, tape=exported(tmp_path, seed=14), steps=13))
    assert place_of(asked(tmp_path, tape=exported(tmp_path, seed=14))) == BEGINNING


def test_real_samples_are_what_was_fed_once(tmp_path):
    order = asked(tmp_path, tape=exported(tmp_path, seed=15))
    run(order, BACKENDS["numpy"], report_progress=lambda *_: None)
    with np.load(order.feed.tape) as fed, np.load(tmp_path / "run" / "samples.npz") as samples:
        np.testing.assert_array_equal(samples["real"], fed["real"].reshape(-1, 1))
        assert len(samples["generated"]) == 10_000
