"""What `compare` is planned to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.gans import CATALOGUE, PUBLISHED, find_gan
from gan_rosetta.shared.runs.jobs_on_disk import write_jobs
from gan_rosetta.shared.runs.names import RunName, parse_runs
from gan_rosetta.shared.runs.plan import OVERVIEW_BATCH_SIZES, plan_compare, plan_resume
from gan_rosetta.shared.runs.request import make_request
from tests.unit.runs.orders import order_of

REQUEST = make_request(None)


def batch_sizes(plan):
    return {job.gan: job.spec.batch_size for job in plan.jobs}


def test_the_whole_catalogue_takes_a_smaller_batch_of_the_costliest_gan_alone(tmp_path: Path) -> None:
    found = batch_sizes(plan_compare([], [RunName(backend="numpy")], REQUEST, tmp_path, threads=1))
    assert found == {name: OVERVIEW_BATCH_SIZES.get(name, spec.batch_size) for name, spec in PUBLISHED.items()}


def test_every_gan_at_once_is_an_overview_too(tmp_path: Path) -> None:
    found = batch_sizes(plan_compare(list(CATALOGUE), [RunName(backend="numpy")], REQUEST, tmp_path, threads=1))
    assert found == {name: OVERVIEW_BATCH_SIZES.get(name, spec.batch_size) for name, spec in CATALOGUE.items()}


def test_a_gan_that_is_named_keeps_its_batch(tmp_path: Path) -> None:
    found = batch_sizes(plan_compare(["mnist-conv"], [RunName(backend="numpy")], REQUEST, tmp_path, threads=1))
    assert found == {"mnist-conv": find_gan("mnist-conv").batch_size}


def test_a_batch_size_that_is_asked_for_holds_for_all(tmp_path: Path) -> None:
    request = make_request(None, batch_size=8)
    assert set(batch_sizes(plan_compare([], [RunName(backend="numpy")], request, tmp_path, threads=1)).values()) == {8}


def test_the_reference_is_always_there_and_measures_the_yardstick(tmp_path: Path) -> None:
    plan = plan_compare(["sine"], [RunName(backend="numpy")], REQUEST, tmp_path, threads=1)
    assert [(job.backend, job.course.yardstick) for job in plan.jobs] == [("numpy", True)]


def test_each_type_has_a_reference_and_what_a_run_s_name_says_holds_for_it_alone(tmp_path: Path) -> None:
    runs = parse_runs(["torch:eager", "torch:float32:threads=3", "jax"])
    plan = plan_compare(["sine"], runs, REQUEST, tmp_path, threads=2)
    found = [(job.run_name, job.run.dtype, job.run.execution, job.threads, job.course.yardstick) for job in plan.jobs]
    assert found == [
        ("numpy", "float64", "auto", 2, True),
        ("numpy:float32", "float32", "auto", 2, True),
        ("torch:eager", "float64", "eager", 2, False),
        ("torch:float32:threads=3", "float32", "auto", 3, False),
        ("jax", "float64", "auto", 2, False),
    ]
    assert [Path(job.folder).name for job in plan.jobs][1] == "numpy+float32"


def test_a_run_of_the_reference_that_is_asked_for_is_what_its_type_is_measured_on(tmp_path: Path) -> None:
    plan = plan_compare(["sine"], parse_runs(["numpy:eager:float32"]), REQUEST, tmp_path, threads=1)
    assert [(job.run_name, job.course.yardstick) for job in plan.jobs] == [("numpy:eager:float32", True)]


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sine" / "numpy").mkdir(parents=True)
    (tmp_path / "sine" / "numpy" / "record.json").write_text("{}")
    with pytest.raises(RecordError, match="already holds a run"):
        plan_compare(["sine"], [RunName(backend="numpy")], REQUEST, tmp_path, threads=1)


def begun(out: Path, gan: str, *backends: str, yardstick: bool) -> None:
    write_jobs(
        order_of(gan, name, out / gan / name, yardstick=yardstick and name == "numpy", steps=3) for name in backends
    )


@pytest.mark.parametrize(("command", "other"), [("compare", "train"), ("train", "compare")])
def test_what_the_other_command_began_is_not_gone_on_with(tmp_path: Path, command: str, other: str) -> None:
    begun(tmp_path, "sine", "numpy", yardstick=other == "compare")
    with pytest.raises(RecordError) as caught:
        plan_resume(tmp_path, command=command)
    message = str(caught.value)
    assert f"was written by {other}" in message
    assert f"`gan-rosetta {other} --resume {tmp_path}`" in message
    assert [job.gan for job in plan_resume(tmp_path, command=other).jobs] == ["sine"]


@pytest.mark.parametrize(("command", "gan"), [("compare", "sine"), ("train", "linear-2d")])
def test_where_both_began_runs_the_other_s_are_left_out_in_words(tmp_path: Path, command: str, gan: str) -> None:
    begun(tmp_path, "sine", "numpy", "torch", yardstick=True)
    begun(tmp_path, "linear-2d", "torch", yardstick=False)
    plan = plan_resume(tmp_path, command=command)
    assert {job.gan for job in plan.jobs} == {gan}
    assert all("is left out" in note for note in plan.notes)
    assert len(plan.notes) == (1 if command == "compare" else 2)


def test_the_cheapest_gan_goes_first_and_then_the_costly_ones(tmp_path: Path) -> None:
    gans = ["sine", "linear-2d", "mnist-wgan-gp", "gaussian-1d"]
    plan = plan_compare(gans, [RunName(backend="numpy")], make_request(None), tmp_path, threads=None)
    expected = ["linear-2d", "mnist-wgan-gp", "sine", "gaussian-1d"]
    assert list(dict.fromkeys(job.gan for job in plan.jobs)) == expected
    write_jobs(plan.jobs)
    assert list(dict.fromkeys(job.gan for job in plan_resume(tmp_path, command="compare").jobs)) == expected
