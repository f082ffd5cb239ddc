"""The worker's side of the benchmark: {"benchmark": {"action": ...}} requests, one cell a worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from gan_rosetta.backends import BackendEntry
from gan_rosetta.benchmarks.accelerator import use_variant
from gan_rosetta.benchmarks.cells import AS_PUBLISHED, FLOOR, Cell
from gan_rosetta.benchmarks.parity import run_reference
from gan_rosetta.benchmarks.published.trainer import PublishedTrainer
from gan_rosetta.benchmarks.runner import CellRunner
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, initial_state
from gan_rosetta.shared.workers.registry import load_device_module, load_trainer
from gan_rosetta.shared.workers.tasks import ReportProgress

Kept = dict[str, Any]


def serve(
    request: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: Kept
) -> dict[str, Any]:
    """Do one action and return its result as plain data; raises what a user can cause.

    kept: what earlier actions of this worker left. Actions: "open" builds a cell, "first" trains its first chunks,
    "repeat" trains them again and compares, "settle" warms it up, "round" times a round; "vet" trains the first chunks
    of another cell and forgets it; "reference" trains the reference; "peak" times matrix products; "device" says what
    the framework sees.
    """
    del report_progress  # An action is as long as a cell's opening or a round, and says nothing on its way.
    return _ACTIONS[request["action"]](request, entry, kept)


def _open(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    kept["runner"], result = _build(request, entry)
    return result


def _vet(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    del kept
    runner, _ = _build(request, entry)
    return runner.run_first(request["num_steps"]).as_data()


def _build(request: dict[str, Any], entry: BackendEntry) -> tuple[CellRunner, dict[str, Any]]:
    cell = Cell(**request["cell"])
    spec, tape, state = _inputs(request, cell)
    device_module = load_device_module(entry)
    device_module.check_device(cell.device)
    device_module.set_products(cell.products, device=cell.device)
    started = time.perf_counter()
    trainer: Trainer
    compile_seconds = 0.0
    if cell.backend == FLOOR:
        from gan_rosetta.benchmarks.floor.trainer import FloorTrainer  # noqa: PLC0415 - needs a C compiler

        trainer = floor = FloorTrainer.build(spec, device=cell.device, dtype=cell.dtype, execution=cell.execution)
        compile_seconds = floor.compile_seconds
    elif cell.variant == AS_PUBLISHED:
        trainer = PublishedTrainer.build(spec, device=cell.device, dtype=cell.dtype, execution=cell.execution)
    else:
        trainer = load_trainer(entry).build(spec, device=cell.device, dtype=cell.dtype, execution=cell.execution)
        use_variant(trainer, cell.variant)
    trainer.load_state(state)
    seconds = time.perf_counter() - started
    runner = CellRunner(
        trainer,
        spec,
        tape,
        state,
        name=cell.backend,
        dtype=cell.dtype,
        execution=cell.execution,
        device_bytes=lambda: load_device_module(entry).peak_bytes(cell.device),
    )
    return runner, {"build_seconds": seconds - compile_seconds, "compile_seconds": compile_seconds}


def _first(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    del entry
    return _runner(kept).run_first(request["num_steps"], keeps=request.get("keeps", False)).as_data()


def _repeat(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    del entry
    return {"repeat": asdict(_runner(kept).run_again(request["num_steps"]))}


def _device(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    del kept
    return asdict(load_device_module(entry).describe_device(request["device"]))


def _settle(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    del entry
    runner = _runner(kept)
    return {"round": asdict(runner.settle(request["seconds"])), "chunk_steps": runner.chunking.chunk_steps}


def _round(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    del request, entry
    return {"round": asdict(_runner(kept).run_round())}


def _reference(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    del kept
    cell = Cell(**request["cell"])
    spec, tape, state = _inputs(request, cell)
    load_device_module(entry).set_products(cell.products, device="cpu")
    return run_reference(
        spec,
        tape,
        state,
        dtype=cell.dtype,
        products=cell.products,
        seed=request["seed"],
        num_steps=request["num_steps"],
    )


def _peak(request: dict[str, Any], entry: BackendEntry, kept: Kept) -> dict[str, Any]:
    size = request["size"]
    if "product" not in kept:
        device = load_device_module(entry)
        device.check_device(request["device"])
        device.set_products("tf32" if request["tf32"] else "full", device=request["device"])
        generator = np.random.default_rng(0)
        # Around 0, so that sums of products stay of one size.
        first, second = (generator.standard_normal((size, size)).astype(request["dtype"]) for _ in range(2))
        kept["product"] = device.matrix_product(first, second, device=request["device"])
        kept["product"]()
    started = time.perf_counter()
    seconds, count = 0.0, 0
    while seconds < request["seconds"]:
        kept["product"]()
        count += 1
        seconds = time.perf_counter() - started
    return {"flops_per_second": 2.0 * size**3 * count / seconds}


def _inputs(request: dict[str, Any], cell: Cell) -> tuple[GanSpec, SeededTape, State]:
    spec = cell.spec()
    tape = SeededTape(spec, seed=request["seed"], digits=DigitSource.parse(request["mnist"]))
    return spec, tape, initial_state(spec, seed=request["seed"])


def _runner(kept: Kept) -> CellRunner:
    runner: CellRunner = kept["runner"]
    return runner


_ACTIONS: dict[str, Callable[[dict[str, Any], BackendEntry, Kept], dict[str, Any]]] = {
    "open": _open,
    "first": _first,
    "repeat": _repeat,
    "device": _device,
    "vet": _vet,
    "settle": _settle,
    "round": _round,
    "reference": _reference,
    "peak": _peak,
}
