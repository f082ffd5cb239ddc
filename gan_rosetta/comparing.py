"""Compares runs of a GAN, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from gan_rosetta import notebook
from gan_rosetta.asking import OnProgress, Place, pythons_of, raise_failures, watch_of
from gan_rosetta.shared.compare.verdict import PairVerdict, Verdict
from gan_rosetta.shared.report.seeds_table import across_lines
from gan_rosetta.shared.runs.comparison import GanComparison, to_json
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.plan import Plan, plan_compare, plan_resume
from gan_rosetta.shared.runs.request import Options, make_request
from gan_rosetta.shared.runs.session import compare_plan
from gan_rosetta.shared.seeds.session import AcrossSeeds, compare_across_seeds
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.training import TrainedRun
from gan_rosetta.wording import in_python_words, speaks_python


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs of one GAN from one state on one tape, each pair judged.

    judged: what the verdicts rest on. across: what came out over many seeds, where that was asked for. notes: what
    should be known of what was given.
    """

    judged: GanComparison
    place: Place
    across: AcrossSeeds | None = None
    notes: tuple[str, ...] = ()

    @property
    def spec(self) -> GanSpec:
        """The GAN, with the steps that were taken."""
        return self.judged.spec

    @property
    def verdict(self) -> Verdict:
        """The worst of the pairs' verdicts: "AGREE", "DISAGREE" or "NOT COMPARABLE"."""
        return self.judged.verdict

    @property
    def pairs(self) -> tuple[PairVerdict, ...]:
        """The verdict on each two runs, with its reason and what it was found in."""
        return self.judged.pairs

    @property
    def runs(self) -> dict[str, TrainedRun]:
        """The runs that finished, by name, the reference's among them."""
        return {run.name: TrainedRun(run.folder, run.record, self.spec, self.place) for run in self.judged.runs}

    @property
    def failures(self) -> Mapping[str, str]:
        """What runs had to say that did not finish, by name."""
        return self.judged.failures

    def assert_agrees(self) -> None:
        """Raise AssertionError, which names where runs part, unless each run finished and each pair agrees."""
        lines = [f"{name} failed: {message}" for name, message in self.failures.items()]
        odd = (pair for pair in self.pairs if pair.verdict != "AGREE")
        lines += [f"{' and '.join(pair.pair)}: {pair.verdict}: {pair.reason}" for pair in odd]
        if not self.pairs and not lines:
            lines = ["there is one run, which nothing was compared with"]
        if self.across is not None and self.across.verdict != "EQUIVALENT":
            lines += across_lines(self.across, is_whole=False)
        if lines:
            raise AssertionError("\n".join([f"{self.spec.name}: {self.verdict}", *lines]))

    def as_data(self) -> dict[str, Any]:
        """Return the comparison as plain data, as in comparison.json; what came out over seeds as in seeds.json."""
        seeds = {} if self.across is None else {"seeds": self.across.as_data()}
        return {**to_json(self.judged), **seeds}

    def _repr_html_(self) -> str:
        return notebook.comparison_html(self.judged)


@speaks_python
def compare(
    gan: str | Path | GanSpec,
    /,
    *,
    runs: Sequence[str] = (),
    seeds: int = 1,
    threads: int | None = None,
    pythons: Mapping[str, str | Path] | None = None,
    out: str | Path | None = None,
    on_progress: OnProgress = None,
    **options: Unpack[Options],
) -> Comparison:
    """Train a GAN in several runs from the same state and data, and judge each pair.

    gan: a name of the catalogue, a TOML file, or a GanSpec. runs: BACKEND[@ENVIRONMENT][:word…] each, such as
    "torch:compiled"; all installed backends where not given. The reference is always there, once in each type, since
    what rounding may do is measured on it. seeds: also train each run from so many seeds, and compare what comes out in
    distribution, in the comparison's `across`. threads: of each framework, the machine's shared out where not given.
    pythons: the Python of backends that have an environment of their own. out: a folder for records and pictures;
    without it there are no pictures, and the runs go with the last result that reads them. on_progress: called with a
    Progress, from any thread, as runs go on; True shows it on the terminal. options: see Options.

    Raises UsageError and its like for what cannot be asked, before anything starts; RunFailed where the reference
    fails, without which nothing can be judged. Other runs that fail are in the comparison's `failures`.

    >>> comparison = compare("linear-2d", runs=["numpy", "numpy:float32"], steps=3)
    >>> comparison.verdict
    'AGREE'
    """
    request = make_request(gan, **options)
    place = Place.choose(out)
    plan = plan_compare(
        [], parse_runs(runs), request, place.folder, threads=threads, pythons=pythons_of(pythons), num_seeds=seeds
    )
    return _compared(plan, place, on_progress)[0]


@speaks_python
def resume(folder: str | Path, /, *, on_progress: OnProgress = None) -> list[Comparison]:
    """Go on with the comparisons that were interrupted in a folder, and return all that are in it, judged.

    Raises RecordError where there are none, or one cannot be read.
    """
    plan = plan_resume(Path(folder), command="compare")
    return _compared(plan, Place.choose(folder), on_progress)


def _compared(plan: Plan, place: Place, on_progress: OnProgress) -> list[Comparison]:
    outcomes, comparisons = compare_plan(
        plan,
        watch=watch_of(on_progress),
        on_run=lambda _run, _spec: None,
        on_comparison=_draw if place.is_given else lambda _comparison: None,
    )
    judged = {found.spec.name for found in comparisons}
    raise_failures(outcome for outcome in outcomes if outcome.settings.gan not in judged)
    _, across = compare_across_seeds(plan, watch=watch_of(on_progress))
    if place.is_given and across:
        from gan_rosetta.shared.report.pictures import draw_across  # noqa: PLC0415 - as below

        for gan, found in across.items():
            draw_across(place.folder / gan, gan, found.runs)
    notes = _in_python(plan.notes)
    return [
        Comparison(judged=found, place=place, across=across.get(found.spec.name), notes=notes) for found in comparisons
    ]


def _draw(comparison: GanComparison) -> None:
    from gan_rosetta.shared.report.pictures import draw_comparison  # noqa: PLC0415 - only who gives a folder waits for it

    draw_comparison(comparison)


def _in_python(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(in_python_words(note) for note in notes)
