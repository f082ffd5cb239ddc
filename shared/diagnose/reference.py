"""The reference's side of a diagnosis: at each visit its state, everything its step computed, and the noise of each.

Written to a folder, one subfolder a visit, so that workers of other frameworks can be held to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance, num_copies
from gan_rosetta.shared.data.tape import Tape, chunks, make_chunk
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.interface import PerturbedTrainer, Phase, ProbeKey
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State
from gan_rosetta.shared.state.archive import read_state, write_state
from gan_rosetta.shared.storage.files import write_json, write_npz

_SEPARATOR = "|"
_CHUNK_STEPS = 500
# sigmoid(-33) is 4.7e-15: below every floor that the catalogue puts under a logarithm, and above underflow.
_SATURATED_LOGIT = -33.0


@dataclass(frozen=True)
class ReferenceVisit:
    """What the reference left of a visit."""

    folder: Path

    def state(self, spec: GanSpec, /) -> State:
        """Return the state before the step."""
        return read_state(self.folder / "state.safetensors", spec)

    def read_keys(self) -> list[ProbeKey]:
        """Return the names of what the step computed, in order."""
        return [ProbeKey(*key.split(_SEPARATOR)) for key in self.noise()]

    def noise(self) -> dict[str, float]:
        """Return the noise of each quantity by its joined key, in order."""
        return self._numbers("noise")

    def scales(self) -> dict[str, float]:
        """Return how large the numbers are that each loss is made of, by its joined key."""
        return self._numbers("scales")

    def _numbers(self, name: str) -> dict[str, float]:
        found: dict[str, float] = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        return {key: float(value) for key, value in found.items()}

    def arrays(self) -> np.lib.npyio.NpzFile:
        """Return what the step computed, by joined key; to be closed."""
        return np.load(self.folder / "probe.npz", allow_pickle=False)


def joined(key: ProbeKey, /) -> str:
    """Return a key as one string."""
    return _SEPARATOR.join(key)


def visit_folder(folder: Path, index: int, /) -> Path:
    """Return the subfolder of the index-th visit."""
    return folder / f"visit-{index:04d}"


def walk_reference(
    build: Callable[[], PerturbedTrainer],
    spec: GanSpec,
    state: State,
    tape: Tape,
    /,
    *,
    visits: Sequence[Visit],
    folder: Path,
    forced: bool,
    dtype: str,
    report_progress: Callable[[int, int], None],
) -> None:
    """Walk the visits with the reference and its perturbed copies; write a subfolder for each.

    forced: the copies start each visit from the reference's state, so that the noise is that of one step; else they
    train on their own, and the noise is what has come together since the start.
    """
    reference = build()
    reference.load_state(state)
    tolerance = Tolerance(num_copies=num_copies(spec), dtype=dtype)
    copies = [build() for _ in tolerance.coarseness]
    for index, (copy, coarseness) in enumerate(zip(copies, tolerance.coarseness, strict=True)):
        copy.load_state(state)
        copy.perturb(seed=index, coarseness=coarseness)
    trainers = [reference] if forced else [reference, *copies]
    position = TapePosition(spec, tape)
    for index, visit in enumerate(visits):
        if visit.saturated:
            reference.load_state(saturated_state(reference, spec, state, tape))
        else:
            position.move(trainers, visit)
        here = reference.export_state()
        chunk = make_chunk(tape, spec, visit.phase, first_step=visit.step, num_steps=1)
        probe = reference.probe(chunk)
        scales = dict(reference.loss_scales())
        distances: dict[ProbeKey, list[float]] = {key: [] for key in probe}
        for copy in copies:
            if forced:
                copy.load_state(here)
            for key, array in copy.probe(chunk).items():
                distances[key].append(tensor_difference(array, probe[key], scale=scales.get(key, 0.0)))
        noise = {key: float(tolerance.noise(found)) for key, found in distances.items()}
        _write_visit(visit_folder(folder, index), here, probe, {"noise": noise, "scales": scales}, spec)
        report_progress(index + 1, len(visits))


class TapePosition:
    """Where trainers are on the tape; moves them forward to a visit."""

    def __init__(self, spec: GanSpec, tape: Tape) -> None:
        self._spec, self._tape = spec, tape
        self._done: dict[Phase, int] = {"pretraining": 0, "adversarial": 0}

    def move(self, trainers: Sequence[PerturbedTrainer], visit: Visit) -> None:
        """Train them as far as the step before a visit."""
        pretraining = self._spec.num_pretraining_steps
        if visit.phase == "adversarial":
            self._train(trainers, "pretraining", pretraining)
        self._train(trainers, visit.phase, visit.step)

    def _train(self, trainers: Sequence[PerturbedTrainer], phase: Phase, stop: int) -> None:
        first = self._done[phase]
        for chunk in chunks(self._tape, self._spec, phase, first_step=first, stop=stop, size=_CHUNK_STEPS):
            for trainer in trainers:
                trainer.train(trainer.stage(chunk))
        self._done[phase] = max(first, stop)


def saturated_state(trainer: PerturbedTrainer, spec: GanSpec, state: State, tape: Tape, /) -> State:
    """Return the initial state with D's last weights scaled so that it takes the realest sample for a fake, surely."""
    last = [placed.name for placed in spec.discriminator.placed if placed.layer.parameters()][-1]
    trainer.load_state(state)
    probe = trainer.probe(make_chunk(tape, spec, "adversarial", first_step=0, num_steps=1))
    logits = probe[ProbeKey("discriminator", "output", "real", f"discriminator.{last}")]
    factor = _SATURATED_LOGIT / float(logits.reshape(-1)[np.argmax(np.abs(logits))])
    prefix = f"discriminator.{last}."
    return {name: array * factor if name.startswith(prefix) else array for name, array in state.items()}


def _write_visit(
    folder: Path,
    state: State,
    probe: Mapping[ProbeKey, np.ndarray],
    numbers: Mapping[str, Mapping[ProbeKey, float]],
    spec: GanSpec,
) -> None:
    folder.mkdir(parents=True)
    write_state(folder / "state.safetensors", state, metadata={"gan": spec.name})
    write_npz(folder / "probe.npz", {joined(key): array for key, array in probe.items()})
    for name, by_key in numbers.items():
        write_json(folder / f"{name}.json", {joined(key): str(amount) for key, amount in by_key.items()})
