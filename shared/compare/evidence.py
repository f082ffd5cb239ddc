"""What of a run goes into a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gan_rosetta.shared.compare.distances import Size, size_of


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What of a run goes into a verdict.

    losses: (steps,) by name. moments: for each moment the tensors of the state and the outputs, sketched, or whole at
    "end". precision: the type, with what products keep (interface.precision_name). identity: for each of "spec", "given
    state", "initial state", which is that in the run's type, "precision" and "first step" what must be the same in
    both; tape_digests: by phase and step, compared where both have one. first_step: of the tape's adversarial steps,
    that of the first loss. steps_per_epoch: of the tape, for a GAN whose players' turns are counted within epochs.
    """

    name: str
    precision: str
    identity: Mapping[str, str]
    tape_digests: Mapping[str, Mapping[str, str]]
    losses: Mapping[str, np.ndarray]
    moments: Mapping[str, Mapping[str, np.ndarray]]
    first_step: int = 0
    steps_per_epoch: int | None = None

    @property
    def num_steps(self) -> int:
        """The adversarial steps that the run took."""
        return len(self.losses["generator"])

    @cached_property
    def sizes(self) -> Mapping[str, Mapping[str, Size]]:
        """How large the numbers of each array of the moments are: found once, for all pairs that the run is of."""
        return {label: {name: size_of(a) for name, a in arrays.items()} for label, arrays in self.moments.items()}
