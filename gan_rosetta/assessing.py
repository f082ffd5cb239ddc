"""Measures what the judgements rest on: each operation's error, the judge's own, and what frameworks' defaults do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from gan_rosetta import notebook
from gan_rosetta.asking import Judged, OnProgress, Place, pythons_of, raise_failures, shown_as, watch_of
from gan_rosetta.shared.accuracy import session as accuracies
from gan_rosetta.shared.calibrate import over_seeds
from gan_rosetta.shared.calibrate import session as calibrations
from gan_rosetta.shared.calibrate.plan import plan_calibration
from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.defaults.measurement import GanMeasurement
from gan_rosetta.shared.defaults.over_seeds import is_small, with_changes
from gan_rosetta.shared.defaults.session import run_defaults
from gan_rosetta.shared.errors import RunFailed, UsageError
from gan_rosetta.shared.interface import DTYPES, EXECUTIONS
from gan_rosetta.shared.matters.session import Matters as MattersFound
from gan_rosetta.shared.matters.session import measure_matters
from gan_rosetta.shared.matters.treatments import choose_kinds, plan_treatments
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.order import DEFAULT_SEED, require_count
from gan_rosetta.shared.runs.plan import plan_train
from gan_rosetta.shared.runs.request import Options, make_request
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.wording import speaks_python


class Atlas(accuracies.Atlas, Judged):
    """How far operations err on each backend: `rows` have the errors in ulp and what rounding does not explain.

    failures: what operations that raised, and workers that failed, had to say, by where.
    """

    @property
    def verdict(self) -> Verdict:
        """The verdict: "AGREE" where rounding or a known defect explains every result, and nothing failed."""
        if not self.is_covered:
            return "DISAGREE"
        return "NOT COMPARABLE" if self.failures or not self.rows else "AGREE"

    def lines(self) -> Sequence[str]:
        """Return what nothing explains and what failed, in lines, and how much is covered."""
        from gan_rosetta.shared.report.accuracy_table import uncovered_lines  # noqa: PLC0415 - needs rich

        return [*uncovered_lines(self), *(f"{place}: {message}" for place, message in self.failures.items())]

    def _repr_html_(self) -> str:
        return notebook.atlas_html(self, self.verdict)


class Calibration(calibrations.Calibration, Judged):
    """How often the judge is wrong: `pairs` of right runs, judged; `powers`, the smallest mistakes that are seen."""

    @property
    def verdict(self) -> Verdict:
        """The verdict: "AGREE" where the judge keeps what it promises; "NOT COMPARABLE" where a worker failed."""
        if not self.is_good:
            return "DISAGREE"
        return "NOT COMPARABLE" if self.failures else "AGREE"

    def lines(self) -> Sequence[str]:
        """Return what came of it, and what failed, in lines."""
        from gan_rosetta.shared.report.calibration_table import summary_lines  # noqa: PLC0415 - needs rich

        failed = (f"{each.settings.gan} on {each.settings.run_name}: {each.message}" for each in self.failures)
        return [*summary_lines(self), *failed]

    def _repr_html_(self) -> str:
        return notebook.calibration_html(self, self.verdict)


@dataclass(frozen=True, kw_only=True)
class Defaults(GanMeasurement):
    """What each framework's own defaults would change in a GAN: `measurements` have one default each.

    seed: of the tape and the state.
    """

    seed: int

    def _repr_html_(self) -> str:
        return notebook.defaults_html(self)


class Equivalence(over_seeds.SeedsCalibration, Judged):
    """How often `compare` over seeds is wrong: `copies`, the reference against itself; `powers`, planted faults."""

    @property
    def verdict(self) -> Verdict:
        """The verdict: "AGREE" where the reference is said to differ from itself as seldom as is stated."""
        return "AGREE" if self.keeps_promise else "DISAGREE"

    def lines(self) -> Sequence[str]:
        """Return what came of it, in lines: the copies, and a line a fault."""
        from gan_rosetta.shared.report.equivalence_page import calibration_lines  # noqa: PLC0415 - as above

        return calibration_lines(self)

    def _repr_html_(self) -> str:
        return notebook.lines_html("Equivalence", self.verdict, self.lines())


class Matters(MattersFound):
    """What each treatment of a GAN changes over many seeds: `found` has one each, those that change the most first."""

    def lines(self) -> Sequence[str]:
        """Return what matters, a row a treatment, and what failed, in lines."""
        from gan_rosetta.shared.report.matters_table import matters_lines  # noqa: PLC0415 - needs rich

        return matters_lines(self)

    def _repr_html_(self) -> str:
        return notebook.matters_html(self)


@speaks_python
def accuracy(
    operations: Sequence[str] = (),
    /,
    *,
    backends: Sequence[str] = (),
    dtypes: Sequence[str] = DTYPES,
    executions: Sequence[str] = EXECUTIONS,
    on_progress: OnProgress = None,
) -> Atlas:
    """Measure each operation's error on each framework, to the ends of the type, and whether rounding explains it.

    operations: names of operations or groups of them, all where not given. backends: all installed ones where not
    given. executions: those of them that a backend has. on_progress: as in `compare`.

    Raises UsageError for a name that there is not, BackendUnavailable for a backend that is not installed, RunFailed
    where the reference fails.

    >>> accuracy(["tanh"], backends=["numpy"], dtypes=["float64"]).verdict
    'AGREE'
    """
    plan = accuracies.plan_atlas(operations, backends=backends, dtypes=dtypes, executions=executions)
    found, failed = accuracies.measure_atlas(plan, watch=watch_of(on_progress))
    if not found.rows:
        raise_failures(failed)
    failures = {outcome.settings.run_name: outcome.message for outcome in failed}
    return shown_as(Atlas, replace(found, failures=found.failures | failures))


@speaks_python
def calibrate(
    regimes: Sequence[str] = (),
    /,
    *,
    seeds: int = 6,
    first_seed: int = 0,
    dtypes: Sequence[str] = DTYPES,
    executions: Sequence[str] = ("eager",),
    backends: Sequence[str] = (),
    power: bool = True,
    out: str | Path | None = None,
    on_progress: OnProgress = None,
) -> Calibration:
    """Measure how often the judge is wrong: false alarms between right programs, and the smallest mistake it sees.

    regimes: names such as "linear-2d" or "saturated-bce", all where not given. seeds: of each, a third of them where a
    step is dear. backends: all installed ones where not given. power: also measure how small a planted mistake is seen.
    out: a folder for all pairs and trainings; those of backends that are there are not done again. on_progress: as in
    `compare`.

    Raises UsageError for what makes no sense, BackendUnavailable for a backend that is not installed. What workers had
    to say that failed is in `failures`.
    """
    plan = plan_calibration(
        regimes,
        seeds=seeds,
        first_seed=first_seed,
        dtypes=dtypes,
        executions=executions,
        backends=backends,
        power=power,
    )
    folder = None if out is None else Path(out)
    return shown_as(Calibration, calibrations.calibrate(plan, watch=watch_of(on_progress), out=folder))


@speaks_python
def defaults(
    gan: str | Path | GanSpec,
    /,
    *,
    seed: int = DEFAULT_SEED,
    seeds: int | None = None,
    mnist: str | None = None,
    images: str | Path | None = None,
    on_progress: OnProgress = None,
) -> Defaults:
    """Measure what each framework's own defaults would have changed, against a GAN as it is described.

    gan, on_progress: as in `compare`; seed: of the tape and the state; mnist: a folder of IDX files, or "download";
    images: pictures in place of digits, as in `compare`.
    seeds: also ask over so many, 36 at least, whether each changes what comes out, which `changes` then says; of a GAN
    whose step is small. A GAN that costs much is taken smaller, which `differs` says. No framework is needed: all runs
    on the reference.

    Raises UsageError and its like for what cannot be asked; RunFailed where it fails.
    """
    require_count("seeds", seeds, minimum=2)
    request = make_request(gan, seed=seed, mnist=mnist, images=images)
    specs = [] if request.spec is None else [request.spec]
    if seeds is not None and not all(map(is_small, specs)):
        raise UsageError(f"seeds is {seeds}, and a step of {specs[0].name} is too large for many; leave it out")
    results, failures = run_defaults(specs, request.feed, watch=watch_of(on_progress))
    raise_failures(failures)
    if seeds is not None:
        results, failures = with_changes(results, specs, seed=seed, num_seeds=seeds, watch=watch_of(on_progress))
        raise_failures(failures)
    return shown_as(Defaults, results[0], seed=seed)


@speaks_python
def equivalence(
    gan: str | Path | GanSpec = "linear-2d",
    /,
    *,
    tests: int = 200,
    seeds: int = 40,
    steps: int = 250,
    dtype: str = "float32",
    out: str | Path | None = None,
    on_progress: OnProgress = None,
) -> Equivalence:
    """Measure how often `compare` over seeds is wrong: of runs that differ by rounding alone, and of planted faults.

    tests: of the reference against its copies. seeds: of each, 36 at least; steps: adversarial ones of each. dtype:
    "float64" or "float32". out: a folder for what came of each; what is there already is taken as it is. gan,
    on_progress: as in `compare`.

    Raises UsageError and its like for what cannot be asked; RunFailed where it fails.
    """
    counts = {"num_tests": tests, "num_seeds": seeds, "num_steps": steps}
    plan = over_seeds.plan_equivalence(gan, Place.choose(out).folder, dtype=dtype, **counts)
    found, outcomes = over_seeds.calibrate_over_seeds(plan, watch=watch_of(on_progress))
    if found is None:
        raise_failures(outcomes)
        raise RunFailed(f"{plan.reference.gan} left nothing")
    return shown_as(Equivalence, found)


@speaks_python
def matters(
    gan: str | Path | GanSpec,
    /,
    *,
    runs: Sequence[str] = ("numpy",),
    seeds: int = 90,
    treatments: Sequence[str] = ("default", "run"),
    threads: int | None = None,
    pythons: Mapping[str, str | Path] | None = None,
    out: str | Path | None = None,
    on_progress: OnProgress = None,
    **options: Unpack[Options],
) -> Matters:
    """Measure what each default, mistake or other run changes in what comes out of a GAN, over many seeds.

    runs: what all are trained in, and then runs that are treatments themselves, such as "numpy:float32". treatments:
    "default" for frameworks' defaults, "fault" for porting mistakes, "run" for the other runs. out: a folder for what
    came of each; what is there already is taken as it is. gan, threads, pythons, on_progress, options: as in `compare`.

    Raises UsageError and its like for what cannot be asked; RunFailed where the GAN as it is fails. What treatments had
    to say that failed is in `failures`.
    """
    request = make_request(gan, **options)
    place = Place.choose(out)
    plan = plan_train(
        parse_runs(runs), request, place.folder, pythons=pythons_of(pythons), threads=threads, num_seeds=seeds
    )
    base, chosen = plan_treatments(plan, kinds=choose_kinds(treatments))
    found, outcomes = measure_matters(base, chosen, watch=watch_of(on_progress))
    if found is None:
        raise_failures(outcomes)
        raise RunFailed(f"{base.gan} on {base.run_name} left nothing")
    return shown_as(Matters, found)
