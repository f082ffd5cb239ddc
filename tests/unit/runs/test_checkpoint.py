"""A checkpoint comes back as it was, and one that is broken or of another run is refused in a line."""

from __future__ import annotations

import errno
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan_rosetta.shared.compare.assertions import assert_same_bits
from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs import checkpoint as checkpoint_module
from gan_rosetta.shared.runs.checkpoint import Checkpoint, Place, Position, read_checkpoint, write_checkpoint
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.state import initial_state, state_schema
from tests.unit.runs.orders import changed, order_of

SPEC = find_gan("gaussian-1d").with_steps(pretraining=10, training=20)
ORDER = order_of(SPEC, "torch", seed=3)


def a_checkpoint() -> Checkpoint:
    position = Position(
        place=Place(phase="adversarial", done=5),
        losses={"pretraining": np.arange(10.0), "discriminator": np.arange(5.0), "generator": np.arange(5.0) / 3},
        tape_digests={"pretraining": {"10": "a"}, "adversarial": {"5": "b"}},
        chain={"real": "c"},
        seconds={"train": 1.5},
        resumed_at=("pretraining step 4",),
    )
    state = initial_state(SPEC, seed=3)
    return Checkpoint(
        position=position,
        state=state,
        order=ORDER,
        snapshots={"step 1": {"generator.hidden1.weight": np.ones(3)}},
        yardstick={"lost": np.array(False)},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gan" / "numpy.checkpoint.npz"
    write_checkpoint(path, a_checkpoint())
    return path


def test_it_comes_back_as_it_was(path: Path) -> None:
    found, expected = read_checkpoint(path, SPEC, order=ORDER), a_checkpoint()
    assert_same_bits(found.state, expected.state)
    assert_same_bits(found.position.losses, expected.position.losses)
    assert_same_bits(found.yardstick, expected.yardstick)
    assert found.order == ORDER
    assert_same_bits(found.snapshots["step 1"], expected.snapshots["step 1"])
    assert replace(found.position, losses={}) == replace(expected.position, losses={})


def test_numbers_that_are_none_come_back(path: Path) -> None:
    found = a_checkpoint()
    state = {
        name: np.full_like(array, np.nan) if array.dtype.kind == "f" else array for name, array in found.state.items()
    }
    losses = {name: np.full_like(values, np.inf) for name, values in found.position.losses.items()}
    broken = replace(found, state=state, position=replace(found.position, losses=losses))
    write_checkpoint(path, broken)
    again = read_checkpoint(path, SPEC, order=ORDER)
    assert_same_bits(again.state, state)
    assert_same_bits(again.position.losses, losses)


@pytest.mark.parametrize("order", [ORDER, None])
def test_no_file_is_told_to_be_deleted(path: Path, order: Order | None) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RecordError) as caught:
        read_checkpoint(path, SPEC, order=order)
    assert "delete" not in str(caught.value)
    assert ("move it away" if order else "give another file to start from") in str(caught.value)


def test_another_gan_and_other_numbers_are_refused(path: Path) -> None:
    with pytest.raises(RecordError, match="another 'gaussian-1d'"):
        read_checkpoint(path, replace(SPEC, batch_size=3), order=ORDER)
    others = {
        "seed 3, now 4": {"seed": 4},
        "dtype 'float64', now 'float32'": {"dtype": "float32"},
        "threads 1, now 2": {"threads": 2},
        "yardstick False, now True": {"yardstick": True},
        "steps 20, now 21": {"spec": SPEC.with_steps(training=21)},
    }
    for words, entries in others.items():
        with pytest.raises(RecordError, match=words):
            read_checkpoint(path, SPEC, order=changed(ORDER, **entries))
    same = changed(ORDER, name="torch@elsewhere", python="elsewhere/python", folder="there", resume=True)
    assert read_checkpoint(path, SPEC, order=same).order == ORDER


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "reads format 3; move it away"),
        ({"format": 4}, "written by a newer gan-rosetta"),
        ({"done": 0}, "step 0 of 20"),
        ({"done": 21}, "step 21 of 20"),
        ({"done": 6}, r"losses of discriminator float64 \(5,\) after 6 steps"),
        ({"done": "5"}, "done is '5'"),
        ({"phase": "evening"}, "phase is 'evening'"),
        ({"chain": None}, "chain is None"),
        ({"order": None}, "does not say what its run was"),
    ],
)
def test_a_header_that_cannot_be_is_refused(path: Path, change: dict[str, object], message: str) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    del arrays["sha256"]
    text = json.dumps(json.loads(str(arrays.pop("header"))) | change)
    np.savez(path, **arrays, header=np.array(text), sha256=np.array(checkpoint_module._seal(text, arrays)))
    with pytest.raises(RecordError, match=message):
        read_checkpoint(path, SPEC, order=ORDER)


def test_a_tensor_that_lacks_is_named(path: Path) -> None:
    missing = next(iter(state_schema(SPEC)))
    with np.load(path) as file:
        arrays = {name: array for name, array in file.items() if name != f"state/{missing}"}
    np.savez(path, **arrays)
    with pytest.raises(RecordError, match="was changed after it was written"):
        read_checkpoint(path, SPEC, order=ORDER)
    del arrays["sha256"]
    text = str(arrays.pop("header"))
    np.savez(path, **arrays, header=np.array(text), sha256=np.array(checkpoint_module._seal(text, arrays)))
    with pytest.raises(RecordError, match=re.escape(missing)):
        read_checkpoint(path, SPEC, order=ORDER)


def test_a_full_disk_leaves_the_last_checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def no_space(file, **arrays) -> None:
        file.write(b"the first part")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", no_space)
    with pytest.raises(RecordError, match="No space left on device"):
        write_checkpoint(path, a_checkpoint())
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_changed_bytes_gives_an_error_or_the_same_checkpoint(path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(content) - 1)), label="cut")
    broken = path.with_name("broken.npz")
    if cut is None:
        place = data.draw(st.integers(0, len(content) - 1), label="place")
        content[place] ^= data.draw(st.integers(1, 255), label="flipped")
    else:
        del content[cut:]
    broken.write_bytes(content)
    try:
        found = read_checkpoint(broken, SPEC, order=ORDER)
    except RecordError:
        return
    # A byte that nobody reads, such as a date in the archive's directory.
    assert_same_bits(found.state, a_checkpoint().state)
    assert_same_bits(found.position.losses, a_checkpoint().position.losses)
