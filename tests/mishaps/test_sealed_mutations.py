"""Files spoilt and then sealed again, as a stranger may: no seal tells, so each reader has to look for itself.

What is spoilt is read by everything that reads it: the page, the verdicts, the comparison of benchmarks, a run that
goes on. Each gives one clear line, or takes it for what it says. With GAN_ROSETTA_MUTATIONS=20000 in the environment as
many are tried, 500 without.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.benchmarks.page import page_text
from gan_rosetta.benchmarks.record import FORMAT as BENCHMARK_FORMAT
from gan_rosetta.benchmarks.record import read_record as read_benchmark
from gan_rosetta.benchmarks.record import write_record as write_benchmark
from gan_rosetta.benchmarks.regressions import compare_records
from gan_rosetta.benchmarks.table import change_lines, result_lines
from gan_rosetta.shared.compare import yardstick
from gan_rosetta.shared.errors import GanRosettaError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.page.collect import collect
from gan_rosetta.shared.report.page.render import report_page
from gan_rosetta.shared.runs import checkpoint as checkpoints
from gan_rosetta.shared.runs import jobs_on_disk
from gan_rosetta.shared.runs.comparison import FORMAT as COMPARISON_FORMAT
from gan_rosetta.shared.runs.comparison import compare_runs
from gan_rosetta.shared.runs.jobs_on_disk import read_jobs, write_jobs
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.record import FORMAT as RECORD_FORMAT
from gan_rosetta.shared.runs.record import file_digest, read_run
from gan_rosetta.shared.runs.run import run as train
from gan_rosetta.shared.runs.saved import read_saved
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.storage.documents import write_document
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.storage.npz import read_npz
from tests.mishaps.mutations import spoil_archive, spoil_json
from tests.mishaps.trial import Mishap
from tests.unit.benchmarks.synthetic import make_record, make_result
from tests.unit.runs.orders import changed, order_of

NUM_MUTATIONS = int(os.environ.get("GAN_ROSETTA_MUTATIONS", "500"))
SECONDS_EACH = 20
LARGEST_GROWTH_KIB = 600 * 1024
STEPS = 12
GANS = {"linear-2d": 0.5, "gaussian-1d": 0.5}
# What of a page is read beyond what is collected takes a second each: of one in so many that are let through.
_ONE_PAGE_IN = 8


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file. share: of all mutations; spoil: spoil one in a copy of the folder; read: all that reads it."""

    share: float
    spoil: Callable[[Path, str, random.Random], str]
    read: Callable[[Path, str, random.Random], None]


class Slow(BaseException):
    """No reader catches this one."""


def seal(path: Path, data: Any, number: int) -> bool:
    """Write what a spoilt document says as its writer would; False where no writer could."""
    if not isinstance(data, dict):
        return False
    said = {name: value for name, value in data.items() if name not in ("format", "sha256")}
    try:
        write_document(path, said, number=number)
    except (ValueError, TypeError, RecursionError):  # NaN, which JSON has not.
        return False
    return True


def spoil_document(path: Path, number: int, chance: random.Random) -> str:
    data = json.loads(path.read_text())
    while True:
        spoilt = spoil_json(data, chance)
        if seal(path, spoilt, number):
            return path.name


def relist(run: Path) -> None:
    """List a run's files in its record as they are now, and seal it."""
    data = json.loads((run / "record.json").read_text())
    data["files"] = {name: file_digest(run / name) for name in data["files"] if (run / name).exists()}
    seal(run / "record.json", data, RECORD_FORMAT)


def chosen_run(folder: Path, gan: str, chance: random.Random) -> Path:
    return folder / gan / chance.choice(("numpy", "numpy+threads=2"))


def spoil_record(folder: Path, gan: str, chance: random.Random) -> str:
    return spoil_document(chosen_run(folder, gan, chance) / "record.json", RECORD_FORMAT, chance)


def spoil_arrays(folder: Path, gan: str, chance: random.Random) -> str:
    run = chosen_run(folder, gan, chance)
    name = chance.choice(("losses.npz", "samples.npz", "moments.npz", "snapshots.npz", "yardstick.npz"))
    path = run / name if (run / name).exists() else run.parent / "numpy" / name
    if chance.random() < 0.4:
        spoil_numbers(path, chance)
    else:
        path.write_bytes(spoil_archive(path.read_bytes(), chance))
    relist(path.parent)
    return name


def spoil_numbers(path: Path, chance: random.Random) -> None:
    """Put numbers at the ends of what there is into an array, its type and shape as they were."""
    arrays = read_npz(path)
    name = chance.choice([key for key, array in arrays.items() if array.size and array.dtype.kind in "fiu"])
    array = arrays[name].copy()
    ends = (0, 1, -1, 1e308, -1e308, 5e-324, np.nan, np.inf, -np.inf) if array.dtype.kind == "f" else (0, 1, -1, 2**62)
    with np.errstate(over="ignore"):
        value = np.array(chance.choice(ends)).astype(array.dtype)
    if chance.random() < 0.5:
        array[...] = value
    else:
        array.reshape(-1)[chance.randrange(array.size)] = value
    write_npz(path, arrays | {name: array})


def spoil_state(folder: Path, gan: str, chance: random.Random) -> str:
    run = chosen_run(folder, gan, chance)
    state = {name: array.copy() for name, array in read_run(run).state.items()}
    name = chance.choice(list(state))
    kind = chance.randrange(5)
    if kind == 0:
        del state[name]
    elif kind == 1:
        state[f"{name}x"] = state.pop(name)
    elif kind == 2:
        state[name] = np.zeros((3, 0, 2))
    elif kind == 3:
        state[name] = state[name].astype(chance.choice(("f4", "i8")))
    else:
        state[name][...] = chance.choice((2**62, -1, 0)) if state[name].dtype.kind == "i" else np.inf
    metadata = {"gan": gan, "phase": "adversarial", "done": "12", "seed": "14"}
    if chance.random() < 0.5:
        metadata[chance.choice(list(metadata))] = chance.choice(("", "-1", "9" * 40, "x", "²", "1e3"))
    write_state(run / "state.safetensors", state, metadata=metadata)
    relist(run)
    return "state.safetensors"


def spoil_comparison(folder: Path, gan: str, chance: random.Random) -> str:
    return spoil_document(folder / gan / "comparison.json", COMPARISON_FORMAT, chance)


def read_folder(folder: Path, gan: str, chance: random.Random) -> None:
    """What `report` and `compare --resume` do with a folder of runs."""
    spec = find_gan(gan).with_steps(training=STEPS, pretraining=3)
    found = collect(folder)
    runs = [folder / gan / name for name in ("numpy", "numpy+threads=2")]
    for run in runs:
        read_run(run).check_files()
    compare_runs(runs, spec, {"jax": "it failed"})
    if chance.randrange(_ONE_PAGE_IN) == 0:
        report_page(found)


def read_state(folder: Path, gan: str, chance: random.Random) -> None:
    read_folder(folder, gan, chance)
    for name in ("numpy", "numpy+threads=2"):
        read_saved(folder / gan / name / "state.safetensors", find_gan(gan))


def spoil_job(folder: Path, gan: str, chance: random.Random) -> str:
    job = order_of(gan, "numpy", folder / gan / "jax", name="jax", steps=7)
    write_jobs([job])
    return spoil_document(job.keeping.job_path, jobs_on_disk.FORMAT, chance)


def read_job(folder: Path, gan: str, chance: random.Random) -> None:
    del gan, chance
    read_jobs(folder)


def spoil_checkpoint(folder: Path, gan: str, chance: random.Random) -> str:
    path = folder / "spoilt.checkpoint.npz"
    shutil.copy(folder / f"{gan}.checkpoint.npz", path)
    with np.load(path) as archive:
        header = json.loads(str(archive["header"]))
    if chance.random() < 0.5:
        path.write_bytes(spoil_archive(path.read_bytes(), chance))
    else:
        header = spoil_json(header, chance)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if name != "sha256"}
    text = json.dumps(header)
    arrays.pop("header", None)
    arrays |= {"header": np.array(text), "sha256": np.array(checkpoints._seal(text, arrays))}
    np.savez(path, **arrays)
    return "a checkpoint"


def read_checkpoint(folder: Path, gan: str, chance: random.Random) -> None:
    """What a run does that is taken up from it, and one that begins with it."""
    spec = find_gan(gan).with_steps(training=STEPS, pretraining=3)
    path = folder / "spoilt.checkpoint.npz"
    read_saved(path, spec)
    found = checkpoints.read_checkpoint(path, spec)
    target = folder / gan / "resumed"
    order = changed(measured(gan, target), resume=True)
    for left in (target, order.keeping.checkpoint_path):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    if found.order.numbers == order.numbers or chance.random() < 0.3:
        shutil.copy(path, order.keeping.checkpoint_path)
        train(order, BACKENDS["numpy"], report_progress=lambda *_: None)


def spoil_benchmark(folder: Path, gan: str, chance: random.Random) -> str:
    path = folder / "spoilt-bench.json"
    shutil.copy(folder / "bench.json", path)
    return spoil_document(path, BENCHMARK_FORMAT, chance)


def read_benchmarks(folder: Path, gan: str, chance: random.Random) -> None:
    old, new = read_benchmark(folder / "bench.json"), read_benchmark(folder / "spoilt-bench.json")
    result_lines(new)
    page_text(new)
    change_lines(compare_records(old, new))


KINDS = {
    "record.json": Kind(share=0.2, spoil=spoil_record, read=read_folder),
    "arrays": Kind(share=0.2, spoil=spoil_arrays, read=read_folder),
    "state": Kind(share=0.1, spoil=spoil_state, read=read_state),
    "comparison.json": Kind(share=0.1, spoil=spoil_comparison, read=read_folder),
    "job.json": Kind(share=0.15, spoil=spoil_job, read=read_job),
    "checkpoint": Kind(share=0.1, spoil=spoil_checkpoint, read=read_checkpoint),
    "benchmark": Kind(share=0.15, spoil=spoil_benchmark, read=read_benchmarks),
}


@cache
def measured(gan: str, folder: Path, *, name: str = "numpy", yardstick: bool = True) -> Order:
    """A run with its yardstick and a checkpoint after each chunk."""
    spec = find_gan(gan).with_steps(training=STEPS, pretraining=3)
    return order_of(
        spec, "numpy", folder, name=name, yardstick=yardstick, chunk_steps=4, num_moments=2, checkpoint_seconds=0.0
    )


@pytest.fixture(scope="module")
def _few_copies() -> Iterator[None]:
    """Two copies of the reference, not eight: the more there are, the more of a checkpoint is nothing but copies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yardstick, "num_copies", lambda spec: 2)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, _few_copies: None) -> Path:
    """A folder with what `compare` leaves of two GANs, a checkpoint of each, and a record of a benchmark."""
    root = tmp_path_factory.mktemp("whole")
    for gan in GANS:
        folders = []
        for name, is_measured in (("numpy", True), ("numpy:threads=2", False)):
            folder = root / gan / name.replace(":", "+")
            order = measured(gan, folder, name=name, yardstick=is_measured)
            kept = root / f"{gan}.checkpoint.npz"

            def keep(*_: object, order: Order = order, kept: Path = kept) -> None:
                if order.course.yardstick and order.keeping.checkpoint_path.exists():
                    shutil.copy(order.keeping.checkpoint_path, kept)

            train(order, BACKENDS["numpy"], report_progress=keep)
            folders.append(folder)
        compare_runs(folders, find_gan(gan).with_steps(training=STEPS, pretraining=3), {"jax": "it failed"})
        assert kept.exists()
    write_benchmark(root / "bench.json", make_record(make_result([1e-3, 2e-3, 1.5e-3])))
    return root


@pytest.mark.parametrize("name", list(KINDS))
def test_what_is_spoilt_and_sealed_again_is_refused_in_a_line_or_read_as_it_is(
    mishap: Mishap, whole: Path, name: str
) -> None:
    kind, number = KINDS[name], int(KINDS[name].share * NUM_MUTATIONS)
    chance = random.Random(f"sealed {name} {os.environ.get('GAN_ROSETTA_MUTATIONS_SEED', '')}")  # noqa: S311
    folder = mishap.folder / "spoilt"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    handler = signal.signal(signal.SIGALRM, _give_up)
    refused, last = 0, ""
    for index in range(number):
        gan = chance.choice(list(GANS))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copytree(whole / gan, folder / gan)
        for path in whole.glob("*.*"):
            shutil.copy(path, folder / path.name) if path.is_file() else None
        what = kind.spoil(folder, gan, chance)
        signal.setitimer(signal.ITIMER_REAL, SECONDS_EACH)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Of numbers that overflow, which a page says in words.
                kind.read(folder, gan, chance)
        except GanRosettaError as error:
            refused, last = refused + 1, str(error)
            if "\n" in str(error):
                raise AssertionError(f"number {index}, {what}: more than one line: {error}") from error
        except Exception as error:
            shutil.copytree(folder, mishap.folder / "kept", dirs_exist_ok=True)
            raise AssertionError(f"number {index}, {what}: {type(error).__name__}: {error}") from error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert growth < LARGEST_GROWTH_KIB, f"reading took {growth} KiB"
    assert refused > number // 5, f"only {refused} of {number} were refused; spoil them more"
    mishap.note(
        f"{number} files spoilt and sealed again: {name}",
        f"a line each, the last: {last[:200]}",
        f"{refused} refused; {number - refused} read as what they say",
    )


def _give_up(number: int, frame: object) -> None:
    raise Slow(f"one file took more than {SECONDS_EACH} s")
