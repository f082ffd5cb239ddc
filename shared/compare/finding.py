"""A place where a pair of runs is further apart than rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.yardstick import END
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.spec import GanSpec


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place where a pair is further apart than rounding: where, by how much, and how much was allowed.

    phase, step: the step that shows it, or after which it was seen. name: of the loss, the tensor or the output.
    """

    where: str
    difference: float
    allowed: float
    phase: Phase
    step: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.difference:.1e} apart, rounding explains {self.allowed:.1e}"


class Place(TypedDict):
    """A phase, and the step of it that shows what was found, or after which it was seen."""

    phase: Phase
    step: int


def place_of_loss(name: str, step: int, first_step: int, /) -> Place:
    """Return the phase of a loss, and which of its steps the loss at an index is of."""
    if name == "pretraining":
        return {"phase": "pretraining", "step": step}
    return {"phase": "adversarial", "step": first_step + step}


def place_of_moment(label: str, spec: GanSpec, run: Evidence, /) -> Place:
    """Return the step after which a moment was."""
    if label == END:
        return {"phase": "adversarial", "step": run.first_step + run.num_steps - 1}
    if label == "pretraining":
        return {"phase": "pretraining", "step": spec.pretraining.num_steps - 1 if spec.pretraining is not None else 0}
    phase: Phase = "pretraining" if label.startswith("pretraining") else "adversarial"
    return {"phase": phase, "step": max(0, int(label.rpartition(" ")[2]) - 1)}
