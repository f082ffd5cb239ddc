"""What a command was asked to run, kept beside each run's folder, so that it can be taken up again.

DIR/<gan>/<run>.job.json holds the settings of a run from before it begins; DIR/<gan>/.<run>.lock is held while
a command works on it, so that two never write the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from gan_rosetta.shared.errors import GanRosettaError, RecordError
from gan_rosetta.shared.runs.names import folder_name
from gan_rosetta.shared.runs.settings import RunSettings
from gan_rosetta.shared.spec.reader import build
from gan_rosetta.shared.storage.documents import read_document, write_document

FORMAT = 2
SUFFIX = ".job.json"
_REMEDY = "move it away to leave this run out"


def write_jobs(jobs: Iterable[RunSettings], /) -> None:
    """Keep the settings of runs that are about to begin."""
    for job in jobs:
        job.job_path.parent.mkdir(parents=True, exist_ok=True)
        write_document(job.job_path, {"settings": job.as_data()}, number=FORMAT)


def read_jobs(out: Path, /) -> list[RunSettings]:
    """Return the settings of every run that was begun in a folder, to go on from its checkpoint.

    Each run's folder follows from where its settings lie, whatever they say. Raises RecordError where there is none, or
    one cannot be read or lies elsewhere.
    """
    paths = sorted(out.glob(f"*/*{SUFFIX}"))
    if not paths:
        raise RecordError(f"{out} has no run to go on with: no <gan>/<run>{SUFFIX} is there")
    root = out.resolve()
    for path in paths:
        if not path.resolve().is_relative_to(root):
            raise RecordError(f"{path} leads out of {out}; copy the run into it to go on with it")
    return [_read_job(path) for path in paths]


def is_finished(job: RunSettings, /) -> bool:
    """Return whether a run's record is there, which is written last."""
    return (Path(job.folder) / "record.json").exists()


@contextmanager
def locked(jobs: Iterable[RunSettings], /) -> Iterator[None]:
    """Hold the runs against other commands; raises RecordError where one of them is being written."""
    with ExitStack() as stack:
        for job in jobs:
            folder = Path(job.folder)
            path = folder.with_name(f".{folder.name}.lock")
            if path.is_symlink():
                raise RecordError(f"{path} is a link, which no lock of ours is; move it away")
            try:
                folder.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(FileLock(path, timeout=0))
            except Timeout:  # an OSError too
                raise RecordError(
                    f"{folder} is being written by another gan-rosetta; wait for it, or name another folder with --out"
                ) from None
            except OSError as error:
                raise RecordError(
                    f"cannot write to {folder.parent} ({error.strerror or error}); make it writable, or copy the runs"
                ) from None
        yield


def _read_job(path: Path) -> RunSettings:
    data = read_document(path, number=FORMAT, remedy=_REMEDY)
    folder = path.with_name(path.name.removesuffix(SUFFIX))
    try:
        settings: RunSettings = build(RunSettings, data.get("settings"), name="settings")
    except GanRosettaError as error:
        raise RecordError(f"{path} does not hold a run's settings ({error}); {_REMEDY}") from None
    if (settings.gan, folder_name(settings.run_name)) != (folder.parent.name, folder.name):
        raise RecordError(f"{path} is of {settings.gan} on {settings.run_name}; it was moved there from another run")
    # Whatever it names elsewhere is not written: a folder of runs may come from somebody else.
    return replace(settings, folder=str(folder), resume=True, export_tape=None, export_initial_state=None)
