"""What a run is fed: the state that it starts from, the tape, and the tape's step at which it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.shared.data.reach import check_reach
from gan_rosetta.shared.data.tape import SeededTape, Tape
from gan_rosetta.shared.data.tape_file import FileTape, write_tape
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.runs.checkpoint import BEGINNING, Place, num_steps
from gan_rosetta.shared.runs.order import Feed
from gan_rosetta.shared.runs.request import Exports
from gan_rosetta.shared.runs.saved import idle_optimizers, read_saved, require_same_tape, state_metadata, tape_metadata
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.storage.opening import require_new

__all__ = ["Inputs", "export_inputs", "open_inputs", "open_start", "state_metadata", "tape_metadata"]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The state that a run starts from, its tape, and where on the tape it starts.

    notes: lines for the user about what was given, which is taken all the same.
    """

    state: State
    tape: Tape
    place: Place
    notes: tuple[str, ...] = ()


def open_inputs(feed: Feed, spec: GanSpec, /) -> tuple[State, Tape]:
    """Return the initial state and the tape, drawn from the seed or read from files; raises StateError, TapeError.

    How far the tape reaches is left to whoever knows how far it will be read: shared/data/reach.py.
    """
    if feed.initial_state is None:
        return initial_state(spec, seed=feed.seed), _open_tape(feed, spec)
    return read_saved(Path(feed.initial_state), spec).state, _open_tape(feed, spec)


def open_start(feed: Feed, spec: GanSpec, /) -> Inputs:
    """Return the initial state, the tape and where a run starts on it.

    A state that a run left, or that lies in a checkpoint, goes on where it was saved, unless the feed has a first_step.
    Raises StateError, RecordError, TapeError and DataError for files and data, UsageError where no step is left to
    take, or the state was saved on another tape.
    """
    tape = _open_tape(feed, spec)
    place, notes = BEGINNING, []
    saved = None if feed.initial_state is None else read_saved(Path(feed.initial_state), spec)
    if saved is not None and feed.first_step is None and saved.place != BEGINNING:
        place = saved.place
    elif feed.first_step:
        place = Place(phase="adversarial", done=feed.first_step)
    _require_steps_left(spec, place)
    check_reach(tape, spec, phase=place.phase, done=place.done)
    if saved is not None:
        if feed.first_step is None and place != BEGINNING:
            notes.append(require_same_tape(saved, feed, spec, tape))
        notes.append(idle_optimizers(saved, spec, place, tape))
    state = initial_state(spec, seed=feed.seed) if saved is None else saved.state
    return Inputs(state=state, tape=tape, place=place, notes=tuple(note for note in notes if note is not None))


def export_inputs(exports: Exports, feed: Feed, /, spec: GanSpec) -> None:
    """Write what runs are fed to files; raises UsageError where one exists."""
    for option, target in {"--export-tape": exports.tape, "--export-initial-state": exports.initial_state}.items():
        if target is not None:
            require_new(Path(target), said=option)
    if exports == Exports():
        return
    if exports.tape is not None and exports.tape == exports.initial_state:
        raise UsageError(f"--export-tape and --export-initial-state are both {exports.tape}; name two files")
    state, tape = open_inputs(feed, spec)
    if exports.initial_state is not None:
        write_state(Path(exports.initial_state), state, metadata={"gan": spec.name, "seed": str(feed.seed)})
    if exports.tape is not None:
        write_tape(
            Path(exports.tape),
            tape,
            spec,
            pretraining_steps=num_steps(spec, "pretraining"),
            training_steps=num_steps(spec, "adversarial"),
        )


def _require_steps_left(spec: GanSpec, place: Place) -> None:
    total = num_steps(spec, place.phase)
    if place.done > total or (place.phase == "adversarial" and place.done == total):
        raise UsageError(
            f"the run would start at {place}, but ends at {place.phase} step {total}, so nothing is left to do; "
            "--steps counts from the beginning of the tape, not from where the run starts"
        )


def _open_tape(feed: Feed, spec: GanSpec) -> Tape:
    if feed.tape is not None:
        return FileTape.read(Path(feed.tape), spec)
    return SeededTape(spec, seed=feed.seed, digits=feed.image_source)
