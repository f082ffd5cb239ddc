"""The settings of one run, checked: what a worker is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.interface import DEVICES, DTYPES
from gan_rosetta.shared.runs.checkpoint import SECONDS_BETWEEN_CHECKPOINTS
from gan_rosetta.shared.runs.moments import DEFAULT_NUM_MOMENTS
from gan_rosetta.shared.workers.jobs import DEFAULT_PATIENCE_SECONDS

# Steps of the adversarial phase where none are asked for. The GANs on digits train for hours at their published
# lengths; these many steps take seconds and have an update of both networks.
SHORT_STEPS = {"mnist-conv": 1, "mnist-wgan-gp": 20, "mnist-wgan-gp-sample": 20}
# In a comparison of the whole catalogue a GAN whose single step costs most of a minute takes a part of its batch: the
# mathematics is the same, layer by layer.
OVERVIEW_BATCH_SIZES = {"mnist-conv": 10}
# With this one the 1D GANs find their target; with about half of all seeds one of them collapses, as GANs do.
DEFAULT_SEED = 14


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """One backend's run of one GAN.

    run: its name beside others (names.py), the backend's where it is "". python: that its worker runs on, None for
    the backend's usual one (environments.py).
    spec_file: a TOML file that describes the GAN, in place of one of the catalogue; spec_text: what stood in it when
    the run was planned, so that a change to the file touches no run that is under way.
    steps, pretrain_steps, batch_size: None for the default. seed: of the initial state and the tape.
    initial_state, tape: files to read instead. first_step: of the tape, None for that at which the initial state was
    saved, the beginning for one that no run left. mnist: where digits come from, None for the packaged ones.
    threads: of the framework. keep_going: ignore the spec's stop rule. yardstick: also measure how far rounding alone
    moves the run (the reference only). chunk_steps: steps per call of the trainer, None to let the cost decide.
    checkpoint_seconds: from one checkpoint to the next. resume: go on from the folder's checkpoint, if there is one.
    patience_seconds: how long a worker may give no sign of life. num_moments: about how many moments of training
    samples are kept of; planned_steps: the adversarial steps that these are spread over, those of the runs beside this
    one, None for its own.
    """

    gan: str
    backend: str
    folder: str
    run: str = ""
    python: str | None = None
    seed: int = DEFAULT_SEED
    dtype: str = "float64"
    execution: str = "auto"
    device: str = "cpu"
    threads: int = 1
    steps: int | None = None
    pretrain_steps: int | None = None
    batch_size: int | None = None
    initial_state: str | None = None
    first_step: int | None = None
    tape: str | None = None
    mnist: str | None = None
    keep_going: bool = False
    yardstick: bool = False
    chunk_steps: int | None = None
    export_tape: str | None = None
    export_initial_state: str | None = None
    spec_file: str | None = None
    spec_text: str | None = None
    checkpoint_seconds: float = SECONDS_BETWEEN_CHECKPOINTS
    resume: bool = False
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS
    num_moments: int = DEFAULT_NUM_MOMENTS
    planned_steps: int | None = None

    def __post_init__(self) -> None:
        _require_count("--steps", self.steps, minimum=1)
        _require_count("--pretrain-steps", self.pretrain_steps, minimum=0)
        _require_count("--threads", self.threads, minimum=1)
        _require_count("--batch-size", self.batch_size, minimum=1)
        _require_count("--seed", self.seed, minimum=0)
        _require_count("--first-step", self.first_step, minimum=0)
        if not self.checkpoint_seconds >= 0:
            raise UsageError(f"--checkpoint-every is {self.checkpoint_seconds}; expected 0 seconds or more")
        if not self.patience_seconds > 0:
            raise UsageError(f"--patience is {self.patience_seconds}; expected more than 0 seconds")
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", self.dtype, DTYPES)
        if self.device not in DEVICES:
            raise unknown_name("device", self.device, DEVICES)

    @property
    def run_name(self) -> str:
        """What the run is called among those beside it."""
        return self.run or self.backend

    def with_threads(self, threads: int, /) -> RunSettings:
        """Return the settings with another number of threads."""
        return replace(self, threads=threads)

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's checkpoint is while it is on its way, beside its folder."""
        return _beside(self.folder, ".checkpoint.npz")

    @property
    def job_path(self) -> Path:
        """Where the settings are kept from before the run begins, beside its folder."""
        return _beside(self.folder, ".job.json")

    @property
    def numeric_data(self) -> dict[str, Any]:
        """Return those settings that decide a run's numbers, as plain data."""
        other = {"folder", "run", "python", "export_tape", "export_initial_state", "spec_file"}
        other |= {"checkpoint_seconds", "resume", "patience_seconds"}
        return {name: value for name, value in self.as_data().items() if name not in other}

    def as_data(self) -> dict[str, Any]:
        """Return the settings as plain data, for a worker or a record."""
        return asdict(self)


def _beside(folder: str, suffix: str) -> Path:
    path = Path(folder)
    return path.with_name(f"{path.name}{suffix}")


def _require_count(option: str, value: int | None, /, *, minimum: int) -> None:
    if value is not None and value < minimum:
        raise UsageError(f"{option} is {value}; expected {minimum} or more")
