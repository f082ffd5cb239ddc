"""A run from many seeds, inside a worker process, and the file of what came of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.seeds.outcomes import Outcomes
from gan_rosetta.shared.seeds.together import SeedTrainer, Trained
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.workers.jobs import Job
from gan_rosetta.shared.workers.registry import load_device_module, resolve_execution
from gan_rosetta.shared.workers.tasks import ReportProgress

SUFFIX = ".seeds.npz"
# The kind of dtype and the number of dimensions of each kind of array.
_LAYOUT = {"number": ("f", 1), "happened": ("b", 1), "loss": ("f", 2), "steps": ("i", 1)}
_REMEDY = "move it away, and they are trained anew"


@dataclass(frozen=True, kw_only=True)
class SeedsOfRun:
    """What came of a run from each seed.

    seeds: (seeds,), in order. numbers, happened: (seeds,) by outcome; units: of the numbers. losses: (seeds, steps) by
    name; what a training that its rule stopped has no more of is NaN.
    """

    run: str
    seeds: np.ndarray
    numbers: Mapping[str, Floats]
    units: Mapping[str, str]
    happened: Mapping[str, np.ndarray]
    losses: Mapping[str, Floats]

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data: of each outcome its quartiles, of what may happen in how many seeds it did."""
        quartiles = {name: self.quartiles(name) for name in self.numbers}
        return {
            "run": self.run,
            "seeds": [int(seed) for seed in self.seeds],
            "outcomes": {name: {"unit": self.units[name], "quartiles": found} for name, found in quartiles.items()},
            "happened": {name: int(np.sum(values)) for name, values in self.happened.items()},
        }

    def part(self, chosen: slice, /) -> SeedsOfRun:
        """Return what came of some of the seeds; chosen counts from the first."""
        return replace(
            self,
            seeds=self.seeds[chosen],
            numbers={name: values[chosen] for name, values in self.numbers.items()},
            happened={name: values[chosen] for name, values in self.happened.items()},
            losses={name: values[chosen] for name, values in self.losses.items()},
        )

    def quartiles(self, outcome: str, /) -> list[float] | None:
        """Return the three quartiles of an outcome over the seeds in which it is finite, None where it is in none."""
        values = self.numbers[outcome][np.isfinite(self.numbers[outcome])]
        return [float(value) for value in np.quantile(values, (0.25, 0.5, 0.75))] if len(values) else None


def seeds_path(order: Order, /) -> Path:
    """Return where what came of a run's seeds is kept, beside its folder."""
    folder = Path(order.folder)
    return folder.with_name(f"{folder.name}{SUFFIX}")


def seeds_job(order: Order, /) -> Job[Order]:
    """Return the job that trains a run from each of its seeds."""
    return Job(settings=order, task="seeds", data=order.as_data(), num_runs=order.course.num_seeds)


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Train an order's run from each seed in a worker."""
    del kept
    train_seeds(Order.from_data(data), entry, report_progress=report_progress)
    return {}


def train_seeds(order: Order, entry: BackendEntry, /, *, report_progress: ReportProgress) -> None:
    """Train from each seed that is not there yet; what there is is written every so often, and at the end."""
    setup = order.run
    device_module = load_device_module(entry)
    device_module.check_device(setup.device)
    device_module.set_products(setup.products, device=setup.device)
    execution = resolve_execution(entry, setup.execution)
    trainer = SeedTrainer(order, entry, execution=execution)
    first, total = order.feed.seed, order.course.num_seeds
    done = _read_part(order)
    written_at = time.monotonic()
    while len(done) < total:
        begun = len(done)
        seeds = range(first + begun, first + min(begun + trainer.num_together, total))
        done += trainer.train(seeds, report_alive=lambda: report_progress("seeds", begun, total))  # noqa: B023
        report_progress("seeds", len(done), total)
        if time.monotonic() - written_at > order.keeping.checkpoint_seconds:
            _write(order, done)
            written_at = time.monotonic()
    _write(order, done)


def _write(order: Order, done: Sequence[Trained]) -> None:
    if not done:
        return
    facts = {
        "run": order.run_name,
        "spec": spec_digest(order.spec),
        "first_seed": order.feed.seed,
        "units": dict(done[0].outcomes.units),
    }
    arrays: dict[str, np.ndarray] = {"facts": np.array(json.dumps(facts))}
    for name in done[0].outcomes.numbers:
        arrays[f"number|{name}"] = np.array([each.outcomes.numbers[name] for each in done])
    for name in done[0].outcomes.happened:
        arrays[f"happened|{name}"] = np.array([each.outcomes.happened[name] for each in done], dtype=bool)
    for name in done[0].losses:
        length = max(len(each.losses[name]) for each in done)
        padded = np.full((len(done), length), np.nan)
        for row, each in zip(padded, done, strict=True):
            row[: len(each.losses[name])] = each.losses[name]
        arrays[f"loss|{name}"] = padded
        arrays[f"steps|{name}"] = np.array([len(each.losses[name]) for each in done])
    write_npz(seeds_path(order), arrays)


def _read_part(order: Order) -> list[Trained]:
    """Return what an interrupted command left of the seeds, in order."""
    path = seeds_path(order)
    if not order.keeping.resume or not path.exists():
        return []
    found = read_seeds(order)
    with_steps = read_npz(path)
    done = []
    for index in range(len(found.seeds)):
        outcomes = Outcomes(
            numbers={name: float(values[index]) for name, values in found.numbers.items()},
            units=found.units,
            happened={name: bool(values[index]) for name, values in found.happened.items()},
        )
        losses = {
            name: values[index, : int(with_steps[f"steps|{name}"][index])] for name, values in found.losses.items()
        }
        done.append(Trained(outcomes=outcomes, losses=losses))
    return done


def read_seeds(order: Order, /) -> SeedsOfRun:
    """Read what came of an order's seeds; raises RecordError for a file that is not of it."""
    path = seeds_path(order)
    try:
        arrays = read_npz(path)
        facts = json.loads(str(arrays["facts"]))
        own = (facts["run"], facts["spec"], facts["first_seed"])
        units = {str(name): str(unit) for name, unit in facts["units"].items()}
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RecordError(f"{path} does not hold what came of seeds ({error}); {_REMEDY}") from None
    if own != (order.run_name, spec_digest(order.spec), order.feed.seed):
        raise RecordError(f"{path} is of another run than {order.run_name} of {order.gan}; {_REMEDY}")
    by_kind: dict[str, dict[str, np.ndarray]] = {"number": {}, "happened": {}, "loss": {}, "steps": {}}
    for key, array in arrays.items():
        kind, _, name = key.partition("|")
        if kind in by_kind:
            by_kind[kind][name] = array
    for kind, (dtype_kind, num_dimensions) in _LAYOUT.items():
        for name, array in by_kind[kind].items():
            if (array.dtype.kind, array.ndim) != (dtype_kind, num_dimensions):
                raise RecordError(f"{path}: {kind}|{name} is {array.dtype} of shape {array.shape}; {_REMEDY}")
    counts = {len(array) for arrays_of in by_kind.values() for array in arrays_of.values()}
    if len(counts) != 1 or not 0 < min(counts) <= order.course.num_seeds:
        raise RecordError(f"{path} has arrays of {sorted(counts)} seeds; {_REMEDY}")
    if set(by_kind["number"]) != set(units) or set(by_kind["loss"]) != set(by_kind["steps"]):
        raise RecordError(f"{path} lacks some of what came of seeds; {_REMEDY}")
    return SeedsOfRun(
        run=order.run_name,
        seeds=order.feed.seed + np.arange(counts.pop()),
        numbers=by_kind["number"],
        units=units,
        happened=by_kind["happened"],
        losses=by_kind["loss"],
    )
