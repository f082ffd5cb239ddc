"""What workers are asked for, and how it ends: jobs, their signs of life and their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

# Between two signs of life of a worker; a compiler or a step of the largest GAN may take minutes on a busy machine.
DEFAULT_PATIENCE_SECONDS = 1800.0

JobStatus = Literal["finished", "usage", "unavailable", "crash", "interrupted"]


class Order(Protocol):
    """Whom a job is for, and on what: what this room needs to know of a run's settings."""

    @property
    def gan(self) -> str:
        """What the job is about."""
        ...

    @property
    def run_name(self) -> str:
        """What the run is called among those beside it."""
        ...

    @property
    def folder(self) -> str:
        """Where it writes, which no other job does at the same time."""
        ...

    @property
    def backend(self) -> str:
        """The backend of the worker."""
        ...

    @property
    def python(self) -> str | None:
        """That the worker runs on, None for the backend's usual one."""
        ...

    @property
    def threads(self) -> int:
        """Of the framework."""
        ...

    @property
    def patience_seconds(self) -> float:
        """How long the worker may give no sign of life."""
        ...


OrderT = TypeVar("OrderT", bound=Order)


@dataclass(frozen=True, kw_only=True)
class JobOutcome(Generic[OrderT]):
    """How a job ended.

    details: a traceback or the worker's last words, for `--verbose`. result: what it answered. notes: lines for the
    user, of what went wrong on the way and was mended.
    """

    settings: OrderT
    status: JobStatus
    message: str = ""
    details: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One sign of life of a job: steps done of the total, in a phase."""

    settings: Order
    phase: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Job(Generic[OrderT]):
    """Something for a worker to do. settings say for whom; task, data: what, see tasks.py.

    num_runs: how many trainings it comes to, which decides who goes first. is_awaited: whether somebody waits for it,
    so that it goes before all for which nobody does. keeps_checkpoints: whether it stops by itself, with what it has
    done kept, when it is asked to; others are killed. lane: jobs of one kind of worker and of one lane share a worker,
    one after the other.
    """

    settings: OrderT
    task: str
    data: Mapping[str, Any]
    num_runs: int = 1
    is_awaited: bool = False
    keeps_checkpoints: bool = False
    lane: int = 0
