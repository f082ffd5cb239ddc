"""A calibration: every regime trained from many seeds by every backend in worker processes, each two runs judged."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gan_rosetta.backends import BACKENDS, REFERENCE, BackendEntry
from gan_rosetta.shared.calibrate.counting import count_pairs, of_kind
from gan_rosetta.shared.calibrate.job import (
    CalibrationJob,
    PowerJob,
    copy_path,
    read_power,
    trained_path,
    yardstick_path,
)
from gan_rosetta.shared.calibrate.pairs import Cell, JudgedPair, judge_pairs
from gan_rosetta.shared.calibrate.plan import CalibrationPlan
from gan_rosetta.shared.calibrate.power import Power
from gan_rosetta.shared.calibrate.regimes import Regime
from gan_rosetta.shared.calibrate.trained import as_evidence, read_trained
from gan_rosetta.shared.compare.yardstick import read_yardstick
from gan_rosetta.shared.interface import Execution
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.registry import installed_version
from gan_rosetta.shared.workers.watching import Watch

_DIGEST_LENGTH = 12

_FORMAT = 1
_TRAINED_FOLDER, _PAIRS_FILE, _RESULT_FILE = "trained", "pairs.jsonl", "calibration.json"


@dataclass(kw_only=True)
class Calibration:
    """What came of a plan. pairs: of backends and of copies, judged; powers: how small a change is seen.

    failures: jobs that did not finish. seconds: that all took.
    """

    plan: CalibrationPlan
    pairs: list[JudgedPair] = field(default_factory=list)
    powers: list[Power] = field(default_factory=list)
    failures: list[JobOutcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether the judge is off as seldom as it promises, and sees planted mistakes as told."""
        kept = all(count_pairs(of_kind(self.pairs, kind)).keeps_promise for kind in ("backends", "copies"))
        return kept and not any(power.is_otherwise for power in self.powers)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "seconds": self.seconds,
            "counts": {kind: count_pairs(of_kind(self.pairs, kind)).as_data() for kind in ("backends", "copies")},
            "not_agreed": [pair.as_data() for pair in self.pairs if pair.verdict != "AGREE"],
            "powers": [power.as_data() for power in self.powers],
            "failures": {f"{o.settings.backend}: {o.settings.gan}": o.message for o in self.failures},
        }


@dataclass(kw_only=True)
class _Group:
    """A regime in one type: all runs that the reference's one yardstick judges."""

    regime: Regime
    dtype: str
    folder: Path
    jobs: list[CalibrationJob] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    left: int = 0


def calibrate(plan: CalibrationPlan, /, *, watch: Watch, out: Path | None = None) -> Calibration:
    """Train and judge everything.

    out: a folder that keeps what came of it, the pairs of a regime and type as soon as they are judged, and the
    backends' trainings, so that a judge that has changed can be calibrated again without them: those that are there are
    not trained again; the reference's always are.
    """
    started = time.perf_counter()
    result = Calibration(plan=plan)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / _PAIRS_FILE).unlink(missing_ok=True)
    with temporary_folder() as temporary:
        root = str(temporary) if out is None else str(out / _TRAINED_FOLDER)
        groups = {str(group.folder): group for group in _groups(plan, Path(root))}
        power = {f"{root}/power-{name}": name for name in plan.power}
        jobs = [_as_job(job, name) for g in groups.values() for job, name in zip(g.jobs, g.backends, strict=True)]
        jobs += [_as_power_job(folder, name, plan.seeds[0]) for folder, name in power.items()]

        def on_outcome(outcome: JobOutcome) -> None:
            watcher.on_outcome(outcome)
            if outcome.status != "finished":
                result.failures.append(outcome)
            if outcome.settings.folder in power:
                if outcome.status == "finished":
                    result.powers += read_power(Path(outcome.settings.folder))
                return
            group = groups[str(Path(outcome.settings.folder).parent)]
            group.left -= 1
            if group.left == 0:
                pairs = _judge_group(group, plan)
                result.pairs += pairs
                if out is not None:
                    _keep_pairs(out / _PAIRS_FILE, pairs)
                else:
                    shutil.rmtree(group.folder, ignore_errors=True)

        with watch(len(jobs)) as watcher:
            run_jobs(jobs, num_slots=available_cores(), on_progress=watcher.on_progress, on_outcome=on_outcome)
    result.seconds = time.perf_counter() - started
    if out is not None:
        write_bytes(out / _RESULT_FILE, json.dumps({"format": _FORMAT, **result.as_data()}, allow_nan=False).encode())
    return result


def _keep_pairs(path: Path, pairs: Sequence[JudgedPair]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(pair.as_data(), allow_nan=False) + "\n" for pair in pairs)


@cache
def code_digest(entry: BackendEntry, /) -> str:
    """Return a digest of a backend's version and of every line of its package."""
    digest = hashlib.sha256(str(installed_version(entry)).encode())
    found = importlib.util.find_spec(entry.package)
    for folder in (found.submodule_search_locations or []) if found is not None else []:
        for path in sorted(Path(folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _groups(plan: CalibrationPlan, root: Path) -> list[_Group]:
    groups = []
    for regime in plan.regimes:
        for dtype in plan.dtypes:
            folder = root / f"{regime.name}-{dtype}-{spec_digest(regime.spec)[:_DIGEST_LENGTH]}"
            folder.mkdir(parents=True, exist_ok=True)
            group = _Group(regime=regime, dtype=dtype, folder=folder)
            seeds = plan.seeds[: regime.num_seeds(len(plan.seeds))]
            for name, execution in runs_of(plan, regime):
                group.backends.append(name)
                group.jobs.append(
                    CalibrationJob(
                        folder=str(folder),
                        regime=regime.name,
                        dtype=dtype,
                        execution=execution,
                        seeds=seeds,
                        num_held_out=plan.num_held_out if name == REFERENCE else None,
                        code="" if name == REFERENCE else f"-{code_digest(BACKENDS[name])}",
                    )
                )
            group.left = len(group.jobs)
            groups.append(group)
    return groups


def runs_of(plan: CalibrationPlan, regime: Regime, /) -> list[tuple[str, Execution]]:
    """Return every backend and execution that there is to train; the reference once, for all executions."""
    runs: list[tuple[str, Execution]] = [(REFERENCE, "eager")]
    for execution in plan.executions:
        if execution == "compiled" and len(plan.executions) > 1 and not regime.compiles:
            continue
        for name in plan.backends:
            if name != REFERENCE and execution in BACKENDS[name].executions:
                runs.append((name, execution))
    return runs


def _as_job(job: CalibrationJob, backend: str) -> Job:
    about = f"{job.regime}, {job.dtype}, {job.execution}"
    label = Label(gan=about, backend=backend, folder=f"{job.folder}/{backend}-{job.execution}")
    return Job(settings=label, task="calibration", data=job.as_data(), num_runs=len(job.seeds))


def _as_power_job(folder: str, regime: str, seed: int) -> Job:
    label = Label(gan=f"{regime}, planted changes", backend=REFERENCE, folder=folder)
    job = PowerJob(folder=folder, regime=regime, seed=seed)
    return Job(settings=label, task="calibration", data=job.as_data())


def _judge_group(group: _Group, plan: CalibrationPlan) -> list[JudgedPair]:
    """Judge each two backends of an execution, and each two copies, seed by seed; what a failed job left out is not."""
    spec, reference = group.regime.spec, group.jobs[0]
    found: list[JudgedPair] = []
    for seed in reference.seeds:
        if not yardstick_path(reference, seed).exists() or not trained_path(reference, seed, REFERENCE).exists():
            continue
        yardstick = read_yardstick(yardstick_path(reference, seed))
        own = as_evidence(read_trained(trained_path(reference, seed, REFERENCE)), spec)
        for execution in plan.executions:
            paths = [
                trained_path(job, seed, name)
                for job, name in zip(group.jobs, group.backends, strict=True)
                if job.execution == execution and name != REFERENCE
            ]
            if not paths:
                continue
            evidence = [own, *(as_evidence(read_trained(path), spec) for path in paths if path.exists())]
            cell = Cell(regime=group.regime.name, dtype=group.dtype, execution=execution)
            found += judge_pairs(evidence, yardstick, spec, cell=cell, seed=seed)
        copies = [copy_path(reference, seed, index) for index in range(plan.num_held_out)]
        evidence = [own, *(as_evidence(read_trained(path), spec) for path in copies)]
        cell = Cell(regime=group.regime.name, dtype=group.dtype, execution="eager", kind="copies")
        found += judge_pairs(evidence, yardstick, spec, cell=cell, seed=seed)
    return found
