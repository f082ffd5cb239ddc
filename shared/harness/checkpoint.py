"""A run on its way, in one file: whatever it takes to go on as if nothing had happened.

The file is replaced as a whole, so that a run that is killed at any moment leaves its last checkpoint or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from shared.errors import RecordError, StateError
from shared.harness.files import read_npz, write_npz
from shared.interface import Phase
from shared.spec import GanSpec
from shared.spec.serialise import spec_digest
from shared.state import State, check_state

FORMAT = 1
SECONDS_BETWEEN_CHECKPOINTS = 30.0
_REMEDY = "delete it, and the run starts again from its first step"


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a run is: done steps of a phase, after a whole chunk, and what it has left so far.

    losses: (steps,) by name. tape_digests: by phase and step. chain: of the phase's tape, as TapeDigest has it.
    seconds: spent so far, by part; resumed_at: the steps at which the run was taken up again.
    """

    phase: Phase
    done: int
    losses: Mapping[str, np.ndarray]
    tape_digests: Mapping[str, Mapping[str, str]]
    chain: Mapping[str, str]
    seconds: Mapping[str, float]
    resumed_at: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A position, the trainer's whole state there, and the sketches of earlier ones by moment and tensor."""

    position: Position
    state: State
    snapshots: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)


def write_checkpoint(path: Path, checkpoint: Checkpoint, /, *, spec: GanSpec, settings: Mapping[str, Any]) -> None:
    """Write a checkpoint in place of the last one, atomically; raises RecordError where that fails.

    settings: what the run was asked for.
    """
    position = checkpoint.position
    header = {
        "format": FORMAT,
        "spec": spec_digest(spec),
        "settings": dict(settings),
        "phase": position.phase,
        "done": position.done,
        "tape_digests": {phase: dict(digests) for phase, digests in position.tape_digests.items()},
        "chain": dict(position.chain),
        "seconds": dict(position.seconds),
        "resumed_at": list(position.resumed_at),
    }
    arrays: dict[str, np.ndarray] = {"header": np.array(json.dumps(header))}
    arrays |= {f"losses/{name}": np.asarray(values) for name, values in position.losses.items()}
    arrays |= {f"state/{name}": np.asarray(array) for name, array in checkpoint.state.items()}
    for label, sketches in checkpoint.snapshots.items():
        arrays |= {f"snapshots/{label}/{name}": array for name, array in sketches.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_npz(path, arrays)
    except OSError as error:
        raise RecordError(
            f"cannot write the checkpoint {path} ({error.strerror or error}); the last one stands"
        ) from None


def read_checkpoint(path: Path, spec: GanSpec, /, *, settings: Mapping[str, Any]) -> Checkpoint:
    """Read a checkpoint; raises RecordError unless it is whole and of a run of this GAN with these settings."""
    try:
        arrays = read_npz(path)
        header = json.loads(str(arrays.pop("header")))
    except (OSError, ValueError, KeyError) as error:
        raise RecordError(f"{path} is not a whole checkpoint ({error}); {_REMEDY}") from None
    _check_header(path, header, spec, settings)
    parts: dict[str, dict[str, np.ndarray]] = {"losses": {}, "state": {}, "snapshots": {}}
    for key, array in arrays.items():
        part, _, name = key.partition("/")
        if part not in parts:
            raise RecordError(f"{path} has {key!r}, which no checkpoint has; {_REMEDY}")
        parts[part][name] = array
    try:
        check_state(parts["state"], spec)
    except StateError as error:
        raise RecordError(f"{path}: {error}; {_REMEDY}") from None
    snapshots: dict[str, dict[str, np.ndarray]] = {}
    for key, array in parts["snapshots"].items():
        label, _, name = key.partition("/")
        snapshots.setdefault(label, {})[name] = array
    position = Position(
        phase=cast(Phase, header["phase"]),
        done=header["done"],
        losses=parts["losses"],
        tape_digests=header["tape_digests"],
        chain=header["chain"],
        seconds=header["seconds"],
        resumed_at=tuple(header["resumed_at"]),
    )
    _check_losses(path, position)
    return Checkpoint(position=position, state=parts["state"], snapshots=snapshots)


def _check_header(path: Path, header: Any, spec: GanSpec, settings: Mapping[str, Any]) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else type(header).__name__
        raise RecordError(f"{path} has format {found!r}; this version reads format {FORMAT}; {_REMEDY}")
    kinds: dict[str, type | tuple[type, ...]] = {
        "spec": str,
        "settings": dict,
        "phase": str,
        "done": int,
        "tape_digests": dict,
        "chain": dict,
        "seconds": dict,
        "resumed_at": list,
    }
    for name, kind in kinds.items():
        if not isinstance(header.get(name), kind):
            raise RecordError(f"{path} has {name} {header.get(name)!r}; expected a {kind}; {_REMEDY}")
    if header["phase"] not in get_args(Phase):
        raise RecordError(f"{path} has phase {header['phase']!r}; expected one of {get_args(Phase)}; {_REMEDY}")
    total = spec.training.num_steps
    if header["phase"] == "pretraining":
        total = 0 if spec.pretraining is None else spec.pretraining.num_steps
    if not 0 < header["done"] <= total:
        raise RecordError(f"{path} is at step {header['done']} of {total} of its {header['phase']}; {_REMEDY}")
    if header["spec"] != spec_digest(spec):
        raise RecordError(f"{path} is of another {spec.name!r} than the one that is asked for; {_REMEDY}")
    for name in sorted(settings):
        if header["settings"].get(name) != settings[name]:
            found = header["settings"].get(name)
            raise RecordError(f"{path} was run with {name} {found!r}, now {settings[name]!r}; {_REMEDY}")


def _check_losses(path: Path, position: Position) -> None:
    adversarial = position.done if position.phase == "adversarial" else 0
    for name in ("discriminator", "generator"):
        values = position.losses.get(name, np.zeros(0))
        if values.shape != (adversarial,):
            raise RecordError(f"{path} has {values.size} losses of {name} after {adversarial} steps; {_REMEDY}")
