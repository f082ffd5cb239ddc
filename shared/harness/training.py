"""The loop that feeds a tape to a trainer, chunk by chunk, and keeps what comparison needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from shared.data.digest import TapeDigest
from shared.data.tape import Tape, chunks, make_chunk
from shared.interface import Chunk, Losses, Phase, Trainer
from shared.spec import GanSpec
from shared.spec.cost import step_flops
from shared.state import State

# Losses hardly show some faults (a running variance that nothing reads), so whole states are compared too: after
# pretraining, after these many adversarial steps, and at the end.
SNAPSHOT_STEPS = (1, 10)
_CHUNK_FLOPS = 4e9
_MAXIMUM_CHUNK_STEPS = 500
_MAXIMUM_CHUNK_BYTES = 64e6


class Follower(Protocol):
    """Something that sees each chunk after the trainer has trained on it."""

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        """Take note of a chunk and the losses that the trainer had on it."""
        ...

    def snapshot(self, label: str, state: State, /) -> None:
        """Take note of the trainer's state at a named moment."""
        ...


@dataclass(kw_only=True)
class TrainingResult:
    """What a run leaves: losses (steps,) by name, tape digests by phase and step, states by moment, seconds by part."""

    losses: dict[str, np.ndarray]
    tape_digests: dict[str, dict[str, str]]
    stopped_at: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def chunk_size(spec: GanSpec, /) -> int:
    """Return how many steps to give a trainer at once: enough to drown its overhead, few enough to show progress."""
    sample_bytes = 8 * (np.prod(spec.real.sample_shape) + 2 * np.prod(spec.latent.sample_shape))
    by_memory = _MAXIMUM_CHUNK_BYTES / (sample_bytes * spec.batch_size)
    return int(max(1, min(_MAXIMUM_CHUNK_STEPS, _CHUNK_FLOPS / step_flops(spec), by_memory)))


def run_training(
    trainer: Trainer,
    spec: GanSpec,
    tape: Tape,
    /,
    *,
    chunk_steps: int | None = None,
    keep_going: bool = False,
    followers: tuple[Follower, ...] = (),
    report_progress: Callable[[Phase, int, int], None] | None = None,
) -> TrainingResult:
    """Train a loaded trainer for all of the spec's steps and return what came of it.

    keep_going: ignore the spec's stop rule. report_progress: called with (phase, steps done, steps in all).
    """
    size = chunk_steps or chunk_size(spec)
    report = report_progress or (lambda _phase, _done, _total: None)
    num_pretraining = spec.pretraining.num_steps if spec.pretraining is not None else 0
    parts: dict[str, list[np.ndarray]] = {"pretraining": [], "discriminator": [], "generator": []}
    result = TrainingResult(losses={}, tape_digests={"pretraining": {}, "adversarial": {}})
    clock = _Clock()

    digest = TapeDigest()
    for chunk in chunks(tape, spec, "pretraining", first_step=0, stop=num_pretraining, size=size):
        losses = clock.train(trainer, chunk)
        _keep(parts, losses)
        _follow(followers, chunk, losses)
        digest.update(chunk)
        done = chunk.first_step + chunk.num_steps
        result.tape_digests["pretraining"][str(done)] = digest.hexdigest()
        report("pretraining", done, num_pretraining)
    if num_pretraining:
        _snapshot(followers, "pretraining", trainer)

    digest = TapeDigest()
    stop_rule = None if keep_going else spec.training.stop
    num_steps = spec.training.num_steps
    for chunk in _adversarial_chunks(tape, spec, size):
        before = trainer.export_state() if stop_rule is not None else {}
        losses = clock.train(trainer, chunk)
        stop_index = _stop_index(losses, stop_rule.tolerance) if stop_rule is not None else None
        if stop_index is not None:
            # The chunk went on after the step that ends the run: do it again, only so far.
            result.stopped_at = chunk.first_step + stop_index
            trainer.load_state(before)
            chunk = make_chunk(tape, spec, "adversarial", first_step=chunk.first_step, num_steps=stop_index + 1)
            losses = clock.train(trainer, chunk)
        _keep(parts, losses)
        _follow(followers, chunk, losses)
        done = chunk.first_step + chunk.num_steps
        if stop_index is None:
            digest.update(chunk)
            result.tape_digests["adversarial"][str(done)] = digest.hexdigest()
        report("adversarial", done, num_steps)
        if done in SNAPSHOT_STEPS:
            _snapshot(followers, f"step {done}", trainer)
        if stop_index is not None:
            break
    _snapshot(followers, "end", trainer)
    empty = np.zeros(0)
    result.losses = {name: np.concatenate([empty, *arrays]) for name, arrays in parts.items()}
    result.seconds = clock.seconds
    return result


def _adversarial_chunks(tape: Tape, spec: GanSpec, size: int) -> Iterator[Chunk]:
    """Yield all adversarial chunks, with a boundary at every snapshot."""
    first = 0
    total = spec.training.num_steps
    for stop in (*(step for step in SNAPSHOT_STEPS if step < total), total):
        yield from chunks(tape, spec, "adversarial", first_step=first, stop=stop, size=size)
        first = stop


class _Clock:
    """Times stage and train; the first chunk of each phase, which may compile, apart from the rest."""

    def __init__(self) -> None:
        self.seconds = {"stage": 0.0, "first_chunks": 0.0, "train": 0.0, "timed_steps": 0.0}
        self._seen: set[tuple[str, int]] = set()

    def train(self, trainer: Trainer, chunk: Chunk) -> Losses:
        start = time.perf_counter()
        staged = trainer.stage(chunk)
        staged_at = time.perf_counter()
        losses = trainer.train(staged)
        end = time.perf_counter()
        self.seconds["stage"] += staged_at - start
        kind = (chunk.phase, chunk.num_steps)
        if kind in self._seen:
            self.seconds["train"] += end - staged_at
            self.seconds["timed_steps"] += chunk.num_steps
        else:
            self._seen.add(kind)
            self.seconds["first_chunks"] += end - staged_at
        return losses


def _keep(parts: dict[str, list[np.ndarray]], losses: Losses) -> None:
    for name, arrays in parts.items():
        values = getattr(losses, name)
        if values is not None:
            arrays.append(np.asarray(values, dtype=np.float64))


def _follow(followers: tuple[Follower, ...], chunk: Chunk, losses: Losses) -> None:
    for follower in followers:
        follower.follow(chunk, losses)


def _snapshot(followers: tuple[Follower, ...], label: str, trainer: Trainer) -> None:
    if followers:
        state = trainer.export_state()
        for follower in followers:
            follower.snapshot(label, state)


def _stop_index(losses: Losses, tolerance: float) -> int | None:
    if losses.real_score is None:
        raise TypeError("the trainer reported no real_score although the spec has a stop rule")
    hits = np.flatnonzero(np.abs(np.asarray(losses.real_score, dtype=np.float64) - 0.5) <= tolerance)
    return int(hits[0]) if len(hits) else None
