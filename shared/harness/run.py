"""One run from settings to record: build, load, train, export. Runs inside a worker process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from backends import BackendEntry
from shared.compare.distances import first_nonfinite
from shared.compare.sketch import sketch_state
from shared.compare.yardstick import NUM_COPIES, PerturbedTrainer, YardstickFollower, write_yardstick
from shared.data.digest import state_digest
from shared.data.digits import DigitSource
from shared.data.tape import SeededTape, Tape
from shared.data.tape_file import FileTape, write_tape
from shared.errors import UsageError
from shared.gans import CATALOGUE, find_gan
from shared.harness.checkpoint import Checkpoint, read_checkpoint
from shared.harness.files import write_npz
from shared.harness.keeper import CheckpointKeeper
from shared.harness.machine import describe_machine, describe_versions
from shared.harness.record import new_run_folder, write_record, write_snapshots
from shared.harness.registry import load_device_module, load_trainer, resolve_execution
from shared.harness.samples import make_samples, sample_latent
from shared.harness.settings import SHORT_STEPS, RunSettings
from shared.harness.training import Follower, ReportProgress, TrainingResult, run_training
from shared.interface import Chunk, Losses, Trainer
from shared.spec import GanSpec
from shared.spec.serialise import spec_digest, to_data
from shared.spec.toml_file import read_spec_text, spec_from_toml
from shared.state import State, initial_state
from shared.state.archive import read_state, write_state


def resolve_spec(settings: RunSettings, /) -> GanSpec:
    """Return the GAN that the settings name, with the number of steps that they ask for or that is its default.

    Raises UsageError for an unknown name, SpecError for a file that does not describe a GAN.
    """
    if settings.spec_file is not None:
        text = settings.spec_text if settings.spec_text is not None else read_spec_text(Path(settings.spec_file))
        spec = spec_from_toml(text, where=settings.spec_file, reserved=CATALOGUE)
        default_steps = None
    else:
        spec = find_gan(settings.gan)
        default_steps = SHORT_STEPS.get(spec.name)
    steps = settings.steps if settings.steps is not None else default_steps
    if settings.batch_size is not None:
        spec = replace(spec, batch_size=settings.batch_size)
    return spec.with_steps(pretraining=settings.pretrain_steps, training=steps)


def with_spec_text(settings: RunSettings, /) -> RunSettings:
    """Return the settings with what their spec_file holds now and with the name that stands in it; raises SpecError."""
    if settings.spec_file is None:
        return settings
    settings = replace(settings, spec_text=read_spec_text(Path(settings.spec_file)))
    return replace(settings, gan=resolve_spec(settings).name)


def open_inputs(settings: RunSettings, spec: GanSpec, /) -> tuple[State, Tape]:
    """Return the initial state and the tape, drawn from the seed or read from files; raises StateError, TapeError."""
    if settings.initial_state is not None:
        state = read_state(Path(settings.initial_state), spec)
    else:
        state = initial_state(spec, seed=settings.seed)
    tape: Tape
    if settings.tape is not None:
        tape = FileTape.read(Path(settings.tape), spec)
    else:
        tape = SeededTape(spec, seed=settings.seed, digits=DigitSource.parse(settings.mnist))
    return state, tape


def run(settings: RunSettings, entry: BackendEntry, /, *, report_progress: ReportProgress) -> None:
    """Train one GAN on one backend, in this process, and write the run's folder. Raises what a user can cause."""
    spec = resolve_spec(settings)
    state, tape = open_inputs(settings, spec)
    _export_inputs(settings, spec, state, tape)
    device_module = load_device_module(entry)
    device_module.check_device(settings.device)
    execution = resolve_execution(entry, settings.execution)
    trainer_class = load_trainer(entry)

    def build() -> Trainer:
        return trainer_class.build(spec, device=settings.device, dtype=settings.dtype, execution=execution)

    started = time.perf_counter()
    trainer = build()
    trainer.load_state(state)
    build_seconds = time.perf_counter() - started
    initial = trainer.export_state()
    checkpoint = _last_checkpoint(settings, spec)
    recorder = _SnapshotRecorder()
    if checkpoint is not None:
        trainer.load_state(checkpoint.state)
        recorder.snapshots.update({label: dict(sketches) for label, sketches in checkpoint.snapshots.items()})
    followers: list[Follower] = [recorder]
    yardstick = None
    if settings.yardstick:
        yardstick = YardstickFollower.start(_perturbable(build), state, seed=settings.seed, count=NUM_COPIES)
        followers.append(yardstick)
    result = run_training(
        trainer,
        spec,
        tape,
        chunk_steps=settings.chunk_steps,
        keep_going=settings.keep_going,
        followers=tuple(followers),
        report_progress=report_progress,
        start=None if checkpoint is None else checkpoint.position,
        keeper=CheckpointKeeper(
            # The yardstick's copies are not kept, so that a run with them begins anew.
            None if settings.yardstick else settings.checkpoint_path,
            spec=spec,
            settings=settings.numeric_data,
            trainer=trainer,
            snapshots=recorder.snapshots,
            seconds=settings.checkpoint_seconds,
        ),
    )
    samples = make_samples(trainer, spec, tape, seed=settings.seed)
    final = trainer.export_state()
    with new_run_folder(Path(settings.folder)) as folder:
        write_npz(folder / "losses.npz", result.losses)
        write_npz(folder / "samples.npz", samples)
        write_snapshots(folder / "snapshots.npz", recorder.snapshots)
        write_state(folder / "state.safetensors", final, metadata={"gan": spec.name, "backend": entry.name})
        if yardstick is not None:
            measured = yardstick.finish(sample_latent(spec, seed=settings.seed), samples["generated"])
            write_yardstick(folder / "yardstick.npz", measured)
        write_record(
            folder,
            {
                "gan": spec.name,
                "backend": entry.name,
                "execution": execution,
                "spec": to_data(spec),
                "hashes": {
                    "spec": spec_digest(spec),
                    "initial_state": state_digest(initial),
                    "tape": result.tape_digests,
                },
                "settings": replace(settings, resume=False).as_data(),
                "versions": describe_versions(entry.name, device_module.framework_version()),
                "machine": describe_machine(),
                "timings": {"build_seconds": build_seconds, **_timings(result)},
                "outcome": _outcome(result, spec),
            },
        )
    settings.checkpoint_path.unlink(missing_ok=True)


def _last_checkpoint(settings: RunSettings, spec: GanSpec) -> Checkpoint | None:
    if not settings.resume or settings.yardstick or not settings.checkpoint_path.exists():
        return None
    return read_checkpoint(settings.checkpoint_path, spec, settings=settings.numeric_data)


def _perturbable(build: Callable[[], Trainer]) -> Callable[[], PerturbedTrainer]:
    def build_copy() -> PerturbedTrainer:
        trainer = build()
        if not hasattr(trainer, "perturb"):
            raise UsageError(f"{type(trainer).__name__} cannot round at random; the yardstick is measured on numpy")
        return cast(PerturbedTrainer, trainer)

    return build_copy


@dataclass(kw_only=True)
class _SnapshotRecorder:
    """Keeps sketches of the trainer's state; the state at the end is kept whole, so not here."""

    snapshots: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        pass

    def snapshot(self, label: str, state: State, /) -> None:
        if label != "end":
            self.snapshots[label] = sketch_state(state)


def _export_inputs(settings: RunSettings, spec: GanSpec, state: State, tape: Tape) -> None:
    tape_path = _export_target("--export-tape", settings.export_tape, resume=settings.resume)
    state_path = _export_target("--export-initial-state", settings.export_initial_state, resume=settings.resume)
    if state_path is not None:
        write_state(state_path, state, metadata={"gan": spec.name, "seed": str(settings.seed)})
    if tape_path is not None:
        write_tape(
            tape_path,
            tape,
            spec,
            pretraining_steps=spec.pretraining.num_steps if spec.pretraining is not None else 0,
            training_steps=spec.training.num_steps,
        )


def _export_target(option: str, target: str | None, *, resume: bool) -> Path | None:
    """Return where to write, None for nowhere: not asked for, or done before the run was interrupted."""
    if target is None or not Path(target).exists():
        return None if target is None else Path(target)
    if resume:
        return None
    raise UsageError(f"{option} {target} already exists; name another file, or move that one away")


def _timings(result: TrainingResult) -> dict[str, object]:
    seconds = result.seconds
    timed = seconds["timed_steps"]
    return {
        "stage_seconds": seconds["stage"],
        "first_chunks_seconds": seconds["first_chunks"],
        "train_seconds": seconds["train"],
        "timed_steps": timed,
        "resumed_at": list(result.resumed_at),
        "steps_per_second": timed / seconds["train"] if timed else None,
    }


def _outcome(result: TrainingResult, spec: GanSpec) -> dict[str, object]:
    status = "finished" if result.stopped_at is None else "stopped by its rule"
    steps = {"pretraining_steps": len(result.losses["pretraining"]), "training_steps": len(result.losses["generator"])}
    return {
        "status": status,
        "stopped_at": result.stopped_at,
        **steps,
        "first_not_finite": _first_not_finite(result, spec),
    }


def _first_not_finite(result: TrainingResult, spec: GanSpec) -> dict[str, int]:
    """Return, by loss, the first step at which it is NaN or infinite; D's is NaN by rule where D does not train."""
    pattern = spec.training.discriminator_steps
    trained = np.array([pattern.includes(step) for step in range(len(result.losses["discriminator"]))], dtype=bool)
    found = {
        name: first_nonfinite(values, expected=trained if name == "discriminator" else None)
        for name, values in result.losses.items()
    }
    return {name: step for name, step in found.items() if step is not None}
