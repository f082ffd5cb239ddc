"""What a command was asked to run, kept beside each run's folder, so that it can be taken up again.

DIR/<gan>/<run>.job.json holds the order of a run from before it begins; DIR/<gan>/.<run>.lock is held while
a command works on it, so that two never write the same run. DIR/.begun.json holds the orders of all runs of a command
while those files are being written: a command that is killed meanwhile leaves none of its runs out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gan_rosetta.shared.errors import GanRosettaError, RecordError
from gan_rosetta.shared.runs.names import folder_name
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.storage.documents import read_document, write_document
from gan_rosetta.shared.storage.files import remove_leftovers

FORMAT = 3
SUFFIX = ".job.json"
BEGUN_FILE = ".begun.json"
_REMEDY = "move it away to leave this run out"


def write_jobs(jobs: Iterable[Order], /) -> None:
    """Keep the orders of runs that are about to begin, and the order in which they were asked for."""
    entries = [(job, {"order": job.as_data(), "position": position}) for position, job in enumerate(jobs)]
    begun: dict[Path, list[dict[str, Any]]] = {}
    for job, entry in entries:
        begun.setdefault(job.keeping.job_path.parent.parent, []).append(entry)
    for out, of_out in begun.items():
        out.mkdir(parents=True, exist_ok=True)
        write_document(out / BEGUN_FILE, {"runs": of_out}, number=FORMAT)
    for job, entry in entries:
        _write_job(job.keeping.job_path, entry)
    for out in begun:
        (out / BEGUN_FILE).unlink()


def _write_job(path: Path, entry: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_document(path, entry, number=FORMAT)


def read_jobs(out: Path, /) -> list[Order]:
    """Return the order of every run that was begun in a folder, as they were asked for, to go on from its checkpoint.

    Each run's folder follows from where its order lies, whatever that says. Raises RecordError where there is none, or
    one cannot be read or lies elsewhere.
    """
    _write_those_begun(out)
    paths = sorted(out.glob(f"*/*{SUFFIX}"))
    if not paths:
        raise RecordError(f"{out} has no run to go on with: no <gan>/<run>{SUFFIX} is there")
    root = out.resolve()
    for path in paths:
        if not path.resolve().is_relative_to(root):
            raise RecordError(f"{path} leads out of {out}; copy the run into it to go on with it")
    found = [_read_job(path) for path in paths]
    return [job for _, job in sorted(found, key=lambda placed: placed[0])]


def is_finished(job: Order, /) -> bool:
    """Return whether a run's record is there, which is written last."""
    return (Path(job.folder) / "record.json").exists()


@contextmanager
def locked(jobs: Iterable[Order], /) -> Iterator[None]:
    """Hold the runs against other commands; raises RecordError where one of them is being written.

    What a killed command left half written is removed: nobody else writes there now.
    """
    with ExitStack() as stack:
        for job in jobs:
            folder = Path(job.folder)
            stack.enter_context(locked_file(_lock_path(job), of=folder))
            for written in (
                folder,
                job.keeping.checkpoint_path,
                job.keeping.job_path,
                folder.parent.parent / BEGUN_FILE,
            ):
                remove_leftovers(written)
        yield


@contextmanager
def locked_file(path: Path, /, *, of: Path) -> Iterator[None]:
    """Hold a lock of what is written at `of`, beside it or in it; raises RecordError where another command has it."""
    if path.is_symlink():
        raise RecordError(f"{path} is a link, which no lock of ours is; move it away")
    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:  # an OSError too
        raise RecordError(
            f"{of} is being written by another gan-rosetta; wait for it, or name another folder with --out"
        ) from None
    except OSError as error:
        raise RecordError(
            f"cannot write to {path.parent} ({error.strerror or error}); make it writable, or take another "
            "folder, with a copy of the runs to go on with"
        ) from None
    try:
        yield
    finally:
        lock.release()


def absent_folders(jobs: Iterable[Order], /) -> list[Path]:
    """Return the folders above those of runs that are not there yet, the innermost first."""
    above = {parent for job in jobs for parent in Path(job.folder).absolute().parents if not parent.exists()}
    return sorted(above, key=lambda folder: len(folder.parts), reverse=True)


def forget_jobs(jobs: Iterable[Order], /, *, made: Iterable[Path]) -> None:
    """Take away what is kept of runs that never began, and those folders of `made` that are empty without it."""
    for job in jobs:
        job.keeping.job_path.unlink(missing_ok=True)
        _lock_path(job).unlink(missing_ok=True)
    for folder in made:
        with suppress(OSError):
            folder.rmdir()


def _lock_path(job: Order) -> Path:
    folder = Path(job.folder)
    return folder.with_name(f".{folder.name}.lock")


def _write_those_begun(out: Path) -> None:
    """Write the orders that a killed command did not come to."""
    path = out / BEGUN_FILE
    remedy = "move it away to leave out the runs that it alone names"
    try:
        runs = read_document(path, number=FORMAT, remedy=remedy).get("runs")
    except FileNotFoundError:
        return
    if not isinstance(runs, list) or not all(isinstance(entry, dict) for entry in runs):
        raise RecordError(f"{path} has no list of runs; {remedy}")
    for entry in runs:
        try:
            order = Order.from_data(entry.get("order"))
        except GanRosettaError as error:
            raise RecordError(f"{path} does not hold the orders of runs ({error}); {remedy}") from None
        job_path = out / order.gan / f"{folder_name(order.run_name)}{SUFFIX}"
        if not job_path.exists():
            _write_job(job_path, entry)
    path.unlink()


def _read_job(path: Path) -> tuple[int, Order]:
    """Return a run's place among those asked for together, and its order."""
    data = read_document(path, number=FORMAT, remedy=_REMEDY)
    folder = path.with_name(path.name.removesuffix(SUFFIX))
    try:
        order = Order.from_data(data.get("order"))
    except GanRosettaError as error:
        raise RecordError(f"{path} does not hold a run's order ({error}); {_REMEDY}") from None
    if (order.gan, folder_name(order.run_name)) != (folder.parent.name, folder.name):
        raise RecordError(f"{path} is of {order.gan} on {order.run_name}; it was moved there from another run")
    position = data.get("position", 0)
    if type(position) is not int or position < 0:
        raise RecordError(f"{path} has position {position!r}; expected a number from 0; {_REMEDY}")
    # Whatever it names elsewhere is not written: a folder of runs may come from somebody else.
    return position, replace(order, keeping=replace(order.keeping, folder=str(folder), resume=True))
