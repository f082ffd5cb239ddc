"""Laws on carrying on: k steps in one backend, then k in another from the state it left, are 2k steps in either."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.compare.assertions import assert_losses_close, assert_tensors_close
from gan_rosetta.shared.conformance.noise import reference_run
from gan_rosetta.shared.conformance.small import SEED, small_gan
from gan_rosetta.shared.runs.order import Feed, Keeping, Order, RunSetup
from gan_rosetta.shared.runs.run import training_job
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.archive import read_state
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.registry import installed_version

# SGD whose rate decays by the step; Adam's two slots and a BatchNorm's buffers; a penalty, with Adam too. Few steps,
# which rounding does not yet take apart: the tolerance is measured, and says so.
_HALVES = {"gaussian-1d": 8, "mnist-conv": 2, "mnist-wgan-gp-sample": 3}
_PRETRAINING = {"gaussian-1d": 5}
_PATIENCE_SECONDS = 300.0


def _spec(gan: str) -> GanSpec:
    return replace(small_gan(gan), name=f"{gan}-small")


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each GAN on each backend: the first half in <gan>/<first>, then the second in <gan>/<first>-<second>."""
    root = tmp_path_factory.mktemp("halves")
    names = [name for name, entry in BACKENDS.items() if installed_version(entry) is not None]
    _run([_order(root, gan, name, name) for gan in _HALVES for name in names])
    pairs = list(permutations(names, 2))
    _run([_order(root, gan, f"{one}-{two}", two, first=one) for gan in _HALVES for one, two in pairs])
    return root


def _order(root: Path, gan: str, folder: str, backend: str, *, first: str | None = None) -> Order:
    steps = _HALVES[gan] if first is None else 2 * _HALVES[gan]
    return Order(
        spec=_spec(gan).with_steps(pretraining=_PRETRAINING.get(gan), training=steps),
        run=RunSetup(name=backend, backend=backend, execution="eager"),
        feed=Feed(seed=SEED, initial_state=None if first is None else str(root / gan / first / "state.safetensors")),
        keeping=Keeping(folder=str(root / gan / folder)),
        patience_seconds=_PATIENCE_SECONDS,
    )


def _run(orders: list[Order]) -> None:
    for order in orders:
        Path(order.folder).parent.mkdir(exist_ok=True)
    jobs = [training_job(order) for order in orders]
    outcomes: list[JobOutcome] = run_jobs(jobs, num_slots=2, on_progress=lambda _: None, on_outcome=lambda _: None)
    assert [(o.settings.folder, o.message) for o in outcomes if o.status != "finished"] == []


@pytest.mark.xdist_group("carry-on")
@pytest.mark.parametrize(("first", "second"), list(permutations(BACKENDS, 2)))
@pytest.mark.parametrize("half_gan", list(_HALVES))
def test_half_here_and_half_there_is_the_whole(request, halves, half_gan, first, second):
    gan = half_gan
    for name in (first, second):
        if installed_version(BACKENDS[name]) is None:
            pytest.skip(f"{name} is not installed: {BACKENDS[name].install_hint}")
    chosen = request.config.getoption("--backend", default=None)
    if chosen and not {first, second} & set(chosen):
        pytest.skip("--backend asks for others")
    half = _HALVES[gan]
    expected, yardstick, final, allowed = reference_run(
        _spec(gan), dtype="float64", num_pretraining=_PRETRAINING.get(gan, 0), num_steps=2 * half
    )
    folders = (halves / gan / first, halves / gan / f"{first}-{second}")
    found = [np.load(folder / "losses.npz") for folder in folders]
    assert [len(losses["generator"]) for losses in found] == [half, half]
    assert [len(losses["pretraining"]) for losses in found] == [_PRETRAINING.get(gan, 0), 0]
    for name, values in expected.items():
        whole = np.concatenate([losses[name] for losses in found])
        assert_losses_close(whole, values, yardstick=yardstick, name=name)
    state = read_state(folders[1] / "state.safetensors", _spec(gan))
    assert_tensors_close(state, final, within=allowed)
