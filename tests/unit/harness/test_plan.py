"""What `compare` is planned to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import RecordError
from shared.gans import CATALOGUE, find_gan
from shared.harness.plan import plan_compare
from shared.harness.run import resolve_spec
from shared.harness.settings import OVERVIEW_BATCH_SIZES, RunSettings

TEMPLATE = RunSettings(gan="", backend="", folder="")


def batch_sizes(plan):
    return {job.gan: resolve_spec(job).batch_size for job in plan.jobs}


def test_the_whole_catalogue_takes_a_smaller_batch_of_the_costliest_gan_alone(tmp_path: Path) -> None:
    found = batch_sizes(plan_compare([], ["numpy"], TEMPLATE, tmp_path, threads=1))
    assert found == {name: OVERVIEW_BATCH_SIZES.get(name, spec.batch_size) for name, spec in CATALOGUE.items()}


def test_a_gan_that_is_named_keeps_its_batch(tmp_path: Path) -> None:
    found = batch_sizes(plan_compare(["mnist-conv"], ["numpy"], TEMPLATE, tmp_path, threads=1))
    assert found == {"mnist-conv": find_gan("mnist-conv").batch_size}


def test_a_batch_size_that_is_asked_for_holds_for_all(tmp_path: Path) -> None:
    template = RunSettings(gan="", backend="", folder="", batch_size=8)
    assert set(batch_sizes(plan_compare([], ["numpy"], template, tmp_path, threads=1)).values()) == {8}


def test_the_reference_is_always_there_and_measures_the_yardstick(tmp_path: Path) -> None:
    plan = plan_compare(["sine"], ["numpy"], TEMPLATE, tmp_path, threads=1)
    assert [(job.backend, job.yardstick) for job in plan.jobs] == [("numpy", True)]


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sine" / "numpy").mkdir(parents=True)
    (tmp_path / "sine" / "numpy" / "record.json").write_text("{}")
    with pytest.raises(RecordError, match="already holds a run"):
        plan_compare(["sine"], ["numpy"], TEMPLATE, tmp_path, threads=1)
