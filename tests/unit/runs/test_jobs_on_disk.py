"""Runs that were begun are found again, and two commands do not write the same one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.runs.jobs_on_disk import BEGUN_FILE, FORMAT, is_finished, locked, read_jobs, write_jobs
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import plan_train
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.storage.documents import write_document
from tests.unit.runs.orders import changed, order_of


def a_job(out: Path, backend: str = "numpy") -> Order:
    return order_of("sine", backend, out / "sine" / backend, steps=7)


def test_jobs_come_back_and_go_on_from_their_checkpoints(tmp_path: Path) -> None:
    write_jobs([a_job(tmp_path), a_job(tmp_path, "torch")])
    found = read_jobs(tmp_path)
    assert found == [changed(a_job(tmp_path, name), resume=True) for name in ("numpy", "torch")]
    assert found[0].spec.training.num_steps == 7
    assert not any(is_finished(job) for job in found)


@pytest.mark.parametrize("number_written", [1, 2, 3])
def test_a_command_killed_while_it_writes_its_orders_leaves_no_run_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number_written: int
) -> None:
    jobs = [a_job(tmp_path, name) for name in ("torch", "numpy", "jax")]
    written: list[Path] = []

    def write_until_killed(path: Path, value: dict[str, Any], *, number: int) -> None:
        if len(written) == number_written:
            raise KeyboardInterrupt
        write_document(path, value, number=number)
        written.append(path)

    with monkeypatch.context() as patched:
        patched.setattr("gan_rosetta.shared.runs.jobs_on_disk.write_document", write_until_killed)
        with pytest.raises(KeyboardInterrupt):
            write_jobs(jobs)
    assert [job.backend for job in read_jobs(tmp_path)] == ["torch", "numpy", "jax"]
    assert [job.backend for job in read_jobs(tmp_path)] == ["torch", "numpy", "jax"]
    assert not (tmp_path / BEGUN_FILE).exists()


@pytest.mark.parametrize("runs", [None, 3, [3], [{}], [{"order": {}}]])
def test_orders_of_runs_begun_that_cannot_be_read_are_refused(tmp_path: Path, runs: Any) -> None:
    write_jobs([a_job(tmp_path)])
    write_document(tmp_path / BEGUN_FILE, {"runs": runs}, number=FORMAT)
    with pytest.raises(RecordError, match="move it away to leave out the runs that it alone names"):
        read_jobs(tmp_path)


def test_a_folder_is_where_its_order_lies_whatever_that_says(tmp_path: Path) -> None:
    write_jobs([a_job(tmp_path)])
    path = a_job(tmp_path).keeping.job_path
    data = json.loads(path.read_text())
    data["order"]["keeping"]["folder"] = "/elsewhere/sine/numpy"
    write_document(path, {"order": data["order"]}, number=FORMAT)
    assert read_jobs(tmp_path)[0].folder == str(tmp_path / "sine" / "numpy")


@pytest.mark.parametrize(
    ("part", "entries", "message"),
    [
        ("spec", {"batch_size": "x"}, "batch_size is 'x'"),
        ("spec", {"batch_size": 0}, "batch_size is 0"),
        ("feed", {"seed": 1.5}, "seed is 1.5"),
        ("feed", {"seed": -1}, "--seed is -1"),
        ("run", {"backend": None}, "lacks backend"),
        ("run", {"dtype": "int8"}, "unknown dtype 'int8'"),
        ("run", {"threads": 0}, "--threads is 0"),
        ("keeping", {"checkpoint_seconds": -1}, "--checkpoint-every is -1"),
        ("course", {"other": 1}, "unknown key 'other'"),
        ("spec", {"name": "linear-2d"}, "moved there"),
        ("spec", {"name": "../sine"}, "name is '../sine'"),
        ("run", {"name": "torch"}, "moved there"),
    ],
)
def test_an_order_that_cannot_be_is_refused(tmp_path: Path, part: str, entries: dict[str, Any], message: str) -> None:
    job = a_job(tmp_path)
    job.keeping.job_path.parent.mkdir()
    data = job.as_data()
    write_document(job.keeping.job_path, {"order": data | {part: data[part] | entries}}, number=FORMAT)
    with pytest.raises(RecordError, match=message):
        read_jobs(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "format 'list'"),
        ('{"format": 2, "settings": {}}', "reads format 3; move it away to leave this run out"),
        ('{"format": 4, "order": {}}', "written by a newer gan-rosetta"),
        ('{"format": 3, "order": {}}', "was changed"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = a_job(tmp_path).keeping.job_path
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(RecordError, match=message):
        read_jobs(tmp_path)


def test_an_empty_folder_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no run to go on with"):
        read_jobs(tmp_path)


def test_two_commands_do_not_write_the_same_run(tmp_path: Path) -> None:
    with locked([a_job(tmp_path)]):
        with pytest.raises(RecordError, match="being written by another"), locked([a_job(tmp_path)]):
            pass
        with locked([a_job(tmp_path, "torch")]):
            pass
    with locked([a_job(tmp_path)]):
        pass


def test_a_new_run_does_not_overwrite_an_interrupted_one(tmp_path: Path) -> None:
    job = a_job(tmp_path)
    job.keeping.checkpoint_path.parent.mkdir()
    job.keeping.checkpoint_path.touch()
    with pytest.raises(RecordError, match="--resume"):
        plan_train([RunName(backend="numpy")], make_request("sine"), tmp_path)


def test_runs_come_back_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    asked = ["torch", "numpy", "mxnet", "jax"]
    write_jobs([a_job(tmp_path, name) for name in asked])
    assert [job.run_name for job in read_jobs(tmp_path)] == asked


@pytest.mark.parametrize("position", [-1, "0", True, 1.5])
def test_a_place_among_those_asked_for_is_a_number(tmp_path: Path, position: object) -> None:
    job = a_job(tmp_path)
    write_jobs([job])
    write_document(job.keeping.job_path, {"order": job.as_data(), "position": position}, number=FORMAT)
    with pytest.raises(RecordError, match="position"):
        read_jobs(tmp_path)


def test_what_a_killed_command_left_half_written_goes_when_the_run_is_taken_up(tmp_path: Path) -> None:
    job = a_job(tmp_path)
    job.keeping.job_path.parent.mkdir(parents=True)
    # No process has this number: Linux gives none above 2^22.
    half = job.keeping.checkpoint_path.with_name(f".{job.keeping.checkpoint_path.name}.4194305-0123abcd.tmp")
    half.write_bytes(b"half")
    with locked([job]):
        assert not half.exists()
