"""Finds the first quantity in which a run parts from the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Unpack

from gan_rosetta import notebook
from gan_rosetta.asking import OnProgress, pythons_of, raise_failures, shown_as, watch_of
from gan_rosetta.shared.diagnose import session
from gan_rosetta.shared.runs.names import RunName, parse_runs
from gan_rosetta.shared.runs.request import FeedOptions, make_request
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.wording import speaks_python


class Diagnosis(session.Diagnosis):
    """What a diagnosis found: `offender(run)` is the first quantity of a run that is off, or None."""

    def _repr_html_(self) -> str:
        return notebook.diagnosis_html(self)


@speaks_python
def diagnose(
    gan: str | Path | GanSpec,
    /,
    *,
    runs: Sequence[str] = (),
    steps: int | None = None,
    free: bool = False,
    plant: Mapping[str, str] | None = None,
    pythons: Mapping[str, str | Path] | None = None,
    on_progress: OnProgress = None,
    **options: Unpack[FeedOptions],
) -> Diagnosis:
    """Look into steps of runs, quantity by quantity, beside the reference's.

    gan, runs, pythons, on_progress: as in `compare`; options: see FeedOptions. steps: look into each of
    so many first steps; chosen where not given, and then the step is looked into too at which a whole run parts. free:
    let each run train on its own; else each step starts from the reference's state. plant: a fault to plant, by the
    name of its run.

    Raises UsageError and its like for what cannot be asked; RunFailed where a run fails.

    >>> diagnose("linear-2d", runs=["numpy"], steps=1).offender("numpy") is None
    True
    """
    chosen = pythons_of(pythons)
    asked = parse_runs(runs) or [RunName(backend=name) for name in session.choose_backends([], chosen)]
    planted = session.parse_plants(
        [f"{run}:{fault}" for run, fault in (plant or {}).items()], [str(run) for run in asked]
    )
    request = make_request(gan, **options)
    found = session.diagnose(
        request, asked, planted, forced=not free, num_steps=steps, watch=watch_of(on_progress), pythons=chosen
    )
    raise_failures(found.failures)
    return shown_as(Diagnosis, found)
