"""What the functions of the library share: who watches, where runs go, what is said of those that failed."""

from __future__ import annotations

import shutil
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.errors import RunFailed
from gan_rosetta.shared.storage.scratch import new_temporary_folder
from gan_rosetta.shared.workers.environments import parse_pythons
from gan_rosetta.shared.workers.jobs import JobOutcome, Progress
from gan_rosetta.shared.workers.watching import Watch, calling

_Kind = TypeVar("_Kind")

OnProgress = Callable[[Progress], object] | bool | None


@dataclass(frozen=True)
class Place:
    """Where runs are written: a folder of the caller's, or one that goes when the last result that reads it does."""

    folder: Path
    is_given: bool = True

    @classmethod
    def choose(cls, out: str | Path | None, /) -> Place:
        """Return the folder that is given, or a new one."""
        if out is not None:
            return cls(Path(out))
        place = cls(new_temporary_folder(), is_given=False)
        weakref.finalize(place, shutil.rmtree, place.folder, ignore_errors=True)
        return place


def watch_of(on_progress: OnProgress, /) -> Watch:
    """Return what watches jobs: nobody, the caller's function, or, for True, the terminal."""
    if on_progress is True:
        from gan_rosetta.shared.report.progress import on_terminal  # noqa: PLC0415 - only who asks for it waits for it
        from gan_rosetta.shared.report.shown import Terminal  # noqa: PLC0415

        return on_terminal(Terminal(stderr=True))
    return calling(on_progress or None)


def pythons_of(pythons: Mapping[str, str | Path] | None, /) -> dict[str, str]:
    """Return the Python of each backend that is to run on another than its usual one; raises UsageError."""
    return parse_pythons(f"{backend}={path}" for backend, path in (pythons or {}).items())


def raise_failures(outcomes: Iterable[JobOutcome], /) -> None:
    """Raise RunFailed where one of some jobs did not finish."""
    failed = [outcome for outcome in outcomes if outcome.status != "finished"]
    if failed:
        lines = (f"{each.settings.gan} on {each.settings.run_name}: {each.message}" for each in failed)
        raise RunFailed("\n".join(lines))


class Judged(ABC):
    """A result that says whether all is as it should be, and can be asserted to."""

    @property
    @abstractmethod
    def verdict(self) -> Verdict:
        """The verdict: "AGREE", or another where something is off."""

    @abstractmethod
    def lines(self) -> Sequence[str]:
        """What came of it, in lines, what is off among them."""

    def assert_agrees(self) -> None:
        """Raise AssertionError, which names what is off, unless the verdict is AGREE."""
        if self.verdict != "AGREE":
            raise AssertionError("\n".join(self.lines()))


def shown_as(kind: type[_Kind], found: Any, /, **more: Any) -> _Kind:
    """Return a result as the library's own kind of it, which has the same fields, and perhaps more."""
    return kind(**{field.name: getattr(found, field.name) for field in fields(found)}, **more)
