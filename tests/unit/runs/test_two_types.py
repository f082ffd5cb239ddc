"""Runs of two types: judged by the coarser one's yardstick, so that rounding agrees and a mistake does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy.device import set_products
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.runs import checked as checked_module
from gan_rosetta.shared.runs.comparison import compare_runs
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.run import run
from tests.unit.runs.orders import changed, order_of

STEPS = 40
OTHER = replace(BACKENDS["numpy"], name="other")


class _SlightlyWrong(NumpyTrainer):
    """Scales what it was fed by a thousandth: far more than float32 rounds, far less than a curve shows."""

    def stage(self, chunk):
        arrays = {name: 1.001 * array if name == "real" else array for name, array in chunk.arrays.items()}
        return super().stage(replace(chunk, arrays=arrays))


def asked(folder: Path, name: str, dtype: str, **options) -> Order:
    run_name = f"{name}:{dtype}"
    own = folder / run_name.replace(":", "+")
    return order_of("linear-2d", name, own, name=run_name, steps=STEPS, dtype=dtype, **options)


def train(job: Order) -> Path:
    run(job, OTHER if job.backend == "other" else BACKENDS["numpy"], report_progress=lambda *_progress: None)
    return Path(job.folder)


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """The folders of the reference's runs in both types, each with its yardstick."""
    folder = tmp_path_factory.mktemp("references") / "linear-2d"
    return [train(asked(folder, "numpy", dtype, yardstick=True)) for dtype in ("float64", "float32")]


def compared(references, others):
    return compare_runs([*references, *others], asked(Path(), "numpy", "float64").spec, {})


def test_right_runs_of_two_types_agree_with_a_note(references):
    others = [train(asked(references[0].parent, "other", dtype)) for dtype in ("float64", "float32")]
    comparison = compared(references, others)
    assert list(comparison.yardsticks) == ["float32", "float64"]
    assert comparison.verdict == "AGREE"
    for pair in comparison.pairs:
        is_mixed = len({name.rpartition(":")[2] for name in pair.pair}) == 2
        assert ("float32 beside float64: by float32's yardstick" in pair.notes) == is_mixed
        assert (pair.largest > 1e-9) == is_mixed or pair.largest == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mistake_in_either_type_parts_from_both(references, monkeypatch, tmp_path, dtype):
    monkeypatch.setattr(checked_module, "load_trainer", lambda _entry: _SlightlyWrong)
    wrong = train(asked(tmp_path / "linear-2d", "other", dtype))
    comparison = compared(references, [wrong])
    off = {pair.pair: pair.verdict for pair in comparison.pairs if f"other:{dtype}" in pair.pair}
    assert off == {(f"numpy:{reference}", f"other:{dtype}"): "DISAGREE" for reference in ("float64", "float32")}


def test_another_state_is_not_compared(references, tmp_path):
    other = train(asked(tmp_path / "linear-2d", "other", "float32", seed=1))
    comparison = compared(references, [other])
    (mixed,) = (pair for pair in comparison.pairs if pair.pair == ("numpy:float64", "other:float32"))
    assert mixed.verdict == "NOT COMPARABLE"
    assert "given state" in mixed.reason


def test_without_a_reference_in_its_type_a_run_is_not_judged(references, tmp_path):
    other = train(asked(tmp_path / "linear-2d", "other", "float32"))
    comparison = compared(references[:1], [other])
    (pair,) = comparison.pairs
    assert (pair.verdict, pair.reason) == (
        "NOT COMPARABLE",
        "the reference left no run in float32, so there is nothing to judge by",
    )


class _TenthWrong(NumpyTrainer):
    """Scales what it was fed by a tenth, a hundred times what a factor of ten bits loses."""

    def stage(self, chunk):
        arrays = {name: 1.1 * array if name == "real" else array for name, array in chunk.arrays.items()}
        return super().stage(replace(chunk, arrays=arrays))


@pytest.fixture
def full_products_afterwards():
    yield
    set_products("full", device="cpu")


@pytest.mark.usefixtures("full_products_afterwards")
def test_products_of_few_digits_have_a_yardstick_of_their_own(references, tmp_path, monkeypatch):
    def short(name, products, **options):
        order = asked(tmp_path / "linear-2d", name, "float32", products=products, **options)
        return changed(order, name=f"{name}:{products}", folder=f"{order.folder}+{products}")

    own = [train(short("numpy", products, yardstick=True)) for products in ("tf32", "bf16")]
    comparison = compared(references, [*own, train(short("other", "tf32"))])
    assert list(comparison.yardsticks) == ["float32:bf16", "float32:tf32", "float32", "float64"]
    assert comparison.verdict == "AGREE"
    apart = {pair.pair: pair.largest for pair in comparison.pairs}
    assert apart["numpy:tf32", "other:tf32"] == 0
    assert 1e-5 < apart["numpy:float32", "numpy:tf32"] < 0.1
    notes = {pair.pair: pair.notes for pair in comparison.pairs}
    assert "float32:tf32 beside float32: by float32:tf32's yardstick" in notes["numpy:float32", "other:tf32"]
    monkeypatch.setattr(checked_module, "load_trainer", lambda _entry: _TenthWrong)
    wrong = changed(short("other", "tf32"), name="wrong:tf32", folder=str(tmp_path / "linear-2d" / "wrong"))
    pairs = {pair.pair: pair.verdict for pair in compared(references, [*own, train(wrong)]).pairs}
    assert pairs["numpy:tf32", "wrong:tf32"] == pairs["numpy:float32", "wrong:tf32"] == "DISAGREE"
