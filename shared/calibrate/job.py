"""A regime in one type and execution on one backend, seed after seed on one built trainer, inside a worker process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.calibrate.held_out import HeldOutCopies
from gan_rosetta.shared.calibrate.power import Power, measure_power
from gan_rosetta.shared.calibrate.regimes import find_regimes
from gan_rosetta.shared.calibrate.trained import RunFollower, train_once, write_trained
from gan_rosetta.shared.compare.yardstick import YardstickFollower, write_yardstick
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.interface import PerturbedTrainer, Trainer
from gan_rosetta.shared.runs.checked import build_checked
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.workers.registry import build_reference
from gan_rosetta.shared.workers.tasks import ReportProgress

POWER_FILE = "power.json"


@dataclass(frozen=True, kw_only=True)
class CalibrationJob:
    """What a worker is to do: train a regime from every seed, and leave a file for each in the folder.

    num_held_out: of the reference, measure the yardstick too, and keep so many copies that are none of its own; None
    for a backend. code: of the backend as it is, so that what another version of it left is not taken for its own.
    """

    folder: str
    regime: str
    dtype: str
    execution: str
    seeds: tuple[int, ...]
    num_held_out: int | None
    code: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the job as plain data, for a worker."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any], /) -> CalibrationJob:
        """Return the job from what as_data gave."""
        return cls(**{**data, "seeds": tuple(data["seeds"])})


@dataclass(frozen=True, kw_only=True)
class PowerJob:
    """What the reference's worker is to do: measure how small a change of a regime is seen, into the folder."""

    folder: str
    regime: str
    seed: int

    def as_data(self) -> dict[str, Any]:
        """Return the job as plain data, for a worker."""
        return {"power": asdict(self)}


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Do a CalibrationJob or a PowerJob in a worker."""
    del kept
    if "power" in data:
        run_power_job(PowerJob(**data["power"]), report_progress=report_progress)
    else:
        run_calibration_job(CalibrationJob.from_data(data), entry, report_progress=report_progress)
    return {}


def run_power_job(job: PowerJob, /, *, report_progress: Callable[[str, int, int], None]) -> None:
    """Measure how small a change is seen and write what was found."""
    (regime,) = find_regimes([job.regime])
    folder = Path(job.folder)
    found = measure_power(
        regime.spec,
        seed=job.seed,
        folder=folder / "visits",
        report_progress=lambda done, total: report_progress("power", done, total),
    )
    write_json(folder / POWER_FILE, [power.as_data() for power in found])


def read_power(folder: Path, /) -> list[Power]:
    """Return what a PowerJob left in a folder."""
    return [Power.from_data(data) for data in json.loads((folder / POWER_FILE).read_text(encoding="utf-8"))]


def run_calibration_job(
    job: CalibrationJob, entry: BackendEntry, /, *, report_progress: Callable[[str, int, int], None]
) -> None:
    """Train every seed that is not there yet; a backend's trainer is built once, since compiling it is what costs."""
    (regime,) = find_regimes([job.regime])
    spec = regime.spec

    def build() -> Trainer:
        return build_checked(entry, spec, device="cpu", dtype=job.dtype, execution=job.execution)

    trainer: Trainer | None = None
    for index, seed in enumerate(job.seeds):
        if job.num_held_out is not None:
            _train_reference(job, spec, seed, entry.name)
        elif not trained_path(job, seed, entry.name).exists():
            trainer = trainer or build()
            _train_backend(job, trainer, spec, seed, entry.name)
        report_progress("seeds", index + 1, len(job.seeds))


def _train_backend(job: CalibrationJob, trainer: Trainer, spec: GanSpec, seed: int, name: str) -> None:
    tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
    state = initial_state(spec, seed=seed)
    trained = train_once(trainer, spec, tape, state, name=name, dtype=job.dtype, seed=seed)
    write_trained(trained_path(job, seed, name), trained)


def _train_reference(job: CalibrationJob, spec: GanSpec, seed: int, name: str) -> None:
    def build() -> PerturbedTrainer:
        return build_reference(spec, dtype=job.dtype)

    tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
    state = initial_state(spec, seed=seed)
    yardstick = YardstickFollower.start(build, spec, state, dtype=job.dtype, seed=seed)
    followers: list[RunFollower] = [yardstick]
    held_out = None
    if job.num_held_out:
        held_out = HeldOutCopies.start(build, state, count=job.num_held_out, seed=seed)
        followers.append(held_out)
    trained = train_once(build(), spec, tape, state, name=name, dtype=job.dtype, seed=seed, followers=followers)
    yardstick.evaluate(trained.final_state(spec), latent=trained.latent, real=trained.real)
    write_yardstick(yardstick_path(job, seed), yardstick.finish())
    write_trained(trained_path(job, seed, name), trained)
    for index, copy in enumerate([] if held_out is None else held_out.finish(trained)):
        write_trained(copy_path(job, seed, index), copy)


def trained_path(job: CalibrationJob, seed: int, name: str, /) -> Path:
    """Return where a job leaves a seed's training."""
    return Path(job.folder) / f"{job.dtype}-{job.execution}-{seed}-{name}{job.code}.npz"


def copy_path(job: CalibrationJob, seed: int, index: int, /) -> Path:
    """Return where the reference's job leaves a copy's training."""
    return Path(job.folder) / f"{job.dtype}-{job.execution}-{seed}-copy-{index}.npz"


def yardstick_path(job: CalibrationJob, seed: int, /) -> Path:
    """Return where the reference's job leaves a seed's yardstick."""
    return Path(job.folder) / f"{job.dtype}-{seed}-yardstick.npz"
