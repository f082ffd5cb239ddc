"""An order: one run of one GAN, all of it decided. What a worker is sent, and what is kept of a run on disk.

Small records of one subject each. Each is written and read as it is here, by Order.as_data and Order.from_data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from numbers import Integral
from pathlib import Path
from typing import Any, Self

from gan_rosetta.shared.data.image_source import ImageSource, image_source
from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.interface import DEVICES, DTYPES, PRODUCTS, precision_name
from gan_rosetta.shared.runs.moments import DEFAULT_NUM_MOMENTS
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.reader import build
from gan_rosetta.shared.spec.serialise import to_data
from gan_rosetta.shared.workers.jobs import DEFAULT_PATIENCE_SECONDS

# With this one the 1D GANs find their target; with about half of all seeds one of them collapses, as GANs do.
DEFAULT_SEED = 14
SECONDS_BETWEEN_CHECKPOINTS = 30.0
# What files of 64-bit numbers can say.
LARGEST_COUNT = 2**63 - 1
# More than the largest machines have, and than libraries of linear algebra start without failing.
MOST_THREADS = 1024
# A film's every frame is one.
MOST_MOMENTS = 1000
_A_YEAR_SECONDS = 365 * 24 * 3600.0
# What a run's name and environment are changes none of its numbers.
_NO_NUMBERS = ("name", "python")


@dataclass(frozen=True, kw_only=True)
class RunSetup:
    """How a GAN is trained: what a run's name says (names.py), and what was chosen where it says nothing.

    name: the run's beside others. python: that its worker runs on, None for the backend's usual one (environments.py).
    threads: of the framework. products: what float32 products keep of their factors (interface.PRODUCTS).
    A new word of names becomes a field here, with a default that older records mean.
    """

    name: str
    backend: str
    python: str | None = None
    dtype: str = "float64"
    execution: str = "auto"
    device: str = "cpu"
    threads: int = 1
    products: str = "full"

    def __post_init__(self) -> None:
        require_count("--threads", self.threads, minimum=1, maximum=MOST_THREADS)
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", self.dtype, DTYPES)
        if self.device not in DEVICES:
            raise unknown_name("device", self.device, DEVICES)
        if self.products not in PRODUCTS:
            raise unknown_name("products", self.products, PRODUCTS)

    @property
    def precision(self) -> str:
        """The type, with what its products keep where that is not all; a yardstick is of one precision."""
        return precision_name(self.dtype, self.products)


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What a run is fed.

    seed: of the initial state and the tape. initial_state, tape: files to read instead. first_step: of the tape, None
    for that at which the initial state was saved, the beginning for one that no run left. mnist: where digits come
    from, None for the packaged ones. images: a folder or file of pictures in place of digits; images_sha256: of them.
    """

    seed: int = DEFAULT_SEED
    initial_state: str | None = None
    first_step: int | None = None
    tape: str | None = None
    mnist: str | None = None
    images: str | None = None
    images_sha256: str | None = None

    def __post_init__(self) -> None:
        require_seed(self.seed)
        require_count("--first-step", self.first_step, minimum=0)

    @property
    def image_source(self) -> ImageSource:
        """Where images come from, for a GAN that takes some."""
        return image_source(mnist=self.mnist, images=self.images, sha256=self.images_sha256)


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a run goes, and what is taken down on its way.

    keep_going: ignore the spec's stop rule. yardstick: also measure how far rounding alone moves the run (the reference
    only). chunk_steps: steps per call of the trainer, None to let the cost decide. num_moments: about how many moments
    of training samples are kept of; planned_steps: the adversarial steps that these are spread over, those of the runs
    beside this one, None for its own. num_seeds: that the run is trained from in all, from the feed's on.
    rounds_at_random: disturb every number that is computed by a random rounding (of many seeds, the reference only).
    """

    keep_going: bool = False
    yardstick: bool = False
    chunk_steps: int | None = None
    num_moments: int = DEFAULT_NUM_MOMENTS
    planned_steps: int | None = None
    num_seeds: int = 1
    rounds_at_random: bool = False

    def __post_init__(self) -> None:
        require_count("--seeds", self.num_seeds, minimum=1)
        require_count("num_moments", self.num_moments, minimum=1, maximum=MOST_MOMENTS)
        require_count("chunk_steps", self.chunk_steps, minimum=1)
        require_count("planned_steps", self.planned_steps, minimum=1)


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Where a run is kept. checkpoint_seconds: from one checkpoint to the next.

    resume: go on from the folder's checkpoint, if there is one.
    """

    folder: str
    checkpoint_seconds: float = SECONDS_BETWEEN_CHECKPOINTS
    resume: bool = False

    def __post_init__(self) -> None:
        require_checkpoint_seconds(self.checkpoint_seconds)

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's checkpoint is while it is on its way, beside its folder."""
        return _beside(self.folder, ".checkpoint.npz")

    @property
    def job_path(self) -> Path:
        """Where the order is kept from before the run begins, beside its folder."""
        return _beside(self.folder, ".job.json")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run of one GAN.

    spec: the GAN as it is trained, with its steps and its batch size. source: what describes it, such as a file's name,
    None for one of the catalogue. patience_seconds: how long the worker may give no sign of life.
    """

    spec: GanSpec
    run: RunSetup
    keeping: Keeping
    source: str | None = None
    feed: Feed = field(default_factory=Feed)
    course: Course = field(default_factory=Course)
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS

    def __post_init__(self) -> None:
        require_patience(self.patience_seconds)

    @property
    def gan(self) -> str:
        """The GAN's name."""
        return self.spec.name

    @property
    def run_name(self) -> str:
        """What the run is called among those beside it."""
        return self.run.name

    @property
    def folder(self) -> str:
        """Where the run is written."""
        return self.keeping.folder

    @property
    def backend(self) -> str:
        """The backend of the worker."""
        return self.run.backend

    @property
    def python(self) -> str | None:
        """That the worker runs on, None for the backend's usual one."""
        return self.run.python

    @property
    def threads(self) -> int:
        """Of the framework."""
        return self.run.threads

    @property
    def numbers(self) -> dict[str, Any]:
        """Return what decides the run's numbers, besides what its GAN computes: plain values by name."""
        pretraining = self.spec.pretraining
        steps = {
            "pretrain_steps": None if pretraining is None else pretraining.num_steps,
            "steps": self.spec.training.num_steps,
        }
        setup = {name: value for name, value in asdict(self.run).items() if name not in _NO_NUMBERS}
        return {**steps, **setup, **asdict(self.feed), **asdict(self.course)}

    def as_data(self) -> dict[str, Any]:
        """Return the order as plain data, for a worker or a file."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        small = {name: asdict(parts[name]) for name in ("run", "keeping", "feed", "course")}
        return {**parts, **small, "spec": to_data(self.spec)}

    @classmethod
    def from_data(cls, data: object, /) -> Self:
        """Return the order that as_data made data of; raises SpecError and UsageError for what is none."""
        order: Self = build(cls, data, name="the order")
        return order


@dataclass(frozen=True, kw_only=True)
class Label:
    """Whom a worker's job is for, where it is no run of a GAN: what it is about, the backend, and where it writes."""

    gan: str
    backend: str
    folder: str = ""
    python: str | None = None
    threads: int = 1
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS

    @property
    def run_name(self) -> str:
        """The backend's name."""
        return self.backend


def require_count(option: str, value: int | None, /, *, minimum: int, maximum: int = LARGEST_COUNT) -> None:
    """Raise UsageError for what is no whole number, or one below a minimum or above a maximum; None is any."""
    if value is not None and not isinstance(value, Integral):
        raise UsageError(f"{option} is {value!r}; expected a whole number")
    if value is not None and not minimum <= value <= maximum:
        bound = f"{minimum} or more" if value < minimum else f"{maximum:,} at the most"
        raise UsageError(f"{option} is {value}; expected {bound}")


def require_seed(seed: int, /) -> None:
    """Raise UsageError for a seed that is negative, or more than a file of a run can hold."""
    require_count("--seed", seed, minimum=0)


def require_checkpoint_seconds(seconds: float, /) -> None:
    """Raise UsageError unless so many seconds can lie between two checkpoints."""
    if not 0 <= seconds <= _A_YEAR_SECONDS:
        raise UsageError(f"--checkpoint-every is {seconds}; expected 0 seconds or more, and a year at the most")


def require_patience(seconds: float, /) -> None:
    """Raise UsageError unless a worker can be waited for so long."""
    if not 0 < seconds <= _A_YEAR_SECONDS:
        raise UsageError(f"--patience is {seconds}; expected more than 0 seconds, and a year at the most")


def _beside(folder: str, suffix: str) -> Path:
    path = Path(folder)
    return path.with_name(f"{path.name}{suffix}")
