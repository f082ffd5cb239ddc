"""A whole benchmark: in worker processes on a tiny GAN, and with workers that do what tests want."""

from __future__ import annotations

import itertools
import shutil

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.benchmarks.findings import comparisons, figures, warnings
from gan_rosetta.benchmarks.page import page_text
from gan_rosetta.benchmarks.pictures import draw_benchmark
from gan_rosetta.benchmarks.plan import Selection, plan_benchmark
from gan_rosetta.benchmarks.record import read_record, write_record
from gan_rosetta.benchmarks.service import serve
from gan_rosetta.benchmarks.session import run_benchmark
from gan_rosetta.benchmarks.table import result_lines
from gan_rosetta.shared.errors import BackendUnavailable, GanRosettaError
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.protocol import Ready
from gan_rosetta.shared.workers.registry import installed_version


class _InProcess:
    """A worker without a process: serves the requests here. spoil: changes an answer by its action."""

    def __init__(self, log, name, *, spoil=None, devices=("cpu",), fail=None):
        self._entry, self._kept, self._log, self._name = BACKENDS["numpy"], {}, log, name
        self._spoil, self._devices, self._fail = spoil or {}, devices, fail

    def start(self):
        return Ready(version="1", devices=tuple(self._devices), import_seconds=0.1)

    def run(self, job, /, *, on_progress):
        request = job.data
        self._log.append((self._name, request["action"]))
        if request["action"] == self._fail:
            return JobOutcome(settings=job.settings, status="crash", message="it died")
        try:
            answer = serve(request, self._entry, report_progress=lambda *_: None, kept=self._kept)
        except (GanRosettaError, BackendUnavailable) as error:
            return JobOutcome(settings=job.settings, status="usage", message=str(error))
        self._spoil.get(request["action"], lambda given: None)(answer)
        return JobOutcome(settings=job.settings, status="finished", result=answer)

    def close(self):
        self._log.append((self._name, "close"))

    kill = close


def _selection(**options):
    base = {"gans": ("linear-2d",), "backends": ("numpy",), "rounds": 2, "seconds": 0.01}
    return Selection(**{**base, **options})


def _run(plan, **worker):
    log = []
    numbers = itertools.count()
    record = run_benchmark(
        plan,
        command="gan-rosetta bench",
        say=lambda line: None,
        start_worker=lambda backend, threads, python: _InProcess(log, f"{backend}-{next(numbers)}", **worker),
    )
    return record, log


def test_a_benchmark_in_worker_processes_from_plan_to_page(tmp_path, monkeypatch):
    # No framework is imported for its matrix product, which takes longer than all the rest.
    monkeypatch.setattr("gan_rosetta.benchmarks.plan.PEAK_BACKENDS", ("numpy",))
    plan = plan_benchmark(_selection(rounds=1))
    record = run_benchmark(plan, command="gan-rosetta bench", say=lambda line: None)
    (result,) = record.cells
    assert (result.status, result.parity.verdict, len(result.rounds)) == ("measured", "AGREE", 1), result.reason
    assert result.framework == installed_version(BACKENDS["numpy"])
    assert result.import_seconds > 0
    assert record.peaks
    write_record(tmp_path / "record.json", record)
    assert read_record(tmp_path / "record.json") == record
    (picture,) = draw_benchmark(record, tmp_path)
    assert picture.stat().st_size > 10_000
    text = page_text(record, pictures=[picture.name])
    assert "| numpy eager |" in text
    assert "1 of 1 agree with the reference" in text


def test_rounds_of_cells_take_turns_and_all_workers_are_closed():
    plan = plan_benchmark(_selection(gans=("linear-2d", "sine")))
    record, log = _run(plan)
    assert [result.status for result in record.cells] == ["measured"] * 2
    rounds = [name for name, action in log if action == "round"]
    assert rounds == [rounds[0], rounds[1]] * 2
    assert rounds[0] != rounds[1]
    assert {name for name, action in log if action == "close"} == {name for name, _ in log}
    last_open = max(index for index, (_, action) in enumerate(log) if action == "open")
    first_round = min(index for index, (_, action) in enumerate(log) if action == "round")
    assert last_open < first_round


def test_a_cell_whose_data_ends_sooner_than_parity_is_judged_by_the_steps_that_it_has():
    """A lap over the 1000 points of linear-2d is 62 batches of 16, and parity takes 100 steps of a GAN so small."""
    record, _ = _run(plan_benchmark(_selection(scale="batch", sizes=(4, 16))))
    parities = [result.parity for result in record.cells]
    assert [parity.verdict for parity in parities] == ["AGREE"] * 2, parities
    assert [parity.num_steps for parity in parities] == [100, 60]
    assert all(parity.judged_steps == parity.num_steps for parity in parities)
    assert [result.status for result in record.cells] == ["measured"] * 2


def _other_tape(answer):
    answer["tape_digest"] = "0" * 64


def test_a_cell_that_was_fed_another_tape_gets_no_throughput():
    record, _ = _run(plan_benchmark(_selection(dtypes=("float64",))), spoil={"first": _other_tape})
    (result,) = record.cells
    assert result.status != "measured"
    assert "the runs were fed different tapes, by adversarial step 100" in result.reason
    assert figures(record) == []


def _wrong_losses(answer):
    answer["losses"]["discriminator"][5] *= 1.01


def test_a_cell_with_wrong_losses_gets_no_throughput_and_its_row_says_why():
    record, log = _run(plan_benchmark(_selection()), spoil={"first": _wrong_losses})
    (result,) = record.cells
    assert (result.status, result.rounds, result.warm_up) == ("disagrees", (), ())
    assert "discriminator's loss at step 5" in result.reason
    assert figures(record) == []
    assert not [name for name, action in log if action == "round"]
    text = page_text(record)
    assert "no throughput: DISAGREE: discriminator's loss at step 5" in text
    assert "0 of 1 agree" in text
    assert "Steps/s" in text
    setting, line = result_lines(record)
    assert setting == result.cell.setting
    assert line.startswith(f"  {result.cell.label}: no throughput: DISAGREE: discriminator's loss at step 5")


@pytest.mark.parametrize(
    ("worker", "status", "reason"),
    [
        ({"fail": "open"}, "failed", "it died"),
        ({"fail": "settle"}, "failed", "it died"),
        ({"fail": "round"}, "failed", "it died"),
        ({"fail": "reference"}, "failed", "reference failed: it died"),
        ({"devices": ("tpu",)}, "unavailable", "no cpu here"),
    ],
)
def test_a_cell_that_fails_says_so_and_has_no_throughput(worker, status, reason):
    record, log = _run(plan_benchmark(_selection()), **worker)
    (result,) = record.cells
    assert (result.status, result.rounds) == (status, ())
    assert reason in result.reason
    assert {name for name, action in log if action == "close"} == {name for name, _ in log} or not log


def test_every_round_trains_the_same_steps():
    record, _ = _run(plan_benchmark(_selection(rounds=3)))
    (result,) = record.cells
    assert len({round_.num_steps for round_ in (*result.warm_up, *result.rounds)}) == 1
    (found,) = figures(record)
    assert 0 <= found.host_share < 1
    assert 0 < found.feeding_share < 1
    assert found.samples_per_second == pytest.approx(4 * found.steps_per_second)


def test_a_sweep_is_drawn_and_small_differences_are_not_claimed(tmp_path):
    record, _ = _run(plan_benchmark(_selection(scale="batch", sizes=(2.0, 4.0))))
    (picture,) = draw_benchmark(record, tmp_path)
    assert picture.name == "bench-batch.png"
    assert any("2 rounds" in line for line in warnings(record))
    assert comparisons(record.cells[:1]) == []


@pytest.mark.gpu
@pytest.mark.parametrize("backend", ["torch", "tensorflow", "mxnet", "jax"])
def test_a_gpu_cell_is_measured_with_its_memory(backend):
    if shutil.which("nvidia-smi") is None:
        pytest.skip("no GPU: nvidia-smi is not here")
    if installed_version(BACKENDS[backend]) is None:
        pytest.skip(f"{backend} is not installed: {BACKENDS[backend].install_hint}")
    plan = plan_benchmark(_selection(backends=(backend,), executions=("compiled",), devices=("cuda",), rounds=1))
    record = run_benchmark(plan, command="gan-rosetta bench", say=lambda line: None)
    (result,) = record.cells
    if result.status == "unavailable":
        pytest.skip(result.reason)
    assert result.status == "measured", result.reason
    assert result.rounds[0].device_bytes > 0
