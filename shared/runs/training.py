"""The loop that feeds a tape to a trainer, chunk by chunk, and keeps what comparison needs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from gan_rosetta.shared.data.digest import TapeDigest
from gan_rosetta.shared.data.tape import Tape, chunks, make_chunk
from gan_rosetta.shared.interface import Chunk, Losses, Phase, Trainer
from gan_rosetta.shared.runs.checkpoint import BEGINNING, Place, Position
from gan_rosetta.shared.runs.chunk_sizes import chunk_size
from gan_rosetta.shared.runs.clock import Clock
from gan_rosetta.shared.runs.following import Checkpointer, Follower, Watcher
from gan_rosetta.shared.runs.moments import SNAPSHOT_STEPS
from gan_rosetta.shared.spec import GanSpec, StopRule
from gan_rosetta.shared.state import State

ReportProgress = Callable[[Phase, int, int], None]
# What a run asks to be trained on, chunk by chunk, and what it is told of each.
Steps = Generator[Chunk, Losses, None]


class Stateful(Protocol):
    """What a run has of its trainer beside the training: the state, as Trainer has it."""

    def load_state(self, state: State, /) -> None:
        """Copy a whole state in."""
        ...

    def export_state(self) -> State:
        """Return a copy of the whole state."""
        ...


@dataclass(kw_only=True)
class TrainingResult:
    """What a run leaves: losses (steps,) by name, tape digests by phase and step, seconds by part.

    resumed_at: where the run was taken up again after an interruption, such as "adversarial step 500". began: where
    its first step was; losses[name][i] is of the step i after it.
    """

    losses: dict[str, np.ndarray]
    tape_digests: dict[str, dict[str, str]]
    stopped_at: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    resumed_at: tuple[str, ...] = ()
    began: Place = BEGINNING

    @property
    def ended(self) -> Place:
        """Where the run's last step is behind it."""
        first = self.began.done if self.began.phase == "adversarial" else 0
        return Place(phase="adversarial", done=first + len(self.losses["generator"]))


def run_training(
    trainer: Trainer,
    spec: GanSpec,
    tape: Tape,
    /,
    *,
    chunk_steps: int | None = None,
    keep_going: bool = False,
    followers: tuple[Follower, ...] = (),
    report_progress: ReportProgress | None = None,
    start: Position | None = None,
    checkpointer: Checkpointer | None = None,
    watcher: Watcher | None = None,
) -> TrainingResult:
    """Train a loaded trainer for all of the spec's steps and return what came of it.

    keep_going: ignore the spec's stop rule. report_progress: called with (phase, steps done, steps in all). start: go
    on from this position, whose state the trainer has; chunk_steps and the watcher's moments as they were then.
    """
    report = report_progress or _report_nothing
    loop = _Loop(trainer, spec, tape, followers, report, start=start, checkpointer=checkpointer, watcher=watcher)
    steps = loop.steps(chunk_steps, keep_going=keep_going)
    chunk = next(steps, None)
    while chunk is not None:
        chunk = _answer(steps, loop.clock.train(trainer, chunk))
    return loop.result()


def train_together(
    trainers: Mapping[int, Stateful],
    spec: GanSpec,
    tapes: Mapping[int, Tape],
    /,
    *,
    train: Callable[[Mapping[int, Chunk]], Mapping[int, Losses]],
    chunk_steps: int | None = None,
    keep_going: bool = False,
    report_progress: ReportProgress | None = None,
) -> dict[int, TrainingResult]:
    """Train several loaded trainers of a GAN side by side, each on a tape of its own; what came of each, as above.

    train: takes a chunk of each of some trainers, of the same steps; their losses. One that its rule stops rests while
    the others go on.
    """
    report = report_progress or _report_nothing
    loops = {
        name: _Loop(trainer, spec, tapes[name], (), report, start=None, checkpointer=None, watcher=None)
        for name, trainer in trainers.items()
    }
    steps = {name: loop.steps(chunk_steps, keep_going=keep_going) for name, loop in loops.items()}
    waiting = {name: chunk for name, of_one in steps.items() if (chunk := next(of_one, None)) is not None}
    while waiting:
        earliest = min(map(_place, waiting.values()))
        together = {name: chunk for name, chunk in waiting.items() if _place(chunk) == earliest}
        losses = train(together)
        for name in together:
            chunk = _answer(steps[name], losses[name])
            if chunk is None:
                del waiting[name]
            else:
                waiting[name] = chunk
    return {name: loop.result() for name, loop in loops.items()}


def _answer(steps: Steps, losses: Losses) -> Chunk | None:
    """Tell a run what its chunk's losses were; return the next chunk, None where the run has ended."""
    try:
        return steps.send(losses)
    except StopIteration:
        return None


def _place(chunk: Chunk) -> tuple[bool, int, int]:
    """Return what orders chunks by when they are trained on; those that have it in common are of the same steps."""
    return chunk.phase == "adversarial", chunk.first_step, chunk.num_steps


class _Loop:
    """One run: its trainer, what follows it, and what it has left so far."""

    def __init__(
        self,
        trainer: Stateful,
        spec: GanSpec,
        tape: Tape,
        followers: tuple[Follower, ...],
        report: ReportProgress,
        *,
        start: Position | None,
        checkpointer: Checkpointer | None,
        watcher: Watcher | None,
    ) -> None:
        self._trainer, self._spec, self._tape = trainer, spec, tape
        self._followers, self._report, self._checkpointer = followers, report, checkpointer
        self._watcher = watcher
        self._moments = watcher.moments.steps if watcher is not None else ()
        self._num_pretraining = spec.num_pretraining_steps
        self._start = start
        self.clock = Clock()
        self._losses: dict[str, list[np.ndarray]] = {name: [] for name in spec.loss_names}
        self._tape_digests: dict[str, dict[str, str]] = {"pretraining": {}, "adversarial": {}}
        self._resumed_at: tuple[str, ...] = ()
        self._stopped_at: int | None = None
        self._began = BEGINNING if start is None else start.began
        self._is_new = start is None or start.place == start.began
        if start is not None:
            self._losses = {name: [start.losses.get(name, np.zeros(0))] for name in self._losses}
            self._tape_digests |= {phase: dict(digests) for phase, digests in start.tape_digests.items()}
            self._resumed_at = start.resumed_at if start.place == start.began else (*start.resumed_at, str(start.place))
            self.clock.seconds |= start.seconds

    def steps(self, chunk_steps: int | None, *, keep_going: bool) -> Steps:
        """Yield each chunk to train on, in order; takes its losses."""
        size = chunk_steps or chunk_size(self._spec)
        yield from self._pretrain(size)
        yield from self._train(
            size if self._watcher is None else self._watcher.moments.chunk_steps,
            stop_rule=None if keep_going else self._spec.training.stop,
        )

    def _pretrain(self, size: int) -> Steps:
        total = self._num_pretraining
        if self._start is not None and self._start.place.phase == "adversarial":
            return
        first, digest = self._beginning("pretraining")
        if self._is_new and first < total:
            self._look(pretraining=first, adversarial=0)
        for chunk in chunks(self._tape, self._spec, "pretraining", first_step=first, stop=total, size=size):
            self._take(chunk, (yield chunk), digest, total)
            done = chunk.first_step + chunk.num_steps
            if done == total:
                self._snapshot("pretraining")
            self._keep("pretraining", done, digest)

    def _train(self, size: int, *, stop_rule: StopRule | None) -> Steps:
        total = self._spec.training.num_steps
        first, digest = self._beginning("adversarial")
        if first == 0 or self._is_new:
            self._look(pretraining=self._num_pretraining, adversarial=first)
        stops = sorted({*SNAPSHOT_STEPS, *self._moments, total})
        state: State | None = None
        for chunk in _adversarial_chunks(self._tape, self._spec, size, first_step=first, stops=stops):
            state = None
            before = self._trainer.export_state() if stop_rule is not None else {}
            losses = yield chunk
            stop_index = _stop_index(losses, stop_rule.tolerance) if stop_rule is not None else None
            if stop_index is not None:
                yield from self._end_within(chunk, before, stop_index)
                break
            self._take(chunk, losses, digest, total)
            done = chunk.first_step + chunk.num_steps
            if done in SNAPSHOT_STEPS:
                state = self._snapshot(f"step {done}")
            if done in self._moments and done < total:
                self._look(pretraining=self._num_pretraining, adversarial=done)
            self._keep("adversarial", done, digest)
        self._snapshot("end", state)

    def _beginning(self, phase: Phase) -> tuple[int, TapeDigest]:
        """Return a phase's first step that is still to be done, and the digest of its tape as far as that."""
        if self._start is None or self._start.place.phase != phase:
            return 0, TapeDigest()
        done = self._start.place.done
        return done, TapeDigest(self._start.chain, next_steps={phase: done})

    def _keep(self, phase: Phase, done: int, digest: TapeDigest) -> None:
        if self._checkpointer is not None:
            self._checkpointer.after_chunk(
                lambda: Position(
                    place=Place(phase=phase, done=done),
                    began=self._began,
                    losses=self._joined_losses(),
                    tape_digests=self._tape_digests,
                    chain=digest.hexdigests(),
                    seconds=self.clock.seconds,
                    resumed_at=self._resumed_at,
                )
            )

    def result(self) -> TrainingResult:
        return TrainingResult(
            losses=self._joined_losses(),
            tape_digests=self._tape_digests,
            stopped_at=self._stopped_at,
            seconds=self.clock.seconds,
            resumed_at=self._resumed_at,
            began=self._began,
        )

    def _joined_losses(self) -> dict[str, np.ndarray]:
        empty = np.zeros(0)
        return {name: np.concatenate([empty, *parts]) for name, parts in self._losses.items()}

    def _end_within(self, chunk: Chunk, before: State, stop_index: int) -> Steps:
        """Do a chunk again, only as far as the step that ends the run."""
        self._stopped_at = chunk.first_step + stop_index
        self._trainer.load_state(before)
        shorter = make_chunk(
            self._tape, self._spec, "adversarial", first_step=chunk.first_step, num_steps=stop_index + 1
        )
        # Its digest is left out: runs that do not stop here have none at this step to compare it with.
        self._take(shorter, (yield shorter), None, self._stopped_at + 1)

    def _take(self, chunk: Chunk, losses: Losses, digest: TapeDigest | None, total: int) -> None:
        for name, parts in self._losses.items():
            values = getattr(losses, name)
            if values is not None:
                parts.append(np.asarray(values, dtype=np.float64))
        for follower in self._followers:
            follower.follow(chunk, losses)
        done = chunk.first_step + chunk.num_steps
        if digest is not None:
            digest.update(chunk)
            self._tape_digests[chunk.phase][str(done)] = digest.hexdigest()
        self._report(chunk.phase, done, total)

    def _look(self, *, pretraining: int, adversarial: int) -> None:
        if self._watcher is not None:
            self._watcher.take(pretraining=pretraining, adversarial=adversarial)

    def _snapshot(self, label: str, state: State | None = None) -> State | None:
        """Show followers the trainer's state, and return it; state: that of a snapshot at the same step."""
        if not self._followers:
            return None
        state = self._trainer.export_state() if state is None else state
        for follower in self._followers:
            follower.snapshot(label, state)
        return state


def _report_nothing(phase: Phase, done: int, total: int, /) -> None:
    pass


def _adversarial_chunks(
    tape: Tape, spec: GanSpec, size: int, *, first_step: int, stops: Sequence[int]
) -> Iterator[Chunk]:
    """Yield all adversarial chunks from a step on, with a boundary at every stop, ascending, up to the last step."""
    first = first_step
    for stop in (stop for stop in stops if first_step < stop <= spec.training.num_steps):
        yield from chunks(tape, spec, "adversarial", first_step=first, stop=stop, size=size)
        first = stop


def _stop_index(losses: Losses, tolerance: float) -> int | None:
    if losses.real_score is None:
        raise TypeError("the trainer reported no real_score although the spec has a stop rule")
    hits = np.flatnonzero(np.abs(np.asarray(losses.real_score, dtype=np.float64) - 0.5) <= tolerance)
    return int(hits[0]) if len(hits) else None
