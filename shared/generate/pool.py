"""Worker processes for generated GANs: the reference's, which goes ahead, and one of each backend, all at once."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.errors import RunFailed
from gan_rosetta.shared.generate.check import Finding
from gan_rosetta.shared.generate.job import SPECS_FILE, BatchJob, read_batch
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.storage.scratch import new_temporary_folder
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import Pool

Findings = Mapping[str, Sequence[Finding | None]]
"""For each backend what was found of each GAN of a batch, in order; "reference" holds errors of the reference."""

_SIDE = "reference"
_BATCHES_AHEAD = 3


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """GANs that workers are checking. jobs: by worker; folder: where the batch and what is found of it lie."""

    specs: Sequence[GanSpec]
    folder: Path
    jobs: Mapping[str, Future[JobOutcome[Label]]]


class WorkerPool:
    """Workers that check batches of GANs. To be used in a `with`, which ends them.

    device: of the backends. faults: by backend the name of a fault to plant. num_slots: how many workers may be busy at
    once. pythons: of backends that do not run on their usual one.
    """

    def __init__(
        self,
        backends: Sequence[str],
        /,
        *,
        execution: str,
        device: str = "cpu",
        num_slots: int,
        faults: Mapping[str, str] | None = None,
        pythons: Mapping[str, str] | None = None,
    ) -> None:
        self._backends = tuple(backends)
        self._execution, self._device = execution, device
        self._faults, self._pythons = dict(faults or {}), dict(pythons or {})
        self._pool = Pool(num_slots=num_slots)
        self._numbers = itertools.count()
        self.seconds = dict.fromkeys((*self._backends, _SIDE), 0.0)

    def __enter__(self) -> Self:
        self._root = new_temporary_folder()
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._pool.__exit__(kind, error, trace)
        finally:
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
        waiting: list[_Batch] = []
        for specs in batches:
            waiting.append(self._begin(specs))
            if len(waiting) > _BATCHES_AHEAD:
                self._finish(waiting.pop(0), on_batch)
        while waiting:
            self._finish(waiting.pop(0), on_batch)

    def _begin(self, specs: Sequence[GanSpec]) -> _Batch:
        folder = self._new_folder(specs)
        side = self._submit(_SIDE, folder)
        jobs = {name: self._submit(name, folder, after=side) for name in self._backends}
        return _Batch(specs=specs, folder=folder, jobs={_SIDE: side, **jobs})

    def _finish(self, batch: _Batch, on_batch: Callable[[Sequence[GanSpec], Findings], None]) -> None:
        failed: Sequence[Finding | None] = [None] * len(batch.specs)
        found: dict[str, Sequence[Finding | None]] = {}
        for name, job in batch.jobs.items():
            found[name] = self._findings(name, batch, job.result(), failed)
            failed = found[_SIDE]
        shutil.rmtree(batch.folder, ignore_errors=True)
        on_batch(batch.specs, found)

    def _findings(
        self, name: str, batch: _Batch, outcome: JobOutcome[Label], failed: Sequence[Finding | None]
    ) -> list[Finding | None]:
        """Return what a worker found; where it died of one GAN, give it them one by one to find out of which.

        failed: what the reference's side has of each.
        """
        if outcome.status == "finished":
            found, seconds = read_batch(batch.folder, name)
            self.seconds[name] += seconds
            # Without the reference's side there is nothing to hold a backend to; the error is reported once.
            return [None if failed[index] is not None else finding for index, finding in enumerate(found)]
        if outcome.status == "usage":  # What no GAN is to blame for.
            raise RunFailed(f"{name}: {outcome.message}")
        if name == _SIDE or len(batch.specs) == 1 or outcome.status != "crash":
            return [Finding(error=outcome.message)] * len(batch.specs)
        result: list[Finding | None] = []
        for index, spec in enumerate(batch.specs):
            folder = self._new_folder([spec])
            shutil.copytree(batch.folder / f"spec-{index:04d}", folder / "spec-0000")
            alone = _Batch(specs=[spec], folder=folder, jobs={})
            result += self._findings(name, alone, self._submit(name, folder).result(), [failed[index]])
            shutil.rmtree(folder, ignore_errors=True)
        return result

    def _new_folder(self, specs: Sequence[GanSpec]) -> Path:
        folder = self._root / f"batch-{next(self._numbers)}"
        folder.mkdir()
        write_json(folder / SPECS_FILE, [spec_to_toml(spec) for spec in specs])
        return folder

    def _submit(
        self, name: str, folder: Path, *, after: Future[JobOutcome[Label]] | None = None
    ) -> Future[JobOutcome[Label]]:
        is_reference = name == _SIDE
        job = BatchJob(
            folder=str(folder),
            is_reference=is_reference,
            execution=self._execution,
            device=self._device,
            fault=self._faults.get(name),
        )
        label = Label(
            gan="generated",
            backend=REFERENCE if is_reference else name,
            folder=str(folder),
            python=None if is_reference else self._pythons.get(name),
        )
        return self._pool.submit(Job(settings=label, task="generated", data=job.as_data()), after=after)
