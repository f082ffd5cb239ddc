"""Whether a framework's default changes what comes out of a GAN, over many seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gan_rosetta.shared.defaults.measurement import ALL, GanMeasurement
from gan_rosetta.shared.faults.defaults import FRAMEWORKS, apply_all, framework_defaults
from gan_rosetta.shared.matters.session import Matter, measure_matters
from gan_rosetta.shared.matters.treatments import plan_treatments
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.plan import plan_train
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.seeds.together import SMALL_STEP_FLOPS
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.watching import Watch

Changes = Mapping[tuple[str, str], Matter]


def is_small(spec: GanSpec, /) -> bool:
    """Whether many seeds of a GAN train side by side, so that as many as decide are affordable."""
    return step_flops(spec) <= SMALL_STEP_FLOPS


def with_changes(
    results: Sequence[GanMeasurement], specs: Sequence[GanSpec], /, *, seed: int, num_seeds: int, watch: Watch
) -> tuple[list[GanMeasurement], list[JobOutcome]]:
    """Return what was measured of GANs and what defaults change in those whose step is small; and jobs that failed.

    seed: the first of num_seeds.
    """
    found: list[GanMeasurement] = list(results)
    failures: list[JobOutcome] = []
    small = {spec.name: spec for spec in specs if is_small(spec)}
    for index, result in enumerate(results):
        if result.gan in small:
            changes, failed = what_defaults_change(small[result.gan], seed=seed, num_seeds=num_seeds, watch=watch)
            found[index] = replace(result, changes=changes)
            failures += failed
    return found, failures


def what_defaults_change(
    spec: GanSpec, /, *, seed: int, num_seeds: int, watch: Watch
) -> tuple[Changes, Sequence[JobOutcome]]:
    """Return what each default that is not the GAN's own does, by framework and subject, and the jobs that failed.

    seed: the first of num_seeds. All is trained on the reference.
    """
    request = make_request(spec, seed=seed)
    with temporary_folder() as folder:
        plan = plan_train(parse_runs(["numpy"]), request, folder, num_seeds=num_seeds)
        base, treatments = plan_treatments(plan, kinds=["default"])
        measured, outcomes = measure_matters(base, treatments, watch=watch)
    failures = [outcome for outcome in outcomes if outcome.status != "finished"]
    if measured is None:
        return {}, failures
    by_name = {matter.treatment: matter for matter in measured.found}
    by_spec = {each.order.spec: by_name[each.name] for each in treatments if each.name in by_name}
    found = {}
    for framework in FRAMEWORKS:
        changed = {default.subject: default.apply(base.spec) for default in framework_defaults(framework)}
        for subject, other in {**changed, ALL: apply_all(framework, base.spec)}.items():
            if other in by_spec:
                found[framework, subject] = by_spec[other]
    return found, failures
