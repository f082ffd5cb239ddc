"""The measurement of a GPU: the command on the processor, its record, its page, and what counts as a repetition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.benchmarks import plan
from gan_rosetta.benchmarks.gpu.page import gpu_page_text
from gan_rosetta.benchmarks.gpu.record import GpuRecord, Part, Sight, read_gpu_record, write_gpu_record
from gan_rosetta.benchmarks.gpu.repetition import repetitions
from gan_rosetta.benchmarks.gpu.stages import PARTS, GpuSelection, run_gpu_benchmark
from gan_rosetta.benchmarks.plan import Selection, plan_benchmark
from gan_rosetta.benchmarks.record import PeakResult, Repeat
from gan_rosetta.benchmarks.repeating import Trained, compare_trained
from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.interface import Losses
from tests.unit.benchmarks.synthetic import CELL, make_record, make_result

SIGHT = Sight(
    backend="torch",
    version="2.11.0",
    name="Made-up GPU",
    memory_bytes=80_000_000_000,
    details="compute capability 9.0",
    wanted="torch>=2.13,<2.14",
    is_wanted=False,
    problem="",
)
REPEAT = Repeat(
    num_steps=100, same_bits=True, loss_difference=0.0, state_difference=0.0, last_losses=(1.0, 2.0), digest="a"
)
GPU_CELL = replace(CELL, device="cuda")


def _part(name="float32", *, repeat=REPEAT, cell=GPU_CELL, fresh=False, **options):
    peaks = {
        "peaks": (
            PeakResult(
                backend="torch",
                device="cuda",
                dtype="float32",
                threads=1,
                wave=0,
                size=8192,
                flops_per_second=(5e13, 5e13, 5e13),
            ),
        )
    }
    result = replace(make_result((1e-3,) * 6, cell=cell), repeat=repeat)
    record = replace(make_record(result, **options), **peaks)
    return Part(name=name, title=f"Part {name}", seconds=1.0, problem="", fresh=fresh, record=record)


def _record(*parts):
    return GpuRecord(
        created="2026-01-01T00:00:00+00:00",
        command="gan-rosetta bench gpu",
        device="cuda",
        duration_seconds=60.0,
        machine=make_record().machine,
        sights=(SIGHT,),
        parts=parts,
    )


def _trained(last, *, weight=1.0):
    losses = Losses(discriminator=np.array([0.5, np.nan]), generator=np.array([0.5, last]))
    return Trained(losses=(losses,), state={"weight": np.array([weight, 2.0])})


def test_the_command_measures_on_a_processor_and_keeps_each_part(tmp_path, monkeypatch):
    # No framework is imported for its matrix product, which takes longer than all the rest.
    monkeypatch.setattr(plan, "PEAK_BACKENDS", ("numpy",))
    kept = []
    selection = GpuSelection(
        device="cpu", gans=("linear-2d",), backends=("numpy",), parts=("float32", "anew"), rounds=1, seconds=0.01
    )
    record = run_gpu_benchmark(selection, command="gan-rosetta bench gpu", say=lambda line: None, keep=kept.append)
    assert [len(each.parts) for each in kept] == [1, 2]
    assert [result.status for _, result in record.cells()] == ["measured", "measured"]
    (found,) = repetitions(record)
    assert found.is_same
    assert len(found.others) == 1
    write_gpu_record(tmp_path / "gpu.json", record)
    assert read_gpu_record(tmp_path / "gpu.json") == record
    text = gpu_page_text(record)
    assert "1 of 1 cells are the same bit for bit" in text
    assert "2 of 2 cells agree with the reference" in text


def test_other_gans_by_name_are_measured_where_gans_are_as_they_are():
    selection = GpuSelection(device="cpu", gans=("wgan", "linear-2d"), backends=("numpy",), minutes=1e-9)
    record = run_gpu_benchmark(selection, command="", say=lambda line: None, keep=lambda record: None)
    assert [part.name for part in record.parts] == ["float32", "float64", "anew"]
    selection = GpuSelection(device="cpu", gans=("mnist-wgan-gp",), backends=("numpy",), minutes=1e-9)
    record = run_gpu_benchmark(selection, command="", say=lambda line: None, keep=lambda record: None)
    assert [part.name for part in record.parts] == ["float32", "float64", "anew", "tf32", "batch", "width"]
    with pytest.raises(UsageError, match="did you mean 'linear-2d'"):
        GpuSelection(gans=("linear-3d",))


def test_parts_past_the_time_are_left_out_and_said():
    selection = GpuSelection(device="cpu", gans=("linear-2d",), backends=("numpy",), minutes=1e-9)
    record = run_gpu_benchmark(selection, command="", say=lambda line: None, keep=lambda record: None)
    assert all("left out" in part.problem for part in record.parts)
    assert "left out" in gpu_page_text(record)


def test_a_device_that_nothing_sees_is_usage():
    selection = GpuSelection(device="cuda", backends=("numpy",))
    with pytest.raises(UsageError, match="no installed backend sees 'cuda'"):
        run_gpu_benchmark(selection, command="", say=lambda line: None, keep=lambda record: None)
    with pytest.raises(UsageError, match="--parts has 'all'"):
        GpuSelection(parts=("all",))
    with pytest.raises(UsageError, match="--minutes"):
        GpuSelection(minutes=float("nan"))
    assert PARTS[0] == "float32"


def test_the_same_bits_are_the_same_and_nothing_else_is():
    same = compare_trained(_trained(0.25), _trained(0.25))
    assert same.same_bits
    assert same.loss_difference == 0
    assert same.last_losses == (0.5, 0.25)
    negative = compare_trained(_trained(0.0), _trained(-0.0))
    assert not negative.same_bits
    assert negative.loss_difference == 0
    assert compare_trained(_trained(1.0), _trained(1.5)).loss_difference == pytest.approx(1 / 3)
    assert compare_trained(_trained(1.0), _trained(1.0, weight=1.5)).state_difference == pytest.approx(0.25)
    assert compare_trained(_trained(1.0), _trained(np.nan)).loss_difference > 1e300


def test_other_processes_are_compared_over_as_many_steps_only():
    other = replace(REPEAT, digest="b", last_losses=(1.0, 2.5))
    (found,) = repetitions(_record(_part(), _part("anew", repeat=other, fresh=True)))
    assert not found.is_same_elsewhere
    assert found.largest_elsewhere == pytest.approx(0.2)
    (found,) = repetitions(_record(_part(), _part("anew", repeat=replace(other, num_steps=50), fresh=True)))
    assert found.largest_elsewhere is None
    (found,) = repetitions(_record(_part(), _part("anew", repeat=replace(other, last_losses=(1.0,)), fresh=True)))
    assert found.largest_elsewhere == float("inf")
    assert repetitions(_record(_part(tf32=True))) == []


def test_another_way_of_launching_is_another_process():
    cell = replace(GPU_CELL, execution="compiled")
    otherwise = _part("batch", cell=replace(cell, variant="without graphs"), repeat=replace(REPEAT, digest="b"))
    plain, variant = repetitions(_record(_part(cell=cell), otherwise, _part("width", cell=cell)))
    assert [other.digest for other in plain.others] == ["b", "a"]
    assert not plain.is_same_elsewhere
    assert variant.others == ()


def test_the_page_names_the_card_what_disagrees_and_what_differs():
    cell = replace(GPU_CELL, gan="mnist-wgan-gp", batch_size=64)
    differs = replace(REPEAT, same_bits=False, loss_difference=1e-6, state_difference=1e-5)
    bad = replace(make_result((1.0,), cell=cell), status="disagrees", reason="DISAGREE: off", rounds=())
    part = _part("float64", repeat=differs, cell=cell)
    part = replace(part, record=replace(part.record, cells=(*part.record.cells, bad)))
    text = gpu_page_text(_record(_part(), part, _part("batch", scale="batch")))
    assert "# Measured on Made-up GPU" in text
    assert r"2.11.0, outside of torch>=2.13,\<2.14" in text
    assert "disagrees: DISAGREE: off" in text
    assert "1.0e-06, 1.0e-05" in text
    assert "| torch | float32 | 8192 | 50 |" in text
    assert "## Part batch, float32" in text


def test_a_record_of_something_else_is_refused(tmp_path):
    with pytest.raises(RecordError, match="is not there"):
        read_gpu_record(tmp_path / "none.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(RecordError, match="measure again"):
        read_gpu_record(tmp_path / "other.json")


def test_ways_of_launching_are_cells_on_a_gpu_alone():
    options = {"gans": ("linear-2d",), "backends": ("torch",), "variants": True}
    on_gpu = plan_benchmark(Selection(**options, devices=("cuda",))).cells
    assert [cell.label for cell in on_gpu] == ["torch eager", "torch compiled", "torch compiled, without graphs"]
    assert len({cell.key for cell in on_gpu}) == 3
    assert len(plan_benchmark(Selection(**options)).cells) == 2
