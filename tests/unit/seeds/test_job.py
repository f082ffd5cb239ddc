"""A run from many seeds: each as that seed alone, an interrupted one as an uninterrupted one, a wrong one found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.checked import CheckedTrainer
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.order import Course, Feed, Keeping, Order, RunSetup
from gan_rosetta.shared.runs.plan import plan_compare
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.seeds import together
from gan_rosetta.shared.seeds.job import SeedsOfRun, read_seeds, seeds_path, train_seeds
from gan_rosetta.shared.seeds.session import compare_runs_of_seeds
from gan_rosetta.shared.spec import ConstantRate, GanSpec
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.workers.registry import build_reference

GAN = find_gan("linear-2d").with_steps(training=20)


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those side by side are in test_together.py."""
    monkeypatch.setattr(together, "_MOST_TOGETHER", 1)


def order_of(folder: Path, *, spec: GanSpec = GAN, num_seeds: int = 6, seed: int = 14, name: str = "numpy") -> Order:
    return Order(
        spec=spec,
        run=RunSetup(name=name, backend="numpy", dtype="float64", execution="eager"),
        feed=Feed(seed=seed),
        course=Course(num_seeds=num_seeds),
        keeping=Keeping(folder=str(folder / name), checkpoint_seconds=0),
    )


def train(order: Order, *, stop_after: int | None = None) -> SeedsOfRun:
    Path(order.folder).parent.mkdir(parents=True, exist_ok=True)

    def report(_phase: str, done: int, _total: int) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    train_seeds(order, BACKENDS["numpy"], report_progress=report)
    return read_seeds(order)


def test_each_seed_is_that_seed_alone(tmp_path: Path) -> None:
    every = train(order_of(tmp_path / "all"))
    assert list(every.seeds) == [14, 15, 16, 17, 18, 19]
    alone = train(order_of(tmp_path / "one", num_seeds=1, seed=17))
    for name, values in every.numbers.items():
        assert values[3] == alone.numbers[name][0], name
    for name, losses in every.losses.items():
        np.testing.assert_array_equal(losses[3], alone.losses[name][0])
    assert len({float(value) for value in every.numbers["mean error"]}) == 6


def test_what_was_interrupted_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole, broken = order_of(tmp_path / "whole"), order_of(tmp_path / "broken")
    train(whole)
    with pytest.raises(KeyboardInterrupt):
        train(broken, stop_after=4)
    assert len(read_seeds(broken).seeds) == 3
    train(replace(broken, keeping=replace(broken.keeping, resume=True)))
    assert seeds_path(broken).read_bytes() == seeds_path(whole).read_bytes()


def test_a_file_of_another_run_is_refused(tmp_path: Path) -> None:
    order = order_of(tmp_path)
    train(order)
    with pytest.raises(RecordError, match="another run than numpy of linear-2d"):
        read_seeds(replace(order, feed=Feed(seed=15)))
    arrays = read_npz(seeds_path(order))
    for spoilt in (
        {"number|mean error": np.zeros((6, 2))},
        {"loss|generator": np.zeros((5, 20))},
        {"facts": np.array(3)},
    ):
        write_npz(seeds_path(order), {**arrays, **spoilt})
        with pytest.raises(RecordError, match="move it away"):
            read_seeds(order)
    seeds_path(order).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RecordError, match="does not hold what came of seeds"):
        read_seeds(order)


def test_a_mistake_is_different_over_seeds_and_rounding_is_not(tmp_path: Path) -> None:
    optimizer = GAN.training.generator_optimizer
    faster = replace(optimizer, learning_rate=ConstantRate(value=0.5))
    spec = GAN.with_steps(training=60)
    wrong = replace(spec, training=replace(spec.training, generator_optimizer=faster))
    right = train(order_of(tmp_path / "right", spec=spec, num_seeds=40))
    other = train(order_of(tmp_path / "wrong", spec=wrong, num_seeds=40, name="other"))
    found = compare_runs_of_seeds([right, other, replace(right, run="again")], dtype="float64")
    verdicts = {pair.pair: pair.verdict for pair in found}
    assert verdicts == {
        ("numpy", "other"): "DIFFERENT",
        ("numpy", "again"): "EQUIVALENT",
        ("other", "again"): "DIFFERENT",
    }


def test_the_reference_and_itself_rounding_at_random_are_equivalent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = train(order_of(tmp_path / "reference", num_seeds=40))

    def build_rounding(_entry: object, spec: GanSpec, /, *, dtype: str, **_options: object) -> CheckedTrainer:
        trainer = build_reference(spec, dtype=dtype)
        trainer.perturb(seed=1, coarseness=1e6)
        return CheckedTrainer(trainer, spec, name="numpy", dtype=dtype)

    monkeypatch.setattr(together, "build_checked", build_rounding)
    rounding = train(order_of(tmp_path / "rounding", num_seeds=40, name="rounding"))
    assert not np.array_equal(reference.numbers["mean error"], rounding.numbers["mean error"])
    (pair,) = compare_runs_of_seeds([reference, rounding], dtype="float64")
    assert pair.verdict == "EQUIVALENT"


def test_seeds_and_a_tape_exclude_each_other(tmp_path: Path) -> None:
    request = make_request("linear-2d", tape=tmp_path / "tape.npz")
    runs = [RunName(backend="numpy")]
    with pytest.raises(UsageError, match="--tape gives one for all"):
        plan_compare([], runs, request, tmp_path, threads=None, num_seeds=4)
    with pytest.raises(UsageError, match="--seeds is 0; expected 1 or more"):
        plan_compare([], runs, make_request("linear-2d"), tmp_path, threads=None, num_seeds=0)
    with pytest.raises(UsageError, match=r"of memory for their losses, and .* are free; \d+ would fit"):
        plan_compare([], runs, make_request("linear-2d"), tmp_path, threads=None, num_seeds=10**9)
