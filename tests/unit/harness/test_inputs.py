"""Where a run starts: at the beginning, at the step at which its state was saved, or at the one that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backends import BACKENDS
from shared.compare.assertions import assert_same_bits
from shared.errors import StateError, UsageError
from shared.gans import find_gan
from shared.harness.checkpoint import BEGINNING, Checkpoint, Place, Position, write_checkpoint
from shared.harness.inputs import open_start, state_metadata
from shared.harness.run import resolve_spec, run
from shared.harness.settings import RunSettings
from shared.state import initial_state
from shared.state.archive import read_state, write_state

SPEC = find_gan("gaussian-1d").with_steps(pretraining=4, training=12)
SAVED = Place(phase="adversarial", done=5)


def asked(folder: Path, **options: object) -> RunSettings:
    fields = {"gan": SPEC.name, "backend": "numpy", "folder": str(folder / "run"), "pretrain_steps": 4, "steps": 12}
    return RunSettings(**{**fields, **options})


def place_of(settings: RunSettings) -> Place:
    return open_start(settings, resolve_spec(settings)).place


def saved(folder: Path, kind: str, *, state=None) -> str:
    state = state or initial_state(SPEC, seed=3)
    path = folder / f"{kind}.saved"
    if kind == "checkpoint":
        found = Checkpoint(position=Position(place=SAVED), state=state, settings={"seed": 14, "backend": "torch"})
        write_checkpoint(path, found, spec=SPEC)
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
        settings = asked(tmp_path / name, **options)
        (tmp_path / name).mkdir()
        run(settings, BACKENDS["numpy"], report_progress=lambda *_: None)
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
