"""Seeds that are trained side by side are each what it is alone, where a rule stops some of them too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy.replicas import NumpyReplicas
from gan_rosetta.shared.errors import UnsupportedLayer, WrongResult
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.interface import Chunk, Losses
from gan_rosetta.shared.runs.order import Course, Feed, Keeping, Order, RunSetup
from gan_rosetta.shared.seeds import together
from gan_rosetta.shared.seeds.job import SeedsOfRun, read_seeds, seeds_path, train_seeds
from gan_rosetta.shared.spec import GanSpec, StopRule

PLAIN = find_gan("linear-2d").with_steps(training=12)


def stopping() -> GanSpec:
    """A GAN with pretraining whose rule stops some seeds, early and late, and not others."""
    spec = find_gan("gaussian-1d").with_steps(training=12, pretraining=3)
    return replace(spec, training=replace(spec.training, stop=StopRule(tolerance=0.02)))


class Side(NumpyReplicas):
    """The reference's replicas, which remember how many of them were trained at once."""

    largest = 0

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        assert len({(chunk.phase, chunk.first_step, chunk.num_steps) for chunk in chunks.values()}) == 1
        Side.largest = max(Side.largest, len(chunks))
        return super().train(chunks)


class Short(Side):
    """Returns a loss too few."""

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        found = super().train(chunks)
        return {replica: replace(losses, generator=losses.generator[:-1]) for replica, losses in found.items()}


def order_of(folder: Path, spec: GanSpec, *, num_seeds: int = 7) -> Order:
    return Order(
        spec=spec,
        run=RunSetup(name="numpy", backend="numpy", dtype="float64", execution="eager"),
        feed=Feed(seed=14),
        course=Course(num_seeds=num_seeds, chunk_steps=5),
        keeping=Keeping(folder=str(folder / "numpy"), checkpoint_seconds=0),
    )


def train(order: Order, *, stop_after: int | None = None) -> SeedsOfRun:
    Path(order.folder).parent.mkdir(parents=True, exist_ok=True)

    def report(_phase: str, done: int, _total: int) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    train_seeds(order, BACKENDS["numpy"], report_progress=report)
    return read_seeds(order)


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Three seeds at once, on replicas of the reference."""
    Side.largest = 0
    monkeypatch.setattr(together, "load_replicas", lambda _entry: Side)
    monkeypatch.setattr(together, "_MOST_TOGETHER", 3)
    return monkeypatch


@pytest.mark.parametrize("spec", [PLAIN, stopping()], ids=["plain", "stopping"])
def test_each_is_what_it_is_alone(tmp_path: Path, side_by_side: pytest.MonkeyPatch, spec: GanSpec) -> None:
    beside = train(order_of(tmp_path / "beside", spec))
    assert Side.largest == 3
    side_by_side.setattr(together, "_MOST_TOGETHER", 1)
    alone = train(order_of(tmp_path / "alone", spec))
    assert beside.numbers.keys() == alone.numbers.keys()
    for kind in ("numbers", "happened", "losses"):
        for name, values in getattr(alone, kind).items():
            np.testing.assert_array_equal(getattr(beside, kind)[name], values, err_msg=name)
    if spec.training.stop is not None:
        stopped = alone.happened["stopped by its rule"]
        assert 0 < stopped.sum() < len(stopped)
        assert len(set(alone.numbers["last step"][stopped])) > 1


def test_what_was_interrupted_goes_on_to_the_same_bits(tmp_path: Path, side_by_side: pytest.MonkeyPatch) -> None:
    whole, broken = order_of(tmp_path / "whole", PLAIN), order_of(tmp_path / "broken", PLAIN)
    train(whole)
    with pytest.raises(KeyboardInterrupt):
        train(broken, stop_after=6)
    assert len(read_seeds(broken).seeds) == 3
    train(replace(broken, keeping=replace(broken.keeping, resume=True)))
    assert seeds_path(broken).read_bytes() == seeds_path(whole).read_bytes()


@pytest.mark.parametrize(("num_seeds", "expected"), [(4, 2), (6, 3), (7, 3), (1, 1)])
def test_parts_are_of_about_one_size(
    tmp_path: Path, side_by_side: pytest.MonkeyPatch, num_seeds: int, expected: int
) -> None:
    trainer = together.SeedTrainer(order_of(tmp_path, PLAIN, num_seeds=num_seeds), BACKENDS["numpy"], execution="eager")
    assert trainer.num_together == expected


def test_what_replicas_return_is_checked(tmp_path: Path, side_by_side: pytest.MonkeyPatch) -> None:
    side_by_side.setattr(together, "load_replicas", lambda _entry: Short)
    with pytest.raises(WrongResult, match="train's generator returned"):
        train(order_of(tmp_path, PLAIN))


def test_what_is_large_is_trained_seed_after_seed(tmp_path: Path, side_by_side: pytest.MonkeyPatch) -> None:
    side_by_side.setattr(together, "SMALL_STEP_FLOPS", 1.0)
    train(order_of(tmp_path, PLAIN))
    assert Side.largest == 0


def test_what_is_little_is_not_compiled(tmp_path: Path, side_by_side: pytest.MonkeyPatch) -> None:
    compiling = replace(BACKENDS["numpy"], executions=("eager", "compiled"))
    for execution, worth_it_from, expected in (("eager", 0, 1), ("compiled", 7 * 12 + 1, 1), ("compiled", 7 * 12, 3)):
        side_by_side.setattr(Side, "worth_it_from", worth_it_from)
        side_by_side.setattr(together, "build_checked", lambda *_, **__: None)
        trainer = together.SeedTrainer(order_of(tmp_path, PLAIN), compiling, execution=execution)
        assert trainer.num_together == expected


def test_what_a_backend_cannot_train_side_by_side_is_trained_seed_after_seed(
    tmp_path: Path, side_by_side: pytest.MonkeyPatch
) -> None:
    def build(_spec: GanSpec, /, **_options: object) -> Side:
        raise UnsupportedLayer("not side by side")

    side_by_side.setattr(Side, "build", build)
    assert len(train(order_of(tmp_path, PLAIN)).seeds) == 7
