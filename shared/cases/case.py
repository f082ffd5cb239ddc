"""A case: a GAN's initial state and every step's batch for a program from outside, and the judgement on its losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_rosetta.shared.cases.judgement import Judgement, judge_losses
from gan_rosetta.shared.cases.measuring import measure_reference
from gan_rosetta.shared.cases.recording import Recording
from gan_rosetta.shared.cases.steps import Step
from gan_rosetta.shared.data.tape import Tape, make_chunk
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.runs.checkpoint import num_steps
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State

PHASES: tuple[Phase, ...] = ("pretraining", "adversarial")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a case is of. state: the initial one, in float64; to_tensor: makes of an array what the program is fed."""

    spec: GanSpec
    state: State
    tape: Tape
    dtype: str
    seed: int
    to_tensor: Callable[[np.ndarray], Any]


class Case:
    """What a program starts from and is fed, step by step, and what it says it computed; for one run of a program."""

    def __init__(self, request: Request, /) -> None:
        self._request = request
        self._recording = Recording()
        self._began = False
        self._open: Visit | None = None

    @property
    def spec(self) -> GanSpec:
        """The GAN, with the case's numbers of steps."""
        return self._request.spec

    @property
    def initial_state(self) -> dict[str, Any]:
        """The state to start from, by canonical name: copies, of the case's type, counters as integers."""
        return {name: self._request.to_tensor(self._cast(array)) for name, array in self._request.state.items()}

    def __len__(self) -> int:
        return sum(num_steps(self.spec, phase) for phase in PHASES)

    def __iter__(self) -> Iterator[Step]:
        if self._began:
            raise UsageError("the case has been gone through; make another with gan_rosetta.case for another run")
        self._began = True
        return self._steps()

    def judge(self) -> Judgement:
        """Judge what was recorded, which trains the reference and its randomly rounding copies in this process."""
        if self._open is not None and not self._missing(self._open):
            self._close(self._open)  # The program left the loop after this step.
        request = self._request
        reference, yardstick = measure_reference(
            self.spec, request.state, request.tape, dtype=request.dtype, seed=request.seed
        )
        return judge_losses(
            self._recording.losses,
            sorted(self._recording.dtypes),
            reference=reference,
            yardstick=yardstick,
            spec=self.spec,
        )

    def _steps(self) -> Iterator[Step]:
        for phase in PHASES:
            for index in range(num_steps(self.spec, phase)):
                visit = self._open = Visit(phase=phase, step=index)
                yield self._make_step(visit)
                if self._open != visit:
                    continue  # It was judged, and so ended, within the loop.
                missing = self._missing(visit)
                if missing:
                    wanted = ", ".join(f"{name}=…" for name in missing)
                    raise UsageError(f"{visit.label} ended without step.record({wanted}); record each step's losses")
                self._close(visit)

    def _make_step(self, visit: Visit) -> Step:
        chunk = make_chunk(self._request.tape, self.spec, visit.phase, first_step=visit.step, num_steps=1)

        def record(losses: Mapping[str, Any]) -> None:
            if visit != self._open:
                raise UsageError(f"{visit.label} has ended, and its losses with it; record them before the next step")
            self._recording.keep(visit, losses, trains_discriminator=trains)

        trains = self._trains(visit)
        arrays = {name: self._request.to_tensor(self._cast(array[0])) for name, array in chunk.arrays.items()}
        return Step(visit, arrays, trains_discriminator=trains, record=record)

    def _trains(self, visit: Visit) -> bool:
        return visit.phase == "pretraining" or self.spec.training.discriminator_steps.includes(visit.step)

    def _missing(self, visit: Visit) -> list[str]:
        return self._recording.missing(visit.phase, trains_discriminator=self._trains(visit))

    def _close(self, visit: Visit) -> None:
        self._recording.close(visit.phase)
        self._open = None

    def _cast(self, array: np.ndarray) -> np.ndarray:
        """Return a copy in the case's type; counters stay integers."""
        dtype = self._request.dtype if np.issubdtype(array.dtype, np.floating) else array.dtype
        return np.array(array, dtype=dtype, order="C")
