"""How small a mistake the judge sees, by linear response on the reference, and by really judging some.

A mistake of relative size δ moves a quantity by about S δ as long as that is little, and the judge allows A. So the
smallest that is seen in the quantity is A / S, and by a step the smallest of all quantities that are judged by then.
S is measured in float64 from a δ that moves something far beyond rounding, and again from one four times as large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.calibrate.changes import CHANGES, Build, Change
from gan_rosetta.shared.calibrate.response import (
    Response,
    Sight,
    largest_share,
    linearity,
    measure_response,
    smallest_seen,
)
from gan_rosetta.shared.calibrate.trained import as_evidence, train_once
from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.verdict import judge
from gan_rosetta.shared.compare.yardstick import Yardstick, YardstickFollower
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.diagnose.reference import ReferenceVisit, joined, visit_folder, walk_reference
from gan_rosetta.shared.diagnose.rows import Row
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.diagnose.walk import walk_backend
from gan_rosetta.shared.interface import DTYPES, ProbeKey
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import build_reference

# Sizes to measure the response with: the first that moves something this many times further than is allowed.
_SIZES = (1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
_BEYOND = 100.0
_FURTHER = 4.0
_STEPS_OF_DIAGNOSIS = (0, 1, 10)
_HALF, _TWICE = 0.5, 2.0


@dataclass(frozen=True, kw_only=True)
class Power:
    """How small a change of a GAN is seen, in one type.

    smallest: (steps + 1,), the smallest relative size that `compare` sees of a run of so many steps, infinite where
    none is; where: in which quantity, at the end. diagnosed: by step the smallest that `diagnose` sees there. linear:
    what a size four times as large makes of the smallest at the end, over what is told; 1 where all is linear. judged:
    the verdicts on half of the smallest and on twice it, really planted; None where even the whole is not seen.
    """

    gan: str
    change: str
    dtype: str
    smallest: Floats
    where: str
    diagnosed: Mapping[int, float]
    linear: float
    judged: tuple[str, str] | None

    @property
    def least(self) -> float:
        """The smallest that is seen in all steps."""
        return float(self.smallest[-1])

    @property
    def is_otherwise(self) -> bool:
        """Whether a mistake that was really planted was judged otherwise than told."""
        return self.judged is not None and self.judged != ("AGREE", "DISAGREE")

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data; what is not finite becomes text."""
        data = asdict(self) | {"smallest": [_plain(float(size)) for size in self.smallest]}
        data |= {"diagnosed": {str(step): _plain(size) for step, size in self.diagnosed.items()}}
        return data | {"linear": _plain(self.linear)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], /) -> Power:
        """Return what as_data gave."""
        own = dict(data) | {"smallest": np.array([float(size) for size in data["smallest"]])}
        own["diagnosed"] = {int(step): float(size) for step, size in data["diagnosed"].items()}
        own |= {"linear": float(data["linear"]), "judged": None if data["judged"] is None else tuple(data["judged"])}
        return cls(**own)


def measure_power(
    spec: GanSpec, /, *, seed: int, folder: Path, report_progress: Callable[[int, int], None]
) -> list[Power]:
    """Measure every change that the GAN has a place for, in both types; folder: empty, for what is in between."""
    changes = [change for change in CHANGES if change.plant(spec, 0.0) is not None]
    subject = _Subject(spec, seed=seed, folder=folder)
    found = []
    for index, change in enumerate(changes):
        found += subject.measure(change)
        report_progress(index + 1, len(changes))
    return found


class _Subject:
    """A GAN: its runs without a mistake, the yardstick in each type, and what a diagnosis is held to."""

    def __init__(self, spec: GanSpec, *, seed: int, folder: Path) -> None:
        self._spec, self._seed = spec, seed
        self._num_steps = spec.training.num_steps
        self._tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
        self._state = initial_state(spec, seed=seed)
        self._visits = [Visit(phase="adversarial", step=step) for step in _STEPS_OF_DIAGNOSIS if step < self._num_steps]
        self._folders: dict[str, Path] = {dtype: folder / dtype for dtype in DTYPES}
        self._right: dict[str, Evidence] = {}
        self._yardsticks: dict[str, Yardstick] = {}
        for dtype in DTYPES:
            self._measure_rounding(dtype)

    def measure(self, change: Change) -> list[Power]:
        """Return how small a change is seen, in each type."""
        yardstick = self._yardsticks["float64"]
        for size in _SIZES:
            response = self._respond(change, size)
            if largest_share(response, yardstick, num_steps=self._num_steps) > _BEYOND:
                break
        further = self._respond(change, _FURTHER * response.size)
        linear = linearity(response, further, yardstick, num_steps=self._num_steps)
        found = []
        for dtype in DTYPES:
            sight = smallest_seen(response, self._yardsticks[dtype], num_steps=self._num_steps)
            found.append(
                Power(
                    gan=self._spec.name,
                    change=change.name,
                    dtype=dtype,
                    smallest=sight.smallest,
                    where=sight.where,
                    diagnosed=self._diagnose(change, dtype, response.size),
                    linear=linear,
                    judged=self._judge_some(change, dtype, sight),
                )
            )
        return found

    def _measure_rounding(self, dtype: str) -> None:
        follower = YardstickFollower.start(
            lambda: build_reference(self._spec, dtype=dtype), self._spec, self._state, dtype=dtype, seed=self._seed
        )
        trained = train_once(
            build_reference(self._spec, dtype=dtype),
            self._spec,
            self._tape,
            self._state,
            name=REFERENCE,
            dtype=dtype,
            seed=self._seed,
            followers=[follower],
        )
        follower.evaluate(trained.final_state(self._spec), latent=trained.latent, real=trained.real)
        self._right[dtype] = as_evidence(trained, self._spec)
        self._yardsticks[dtype] = follower.finish()
        walk_reference(
            lambda: build_reference(self._spec, dtype=dtype),
            self._spec,
            self._state,
            self._tape,
            visits=self._visits,
            folder=self._folders[dtype],
            dtype=dtype,
            forced=True,
            report_progress=_report_nothing,
        )

    def _respond(self, change: Change, size: float) -> Response:
        changed = self._run(change, "float64", size)
        return measure_response(self._right["float64"], changed, self._yardsticks["float64"], size=size)

    def _run(self, change: Change, dtype: str, size: float) -> Evidence:
        trainer = self._plant(change, size)(dtype)
        trained = train_once(trainer, self._spec, self._tape, self._state, name="changed", dtype=dtype, seed=self._seed)
        return as_evidence(trained, self._spec)

    def _plant(self, change: Change, size: float) -> Build:
        build = change.plant(self._spec, size)
        if build is None:
            raise TypeError(f"{self._spec.name} has no place for {change.title}")
        return build

    def _judge_some(self, change: Change, dtype: str, sight: Sight) -> tuple[str, str] | None:
        least = float(sight.smallest[-1])
        if not _TWICE * least < 1.0:
            return None
        half, twice = (
            judge(self._right[dtype], self._run(change, dtype, share * least), self._yardsticks[dtype], self._spec)
            for share in (_HALF, _TWICE)
        )
        return half.verdict, twice.verdict

    def _diagnose(self, change: Change, dtype: str, size: float) -> dict[int, float]:
        """Return by step the smallest size that a diagnosis sees: what the type allows over the response in float64."""
        rows = walk_backend(
            self._plant(change, size)("float64"),
            self._spec,
            self._state,
            self._tape,
            visits=self._visits,
            folder=self._folders["float64"],
            forced=True,
            dtype="float64",
            report_progress=_report_nothing,
        ).rows
        allowed = self._allowed(dtype)
        smallest: dict[int, float] = {}
        for visit in self._visits:
            own = [row for row in rows if row.visit == visit.label and row.phase not in ("start", "train")]
            sizes = [
                size * allowed[visit.label, joined(_key(row))] / row.difference
                for row in own
                if 0.0 < row.difference < math.inf and row.quantity != "counter"
            ]
            smallest[visit.step] = min(sizes, default=math.inf)
        return smallest

    def _allowed(self, dtype: str) -> dict[tuple[str, str], float]:
        """Return what a diagnosis in a type allows of each quantity, infinite where it can say nothing."""
        found: dict[tuple[str, str], float] = {}
        tolerance = self._yardsticks[dtype].tolerance
        for index, visit in enumerate(self._visits):
            noise = ReferenceVisit(visit_folder(self._folders[dtype], index)).noise()
            for key, amount in noise.items():
                allowed = tolerance.allowed(amount)
                found[visit.label, key] = allowed if allowed < 1.0 else math.inf
        return found


def _key(row: Row) -> ProbeKey:
    return ProbeKey(row.phase, row.quantity, row.stream, row.name)


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _report_nothing(done: int, total: int, /) -> None:
    pass
