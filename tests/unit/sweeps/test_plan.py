"""What a plan comes to, and what is said of one that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_rosetta.shared.errors import SpecError, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from gan_rosetta.shared.sweeps.fields import with_field
from gan_rosetta.shared.sweeps.plan import make_plan, read_plan

RATE = "training.generator_optimizer.learning_rate.value"
PLAN = {"gans": ["linear-2d"], "runs": ["numpy", "numpy:float32"], "seeds": 3, "steps": 5}


def test_every_gan_run_seed_and_value_is_a_job_of_its_own(tmp_path: Path) -> None:
    plan = make_plan({**PLAN, "fields": {RATE: [0.01, 0.5], "batch_size": [4, 8]}}, tmp_path)
    assert plan.fields == (RATE, "batch_size")
    found = {
        (job.order.run_name, job.order.feed.seed, job.settings[RATE], job.settings["batch_size"]) for job in plan.jobs
    }
    assert len(found) == len(plan.jobs) == 2 * 3 * 2 * 2
    for job in plan.jobs:
        spec = job.order.spec
        assert spec.training.generator_optimizer.learning_rate.value == job.settings[RATE]
        assert spec.batch_size == job.settings["batch_size"]
        assert spec.training.num_steps == 5
        assert Path(job.order.folder).parent == tmp_path / "jobs"
    assert len({job.order.folder for job in plan.jobs}) == len(plan.jobs)


def test_what_a_longer_plan_has_too_has_the_same_folders(tmp_path: Path) -> None:
    short = {job.order.folder for job in make_plan({**PLAN, "fields": {RATE: [0.01]}}, tmp_path).jobs}
    longer = {**PLAN, "seeds": 4, "fields": {RATE: [0.5, 0.01]}}
    assert short < {job.order.folder for job in make_plan(longer, tmp_path).jobs}
    other = {job.order.folder for job in make_plan({**longer, "steps": 6}, tmp_path).jobs}
    assert not short & other


def test_a_file_may_name_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        spec_to_toml(find_gan("linear-2d")).replace('name = "linear-2d"', 'name = "own"'), encoding="utf-8"
    )
    path = tmp_path / "plan.toml"
    path.write_text('gans = ["own.toml"]\nruns = ["numpy"]\nsteps = 2\n', encoding="utf-8")
    (job,) = read_plan(path, tmp_path / "out").jobs
    assert (job.order.gan, dict(job.settings)) == ("own", {})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 3}, r"unknown key 'seed': did you mean 'seeds'\?"),
        ({"seeds": 0}, "seeds is 0; expected 1 or more"),
        ({"seeds": 2.5}, "seeds is 2.5; expected a whole number"),
        ({"gans": []}, "gans is empty"),
        ({"runs": "numpy"}, "runs is 'numpy'; expected a list of texts"),
        ({"runs": ["numpi"]}, "unknown backend 'numpi': did you mean 'numpy'"),
        ({"gans": ["linear2d"]}, "did you mean 'linear-2d'"),
        ({"fields": 3}, "fields is no table"),
        ({"fields": {RATE: 0.5}}, "has no list of values"),
        ({"fields": {RATE: []}}, "has no list of values"),
        ({"fields": {"training.generator_optimiser.learning_rate.value": [1.0]}}, "did you mean 'generator_optimizer'"),
        ({"fields": {"generator.layers.outptu.out_features": [1]}}, "did you mean 'output'"),
        ({"fields": {"generator.layers.output": [1]}}, "is a whole layer"),
        ({"fields": {"batch_size.more": [1]}}, "goes on after a value"),
        ({"fields": {RATE: [-1.0]}}, r"cannot be -1.0: ConstantRate: value is -1"),
        ({"fields": {RATE: ["much"]}}, "cannot be 'much'"),
        ({"seeds": 200_000}, "comes to 400,000 jobs; 100,000 are the most"),
        ({"fields": {"batch_size": [10**9]}}, "batch"),
    ],
)
def test_a_plan_that_cannot_be_is_said_to_be_wrong_where_it_is(tmp_path: Path, changed: dict, said: str) -> None:
    with pytest.raises((UsageError, SpecError), match=said) as caught:
        make_plan({**PLAN, **changed}, tmp_path, where="rates.toml")
    assert "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_a_field_of_a_layer_is_found_by_its_name_or_its_place() -> None:
    spec = find_gan("linear-2d")
    one = with_field(spec, "discriminator.layers.hidden1.weight_init.standard_deviation", 0.5)
    other = with_field(spec, "discriminator.layers.0.weight_init.standard_deviation", 0.5)
    assert one == other != spec
    assert one.discriminator.layers[0].weight_init.standard_deviation == 0.5
