"""A run on its way, in one file: whatever it takes to go on as if nothing had happened.

The file is replaced as a whole, so that a run that is killed at any moment leaves its last checkpoint or none.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np

from gan_rosetta.shared.data.digest import state_digest
from gan_rosetta.shared.errors import GanRosettaError, RecordError, StateError
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.record_types import require_moments, require_sketches
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.state import State, check_state
from gan_rosetta.shared.state.strangers import describe_stranger
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.storage.formats import check_format
from gan_rosetta.shared.storage.npz import names_in, read_npz
from gan_rosetta.shared.storage.opening import open_regular
from gan_rosetta.shared.storage.typed import Count, require_typed

FORMAT = 3
# A checkpoint of the run itself, where the run looks for it, and one that was given to begin with.
_MOVE_AWAY = "move it away, and the run starts again from its first step"
_GIVE_ANOTHER = "give another file to start from"
_SEAL = "sha256"
_PARTS = ("losses", "state", "snapshots", "yardstick", "looks")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in a run: so many steps of a phase are behind it, and all of the phases before."""

    phase: Phase = "pretraining"
    done: int = 0

    def __str__(self) -> str:
        return f"{self.phase} step {self.done}"


BEGINNING = Place()


class _Header(TypedDict):
    """What a checkpoint says beside its arrays and its order; done, began: places; chain: of the phase's tape."""

    spec: str
    phase: Phase
    done: Count
    began: tuple[Phase, Count]
    tape_digests: dict[str, dict[str, str]]
    chain: dict[str, str]
    seconds: dict[str, float]
    resumed_at: list[str]


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a run is, after a whole chunk, and what it has left so far.

    began: where the run's own first step is, later than the beginning where it took a state over from another run.
    losses: (steps,) by name, of the run's own steps. tape_digests: by phase and step. chain: of the phase's tape, as
    TapeDigest has it. seconds: spent so far, by part; resumed_at: the steps at which the run was taken up again.
    """

    place: Place
    began: Place = BEGINNING
    losses: Mapping[str, np.ndarray] = field(default_factory=dict)
    tape_digests: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    chain: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    resumed_at: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A position, the trainer's whole state there, and the sketches of earlier ones by moment and tensor.

    order: of the run. yardstick: where its copies are, empty where the run has none. looks: the arrays of
    shared/runs/looks.py, as far as here.
    """

    position: Position
    state: State
    order: Order
    snapshots: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    yardstick: Mapping[str, np.ndarray] = field(default_factory=dict)
    looks: Mapping[str, np.ndarray] = field(default_factory=dict)


def write_checkpoint(path: Path, checkpoint: Checkpoint, /) -> None:
    """Write a checkpoint in place of the last one, atomically; raises RecordError where that fails."""
    position = checkpoint.position
    header = {
        "format": FORMAT,
        "spec": spec_digest(checkpoint.order.spec),
        "order": checkpoint.order.as_data(),
        "phase": position.place.phase,
        "done": position.place.done,
        "began": [position.began.phase, position.began.done],
        "tape_digests": {phase: dict(digests) for phase, digests in position.tape_digests.items()},
        "chain": dict(position.chain),
        "seconds": dict(position.seconds),
        "resumed_at": list(position.resumed_at),
    }
    arrays: dict[str, np.ndarray] = {}
    arrays |= {f"losses/{name}": np.asarray(values) for name, values in position.losses.items()}
    arrays |= {f"state/{name}": np.asarray(array) for name, array in checkpoint.state.items()}
    arrays |= {f"yardstick/{name}": array for name, array in checkpoint.yardstick.items()}
    for label, sketches in checkpoint.snapshots.items():
        arrays |= {f"snapshots/{label}/{name}": array for name, array in sketches.items()}
    arrays |= {f"looks/{name}": array for name, array in checkpoint.looks.items()}
    text = json.dumps(header)
    arrays |= {"header": np.array(text), _SEAL: np.array(_seal(text, arrays))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_npz(path, arrays)
    except OSError as error:
        raise RecordError(
            f"cannot write the checkpoint {path} ({error.strerror or error}); the last one stands"
        ) from None


def is_checkpoint(path: Path, /) -> bool:
    """Whether an archive is a checkpoint, whole or not, and no other program's: by the names in it, or by its own."""
    try:
        with open_regular(path) as file:
            names = names_in(file)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return describe_stranger(path) is None  # Its reader says what is wrong with it.
    return "header.npy" in names


def read_checkpoint(path: Path, spec: GanSpec, /, *, order: Order | None = None) -> Checkpoint:
    """Read a checkpoint; raises RecordError unless it is whole, and of a run of this GAN.

    order: of the run that goes on, which has the same numbers; None where it may be another run.
    """
    remedy = _GIVE_ANOTHER if order is None else _MOVE_AWAY
    try:
        arrays = read_npz(path)
        text, seal = str(arrays.pop("header")), str(arrays.pop(_SEAL, ""))
        header = json.loads(text)
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise RecordError(f"{path} is not a whole checkpoint ({error}); {remedy}") from None
    check_format(path, header, FORMAT, remedy=remedy)
    if seal != _seal(text, arrays):
        raise RecordError(f"{path} was changed after it was written: its SHA-256 is another; {remedy}")
    _check_header(path, header, spec, remedy=remedy)
    found = _read_order(path, header.get("order"), remedy=remedy)
    if order is not None:
        _check_numbers(path, found, order, remedy=remedy)
    parts: dict[str, dict[str, np.ndarray]] = {part: {} for part in _PARTS}
    for key, array in arrays.items():
        part, _, name = key.partition("/")
        if part not in parts:
            raise RecordError(f"{path} has {key!r}, which no checkpoint has; {remedy}")
        parts[part][name] = array
    try:
        check_state(parts["state"], spec)
        require_sketches(parts["snapshots"])
        if parts["looks"]:
            require_moments(parts["looks"], spec)
    except (StateError, ValueError) as error:
        raise RecordError(f"{path}: {error}; {remedy}") from None
    snapshots: dict[str, dict[str, np.ndarray]] = {}
    for key, array in parts["snapshots"].items():
        label, _, name = key.partition("/")
        snapshots.setdefault(label, {})[name] = array
    position = Position(
        place=Place(phase=cast(Phase, header["phase"]), done=header["done"]),
        began=Place(phase=cast(Phase, header["began"][0]), done=header["began"][1]),
        losses=parts["losses"],
        tape_digests=header["tape_digests"],
        chain=header["chain"],
        seconds=header["seconds"],
        resumed_at=tuple(header["resumed_at"]),
    )
    if order is not None:
        _check_losses(path, position, spec, remedy=remedy)
    return Checkpoint(
        position=position,
        state=parts["state"],
        order=found,
        snapshots=snapshots,
        yardstick=parts["yardstick"],
        looks=parts["looks"],
    )


def _seal(header: str, arrays: Mapping[str, np.ndarray]) -> str:
    return hashlib.sha256(f"{header}\n{state_digest(arrays)}".encode()).hexdigest()


def _check_header(path: Path, header: Any, spec: GanSpec, *, remedy: str) -> None:
    try:
        require_typed(_Header, header, name="its header")
    except ValueError as error:
        raise RecordError(f"{path} is no checkpoint of ours ({error}); {remedy}") from None
    total = num_steps(spec, header["phase"])
    if not 0 < header["done"] <= total:
        raise RecordError(f"{path} is at step {header['done']} of {total} of its {header['phase']}; {remedy}")
    if header["spec"] != spec_digest(spec):
        raise RecordError(f"{path} is of another {spec.name!r} than the one that is asked for; {remedy}")


def _read_order(path: Path, data: Any, *, remedy: str) -> Order:
    try:
        return Order.from_data(data)
    except GanRosettaError as error:
        raise RecordError(f"{path} does not say what its run was ({error}); {remedy}") from None


def _check_numbers(path: Path, found: Order, order: Order, *, remedy: str) -> None:
    then, now = found.numbers, order.numbers
    for name in sorted(now):
        if then[name] != now[name]:
            raise RecordError(f"{path} was run with {name} {then[name]!r}, now {now[name]!r}; {remedy}")


def num_steps(spec: GanSpec, phase: str, /) -> int:
    """Return how many steps a phase of the GAN has."""
    if phase == "adversarial":
        return spec.training.num_steps
    return spec.num_pretraining_steps


def _check_losses(path: Path, position: Position, spec: GanSpec, *, remedy: str) -> None:
    for phase, names in (("pretraining", ("pretraining",)), ("adversarial", spec.training.loss_names)):
        taken = _steps_taken(position, spec, phase)
        for name in names:
            values = position.losses.get(name, np.zeros(0))
            if values.shape != (taken,) or values.dtype != np.float64:
                found = f"losses of {name} {values.dtype} {values.shape}"
                raise RecordError(f"{path} has {found} after {taken} steps; {remedy}")


def _steps_taken(position: Position, spec: GanSpec, phase: str) -> int:
    """Return how many steps of a phase the run has taken itself."""
    place, began = position.place, position.began
    if phase == "pretraining" and place.phase == "adversarial":
        end = num_steps(spec, phase)
    else:
        end = place.done if place.phase == phase else 0
    if phase == "pretraining" and began.phase == "adversarial":
        return 0
    return end - (began.done if began.phase == phase else 0)
