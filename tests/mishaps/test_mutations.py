"""10 000 spoilt files through the readers: each gives one clear line, or what was written before it was spoilt."""

from __future__ import annotations

import random
import resource
import signal
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from gan_rosetta.benchmarks.record import read_record as read_benchmark
from gan_rosetta.benchmarks.record import write_record as write_benchmark
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.tape_file import FileTape, write_tape
from gan_rosetta.shared.errors import GanRosettaError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.page.collect import collect
from gan_rosetta.shared.runs.checkpoint import Checkpoint, Place, Position, read_checkpoint, write_checkpoint
from gan_rosetta.shared.runs.comparison import yardstick_of
from gan_rosetta.shared.runs.jobs_on_disk import read_jobs, write_jobs
from gan_rosetta.shared.runs.record import read_run
from gan_rosetta.shared.spec.serialise import to_data
from gan_rosetta.shared.spec.toml_file import read_spec, write_spec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import read_state, write_state
from gan_rosetta.shared.traces.files import TraceRecord
from gan_rosetta.shared.traces.trace import Trace
from tests.mishaps.mutations import (
    spoil_archive,
    spoil_bytes,
    spoil_header,
    spoil_json_text,
    spoil_lines,
)
from tests.mishaps.trial import Mishap
from tests.unit.benchmarks.synthetic import make_record, make_result
from tests.unit.report.recorded import record_gan
from tests.unit.runs.orders import order_of

SPEC = find_gan("linear-2d").with_steps(training=6)
ORDER = order_of(SPEC, seed=3)
SECONDS_EACH = 5
LARGEST_GROWTH_KIB = 400 * 1024

Spoil = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file. write: make one in a folder, and return its path. read: return what it means, as plain data.

    inside: a way to spoil it that its own format knows. trusted: whether what such a file says then is taken for what
    its writer meant, as no seal holds it; meant: what it says to another reader.
    """

    number: int
    write: Callable[[Path], Path]
    read: Callable[[Path], Any]
    inside: Spoil
    meant: Callable[[Path], Any] | None = None


class Slow(BaseException):
    """No reader catches this one."""


def _bits(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in sorted(arrays.items())}


def _write_state(folder: Path) -> Path:
    write_state(folder / "state.safetensors", initial_state(SPEC, seed=3), metadata={"gan": SPEC.name, "done": "600"})
    return folder / "state.safetensors"


def _write_foreign_state(folder: Path) -> Path:
    safetensors.numpy.save_file(initial_state(SPEC, seed=3), folder / "state.safetensors")
    return folder / "state.safetensors"


def _write_tape(folder: Path) -> Path:
    tape = SeededTape(SPEC, seed=3, digits=DigitSource.parse(None))
    write_tape(folder / "tape.npz", tape, SPEC, pretraining_steps=0, training_steps=6)
    return folder / "tape.npz"


def _read_tape(path: Path) -> Any:
    tape = FileTape.read(path, SPEC)
    return {**_bits(tape._arrays), "sizes": tape._batch_sizes.tolist()}


def _meant_tape(path: Path) -> Any:
    with np.load(path) as archive:
        arrays = dict(archive)
    sizes = arrays.pop("batch_size", np.array([SPEC.batch_size]))
    return {**_bits({name: array.astype("f8") for name, array in arrays.items()}), "sizes": sizes.tolist()}


def _write_checkpoint(folder: Path) -> Path:
    losses = {"pretraining": np.zeros(0), "discriminator": np.arange(5.0), "generator": np.arange(5.0)}
    position = Position(
        place=Place(phase="adversarial", done=5),
        losses=losses,
        tape_digests={"adversarial": {"5": "b"}},
        chain={"real": "c"},
        seconds={"train": 1.5},
    )
    found = Checkpoint(
        position=position,
        state=initial_state(SPEC, seed=3),
        order=ORDER,
        snapshots={"step 1": {"generator.output.bias": np.ones(2)}},
        yardstick={"lost": np.array(True), "losses/generator": np.arange(5.0)},
    )
    write_checkpoint(folder / "run.npz", found)
    return folder / "run.npz"


def _read_checkpoint(path: Path) -> Any:
    found = read_checkpoint(path, SPEC, order=ORDER)
    position, snapshots = found.position, found.snapshots
    header = (position.place, position.began, position.tape_digests, position.chain, position.seconds, found.order)
    arrays = [found.state, position.losses, found.yardstick, *(snapshots[label] for label in sorted(snapshots))]
    return header, [_bits(dict(part)) for part in arrays], sorted(snapshots)


def _write_run(folder: Path, name: str) -> Path:
    return (record_gan(folder, SPEC) / name).resolve()


def _read_run(path: Path) -> Any:
    run = read_run(path.parent)
    run.check_files()
    return run.record, _bits(run.losses), _bits(run.samples)


def _read_yardstick(path: Path) -> Any:
    found = yardstick_of(read_run(path.parent))
    return _bits(found.noise), _bits(found.scales), _bits(found.losses), found.tensors, found.tolerance


def _read_comparison(path: Path) -> Any:
    return [gan.judgement for gan in collect(path.parent.parent)]


def _write_trace(folder: Path) -> Path:
    with Trace(folder / "traced") as trace:
        for step in range(3):
            trace.step()
            trace.see("weight", np.full((4, 3), 0.5**step))
            trace.see("loss", 1.0 / (1 + step))
    return folder / "traced"


def _read_trace(path: Path) -> Any:
    record = TraceRecord.read(path.parent)
    arrays = [record.arrays(step) for step in range(len(record.steps))]
    return record.steps, dict(record.rounding), [[each.tobytes() for each in step] for step in arrays]


def _write_job(folder: Path) -> Path:
    job = order_of("linear-2d", "numpy", folder / "linear-2d" / "numpy", steps=7)
    write_jobs([job])
    return job.keeping.job_path


def _write_spec(folder: Path) -> Path:
    write_spec(folder / "gan.toml", find_gan("gaussian-1d-minibatch"))
    return folder / "gan.toml"


def _read_spec(path: Path) -> Any:
    return _without_none(to_data(read_spec(path)))


def _meant_spec(path: Path) -> Any:
    return _with_types(tomllib.loads(path.read_bytes().decode("utf-8-sig")), _read_spec(path))


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(value) for key, value in data.items() if value is not None}
    return [_without_none(value) for value in data] if isinstance(data, list) else data


def _with_types(said: Any, built: Any) -> Any:
    """What a text says, with the types that go without saying there."""
    if isinstance(said, dict) and isinstance(built, dict):
        implied = {"type": built["type"]} if "type" in built else {}
        return implied | {key: _with_types(value, built.get(key)) for key, value in said.items()}
    if isinstance(said, list) and isinstance(built, list) and len(said) == len(built):
        return [_with_types(*pair) for pair in zip(said, built, strict=True)]
    return said


def _write_benchmark(folder: Path) -> Path:
    write_benchmark(folder / "benchmark.json", make_record(make_result([1e-3, 2e-3, 1.5e-3])))
    return folder / "benchmark.json"


KINDS = {
    "state": Kind(
        number=1500, write=_write_state, read=lambda path: _bits(read_state(path, SPEC)), inside=spoil_header
    ),
    "tape": Kind(number=1500, write=_write_tape, read=_read_tape, inside=spoil_archive, meant=_meant_tape),
    "checkpoint": Kind(number=1500, write=_write_checkpoint, read=_read_checkpoint, inside=spoil_archive),
    "record": Kind(
        number=1500, write=lambda f: _write_run(f, "numpy/record.json"), read=_read_run, inside=spoil_json_text
    ),
    "losses": Kind(number=800, write=lambda f: _write_run(f, "numpy/losses.npz"), read=_read_run, inside=spoil_archive),
    "yardstick": Kind(
        number=500, write=lambda f: _write_run(f, "numpy/yardstick.npz"), read=_read_yardstick, inside=spoil_archive
    ),
    "comparison": Kind(
        number=500, write=lambda f: _write_run(f, "comparison.json"), read=_read_comparison, inside=spoil_json_text
    ),
    "order": Kind(number=1000, write=_write_job, read=lambda p: read_jobs(p.parent.parent), inside=spoil_json_text),
    "benchmark": Kind(
        number=700,
        write=_write_benchmark,
        read=lambda path: _without_none(to_data(read_benchmark(path))),
        inside=spoil_json_text,
    ),
    "foreign state": Kind(
        number=500,
        write=_write_foreign_state,
        read=lambda path: _bits(read_state(path, SPEC)),
        inside=spoil_header,
        meant=lambda path: _bits(safetensors.numpy.load(path.read_bytes())),
    ),
    "trace": Kind(
        number=300,
        write=lambda f: _write_trace(f) / "trace.json",
        read=_read_trace,
        inside=spoil_json_text,
    ),
    "traced step": Kind(
        number=300,
        write=lambda f: _write_trace(f) / "step-000001.npz",
        read=_read_trace,
        inside=spoil_archive,
    ),
    "spec": Kind(number=1500, write=_write_spec, read=_read_spec, inside=spoil_lines, meant=_meant_spec),
}


def test_they_are_ten_thousand() -> None:
    assert sum(kind.number for kind in KINDS.values()) >= 10_000


@pytest.mark.parametrize("name", list(KINDS))
def test_a_spoilt_file_is_refused_in_a_line_or_means_what_it_says(mishap: Mishap, name: str) -> None:
    kind = KINDS[name]
    path = kind.write(mishap.folder)
    content = path.read_bytes()
    expected = kind.read(path)
    chance = random.Random(name)  # noqa: S311 - the same files each time
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGALRM, _give_up)
    refused, last = 0, ""
    for index in range(kind.number):
        spoil = kind.inside if index % 3 == 0 else spoil_bytes
        path.write_bytes(spoil(content, chance))
        signal.setitimer(signal.ITIMER_REAL, SECONDS_EACH)
        try:
            found = kind.read(path)
        except GanRosettaError as error:
            refused, last = refused + 1, str(error)
            if "\n" in str(error):
                raise AssertionError(f"number {index}: more than one line: {error}") from error
            continue
        except Exception as error:
            (mishap.folder / "spoilt").write_bytes(path.read_bytes())
            raise AssertionError(f"number {index}: {type(error).__name__}: {error}") from error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        meant = expected if kind.meant is None or found == expected else kind.meant(path)
        assert found == meant, f"number {index} is taken for something else than what it says"
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert growth < LARGEST_GROWTH_KIB, f"reading took {growth} KiB"
    assert refused > kind.number // 4, f"only {refused} were refused; spoil them more"
    mishap.note(
        f"{kind.number} files spoilt: {name}",
        f"a line each, the last: {last[:200]}",
        f"{refused} refused; {kind.number - refused} read as what they were, or as what they say",
    )


def _give_up(number: int, frame: object) -> None:
    raise Slow(f"one file took more than {SECONDS_EACH} s")
