"""Who watches jobs: a display on a terminal, a caller's function, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from gan_rosetta.shared.workers.jobs import JobOutcome, Progress


class Watcher(Protocol):
    """Sees jobs go on, from any thread, and end, from the caller's."""

    def on_progress(self, progress: Progress, /) -> None:
        """Take a sign of life of a job."""
        ...

    def on_outcome(self, outcome: JobOutcome, /) -> None:
        """Take how a job ended."""
        ...


class Watch(Protocol):
    """Gives a watcher of some jobs, for as long as they run."""

    def __call__(self, num_jobs: int, shares: Mapping[str, float] | None = None, /) -> AbstractContextManager[Watcher]:
        """Begin to watch; shares: how much of the whole each job is, by its folder, in any unit, equal if not given."""
        ...


@dataclass(frozen=True, kw_only=True)
class Callback:
    """Passes signs of life on to a function, and nothing where there is none."""

    function: Callable[[Progress], object] | None = None

    def on_progress(self, progress: Progress, /) -> None:
        """Call the function."""
        if self.function is not None:
            self.function(progress)

    def on_outcome(self, outcome: JobOutcome, /) -> None:
        """Do nothing: whoever asked for the job gets its outcome."""
        del outcome


def calling(function: Callable[[Progress], object] | None, /) -> Watch:
    """Return a watch that calls a function, from any thread, at each sign of life; None: nobody watches."""

    @contextmanager
    def watch(num_jobs: int, shares: Mapping[str, float] | None = None, /) -> Iterator[Watcher]:
        del num_jobs, shares
        yield Callback(function=function)

    return watch
