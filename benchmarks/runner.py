"""One cell inside its worker: the first chunks, whose losses are judged, and rounds that repeat the same steps."""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil

from gan_rosetta.benchmarks.chunking import choose_chunking, rechoose, round_steps
from gan_rosetta.benchmarks.record import Repeat, Round
from gan_rosetta.benchmarks.repeating import Trained, compare_trained
from gan_rosetta.shared.data.digest import TapeDigest
from gan_rosetta.shared.data.tape import Tape, make_chunk
from gan_rosetta.shared.interface import Chunk, Losses, Trainer
from gan_rosetta.shared.runs.checked import CheckedTrainer
from gan_rosetta.shared.runs.chunk_sizes import chunk_size
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State

# A round that would last so many times what it is to last is made of smaller chunks.
_LONG_ROUNDS = 2


@dataclass(frozen=True, kw_only=True)
class FirstChunks:
    """What the first chunks gave.

    first_chunk_seconds: train() on the first chunk of each kind; compile_seconds: how
    much longer that took than the same chunk again. losses: (num_steps,) by name, NaN where D did not train.
    """

    chunk_steps: int
    num_steps: int
    first_chunk_seconds: float
    compile_seconds: float
    tape_digest: str
    losses: Mapping[str, list[float]]

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


class CellRunner:
    """Times a trainer on a GAN. name: the backend's; device_bytes: says the most memory used on the device, or None."""

    def __init__(
        self,
        trainer: Trainer,
        spec: GanSpec,
        tape: Tape,
        state: State,
        /,
        *,
        name: str,
        dtype: str,
        execution: str,
        device_bytes: Callable[[], int | None],
    ) -> None:
        self._trainer, self._spec, self._tape, self._state = trainer, spec, tape, state
        # What is timed is the trainer itself; what is judged was checked before.
        self._checked = CheckedTrainer(trainer, spec, name=name, dtype=dtype)
        self._is_eager = execution == "eager"
        self._device_bytes = device_bytes
        self.chunking = choose_chunking(spec, tape, execution=execution)
        self._step_seconds = math.nan
        self._num_steps = self.chunking.unit_steps
        self._as_in_training: Chunk | None = None
        self._first: Trained | None = None

    def run_first(self, num_steps: int, /, *, keeps: bool = False) -> FirstChunks:
        """Train from the initial state on the chunks that rounds will use, num_steps steps or more, then once more.

        The losses of the first num_steps steps are what parity is judged by: those of the very code that is timed.
        keeps: what they leave is kept for run_again.
        """
        cut = self.chunking
        chunks = self._first_chunks(num_steps)
        num_steps = min(num_steps, sum(chunk.num_steps for chunk in chunks))
        self._reload()
        seconds: dict[bytes, float] = {}
        parts: list[Losses] = []
        for chunk in chunks:
            took, losses = self._train(chunk)
            seconds.setdefault(_kind(chunk), took)
            parts.append(losses)
        if keeps:
            self._first = Trained(losses=tuple(parts), state=self._checked.export_state())
        again: dict[bytes, float] = {}
        for chunk in chunks:
            if _kind(chunk) not in again:
                again[_kind(chunk)] = self._train(chunk)[0]
        shares = {kind: sum(_kind(chunk) == kind for chunk in chunks) / len(chunks) for kind in again}
        self._step_seconds = sum(took * shares[kind] for kind, took in again.items()) / cut.chunk_steps
        return FirstChunks(
            chunk_steps=cut.chunk_steps,
            num_steps=num_steps,
            first_chunk_seconds=sum(seconds.values()),
            compile_seconds=sum(max(0.0, took - again[kind]) for kind, took in seconds.items()),
            tape_digest=tape_digest(chunks, num_steps),
            losses={name: _joined(parts, name, num_steps) for name in self._spec.training.loss_names},
        )

    def run_again(self, num_steps: int, /) -> Repeat:
        """Train the first steps once more, and say how far they end from the first time; after run_first that kept."""
        if self._first is None:
            raise RuntimeError("run_again compares with what run_first(..., keeps=True) left; call that first")
        first, self._first = self._first, None
        self._reload()
        chunks = self._first_chunks(num_steps)
        losses = tuple(self._train(chunk)[1] for chunk in chunks)
        return compare_trained(first, Trained(losses=losses, state=self._checked.export_state()))

    def settle(self, seconds: float, /) -> Round:
        """Fix the chunk and the number of steps of a round that is to last so long, and run one to warm up."""
        # A slow compiled path needs no thousand steps to drown a call's cost, but as many as fit, and no fewer than
        # training takes, since staging a chunk has a cost of its own too; the warm-up compiles what is new.
        in_training = (chunk_size(self._spec) + 0.5) * self._step_seconds
        most = seconds if self._is_eager else max(_LONG_ROUNDS * seconds, in_training)
        if self._is_eager or self._step_seconds * self.chunking.unit_steps > most:
            self.chunking = rechoose(self._spec, self._tape, step_seconds=self._step_seconds, seconds=most)
        self._num_steps = round_steps(self.chunking, seconds=seconds, step_seconds=self._step_seconds)
        longest = min(chunk_size(self._spec), self.chunking.lap_steps)
        is_short = self.chunking.chunk_steps < longest
        self._as_in_training = (
            make_chunk(self._tape, self._spec, "adversarial", first_step=0, num_steps=longest) if is_short else None
        )
        return self.run_round()

    def run_round(self) -> Round:
        """Train a round's steps from the initial state and say what each part took; the reloading is not timed."""
        load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        tape_seconds = stage_seconds = train_seconds = wall_seconds = 0.0
        clock = time.perf_counter
        losses = Losses()
        for first in self.chunking.firsts(self._num_steps):
            if first == 0:
                self._reload()
            start = clock()
            chunk = self._chunk(first)
            made = clock()
            staged = self._trainer.stage(chunk)
            fed = clock()
            losses = self._trainer.train(staged)
            end = clock()
            tape_seconds += made - start
            stage_seconds += fed - made
            train_seconds += end - fed
            wall_seconds += clock() - start
        feeding_seconds = stage_seconds / self._num_steps
        if self._as_in_training is not None:
            start = clock()
            self._trainer.stage(self._as_in_training)
            feeding_seconds = (clock() - start) / self._as_in_training.num_steps
        return Round(
            num_steps=self._num_steps,
            tape_seconds=tape_seconds,
            stage_seconds=stage_seconds,
            train_seconds=train_seconds,
            wall_seconds=wall_seconds,
            feeding_seconds=feeding_seconds,
            peak_bytes=peak_bytes(),
            resident_bytes=int(psutil.Process().memory_info().rss),
            device_bytes=self._device_bytes(),
            load_average=round(load_average, 2),
            is_finite=losses.generator is not None and _ends_finite(losses.generator, chunk),
        )

    def _first_chunks(self, num_steps: int) -> list[Chunk]:
        cut = self.chunking
        total = max(num_steps, cut.unit_steps)
        return [self._chunk(first) for first in range(0, total, cut.chunk_steps) if first < cut.lap_steps]

    def _chunk(self, first_step: int) -> Chunk:
        steps = self.chunking.chunk_steps
        return make_chunk(self._tape, self._spec, "adversarial", first_step=first_step, num_steps=steps)

    def _train(self, chunk: Chunk) -> tuple[float, Losses]:
        staged = self._checked.stage(chunk)
        start = time.perf_counter()
        losses = self._checked.train(staged)
        return time.perf_counter() - start, losses

    def _reload(self) -> None:
        self._trainer.load_state(self._state)
        # Waits for frameworks that only queue the copy.
        self._trainer.export_state()


def peak_bytes() -> int:
    """Return the most memory that this process has had resident, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def tape_digest(chunks: list[Chunk], num_steps: int, /) -> str:
    """Return the digest of the first num_steps steps of consecutive chunks."""
    return tape_digests(chunks, num_steps)[str(num_steps)]


def tape_digests(chunks: list[Chunk], num_steps: int, /) -> dict[str, str]:
    """Return the digest of the first step of consecutive chunks, of the first two, and so on, by their number."""
    digest = TapeDigest()
    digests: dict[str, str] = {}
    for chunk in chunks:
        for step in range(min(chunk.num_steps, num_steps - len(digests))):
            digest.update(chunk.steps(slice(step, step + 1)))
            digests[str(len(digests) + 1)] = digest.hexdigest()
    return digests


def _kind(chunk: Chunk) -> bytes:
    """What a compiler may compile a chunk for."""
    return chunk.trains_discriminator.tobytes() + chunk.trains_generator.tobytes()


def _ends_finite(losses: np.ndarray, chunk: Chunk) -> bool:
    """Return whether G's last loss is finite; true of a chunk in which it rests."""
    return bool(np.isfinite(losses[chunk.trains_generator][-1:]).all())


def _joined(parts: list[Losses], name: str, num_steps: int) -> list[float]:
    values = np.concatenate([np.asarray(getattr(part, name), dtype=np.float64) for part in parts])
    return [float(value) for value in values[:num_steps]]
