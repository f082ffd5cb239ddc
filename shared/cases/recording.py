"""What a program says of its losses, checked as it says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from gan_rosetta.shared.cases.values import as_number, is_nan
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.spec import GanSpec


class Recording:
    """The losses that a program has recorded so far, step by step.

    dtypes: the types that came, of those that were arrays or tensors.
    """

    def __init__(self, spec: GanSpec) -> None:
        self._spec = spec
        self._losses: dict[str, list[float]] = {name: [] for name in spec.loss_names}
        self._open: dict[str, float] = {}
        self.dtypes: set[str] = set()

    def keep(self, visit: Visit, losses: Mapping[str, Any], /, *, rests: Collection[str]) -> None:
        """Keep losses of the step that is under way; raises UsageError for what cannot be one of its losses.

        rests: the losses of players that do not train in it.
        """
        expected = expected_losses(self._spec, visit.phase)
        for name, value in losses.items():
            if value is None:
                continue
            if name not in expected:
                raise UsageError(f"{visit.label} has no loss of {name}; record {' and '.join(expected)}")
            if name in self._open:
                raise UsageError(f"{visit.label}: the {name}'s loss is recorded twice; record each loss once a step")
            number, dtype = as_number(value, what=f"{visit.label}: the {name}'s loss")
            if name in rests and not is_nan(number):
                raise UsageError(
                    f"{visit.label}: the {name}'s loss is recorded, but the {name} does not train in "
                    f"this step (step.trains_{name} is False); train it in the others only, and leave it out here"
                )
            self._open[name] = number
            self.dtypes |= {dtype} - {""}

    def missing(self, phase: Phase, /, *, rests: Collection[str]) -> list[str]:
        """Return which losses of the step under way are still to be recorded."""
        return [name for name in expected_losses(self._spec, phase) if name not in self._open and name not in rests]

    def close(self, phase: Phase, /) -> dict[str, float]:
        """End the step under way, all of whose losses are there, and return them; NaN for one that was left out."""
        losses = {name: self._open.get(name, float("nan")) for name in expected_losses(self._spec, phase)}
        for name, loss in losses.items():
            self._losses[name].append(loss)
        self._open = {}
        return losses

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """The losses of the steps that have ended, (steps,) by name."""
        return {name: np.array(values, dtype=np.float64) for name, values in self._losses.items()}


def expected_losses(spec: GanSpec, phase: Phase, /) -> tuple[str, ...]:
    """Return the names of the losses that a step of a phase has."""
    return ("pretraining",) if phase == "pretraining" else spec.training.loss_names
