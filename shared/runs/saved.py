"""A state in a file, where the run was that left it, and whether a tape is the one that it was fed until there."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from gan_rosetta.shared.data.digest import TapeDigest
from gan_rosetta.shared.data.tape import Tape, chunks
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.errors import RecordError, StateError, UsageError
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.runs.checkpoint import BEGINNING, Place, Position, is_checkpoint, num_steps, read_checkpoint
from gan_rosetta.shared.runs.order import Feed
from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.state import State, counter_name
from gan_rosetta.shared.state.archive import read_state_and_metadata
from gan_rosetta.shared.state.strangers import describe_stranger, how_to_bring_in
from gan_rosetta.shared.storage.opening import open_regular

# Digits of a few steps at once are some tens of megabytes.
_STEPS_AT_ONCE = 20
_FROM_A_FILE = "a tape from a file"


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """A state from a file, and where the run was that saved it.

    seed, spec: "" where nobody says. source: what its tape was, in words, "" where that is unknown. digest: of the
    tape's steps of the place's phase, from first_step to the place; "" where it is unknown.
    """

    path: Path
    state: State
    place: Place
    seed: str = ""
    spec: str = ""
    source: str = ""
    first_step: int = 0
    digest: str = ""


def state_metadata(
    spec: GanSpec, place: Place, /, *, backend: str, seed: int, tape: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what the state at the end of a run says of itself, for another run to go on from there.

    tape: what tape_metadata returns; None leaves it open what the run was fed.
    """
    return {
        "gan": spec.name,
        "backend": backend,
        "seed": str(seed),
        "spec": spec_digest(spec),
        "phase": place.phase,
        "done": str(place.done),
        **(tape or {}),
    }


def tape_metadata(
    feed: Feed,
    spec: GanSpec,
    /,
    *,
    began: Place,
    ended: Place,
    tape_digests: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Return what a state says of the tape that its run was fed. tape_digests: by phase and number of steps."""
    digest = tape_digests.get(ended.phase, {}).get(str(ended.done), "")
    first = began.done if began.phase == ended.phase else 0
    return {"tape": _source(feed, spec), "tape_first_step": str(first), "tape_sha256": digest}


def read_saved(path: Path, spec: GanSpec, /) -> SavedState:
    """Read a state in either of its forms, .safetensors or a checkpoint; raises StateError, RecordError."""
    if _is_archive(path):
        if not is_checkpoint(path):
            raise StateError(f"{path} is {describe_stranger(path)}; {how_to_bring_in(path, spec)}")
        return _read_checkpoint(path, spec)
    state, metadata = read_state_and_metadata(path, spec)
    if "done" not in metadata:
        return SavedState(path=path, state=state, place=BEGINNING)
    phase, done = metadata.get("phase"), metadata["done"]
    if phase not in get_args(Phase) or not done.isdecimal():
        raise StateError(f"{path} says that it was saved at {phase} step {done}; expected a phase and a step")
    first = metadata.get("tape_first_step", "0")
    if not first.isdecimal() or int(first) > int(done):
        raise StateError(f"{path} says that its run began at step {first} and ended at {done}; expected two steps")
    return SavedState(
        path=path,
        state=state,
        place=Place(phase=cast(Phase, phase), done=int(done)),
        seed=metadata.get("seed", ""),
        spec=metadata.get("spec", ""),
        source=metadata.get("tape", ""),
        first_step=int(first),
        digest=metadata.get("tape_sha256", ""),
    )


def _is_archive(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return zipfile.is_zipfile(file)
    except OSError:
        return False  # Its reader says what is wrong with it.


def require_same_tape(saved: SavedState, feed: Feed, spec: GanSpec, tape: Tape, /) -> str | None:
    """Raise UsageError where the run that saved a state was fed another tape than this one.

    Returns a line for the user where that cannot be known, else None.
    """
    place, otherwise = saved.place, f"or --first-step {saved.place.done} to go on with another tape"
    if saved.spec != spec_digest(spec):
        raise UsageError(
            f"{saved.path} was saved at {place} by another {spec.name!r} (its layers, its optimizers or its "
            f"batch size differ); give the same --spec or --batch-size, {otherwise}"
        )
    source = _source(feed, spec)
    if feed.tape is None and saved.source != _FROM_A_FILE and saved.seed != str(feed.seed):
        raise UsageError(
            f"{saved.path} was saved at {place} of the tape of seed {saved.seed}, and this run has seed "
            f"{feed.seed}; give --seed {saved.seed}, {otherwise}"
        )
    if source != _FROM_A_FILE and saved.source in ("", source):
        return None
    if not saved.digest and feed.tape is not None:
        return f"{saved.path} does not say which tape it was saved on; it is taken to be {feed.tape}"
    if not saved.digest or saved.digest != _digest(tape, spec, place.phase, saved.first_step, place.done):
        now = source if feed.tape is None else feed.tape
        raise UsageError(
            f"{saved.path} was saved at {place} of {saved.source or 'another tape'}, whose numbers up to there are not "
            f"those of {now}; give the same --tape, --mnist, --images or --seed, {otherwise}"
        )
    return None


def require_fed_so_far(path: Path, position: Position, feed: Feed, spec: GanSpec, tape: Tape, /) -> None:
    """Raise RecordError where files that a run is fed are no longer those that its checkpoint was reached with.

    path: of the checkpoint. A tape that is drawn from a seed, with digits that come with a package, is always the same.
    """
    if not position.chain or (feed.tape is None and feed.mnist is None and feed.images is None):
        return
    place, began = position.place, position.began
    first = began.done if began.phase == place.phase else 0
    if TapeDigest(position.chain).hexdigest() != _digest(tape, spec, place.phase, first, place.done):
        fed = feed.tape or feed.images or feed.mnist
        raise RecordError(
            f"{path} was reached at {place} on other numbers than {fed} holds now; put the "
            "file back as it was, or move the checkpoint away, and the run starts again from its first step"
        )


def idle_optimizers(saved: SavedState, spec: GanSpec, place: Place, tape: Tape, /) -> str | None:
    """Return a line for the user where a run carries on at a later step with optimizers that took none, else None."""
    if place.phase == "pretraining" or place.done == 0:
        return None
    epoch = tape.steps_per_epoch()
    networks = [
        name
        for name in ("generator", "discriminator")
        if trained_steps(spec, name, num_steps=place.done, steps_per_epoch=epoch).any()
    ]
    idle = [name for name in networks if int(saved.state[counter_name(name)]) == 0]
    if not idle:
        return None
    return (
        f"{saved.path}: the optimizer of the {' and that of the '.join(idle)} took no step yet (counter 0), and the "
        f"run carries on at {place}; it begins anew there"
    )


def _read_checkpoint(path: Path, spec: GanSpec) -> SavedState:
    checkpoint = read_checkpoint(path, spec)
    position, feed = checkpoint.position, checkpoint.order.feed
    place, began = position.place, position.began
    return SavedState(
        path=path,
        state=checkpoint.state,
        place=place,
        seed=str(feed.seed),
        spec=spec_digest(spec),
        source=_source(feed, spec),
        first_step=began.done if began.phase == place.phase else 0,
        digest=TapeDigest(position.chain).hexdigest() if position.chain else "",
    )


def _source(feed: Feed, spec: GanSpec) -> str:
    if feed.tape is not None:
        return _FROM_A_FILE
    images = f" with {feed.image_source.named}" if isinstance(spec.real, DigitsReal) else ""
    return f"the tape of seed {feed.seed}{images}"


def _digest(tape: Tape, spec: GanSpec, phase: Phase, first: int, stop: int) -> str:
    """Return the digest of some steps of a tape; "" where the GAN has not so many."""
    if stop > num_steps(spec, phase):
        return ""
    digest = TapeDigest()
    for chunk in chunks(tape, spec, phase, first_step=first, stop=stop, size=_STEPS_AT_ONCE):
        digest.update(chunk)
    return digest.hexdigest()
