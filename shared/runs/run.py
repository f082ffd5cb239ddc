"""One run from order to record: build, load, train, export. Runs inside a worker process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.compare.distances import first_nonfinite
from gan_rosetta.shared.compare.outputs import Look, Outputs
from gan_rosetta.shared.compare.sketch import sketch_state
from gan_rosetta.shared.compare.yardstick import END, YardstickFollower, write_yardstick
from gan_rosetta.shared.data.digest import state_digest
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.errors import RecordError, StateError
from gan_rosetta.shared.interface import Chunk, Losses
from gan_rosetta.shared.runs.checked import build_checked
from gan_rosetta.shared.runs.checkpoint import Checkpoint, Position, num_steps, read_checkpoint
from gan_rosetta.shared.runs.checkpointing import CheckpointWriter
from gan_rosetta.shared.runs.chunk_sizes import chunk_size
from gan_rosetta.shared.runs.following import Follower
from gan_rosetta.shared.runs.inputs import open_start, state_metadata, tape_metadata
from gan_rosetta.shared.runs.looks import LookFollower, LookRecorder
from gan_rosetta.shared.runs.machine import describe_machine, describe_variables, describe_versions
from gan_rosetta.shared.runs.moments import choose_moments
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.record import (
    MOMENTS_FILE,
    STATE_FILE,
    new_run_folder,
    settings_of,
    write_record,
    write_snapshots,
)
from gan_rosetta.shared.runs.record_types import Hashes, Outcome, RunSaid, Timings
from gan_rosetta.shared.runs.samples import make_samples
from gan_rosetta.shared.runs.saved import require_fed_so_far
from gan_rosetta.shared.runs.training import ReportProgress, TrainingResult, run_training
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest, to_data
from gan_rosetta.shared.state import State
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.workers.jobs import Job
from gan_rosetta.shared.workers.registry import build_reference, load_device_module, resolve_execution


def training_job(order: Order, /, *, num_runs: int = 1, is_awaited: bool = False) -> Job[Order]:
    """Return the job of a training run; num_runs: with the copies that it is measured with; is_awaited: see Job."""
    return Job(
        settings=order,
        task="run",
        data=order.as_data(),
        num_runs=num_runs,
        is_awaited=is_awaited,
        keeps_checkpoints=True,
    )


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Do a training job in a worker."""
    del kept
    run(Order.from_data(data), entry, report_progress=report_progress)
    return {}


def run(order: Order, entry: BackendEntry, /, *, report_progress: ReportProgress) -> None:
    """Train one GAN on one backend, in this process, and write the run's folder. Raises what a user can cause."""
    spec, setup, feed, course, keeping = order.spec, order.run, order.feed, order.course, order.keeping
    inputs = open_start(feed, spec)
    state, tape = inputs.state, inputs.tape
    device_module = load_device_module(entry)
    device_module.check_device(setup.device)
    device_module.set_products(setup.products, device=setup.device)
    execution = resolve_execution(entry, setup.execution)
    started = time.perf_counter()
    trainer = build_checked(entry, spec, device=setup.device, dtype=setup.dtype, execution=execution)
    trainer.load_state(state)
    build_seconds = time.perf_counter() - started
    given_digest, initial_digest = state_digest(state), state_digest(trainer.export_state())
    checkpoint = _last_checkpoint(order, tape)
    recorder = _SnapshotRecorder()
    moments = choose_moments(
        course.planned_steps or spec.training.num_steps,
        count=course.num_moments,
        chunk_steps=course.chunk_steps or chunk_size(spec),
    )
    yardstick = _start_yardstick(order, state) if course.yardstick else None
    start = Position(place=inputs.place, began=inputs.place)
    # What a large state took serves what comes next.
    del inputs, state
    followers: list[_RunFollower] = [recorder, *([] if yardstick is None else [yardstick])]
    look_recorder = LookRecorder(trainer, spec, moments, tape=tape, seed=feed.seed, followers=followers)
    if checkpoint is not None:
        start = checkpoint.position
        trainer.load_state(checkpoint.state)
        look_recorder.restore(checkpoint.looks)
        recorder.snapshots.update({label: dict(sketches) for label, sketches in checkpoint.snapshots.items()})
        if yardstick is not None:
            _take_up(yardstick, checkpoint, keeping.checkpoint_path)

    def make_checkpoint(position: Position) -> Checkpoint:
        return Checkpoint(
            position=position,
            state=trainer.export_state(),
            order=order,
            snapshots=recorder.snapshots,
            yardstick={} if yardstick is None else yardstick.export(),
            looks=look_recorder.arrays(),
        )

    result = run_training(
        trainer,
        spec,
        tape,
        chunk_steps=course.chunk_steps,
        keep_going=course.keep_going,
        followers=tuple(followers),
        report_progress=report_progress,
        start=start,
        checkpointer=CheckpointWriter(
            keeping.checkpoint_path, seconds=keeping.checkpoint_seconds, make=make_checkpoint
        ),
        watcher=look_recorder,
    )
    samples = make_samples(trainer, spec, tape, seed=feed.seed)
    look_recorder.close(samples, pretraining=num_steps(spec, "pretraining"), adversarial=result.ended.done)
    final = recorder.final
    said = _say(
        order,
        tape,
        result,
        execution=execution,
        hashes={
            "spec": spec_digest(spec),
            "initial_state": initial_digest,
            "given_state": given_digest,
            "tape": result.tape_digests,
        },
        framework_version=device_module.framework_version(),
        build_seconds=build_seconds,
    )
    with new_run_folder(Path(order.folder)) as folder:
        write_npz(folder / "losses.npz", result.losses)
        write_npz(folder / "samples.npz", samples)
        write_npz(folder / MOMENTS_FILE, look_recorder.arrays())
        write_snapshots(folder / "snapshots.npz", recorder.snapshots)
        write_state(folder / STATE_FILE, final, metadata=_metadata(order, result))
        if yardstick is not None:
            yardstick.evaluate(final, latent=samples["latent"], real=samples["real"])
            write_yardstick(folder / "yardstick.npz", yardstick.finish())
        write_record(folder, said)
    keeping.checkpoint_path.unlink(missing_ok=True)


def _start_yardstick(order: Order, state: State) -> YardstickFollower:
    dtype = order.run.dtype
    return YardstickFollower.start(
        lambda: build_reference(order.spec, dtype=dtype),
        order.spec,
        state,
        dtype=dtype,
        seed=order.feed.seed,
        products=order.run.products,
    )


def _say(
    order: Order,
    tape: Tape,
    result: TrainingResult,
    *,
    execution: str,
    hashes: Hashes,
    framework_version: str,
    build_seconds: float,
) -> RunSaid:
    return {
        "gan": order.spec.name,
        "backend": order.backend,
        "run": order.run_name,
        "execution": execution,
        "spec": to_data(order.spec),
        "hashes": hashes,
        "settings": settings_of(replace(order, keeping=replace(order.keeping, resume=False))),
        "versions": describe_versions(order.backend, framework_version),
        "machine": {**describe_machine(), "variables": describe_variables()},
        "timings": _timings(result, build_seconds=build_seconds),
        "outcome": _outcome(result, order.spec, tape),
    }


def _last_checkpoint(order: Order, tape: Tape) -> Checkpoint | None:
    path = order.keeping.checkpoint_path
    if not order.keeping.resume or not path.exists():
        return None
    checkpoint = read_checkpoint(path, order.spec, order=order)
    require_fed_so_far(path, checkpoint.position, order.feed, order.spec, tape)
    return checkpoint


def _metadata(order: Order, result: TrainingResult) -> dict[str, str]:
    spec, feed = order.spec, order.feed
    tape = tape_metadata(feed, spec, began=result.began, ended=result.ended, tape_digests=result.tape_digests)
    return state_metadata(spec, result.ended, backend=order.backend, seed=feed.seed, tape=tape)


def _take_up(yardstick: YardstickFollower, checkpoint: Checkpoint, path: Path) -> None:
    try:
        yardstick.resume(checkpoint.yardstick)
    except (KeyError, ValueError, TypeError, StateError) as error:
        raise RecordError(
            f"{path} lacks the yardstick's copies ({error}); move it away, and the run starts again from its first step"
        ) from None


class _RunFollower(Follower, LookFollower, Protocol):
    """Something that sees the whole of a run."""


@dataclass(kw_only=True)
class _SnapshotRecorder:
    """Keeps sketches of the trainer's state and of what it gave, and the state at the end whole."""

    snapshots: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    final: State = field(default_factory=dict)

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        pass

    def snapshot(self, label: str, state: State, /) -> None:
        if label == END:
            self.final = state
        else:
            self.snapshots.setdefault(label, {}).update(sketch_state(state))

    def look(self, label: str, look: Look, outputs: Outputs, /) -> None:
        del look
        self.snapshots.setdefault(label, {}).update(sketch_state(outputs))


def _timings(result: TrainingResult, *, build_seconds: float) -> Timings:
    seconds = result.seconds
    timed = seconds["timed_steps"]
    return {
        "build_seconds": build_seconds,
        "stage_seconds": seconds["stage"],
        "first_chunks_seconds": seconds["first_chunks"],
        "train_seconds": seconds["train"],
        "timed_steps": int(timed),
        "resumed_at": list(result.resumed_at),
        "steps_per_second": timed / seconds["train"] if timed else None,
    }


def _outcome(result: TrainingResult, spec: GanSpec, tape: Tape) -> Outcome:
    status = "finished" if result.stopped_at is None else "stopped by its rule"
    return {
        "status": status,
        "stopped_at": result.stopped_at,
        "began_at": {"phase": result.began.phase, "step": result.began.done},
        "pretraining_steps": len(result.losses["pretraining"]),
        "training_steps": len(result.losses["generator"]),
        "steps_per_epoch": tape.steps_per_epoch(),
        "first_not_finite": _first_not_finite(result, spec, tape),
    }


def _first_not_finite(result: TrainingResult, spec: GanSpec, tape: Tape) -> dict[str, int]:
    """Return, by loss, the first step at which it is NaN or infinite; where a player rests, its is NaN by rule."""
    found = {}
    for name, values in result.losses.items():
        phase = "pretraining" if name == "pretraining" else "adversarial"
        first = result.began.done if result.began.phase == phase else 0
        index = first_nonfinite(
            values,
            expected=trained_steps(
                spec, name, first_step=first, num_steps=len(values), steps_per_epoch=tape.steps_per_epoch()
            ),
        )
        if index is not None:
            found[name] = first + index
    return found
