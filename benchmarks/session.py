"""Carries out a plan: opens a wave's cells, judges their first losses, and lets them take turns, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, Self

import scipy

from gan_rosetta.backends import REFERENCE
from gan_rosetta.benchmarks.cells import FLOOR, Cell
from gan_rosetta.benchmarks.judging import Judge
from gan_rosetta.benchmarks.parity import parity_steps
from gan_rosetta.benchmarks.plan import FEW_ROUNDS, LONG_ROUND_SECONDS, PeakProbe, Plan
from gan_rosetta.benchmarks.record import (
    BenchmarkRecord,
    CellResult,
    Machine,
    Options,
    PeakResult,
    Repeat,
    Round,
    Status,
)
from gan_rosetta.shared.runs.machine import describe_machine, describe_versions
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.workers.child import WorkerLost, WorkerProcess
from gan_rosetta.shared.workers.jobs import Job, JobOutcome, Progress
from gan_rosetta.shared.workers.protocol import Ready

# Threads of OpenMP spin for a fifth of a second after their work, which the next cell is not to pay for.
_SETTLING_SECONDS = 0.25

Say = Callable[[str], None]
Data = Mapping[str, Any]


class Worker(Protocol):
    """What a session needs of a worker process; see shared/workers/child.py."""

    def start(self) -> Ready: ...

    def run(self, job: Job, /, *, on_progress: Callable[[Progress], None]) -> JobOutcome: ...

    def close(self) -> None: ...

    def kill(self) -> None: ...


StartWorker = Callable[[str, int, str | None], Worker]


@dataclass(kw_only=True)
class _Opened:
    """A cell under way. worker: None once it is over."""

    result: CellResult
    worker: Worker | None
    most_rounds: int = 0


@dataclass(kw_only=True)
class _OpenedPeak:
    probe: PeakProbe
    worker: Worker
    rates: list[float] = field(default_factory=list)


def run_benchmark(plan: Plan, /, *, command: str, say: Say, start_worker: StartWorker | None = None) -> BenchmarkRecord:
    """Measure a plan's cells and return the record. say: takes a line for the user at each stage.

    start_worker: gives the worker of a backend with so many threads on a Python, None for the usual one; processes
    where not given.
    """
    started = time.perf_counter()
    # Before the first cell, which is what the load average in the record says of.
    machine = Machine(**describe_machine())  # type: ignore[arg-type]
    session = _Session(plan, say, start_worker or _start_process)
    results: list[CellResult] = []
    peaks: list[PeakResult] = []
    for wave in range(len(plan.waves)):
        found, products = session.run_wave(wave)
        results += found
        peaks += products
    selection = plan.selection
    versions = describe_versions("scipy", scipy.__version__)
    return BenchmarkRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        duration_seconds=time.perf_counter() - started,
        options=Options(
            command=command,
            rounds=selection.rounds,
            seconds_per_round=selection.seconds,
            seed=selection.seed,
            threads="auto" if selection.threads is None else str(selection.threads),
            tf32=selection.tf32,
            mnist="packaged" if selection.mnist is None else "given",
            scale=selection.scale or "",
        ),
        machine=machine,
        versions=tuple(f"{name} {version}" for name, version in versions.items()),
        cells=tuple(results),
        peaks=tuple(peaks),
    )


class _Session:
    """The waves of one benchmark."""

    def __init__(self, plan: Plan, say: Say, start_worker: StartWorker) -> None:
        self._plan, self._say, self._start_worker = plan, say, start_worker
        self._selection = plan.selection
        self._judge = Judge(self._ask_reference)
        self._reference_failures: dict[tuple[str, int, float, str], str] = {}
        self._busy_threads = 1

    def run_wave(self, wave: int) -> tuple[list[CellResult], list[PeakResult]]:
        """Open a wave's cells, let them take turns, and close them."""
        with _Workers() as workers:
            opened = self._open_cells(self._plan.waves[wave], wave, workers)
            if not any(cell.worker for cell in opened):
                return [cell.result for cell in opened], []
            products = [self._open_peak(probe, workers) for probe in self._plan.probes(wave)]
            live = [product for product in products if product is not None]
            for index in range(self._selection.rounds):
                self._say(f"wave {wave + 1} of {len(self._plan.waves)}, round {index + 1} of {self._selection.rounds}")
                for product in live:
                    self._time_product(product)
                for cell in opened:
                    if cell.worker is not None and index < cell.most_rounds:
                        self._time_round(cell)
            peaks = [
                PeakResult(**asdict(product.probe), wave=wave, flops_per_second=tuple(product.rates))
                for product in live
            ]
        return [cell.result for cell in opened], peaks

    def _open_cells(self, cells: Sequence[Cell], wave: int, workers: _Workers) -> list[_Opened]:
        """Open cells, as many at once as there are cores; only rounds are timed alone."""
        pool = ThreadPoolExecutor(max_workers=available_cores())
        try:
            return list(pool.map(lambda cell: self._open_cell(cell, wave, workers), cells))
        finally:
            # On an interrupt the workers are killed, and with them what the pool waits for.
            pool.shutdown(wait=False, cancel_futures=True)

    def _open_cell(self, cell: Cell, wave: int, workers: _Workers) -> _Opened:
        self._say(f"{cell.setting}: {cell.label}")
        result = _empty_result(cell, wave)
        backend = REFERENCE if cell.backend == FLOOR else cell.backend
        worker = workers.add(self._start_worker(backend, cell.threads, self._plan.python_of(cell)))
        try:
            return self._warm_up(cell, result, worker)
        except _Over as over:
            worker.close()
            self._say(f"  {over.reason}")
            found = over.result or result
            return _Opened(result=replace(found, status=over.status, reason=over.reason), worker=None)

    def _warm_up(self, cell: Cell, result: CellResult, worker: Worker) -> _Opened:
        try:
            ready = worker.start()
        except WorkerLost as lost:
            raise _Over("unavailable", str(lost)) from None
        if cell.device not in ready.devices:
            raise _Over("unavailable", f"no {cell.device} here: {cell.backend} sees {', '.join(ready.devices)}")
        base = {"cell": asdict(cell), "seed": self._selection.seed, "mnist": self._selection.mnist}
        built = self._ask(worker, cell, {"action": "open", **base})
        num_steps, repeats = parity_steps(cell.spec()), self._selection.repeats
        first = self._ask(worker, cell, {"action": "first", "num_steps": num_steps, "keeps": repeats})
        repeat = None
        if repeats:
            again = self._ask(worker, cell, {"action": "repeat", "num_steps": num_steps})["repeat"]
            repeat = Repeat(**{**again, "last_losses": tuple(again["last_losses"])})
        result = replace(
            result,
            framework=ready.version,
            import_seconds=ready.import_seconds,
            build_seconds=built["build_seconds"],
            first_chunk_seconds=first["first_chunk_seconds"],
            compile_seconds=first["compile_seconds"] + built["compile_seconds"],
            chunk_steps=first["chunk_steps"],
            repeat=repeat,
            parity=self._judge.judge(cell, first, base, lambda of, request: self._ask(worker, of, request)),
        )
        if result.parity is None or result.parity.verdict != "AGREE":
            reason = "" if result.parity is None else f"{result.parity.verdict}: {result.parity.reason}"
            raise _Over("disagrees", reason, result)
        try:
            settled = self._ask(worker, cell, {"action": "settle", "seconds": self._selection.seconds})
        except _Over as over:
            raise _Over(over.status, over.reason, result) from None
        warm_up = Round(**settled["round"])
        rounds = self._selection.rounds
        return _Opened(
            result=replace(result, chunk_steps=settled["chunk_steps"], warm_up=(warm_up,)),
            worker=worker,
            most_rounds=min(rounds, FEW_ROUNDS) if warm_up.wall_seconds > LONG_ROUND_SECONDS else rounds,
        )

    def _ask_reference(self, cell: Cell, request: Data) -> Data:
        key = (cell.gan, cell.batch_size, cell.width, cell.precision)
        if key in self._reference_failures:
            raise _Over("failed", self._reference_failures[key])
        with _Workers() as workers:
            worker = workers.add(self._start_worker(REFERENCE, cell.threads, self._selection.pythons.get(REFERENCE)))
            try:
                return self._ask(worker, cell, request)
            except _Over as over:
                reason = f"there is nothing to judge by, as the reference failed: {over.reason}"
                self._reference_failures[key] = reason
                raise _Over("failed", reason) from None

    def _open_peak(self, probe: PeakProbe, workers: _Workers) -> _OpenedPeak | None:
        worker = workers.add(
            self._start_worker(probe.backend, probe.threads, self._selection.pythons.get(probe.backend))
        )
        product = _OpenedPeak(probe=probe, worker=worker)
        self._time_product(product)
        if not product.rates:
            return None
        product.rates.clear()  # It warmed up.
        return product

    def _time_product(self, product: _OpenedPeak) -> None:
        probe = product.probe
        self._settle(probe.threads)
        tf32 = self._selection.tf32 and probe.device != "cpu" and probe.dtype == "float32"
        request = {"action": "peak", "seconds": self._selection.seconds, "tf32": tf32}
        outcome = product.worker.run(
            _job("matrix-product", probe.backend, request | probe.as_request()), on_progress=_ignore
        )
        if outcome.status == "finished":
            product.rates.append(float(outcome.result["flops_per_second"]))
        else:
            self._say(f"  matrix product on {probe.backend}: {outcome.message}")

    def _time_round(self, opened: _Opened) -> None:
        cell = opened.result.cell
        worker = opened.worker
        if worker is None:
            return
        self._settle(cell.threads)
        try:
            answer = self._ask(worker, cell, {"action": "round"})
        except _Over as over:
            worker.close()
            opened.worker = None
            opened.result = replace(opened.result, status=over.status, reason=over.reason, rounds=())
            self._say(f"  {cell.label}: {over.reason}")
            return
        rounds = (*opened.result.rounds, Round(**answer["round"]))
        opened.result = replace(opened.result, status="measured", reason="", rounds=rounds)

    def _settle(self, threads: int) -> None:
        """Wait until the threads of whoever ran last have gone to sleep."""
        if self._busy_threads > 1:
            time.sleep(_SETTLING_SECONDS)
        self._busy_threads = threads

    def _ask(self, worker: Worker, cell: Cell, request: Data) -> Data:
        backend = REFERENCE if cell.backend == FLOOR else cell.backend
        outcome = worker.run(_job(cell.gan, backend, request), on_progress=_ignore)
        if outcome.status == "finished":
            return outcome.result
        status: Status = "failed" if outcome.status == "crash" else "unavailable"
        raise _Over(status, outcome.message)


class _Workers:
    """Workers that end together, beside each other: one with a GPU takes seconds to let go of it."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def add(self, worker: Worker, /) -> Worker:
        """Have a worker end with the others; returns it."""
        self._workers.append(worker)
        return worker

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            # What a worker is doing on an interrupt may take long: it is not waited for.
            for worker in self._workers:
                worker.kill()
        elif self._workers:
            with ThreadPoolExecutor(max_workers=len(self._workers)) as pool:
                list(pool.map(lambda worker: worker.close(), self._workers))


class _Over(Exception):
    """A cell ends here, with what is known of it."""

    def __init__(self, status: Status, reason: str, result: CellResult | None = None) -> None:
        super().__init__(reason)
        self.status: Status = status
        self.reason = reason
        self.result = result


def _start_process(backend: str, threads: int, python: str | None) -> Worker:
    return WorkerProcess(backend, threads=threads, python=python)


def _job(gan: str, backend: str, request: Data) -> Job:
    return Job(settings=Label(gan=gan, backend=backend), task="benchmark", data=dict(request))


def _empty_result(cell: Cell, wave: int) -> CellResult:
    return CellResult(
        cell=cell,
        status="failed",
        reason="never got to its first round",
        wave=wave,
        framework="",
        import_seconds=None,
        build_seconds=None,
        first_chunk_seconds=None,
        compile_seconds=None,
        chunk_steps=None,
        step_flops=float(step_flops(cell.spec())),
        parity=None,
        warm_up=(),
        rounds=(),
    )


def _ignore(progress: Progress, /) -> None:
    pass
