"""Trains a GAN in one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from gan_rosetta import notebook
from gan_rosetta.asking import OnProgress, Place, pythons_of, raise_failures, watch_of
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.plan import Plan, plan_resume, plan_train
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.runs.request import Options, make_request
from gan_rosetta.shared.runs.session import train_plan
from gan_rosetta.shared.seeds.job import SeedsOfRun
from gan_rosetta.shared.seeds.session import train_across_seeds
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.wording import speaks_python


@dataclass(frozen=True)
class TrainedRun(Run):
    """A finished run: name, losses, state, samples, moments and record, read from its folder when they are asked for.

    losses: (steps,) by name, "pretraining", "discriminator", "generator" and, of a third update, "joint". state: by
    tensor, in the canonical layout. samples: "latent", "generated" and "real", (n, ...) each, and of 1D GANs D's
    boundary and histograms. across: what came out over many seeds, where that was asked for; its numbers are (seeds,)
    by outcome, its losses (seeds, steps).
    """

    spec: GanSpec
    place: Place
    across: SeedsOfRun | None = None

    def _repr_html_(self) -> str:
        return notebook.run_html(self, self.spec)


@speaks_python
def train(
    gan: str | Path | GanSpec,
    /,
    *,
    run: str,
    seeds: int = 1,
    threads: int | None = None,
    pythons: Mapping[str, str | Path] | None = None,
    out: str | Path | None = None,
    on_progress: OnProgress = None,
    **options: Unpack[Options],
) -> TrainedRun:
    """Train a GAN in one run, and return what it left.

    gan: a name of the catalogue, a TOML file, or a GanSpec. run: BACKEND[@ENVIRONMENT][:word…], such as "jax:compiled".
    seeds: also train it from so many seeds, the run's own the first, and keep what comes out.
    threads: of the framework, chosen where not given. pythons: the Python of backends that have an environment of their
    own. out: a folder for the run; without it the run goes with the last result that reads it. on_progress: called with
    a Progress, from any thread, as the run goes on; True shows it on the terminal. options: see Options.

    Raises UsageError and its like for what cannot be asked, before anything starts; RunFailed where the run fails.

    >>> result = train("linear-2d", run="numpy", steps=3)
    >>> result.losses["generator"].shape
    (3,)
    """
    request = make_request(gan, **options)
    place = Place.choose(out)
    plan = plan_train(
        [RunName.parse(run)],
        request,
        place.folder,
        pythons=pythons_of(pythons),
        threads=threads,
        num_seeds=seeds,
    )
    return _trained(plan, place, on_progress)[0]


@speaks_python
def resume_training(folder: str | Path, /, *, on_progress: OnProgress = None) -> list[TrainedRun]:
    """Go on with the runs of `train` that were interrupted in a folder, and return all that are in it.

    Raises RecordError where there are none, or one cannot be read; RunFailed where one fails.
    """
    plan = plan_resume(Path(folder), command="train")
    return _trained(plan, Place.choose(folder), on_progress)


def _trained(plan: Plan, place: Place, on_progress: OnProgress) -> list[TrainedRun]:
    outcomes, runs = train_plan(plan, watch=watch_of(on_progress), on_run=lambda _run, _spec: None)
    raise_failures(outcomes)
    from_seeds, across = train_across_seeds(plan, watch=watch_of(on_progress))
    raise_failures(from_seeds)
    by_run = {found.run: found for found in across}
    return [TrainedRun(found.folder, found.record, spec, place, by_run.get(found.name)) for found, spec in runs]
