"""What a calibration is to do, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gan_rosetta.shared.calibrate.regimes import Regime, find_regimes
from gan_rosetta.shared.errors import require_known
from gan_rosetta.shared.interface import DTYPES, EXECUTIONS, Execution
from gan_rosetta.shared.runs.order import LARGEST_COUNT, require_count
from gan_rosetta.shared.workers.registry import choose_backends

_MOST_SEEDS = 100_000


@dataclass(frozen=True, kw_only=True)
class CalibrationPlan:
    """What to do. regimes, dtypes, executions: each with each. backends: the reference is always there too.

    num_held_out: copies of the reference that are judged as if they were backends. power: names of those regimes in
    which planted changes are measured, on the first seed.
    """

    regimes: tuple[Regime, ...]
    seeds: tuple[int, ...]
    dtypes: tuple[str, ...]
    executions: tuple[Execution, ...]
    backends: tuple[str, ...]
    num_held_out: int = 4
    power: tuple[str, ...] = ()


def plan_calibration(
    regimes: Sequence[str],
    /,
    *,
    seeds: int = 6,
    first_seed: int = 0,
    dtypes: Sequence[str] = DTYPES,
    executions: Sequence[str] = ("eager",),
    backends: Sequence[str] = (),
    power: bool = True,
) -> CalibrationPlan:
    """Return what is to be done.

    regimes: names, all where there is none; backends: all installed ones where there is none. power: whether planted
    changes are measured. Raises UsageError for what makes no sense, BackendUnavailable for a backend that is not
    installed.
    """
    require_count("--seeds", seeds, minimum=1, maximum=_MOST_SEEDS)
    require_count("--first-seed", first_seed, minimum=0, maximum=LARGEST_COUNT - _MOST_SEEDS)
    chosen = tuple(find_regimes(regimes))
    return CalibrationPlan(
        regimes=chosen,
        seeds=tuple(range(first_seed, first_seed + seeds)),
        dtypes=require_known("dtype", dtypes, DTYPES),
        executions=require_known("execution", executions, EXECUTIONS),
        backends=tuple(entry.name for entry in choose_backends(backends)),
        power=tuple(regime.name for regime in chosen if regime.shows_power) if power else (),
    )
