"""What explains that a program is off: causes, each whole by itself, as they are said and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What explains everything: one fault or default, or two together.

    names: in the catalogue; "tensorflow:adam-epsilon" is a default. sentences: what is wrong and what to change.
    """

    names: tuple[str, ...]
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.sentences)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The causes that each explain all that was observed, and cannot be told apart by it; none where nothing does.

    is_complete: every suspect was tried; else a step of the GAN costs so much that not all could be.
    """

    causes: tuple[Cause, ...]
    is_complete: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all faults and defaults in it."""
        return tuple(dict.fromkeys(name for cause in self.causes for name in cause.names))

    @property
    def sentence(self) -> str:
        """What to say below the place that is off."""
        return f"why: {self}"

    def __str__(self) -> str:
        rest = "" if self.is_complete else " Not everything was tried: to compute these steps again takes too long."
        if not self.causes:
            return f"No fault or default that is known explains it, alone or two at once.{rest}"
        if len(self.causes) == 1:
            return f"{self.causes[0]}{rest}"
        each = " Or: ".join(map(str, self.causes))
        return f"One of {len(self.causes)}, which the steps that were looked into do not tell apart. {each}{rest}"

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        causes = [{"names": list(cause.names), "sentences": list(cause.sentences)} for cause in self.causes]
        return {"causes": causes, "is_complete": self.is_complete}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], /) -> Explanation:
        """Return what as_data gave."""
        causes = tuple(
            Cause(names=tuple(cause["names"]), sentences=tuple(cause["sentences"])) for cause in data["causes"]
        )
        return cls(causes=causes, is_complete=data["is_complete"])
