"""Runs that were begun are found again, and two commands do not write the same one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.runs.jobs_on_disk import FORMAT, is_finished, locked, read_jobs, write_jobs
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.plan import plan_train
from gan_rosetta.shared.runs.settings import RunSettings
from gan_rosetta.shared.storage.documents import write_document


def a_job(out: Path, backend: str = "numpy") -> RunSettings:
    return RunSettings(gan="sine", backend=backend, folder=str(out / "sine" / backend), steps=7)


def test_jobs_come_back_and_go_on_from_their_checkpoints(tmp_path: Path) -> None:
    write_jobs([a_job(tmp_path), a_job(tmp_path, "torch")])
    found = read_jobs(tmp_path)
    assert [(job.backend, job.steps, job.resume) for job in found] == [("numpy", 7, True), ("torch", 7, True)]
    assert not any(is_finished(job) for job in found)


def test_a_folder_is_where_its_settings_lie_whatever_they_say(tmp_path: Path) -> None:
    write_jobs([a_job(tmp_path)])
    path = a_job(tmp_path).job_path
    data = json.loads(path.read_text())
    data["settings"]["folder"] = "/elsewhere/sine/numpy"
    write_document(path, {"settings": data["settings"]}, number=FORMAT)
    assert read_jobs(tmp_path)[0].folder == str(tmp_path / "sine" / "numpy")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": None}, "lacks seed"),
        ({"steps": "x"}, "steps is 'x'"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": -1}, "--seed is -1"),
        ({"other": 1}, "unknown key 'other'"),
        ({"gan": "linear-2d"}, "moved there"),
        ({"gan": "../sine"}, "moved there"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    job = a_job(tmp_path)
    job.job_path.parent.mkdir()
    write_document(job.job_path, {"settings": job.as_data() | settings}, number=FORMAT)
    with pytest.raises(RecordError, match=message):
        read_jobs(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "format 'list'"),
        ('{"format": 1, "settings": {}}', "reads format 2"),
        ('{"format": 3, "settings": {}}', "written by a newer gan-rosetta"),
        ('{"format": 2, "settings": {}}', "was changed"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = a_job(tmp_path).job_path
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
    job.checkpoint_path.parent.mkdir()
    job.checkpoint_path.touch()
    with pytest.raises(RecordError, match="--resume"):
        plan_train([RunName(backend="numpy")], RunSettings(gan="sine", backend="", folder=""), tmp_path)
