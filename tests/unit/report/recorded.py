"""Folders of runs as `compare` leaves them, with numbers made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from gan_rosetta.shared.compare.verdict import PairVerdict
from gan_rosetta.shared.compare.yardstick import write_yardstick
from gan_rosetta.shared.runs import comparison as comparison_module
from gan_rosetta.shared.runs.comparison import GanComparison, to_json
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.record import read_run, settings_of, write_record
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest, to_data
from gan_rosetta.shared.storage.documents import write_document
from gan_rosetta.shared.storage.files import write_npz
from tests.unit.compare.yardsticks import yardstick_of
from tests.unit.runs.orders import order_of


def record_gan(
    root: Path,
    spec: GanSpec,
    backends: tuple[str, ...] = ("numpy", "torch"),
    *,
    num_steps: int = 30,
    verdict: str = "AGREE",
    reason: str = "no further apart than rounding",
    failures: dict[str, str] | None = None,
    generated: float | None = None,
    horizon: int | None = None,
    moments: tuple[int, ...] = (0, 10, 30),
    asked: Mapping[str, Any] = MappingProxyType({}),
    **changes: object,
) -> Path:
    """Write root/<gan>; generated: one value for all losses and samples; moments: steps; changes: of each record.

    asked: entries of each run's order, as order_of takes them.
    """
    folder = root / spec.name
    records = {}
    for index, backend in enumerate(backends):
        random = np.random.default_rng(0)
        run = folder / backend
        run.mkdir(parents=True)
        losses = {name: random.uniform(0.5, 1.5, num_steps) * (1 + 1e-15 * index) for name in spec.loss_names}
        losses["pretraining"] = losses["pretraining"] if spec.pretraining is not None else np.zeros(0)
        samples = samples_of(spec, random)
        if generated is not None:
            losses = {name: np.full_like(values, generated) for name, values in losses.items()}
            samples["generated"] = np.full_like(samples["generated"], generated)
        write_npz(run / "losses.npz", losses)
        write_npz(run / "samples.npz", samples)
        if moments:
            write_npz(run / "moments.npz", moments_of(samples, moments))
        record = {
            "gan": spec.name,
            "backend": backend,
            "execution": "eager",
            **as_record(order_of(spec, backend, run, **{"seed": 3, "steps": num_steps, "source": None, **asked})),
            **what_happened(backend, spec, losses),
        }
        records[backend] = {**record, **changes}
    envelope = {name: np.full(num_steps, 1e-14) for name in spec.loss_names}
    if horizon is not None:
        envelope["generator"][horizon:] = 0.1
    yardstick = yardstick_of(envelope)
    write_yardstick(folder / backends[0] / "yardstick.npz", yardstick)
    for backend, record in records.items():
        write_record(folder / backend, record)
    pairs = tuple(
        PairVerdict(
            pair=pair, verdict=verdict, reason=reason, checked_steps=num_steps, num_steps=num_steps, largest=1e-15
        )
        for pair in combinations(backends, 2)
    )
    runs = tuple(read_run(folder / backend) for backend in backends)
    comparison = GanComparison(
        spec=spec, runs=runs, yardsticks={"float64": yardstick}, pairs=pairs, failures=failures or {}
    )
    write_document(folder / "comparison.json", to_json(comparison), number=comparison_module.FORMAT)
    return folder


def as_record(order: Order) -> dict[str, Any]:
    """What a record says of an order."""
    return {"spec": to_data(order.spec), "settings": settings_of(order)}


def what_happened(backend: str, spec: GanSpec, losses: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What a record says of how a run went, besides what was asked for."""
    num_steps = len(losses["generator"])
    return {
        "versions": {"python": "3.11", backend: "1.2.3"},
        "machine": {"processor": "A Processor", "logical_cores": 2, "memory_bytes": 2**33, "system": "Linux"},
        "timings": {"steps_per_second": 123.4, "build_seconds": 0.5},
        "hashes": {"spec": spec_digest(spec), "initial_state": "a", "tape": {"adversarial": {str(num_steps): "b"}}},
        "outcome": {
            "status": "finished",
            "stopped_at": None,
            "began_at": {"phase": "pretraining", "step": 0},
            "pretraining_steps": len(losses["pretraining"]),
            "training_steps": num_steps,
            "steps_per_epoch": 10,
            "first_not_finite": {},
        },
    }


def change(path: Path, **entries: object) -> None:
    """Change a record or a comparison as its writer would have written it; `format` is its number."""
    data = {name: value for name, value in json.loads(path.read_text()).items() if name != "sha256"}
    number = entries.pop("format", data.pop("format"))
    write_document(path, {**data, **entries}, number=number)


def relist(run: Path) -> None:
    """List a run's files in its record as they are now."""
    record = json.loads((run / "record.json").read_text())
    write_record(run, {name: value for name, value in record.items() if name not in ("format", "sha256", "files")})


def moments_of(samples: dict[str, np.ndarray], steps: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The samples of the end at each moment, times how far it is."""
    shares = np.linspace(0.0, 1.0, len(steps))
    arrays = {"adversarial_steps": np.array(steps), "pretraining_steps": np.zeros(len(steps), dtype=int)}
    if "boundary_x" not in samples:
        looks = np.stack([samples["generated"]] * len(steps))
        for index in range(1, len(steps) - 1):
            looks[index] *= index / (len(steps) - 1)
        looks[0] = 0.0
        return arrays | {"generated": looks}
    return arrays | {
        "boundary_x": samples["boundary_x"][::80],
        "boundary_y": np.stack([share * samples["boundary_y"][::80] for share in shares]),
        "histogram_edges": samples["histogram_edges"],
        "histogram_generated": np.stack([share * samples["histogram_real"] for share in shares]),
    }


def samples_of(spec: GanSpec, random: np.random.Generator) -> dict[str, np.ndarray]:
    shape = (64, *spec.real.sample_shape)
    arrays = {"real": random.normal(size=shape), "generated": random.normal(size=shape)}
    arrays["latent"] = random.normal(size=(64, *spec.latent.sample_shape))
    if spec.discriminator.input_shape == (1,):
        arrays |= {
            "boundary_x": np.linspace(-8, 8, 10_000),
            "boundary_y": np.linspace(0, 1, 10_000),
            "histogram_edges": np.linspace(-8, 8, 101),
            "histogram_real": np.ones(100),
            "histogram_generated": np.zeros(100),
        }
    return arrays


def ellipse_of(curve: Line2D) -> tuple[np.ndarray, np.ndarray]:
    """The centre (2,) and both widths (2,), ascending, of an ellipse that is drawn as a line through its ends."""
    points = curve.get_xydata()[:-1]
    return points.mean(axis=0), 2 * np.sqrt(2 * np.linalg.eigvalsh(np.cov(points.T, bias=True)))
