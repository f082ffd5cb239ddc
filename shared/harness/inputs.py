"""What a run is fed: the state that it starts from, the tape, and the tape's step at which it starts."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from shared.data.digits import DigitSource
from shared.data.tape import SeededTape, Tape
from shared.data.tape_file import FileTape, write_tape
from shared.errors import StateError, UsageError
from shared.harness.checkpoint import BEGINNING, Place, num_steps, read_checkpoint
from shared.harness.settings import RunSettings
from shared.interface import Phase
from shared.spec import GanSpec
from shared.spec.serialise import spec_digest
from shared.state import State, initial_state
from shared.state.archive import read_state_and_metadata, write_state


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The state that a run starts from, its tape, and where on the tape it starts."""

    state: State
    tape: Tape
    place: Place


def open_inputs(settings: RunSettings, spec: GanSpec, /) -> tuple[State, Tape]:
    """Return the initial state and the tape, drawn from the seed or read from files; raises StateError, TapeError."""
    if settings.initial_state is None:
        return initial_state(spec, seed=settings.seed), _open_tape(settings, spec)
    return _read_saved(Path(settings.initial_state), spec).state, _open_tape(settings, spec)


def open_start(settings: RunSettings, spec: GanSpec, /) -> Inputs:
    """Return the initial state, the tape and where a run starts on it.

    A state that a run left, or that lies in a checkpoint, goes on where it was saved, unless the settings have a
    first_step. Raises StateError, RecordError and TapeError for files, UsageError where no step is left to take.
    """
    tape = _open_tape(settings, spec)
    if settings.initial_state is None:
        state, place = initial_state(spec, seed=settings.seed), BEGINNING
    else:
        saved = _read_saved(Path(settings.initial_state), spec)
        state, place = saved.state, saved.place
        if settings.first_step is None and place != BEGINNING:
            _require_same_tape(saved, settings, spec)
    if settings.first_step is not None:
        place = Place(phase="adversarial", done=settings.first_step) if settings.first_step else BEGINNING
    total = num_steps(spec, place.phase)
    if place.done > total or (place.phase == "adversarial" and place.done == total):
        raise UsageError(
            f"the run would start at {place}, but ends at {place.phase} step {total}, so nothing is left to do; "
            "--steps counts from the beginning of the tape, not from where the run starts"
        )
    return Inputs(state=state, tape=tape, place=place)


def export_inputs(settings: RunSettings, /, spec: GanSpec) -> None:
    """Write the tape and the initial state to the files that the settings name; raises UsageError where one exists."""
    targets = {"--export-tape": settings.export_tape, "--export-initial-state": settings.export_initial_state}
    for option, target in targets.items():
        if target is not None and Path(target).exists():
            raise UsageError(f"{option} {target} already exists; name another file, or move that one away")
    if not any(targets.values()):
        return
    state, tape = open_inputs(settings, spec)
    if settings.export_initial_state is not None:
        metadata = {"gan": spec.name, "seed": str(settings.seed)}
        write_state(Path(settings.export_initial_state), state, metadata=metadata)
    if settings.export_tape is not None:
        write_tape(
            Path(settings.export_tape),
            tape,
            spec,
            pretraining_steps=num_steps(spec, "pretraining"),
            training_steps=num_steps(spec, "adversarial"),
        )


def state_metadata(spec: GanSpec, place: Place, /, *, backend: str, seed: int) -> dict[str, str]:
    """Return what the state at the end of a run says of itself, for another run to go on from there."""
    return {
        "gan": spec.name,
        "backend": backend,
        "seed": str(seed),
        "spec": spec_digest(spec),
        "phase": place.phase,
        "done": str(place.done),
    }


@dataclass(frozen=True, kw_only=True)
class _Saved:
    """A state from a file, and where the run was that saved it; seed and spec are unknown at the beginning."""

    path: Path
    state: State
    place: Place
    seed: str = ""
    spec: str = ""


def _open_tape(settings: RunSettings, spec: GanSpec) -> Tape:
    if settings.tape is not None:
        return FileTape.read(Path(settings.tape), spec)
    return SeededTape(spec, seed=settings.seed, digits=DigitSource.parse(settings.mnist))


def _read_saved(path: Path, spec: GanSpec) -> _Saved:
    """Read a state in either of its forms: .safetensors, or a checkpoint, which is a zip archive."""
    if path.is_file() and zipfile.is_zipfile(path):
        checkpoint = read_checkpoint(path, spec)
        return _Saved(
            path=path,
            state=checkpoint.state,
            place=checkpoint.position.place,
            seed=str(checkpoint.settings.get("seed")),
            spec=spec_digest(spec),
        )
    state, metadata = read_state_and_metadata(path, spec)
    if "done" not in metadata:
        return _Saved(path=path, state=state, place=BEGINNING)
    phase, done = metadata.get("phase"), metadata["done"]
    if phase not in get_args(Phase) or not done.isdecimal():
        raise StateError(f"{path} says that it was saved at {phase} step {done}; expected a phase and a step")
    place = Place(phase=cast(Phase, phase), done=int(done))
    return _Saved(path=path, state=state, place=place, seed=metadata.get("seed", ""), spec=metadata.get("spec", ""))


def _require_same_tape(saved: _Saved, settings: RunSettings, spec: GanSpec) -> None:
    """Raise UsageError where the run that saved a state was fed another tape, as far as that can be known."""
    otherwise = f"or --first-step {saved.place.done} to go on with another tape"
    if saved.spec != spec_digest(spec):
        raise UsageError(
            f"{saved.path} was saved at {saved.place} by another {spec.name!r} (its layers, its optimizers or its "
            f"batch size differ); give the same --spec or --batch-size, {otherwise}"
        )
    if settings.tape is None and saved.seed != str(settings.seed):
        raise UsageError(
            f"{saved.path} was saved at {saved.place} of the tape of seed {saved.seed}, and this run has seed "
            f"{settings.seed}; give --seed {saved.seed}, {otherwise}"
        )
