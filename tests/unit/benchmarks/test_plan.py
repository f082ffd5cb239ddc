"""Which cells are planned, and GANs in other sizes."""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.benchmarks import runner as runner_module
from gan_rosetta.benchmarks.cells import FLOOR, Cell, cell_spec
from gan_rosetta.benchmarks.chunking import choose_chunking, rechoose, round_steps
from gan_rosetta.benchmarks.parity import parity_steps
from gan_rosetta.benchmarks.plan import Selection, plan_benchmark
from gan_rosetta.benchmarks.runner import CellRunner
from gan_rosetta.benchmarks.scaling import with_width
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.errors import GanRosettaError, SpecError, UsageError, WrongResult
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP, find_gan
from gan_rosetta.shared.runs.chunk_sizes import chunk_size
from gan_rosetta.shared.spec import ZEROS, Branch, Branches, Linear, Network, Tanh
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import find_backend, load_trainer


def _plan(**options):
    return plan_benchmark(Selection(**{"backends": ("numpy",), "gans": ("linear-2d",), **options}))


def test_cells_are_what_was_asked_for_and_backends_have():
    plan = _plan(gans=("linear-2d", "sine"), dtypes=("float32", "float64"))
    found = [(cell.gan, cell.backend, cell.execution, cell.dtype) for cell in plan.cells]
    assert found == [(g, "numpy", "eager", d) for g in ("linear-2d", "sine") for d in ("float32", "float64")]
    with pytest.raises(UsageError, match="no cell is left"):
        _plan(executions=("compiled",))


def test_a_gan_from_a_file_is_measured_in_every_size(tmp_path):
    path = tmp_path / "mine.toml"
    text = spec_to_toml(find_gan("linear-2d")).replace('"linear-2d"', '"my-linear"').replace("0.05", "0.03")
    path.write_text(text, encoding="utf-8")
    cells = plan_benchmark(Selection(gans=(path,), backends=("numpy",), scale="batch", sizes=(2.0, 8.0))).cells
    assert [(cell.gan, cell.batch_size) for cell in cells] == [("my-linear", 2), ("my-linear", 8)]
    expected = replace(spec_from_toml(text, where="here"), batch_size=8)
    assert cells[1].spec() == expected != cell_spec("linear-2d", batch_size=8)
    # As a worker gets it.
    assert Cell(**json.loads(json.dumps(asdict(cells[1])))).spec() == expected
    assert cells[1].key != replace(cells[1], spec_text=text.replace("0.03", "0.02")).key
    own = spec_from_toml(text, where="here")
    given = plan_benchmark(Selection(gans=(own,), backends=("numpy",), scale="batch", sizes=(2.0, 8.0))).cells
    assert [cell.key for cell in given] == [cell.key for cell in cells]


def test_the_floor_is_there_for_its_own_gan_alone():
    plan = _plan(gans=("gaussian-1d", "linear-2d"), backends=("numpy", FLOOR))
    assert [cell.gan for cell in plan.cells if cell.backend == FLOOR] == ["gaussian-1d"]


def test_the_estimate_grows_with_what_is_measured():
    small = _plan(rounds=3).estimate_seconds()
    assert 0 < small < _plan(rounds=30).estimate_seconds()
    assert small < _plan(rounds=3, seconds=2.0).estimate_seconds()
    assert small < _plan(rounds=3, gans=("linear-2d", "mnist-wgan-gp")).estimate_seconds()


def test_the_default_plan_promises_to_end_in_five_minutes():
    assert plan_benchmark(Selection()).estimate_seconds() < 300


def test_cells_of_one_setting_share_a_wave_where_memory_allows():
    plan = plan_benchmark(Selection(gans=("linear-2d", "mnist-conv")))
    settings = dict.fromkeys(cell.setting for cell in plan.cells)
    small, large = (
        {wave for wave, cells in enumerate(plan.waves) for cell in cells if cell.setting == setting}
        for setting in settings
    )
    assert len(small) == 1
    # Workers that hold gigabytes each do not fit into 8 GB together.
    assert len(large) > 1


def test_every_cell_is_in_one_wave_and_matrix_products_fit_them():
    plan = _plan(gans=("linear-2d", "mnist-wgan-gp"))
    assert sum(len(wave) for wave in plan.waves) == len(plan.cells) == 2
    for wave, cells in enumerate(plan.waves):
        kinds = {(probe.device, probe.dtype, probe.threads) for probe in plan.probes(wave)}
        assert kinds == {(cell.device, cell.dtype, cell.threads) for cell in cells}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gans": ("lineer-2d",)}, "linear-2d"),
        ({"backends": ("torhc",)}, "torch"),
        ({"executions": ("fast",)}, "eager"),
        ({"devices": ("gpu",)}, "cuda"),
        ({"dtypes": ("float16",)}, "float32"),
        ({"rounds": 0}, "--rounds is 0"),
        ({"seconds": 0.0}, "--seconds"),
        ({"threads": 0}, "--threads"),
        ({"scale": "depth"}, "width"),
        ({"sizes": (1.0,)}, "--scale"),
        ({"scale": "batch", "sizes": (1.5,)}, "whole numbers"),
        ({"scale": "width", "sizes": (-1.0,)}, "positive"),
    ],
)
def test_wrong_choices_are_refused_in_words(options, message):
    with pytest.raises(GanRosettaError, match=message):
        _plan(**options)


def test_sweeps_measure_sizes():
    batches = [cell.batch_size for cell in _plan(scale="batch").cells]
    assert batches == [1, 4, 16, 64]
    widths = [cell.width for cell in _plan(scale="width", sizes=(1.0, 3.0)).cells]
    assert widths == [1.0, 3.0]


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_gan_can_be_widened_and_keeps_what_goes_in_and_out(name):
    spec = find_gan(name)
    wide = with_width(spec, 2)
    for network in ("generator", "discriminator"):
        before, after = spec.networks()[network], wide.networks()[network]
        assert (after.input_shape, after.output_shape) == (before.input_shape, before.output_shape)
        assert [type(layer) for layer in after.layers] == [type(layer) for layer in before.layers]
    hidden = sum(2 if p.layer.kind == "linear" else 1 for p in spec.discriminator.placed) > 2
    assert step_flops(wide) > 1.5 * step_flops(spec) or not hidden
    assert with_width(spec, 1) is spec


def test_hidden_widths_are_multiplied():
    wide = with_width(find_gan("linear-2d"), 3).discriminator
    assert [(layer.in_features, layer.out_features) for layer in wide.layers if layer.kind == "linear"] == [
        (2, 15),
        (15, 9),
        (9, 2),
    ]
    with pytest.raises(SpecError):
        cell_spec("linear-2d", batch_size=0)


def test_branches_are_widened_inside_and_those_at_a_network_s_end_but_for_what_they_give():
    wide = with_width(MADE_UP["smooth-2d"], 2).discriminator
    inside = [(p.name, p.output_shape) for p in wide.placed if p.name.startswith("block1")]
    assert inside[-1] == ("block1_silu", (12,))
    assert ("block1.main.hidden4", (12,)) in inside
    assert wide.output_shape == (1,)
    grouped = MADE_UP["grouped-digits"]
    generator = with_width(grouped, 2).generator
    assert generator.output_shape == grouped.generator.output_shape
    assert ("block1.main.up1", (4, 4, 4)) in [(p.name, p.output_shape) for p in generator.placed]
    slopes = [p.layer.num_parameters for p in with_width(grouped, 2).discriminator.placed if p.name.endswith("slopes")]
    assert slopes == [8]
    spec = MADE_UP["logistic-2d"]
    ways = (Branch(name="curved", layers=(Tanh(),)), Branch(name="straight"))
    linear = Linear(name="linear", in_features=3, out_features=2, weight_init=ZEROS, bias_init=ZEROS)
    layers = (linear, Branches(name="sum", join="add", branches=ways))
    ending = replace(spec, generator=Network(input_shape=(3,), layers=layers))
    with pytest.raises(UsageError, match="no layer behind the Branches 'sum' has a weight"):
        with_width(ending, 2)


def test_what_a_widened_network_gives_back_is_as_wide_as_what_it_was_given():
    wide = with_width(find_gan("ebgan"), 2).discriminator
    shapes = {p.name: p.output_shape for p in wide.placed}
    assert shapes["heads.score.energy.back.conv1"] == (128, 16, 16)
    assert shapes["heads.score.energy.back.conv2"] == (1, 32, 32)
    # All of the widened features are compared, as all of the published ones are.
    assert shapes["heads.score.energy.back.embedding"] == shapes["heads.alike.input_recall"] == (64,)


def _tape(spec):
    return SeededTape(spec, seed=1, digits=DigitSource.parse(None))


@pytest.mark.parametrize("name", ["gaussian-1d", "linear-2d", "mnist-wgan-gp"])
@pytest.mark.parametrize("execution", ["eager", "compiled"])
def test_chunks_are_of_whole_batches_and_rounds_of_whole_units(name, execution):
    spec = cell_spec(name)
    tape = _tape(spec)
    cut = choose_chunking(spec, tape, execution=execution)
    assert cut.lap_steps % cut.unit_steps == cut.unit_steps % cut.chunk_steps == 0
    assert all(tape.batch_size("adversarial", step) == spec.batch_size for step in range(cut.lap_steps))
    steps = round_steps(cut, seconds=1.0, step_seconds=1e-4)
    firsts = cut.firsts(steps)
    assert steps % cut.unit_steps == 0
    assert all(0 <= first <= cut.lap_steps - cut.chunk_steps for first in firsts)
    assert len(firsts) * cut.chunk_steps == steps
    slow = rechoose(spec, tape, step_seconds=10.0, seconds=0.1)
    assert slow.chunk_steps == 1


def _runner(trainer, spec, *, execution):
    return CellRunner(
        trainer,
        spec,
        _tape(spec),
        initial_state(spec, seed=1),
        name="numpy",
        dtype="float32",
        execution=execution,
        device_bytes=lambda: None,
    )


@pytest.mark.parametrize("execution", ["eager", "compiled"])
def test_a_slow_compiled_cell_is_fed_as_training_feeds_it(monkeypatch, execution):
    spec = cell_spec("sine")
    trainer = load_trainer(find_backend("numpy")).build(spec, device="cpu", dtype="float32", execution="eager")
    runner = _runner(trainer, spec, execution=execution)
    monkeypatch.setattr(runner, "_step_seconds", 10.0)
    settled = runner.settle(0.1)
    assert settled.num_steps == runner.chunking.chunk_steps == (chunk_size(spec) if execution == "compiled" else 1)


def test_feeding_is_timed_on_chunks_as_long_as_trainings(monkeypatch):
    spec = cell_spec("sine")
    trainer = load_trainer(find_backend("numpy")).build(spec, device="cpu", dtype="float32", execution="eager")
    runner = _runner(trainer, spec, execution="eager")
    stage, staged = trainer.stage, []
    seconds = iter(range(10**6))
    monkeypatch.setattr(trainer, "stage", lambda chunk: staged.append(chunk.num_steps) or stage(chunk))
    monkeypatch.setattr(runner_module.time, "perf_counter", lambda: float(next(seconds)))
    monkeypatch.setattr(runner, "_step_seconds", 0.05)
    settled = runner.settle(0.1)
    assert runner.chunking.chunk_steps == 2
    assert staged == [2, chunk_size(spec)]
    assert settled.stage_seconds == 1.0
    assert settled.feeding_seconds == 1.0 / chunk_size(spec)
    monkeypatch.setattr(runner, "_step_seconds", 1e-4)
    settled = runner.settle(0.1)
    assert runner.chunking.chunk_steps >= chunk_size(spec)
    assert settled.feeding_seconds == settled.stage_seconds / settled.num_steps


def test_a_pattern_of_the_discriminator_is_weighted_as_in_training():
    spec = replace(cell_spec("mnist-conv"), batch_size=2)
    cut = choose_chunking(spec, _tape(spec), execution="compiled")
    assert cut.unit_steps % spec.training.discriminator_steps.period == 0
    costly = cell_spec("mnist-conv")
    cut = choose_chunking(costly, _tape(costly), execution="eager")
    assert (cut.chunk_steps, cut.unit_steps) == (1, 9)
    assert parity_steps(costly) == 1
    assert parity_steps(cell_spec("linear-2d")) == 100


def test_runs_say_what_they_say_and_leave_the_rest_to_the_selection():
    plan = plan_benchmark(
        Selection(gans=("linear-2d",), runs=("numpy", "torch:compiled:float64", "jax:threads=2"), dtypes=("float32",))
    )
    found = [(cell.backend, cell.execution, cell.dtype, cell.threads) for cell in plan.cells]
    assert sorted(found) == [
        ("jax", "compiled", "float32", 2),
        ("jax", "eager", "float32", 2),
        ("numpy", "eager", "float32", 1),
        ("torch", "compiled", "float64", 1),
    ]
    # What is compared with one another stands together.
    settings = [cell.setting for cell in plan.cells]
    assert len([1 for before, after in itertools.pairwise(settings) if before != after]) == 1
    with pytest.raises(UsageError, match="say what torch say"):
        Selection(runs=("numpy",), backends=("torch",))
    with pytest.raises(UsageError, match="compiled"):
        plan_benchmark(Selection(gans=("linear-2d",), runs=("numpy:compiled",)))
    with pytest.raises(UsageError, match=r"both numpy eager on linear-2d.* with 1 and 2 threads"):
        plan_benchmark(Selection(gans=("linear-2d",), runs=("numpy:threads=1", "numpy:threads=2")))


def test_a_run_on_another_environment_is_a_cell_of_its_own():
    environment = Path(sys.executable).parent.parent
    plan = plan_benchmark(Selection(gans=("linear-2d",), runs=("numpy", f"numpy@{environment}")))
    usual, other = plan.cells
    assert (usual.label, other.label) == ("numpy eager", f"numpy@{environment.name} eager")
    assert usual.key != other.key
    assert plan.python_of(usual) is None
    assert plan.python_of(other) is not None
    assert Path(plan.python_of(other)).parent.parent == environment


def test_what_a_backend_returns_is_checked_before_anything_is_timed():
    class OneLoss(NumpyTrainer):
        def train(self, staged):
            losses = super().train(staged)
            return replace(losses, generator=losses.generator[:-1])

    spec = cell_spec("linear-2d")
    trainer = OneLoss.build(spec, device="cpu", dtype="float32", execution="eager")
    with pytest.raises(WrongResult, match="numpy: train's generator returned float32 numbers of shape"):
        _runner(trainer, spec, execution="eager").run_first(4)


def test_a_published_program_is_there_in_its_own_size_beside_its_frameworks_eager_execution_alone():
    def programs(**options):
        cells = plan_benchmark(Selection(gans=("linear-2d", "sine", "wgan"), **options)).cells
        return [(cell.gan, cell.label) for cell in cells if cell.variant is not None]

    assert programs(backends=("torch", "mxnet")) == [
        ("linear-2d", "mxnet eager, as published"),
        ("sine", "torch eager, as published"),
    ]
    assert programs(backends=("torch",), executions=("compiled",)) == []
    assert programs(backends=("torch",), scale="batch", sizes=(4.0, 64.0)) == [("sine", "torch eager, as published")]
    assert programs(backends=("torch",), scale="width", sizes=(2.0,)) == []
    assert programs(runs=("torch:eager",)) == []
