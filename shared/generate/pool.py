"""Worker processes for generated GANs: the reference's, which goes ahead, and one of each backend, all at once."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.generate.check import Finding
from gan_rosetta.shared.generate.job import SPECS_FILE, BatchJob, read_batch
from gan_rosetta.shared.runs.settings import RunSettings
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.workers.launch import Job, JobOutcome, Progress, WorkerProcess

Findings = Mapping[str, Sequence[Finding | None]]
"""For each backend what was found of each GAN of a batch, in order; "reference" holds errors of the reference."""

_SIDE = "reference"
_BATCHES_AHEAD = 3


class WorkerPool:
    """Workers that check batches of GANs. To be used in a `with`, which ends them.

    faults: by backend the name of a fault to plant. num_slots: how many workers may be busy at once. pythons: of
    backends that do not run on their usual one.
    """

    def __init__(
        self,
        backends: Sequence[str],
        /,
        *,
        execution: str,
        num_slots: int,
        faults: Mapping[str, str] | None = None,
        pythons: Mapping[str, str] | None = None,
    ) -> None:
        self._backends = tuple(backends)
        self._execution = execution
        self._faults = dict(faults or {})
        chosen = pythons or {}
        self._workers = {name: WorkerProcess(name, threads=1, python=chosen.get(name)) for name in self._backends}
        self._workers[_SIDE] = WorkerProcess(REFERENCE, threads=1)
        self._slots = threading.BoundedSemaphore(num_slots)
        self.seconds = dict.fromkeys(self._workers, 0.0)

    def __enter__(self) -> Self:
        self._root = Path(tempfile.mkdtemp(prefix="gan-rosetta-"))
        self._pools = {name: ThreadPoolExecutor(1) for name in self._workers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for worker in self._workers.values():
                worker.kill()
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        for worker in self._workers.values():
            worker.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def check(self, specs: Sequence[GanSpec], /) -> Findings:
        """Check one batch and return what was found."""
        results: list[Findings] = []
        self.check_all([specs], on_batch=lambda _, found: results.append(found))
        return results[0]

    def check_all(
        self, batches: Sequence[Sequence[GanSpec]], /, *, on_batch: Callable[[Sequence[GanSpec], Findings], None]
    ) -> None:
        """Check batches, the reference some batches ahead of the others; on_batch is called here, in order."""
        waiting: list[tuple[Sequence[GanSpec], dict[str, Future[list[Finding | None]]], Path]] = []
        for specs in batches:
            waiting.append(self._submit(specs))
            if len(waiting) > _BATCHES_AHEAD:
                self._finish(*waiting.pop(0), on_batch)
        while waiting:
            self._finish(*waiting.pop(0), on_batch)

    def _submit(
        self, specs: Sequence[GanSpec]
    ) -> tuple[Sequence[GanSpec], dict[str, Future[list[Finding | None]]], Path]:
        folder = Path(tempfile.mkdtemp(dir=self._root))
        write_json(folder / SPECS_FILE, [spec_to_toml(spec) for spec in specs])
        side = self._pools[_SIDE].submit(self._run, _SIDE, specs, folder, None)
        futures = {_SIDE: side}
        for name in self._backends:
            futures[name] = self._pools[name].submit(self._run, name, specs, folder, side)
        return specs, futures, folder

    @staticmethod
    def _finish(
        specs: Sequence[GanSpec],
        futures: Mapping[str, Future[list[Finding | None]]],
        folder: Path,
        on_batch: Callable[[Sequence[GanSpec], Findings], None],
    ) -> None:
        found = {name: future.result() for name, future in futures.items()}
        shutil.rmtree(folder, ignore_errors=True)
        on_batch(specs, found)

    def _run(
        self, name: str, specs: Sequence[GanSpec], folder: Path, side: Future[list[Finding | None]] | None
    ) -> list[Finding | None]:
        """Have a worker check a batch; where it dies of one GAN, give it the GANs one by one to find out of which."""
        failed = [None] * len(specs) if side is None else side.result()
        outcome = self._perform(name, folder)
        if outcome.status == "finished":
            found, seconds = read_batch(folder, name)
            self.seconds[name] += seconds
            # Without the reference's side there is nothing to hold a backend to; the error is reported once.
            return [None if failed[index] is not None else finding for index, finding in enumerate(found)]
        if side is None or len(specs) == 1 or outcome.status != "crash":
            return [Finding(error=outcome.message)] * len(specs)
        result: list[Finding | None] = []
        for index, spec in enumerate(specs):
            alone = Path(tempfile.mkdtemp(dir=self._root))
            write_json(alone / SPECS_FILE, [spec_to_toml(spec)])
            shutil.copytree(folder / f"spec-{index:04d}", alone / "spec-0000")
            result += self._run(name, [spec], alone, side=_done([failed[index]]))
            shutil.rmtree(alone, ignore_errors=True)
        return result

    def _perform(self, name: str, folder: Path) -> JobOutcome:
        is_reference = name == _SIDE
        job = BatchJob(
            folder=str(folder), is_reference=is_reference, execution=self._execution, fault=self._faults.get(name)
        )
        settings = RunSettings(gan="generated", backend=REFERENCE if is_reference else name, folder=str(folder))
        with self._slots:
            return self._workers[name].run(
                Job(settings=settings, task="generated", data=job.as_data()), on_progress=_ignore
            )


def _done(value: list[Finding | None]) -> Future[list[Finding | None]]:
    future: Future[list[Finding | None]] = Future()
    future.set_result(value)
    return future


def _ignore(progress: Progress, /) -> None:
    pass
