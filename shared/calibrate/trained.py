"""One training and what of it goes into a verdict: as `compare` gathers it from a run's folder, without the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.outputs import Look, Outputs, evaluate
from gan_rosetta.shared.compare.sketch import sketch_state
from gan_rosetta.shared.compare.yardstick import END
from gan_rosetta.shared.data.digest import state_digest
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.interface import Chunk, Losses, Trainer
from gan_rosetta.shared.runs.checked import CheckedTrainer
from gan_rosetta.shared.runs.chunk_sizes import chunk_size
from gan_rosetta.shared.runs.following import Follower
from gan_rosetta.shared.runs.looks import LookFollower, LookRecorder
from gan_rosetta.shared.runs.moments import choose_moments
from gan_rosetta.shared.runs.samples import make_samples
from gan_rosetta.shared.runs.training import run_training
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.state import State, state_schema
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.storage.npz import read_npz

Moments = Mapping[str, Mapping[str, np.ndarray]]

# Fewer than compare's: each length of chunk between two of them is compiled once more.
_NUM_MOMENTS = 3
_NUM_EVALUATED = 64


class RunFollower(Follower, LookFollower, Protocol):
    """Something that sees the whole of a run."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training left. losses: (steps,) by name; moments: as in Evidence, without evaluation mode.

    initial, tape_digests: what it was fed. latent, real: the first (64, ...) of what the end was looked at by.
    """

    name: str
    dtype: str
    initial: str
    tape_digests: Mapping[str, Mapping[str, str]]
    losses: Mapping[str, np.ndarray]
    moments: Moments
    latent: np.ndarray
    real: np.ndarray

    def final_state(self, spec: GanSpec, /) -> State:
        """Return the state at the end."""
        return {name: self.moments[END][name] for name in state_schema(spec)}


def train_once(
    trainer: Trainer,
    spec: GanSpec,
    tape: Tape,
    state: State,
    /,
    *,
    name: str,
    dtype: str,
    seed: int,
    followers: Sequence[RunFollower] = (),
) -> Trained:
    """Train a built trainer from a state for all of the spec's steps, as a run does. name: of the backend."""
    checked = CheckedTrainer(trainer, spec, name=name, dtype=dtype)
    checked.load_state(state)
    initial = state_digest(checked.export_state())
    recorder = _Recorder()
    everyone: tuple[RunFollower, ...] = (recorder, *followers)
    moments = choose_moments(spec.training.num_steps, count=_NUM_MOMENTS, chunk_steps=chunk_size(spec))
    look_recorder = LookRecorder(checked, spec, moments, tape=tape, seed=seed, followers=everyone)
    result = run_training(checked, spec, tape, followers=everyone, watcher=look_recorder)
    samples = make_samples(checked, spec, tape, seed=seed)
    pretraining = spec.num_pretraining_steps
    look_recorder.close(samples, pretraining=pretraining, adversarial=result.ended.done)
    return Trained(
        name=name,
        dtype=dtype,
        initial=initial,
        tape_digests=result.tape_digests,
        losses=result.losses,
        moments=recorder.moments,
        latent=samples["latent"][:_NUM_EVALUATED],
        real=samples["real"][:_NUM_EVALUATED],
    )


def as_evidence(trained: Trained, spec: GanSpec, /) -> Evidence:
    """Return what of a training goes into a verdict."""
    evaluated = evaluate(spec, trained.final_state(spec), latent=trained.latent, real=trained.real)
    return Evidence(
        name=trained.name,
        precision=trained.dtype,
        identity={
            "spec": spec_digest(spec),
            "initial state": trained.initial,
            "precision": trained.dtype,
            "first step": "0",
        },
        tape_digests=trained.tape_digests,
        losses=trained.losses,
        moments={**trained.moments, END: {**trained.moments[END], **evaluated}},
    )


def write_trained(path: Path, trained: Trained, /) -> None:
    """Write a training to an .npz file."""
    facts = {"name": trained.name, "dtype": trained.dtype, "initial": trained.initial}
    arrays = {"facts": np.array(json.dumps(facts | {"tape_digests": trained.tape_digests}))}
    arrays |= {f"losses|{name}": values for name, values in trained.losses.items()}
    for label, tensors in trained.moments.items():
        arrays |= {f"moments|{label}|{name}": array for name, array in tensors.items()}
    write_npz(path, arrays | {"latent": trained.latent, "real": trained.real})


def read_trained(path: Path, /) -> Trained:
    """Read what write_trained wrote."""
    arrays = read_npz(path)
    facts: dict[str, Any] = json.loads(str(arrays.pop("facts")))
    losses: dict[str, np.ndarray] = {}
    moments: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        kind, _, rest = key.partition("|")
        if kind == "losses":
            losses[rest] = array
        elif kind == "moments":
            label, _, name = rest.partition("|")
            moments.setdefault(label, {})[name] = array
    return Trained(losses=losses, moments=moments, latent=arrays["latent"], real=arrays["real"], **facts)


@dataclass(kw_only=True)
class _Recorder:
    """Keeps sketches of the state and of what was looked at; at the end the state whole."""

    moments: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        pass

    def snapshot(self, label: str, state: State, /) -> None:
        self.moments.setdefault(label, {}).update(state if label == END else sketch_state(state))

    def look(self, label: str, look: Look, outputs: Outputs, /) -> None:
        del look
        self.moments.setdefault(label, {}).update(sketch_state(outputs))
