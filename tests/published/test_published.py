"""Each GAN on each backend gives the losses of its published program, step for step, from one state and one tape.

The programs are in this folder, each written out by itself. Nothing is trained in this process: a subprocess for each
backend and execution, and one for the programs, trains all its GANs, since frameworks do not share a process. Bounds
are relative, in float64, those of a critic's losses to the largest number that each is made of: 1e-12 over the first 50
steps of each phase, and over the further steps what rounding has been measured to grow to.

torch takes up to half a minute to compile a GAN, mnist-conv takes half a minute a step of one core everywhere, and
lsgan 3 to 20 s. So by default torch compiles only the GANs of TORCH_COMPILED, and the GANs on digits, whole but for
their batch, train on 2 to 8 digits, mnist-conv for 2 steps. Critics have their batch of 64, since the loss of a smaller
one cancels to fewer digits; wgan and wgan-gp have so few digits in all that an epoch, in which G's turns are counted
anew, is soon over. With GAN_ROSETTA_LONG=1 all are compiled and batches and digits are the published ones, mnist-conv's
steps 9 and context-encoder's 5: of its batches of 8 the last place of all first values decides on 1e-12 by step 10.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.workers.process import environment
from gan_rosetta.shared.workers.registry import installed_version

REPOSITORY = Path(__file__).resolve().parents[2]
LONG = os.environ.get("GAN_ROSETTA_LONG") == "1"
# GAN -> pretraining steps and adversarial steps.
STEPS = {
    "gaussian-1d": (1000, 1200),
    "gaussian-1d-minibatch": (1000, 5),
    "gaussian-1d-adam": (0, 50),
    "gaussian-1d-adam-minibatch": (0, 50),
    "linear-2d": (0, 50),
    "sine": (0, 50),
    "mnist-conv": (0, 9 if LONG else 2),
    "mnist-wgan-gp": (0, 40 if LONG else 20),
    "mnist-wgan-gp-sample": (0, 40 if LONG else 20),
    "wgan": (0, 85 if LONG else 20),
    "lsgan": (0, 10),
    "cgan": (0, 20),
    "sngan": (0, 10),
    "relativistic": (0, 10),
    "acgan": (0, 10),
    "sgan": (0, 10),
    "wgan-gp": (0, 85 if LONG else 20),
    "wgan-gp-conv": (0, 10),
    "dcgan": (0, 10 if LONG else 3),
    "dcgan-keras": (0, 10),
    "sagan-small": (0, 10),
    "dragan": (0, 10),
    "ebgan": (0, 10),
    "began": (0, 10),
    "context-encoder": (0, 5 if LONG else 10),
    "infogan": (0, 10),
}
# GAN -> batch size, where it is not the published one.
BATCH_SIZES = (
    {}
    if LONG
    else {
        "mnist-conv": 4,
        "lsgan": 4,
        "cgan": 8,
        "sngan": 2,
        "relativistic": 4,
        "acgan": 4,
        "sgan": 4,
        "wgan-gp-conv": 2,
        "dcgan": 4,
        "dcgan-keras": 4,
        "sagan-small": 2,
        "dragan": 4,
        "ebgan": 4,
        "began": 8,
        "context-encoder": 2,
        "infogan": 4,
    }
)
# GAN -> how many digits there are, where it is not all of them: eight batches an epoch, the last of 37.
NUM_IMAGES = {} if LONG else {"wgan": 485, "wgan-gp": 485}
# D saturates at once under seed 0 of the two with Adam; 2, 4 and 7 train both networks with some logarithms floored,
# and under seed 6 a hidden layer is 0 throughout, so that the next one's ReLU is met exactly at 0.
SEEDS = {"gaussian-1d-adam": (0, 2, 4, 6), "gaussian-1d-adam-minibatch": (0, 7)}
BOUND = 1e-12
NUM_BOUNDED_STEPS = 50
# After pretraining, rounding has had 1000 steps to grow in, and the minibatch layer makes it grow fast.
LATER_BOUNDS = {"gaussian-1d": 1e-10, "gaussian-1d-minibatch": 1e-9}
TORCH_COMPILED = ("gaussian-1d", "linear-2d", "sine", "mnist-wgan-gp", "wgan", "lsgan")
PAIRS = tuple((name, execution) for name, entry in BACKENDS.items() for execution in sorted(entry.executions))
TIMEOUT_SECONDS = 1800

Results = Callable[[str, str], Path]


def gans_of(backend: str, execution: str) -> tuple[str, ...]:
    if (backend, execution) == ("torch", "compiled") and not LONG:
        return TORCH_COMPILED
    return tuple(STEPS)


def order(gan: str, seed: int) -> str:
    pretraining, steps = STEPS[gan]
    return f"{gan}:{seed}:{pretraining}:{steps}:{BATCH_SIZES.get(gan, 0)}:{NUM_IMAGES.get(gan, 0)}"


def cases() -> Iterator[object]:
    for backend, execution in PAIRS:
        group = pytest.mark.xdist_group(f"published-{backend}")
        for gan in gans_of(backend, execution):
            for seed in SEEDS.get(gan, (0,)):
                name = f"{gan}-{seed}-{backend}-{execution}"
                yield pytest.param(gan, seed, backend, execution, marks=group, id=name)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return the folder with a backend's losses, trained on first demand, once for all of pytest-xdist's processes."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def train(backend: str, execution: str) -> Path:
        folder = root / f"{backend}-{execution}"
        with FileLock(root / f"{folder.name}.lock"):
            if not folder.exists():
                folder.mkdir()
                run_worker(backend, execution, folder)
        return folder

    return train


def run_worker(backend: str, execution: str, folder: Path) -> None:
    gans = STEPS if backend == "published" else gans_of(backend, execution)
    orders = [order(gan, seed) for gan in gans for seed in SEEDS.get(gan, (0,))]
    worker = Path(__file__).with_name("worker.py")
    with (folder / "worker.log").open("w") as log:
        subprocess.run(
            [sys.executable, str(worker), backend, execution, str(folder), *orders],
            cwd=REPOSITORY,
            env=os.environ | environment(threads=1) | {"PYTHONPATH": str(REPOSITORY)},
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )


def read_losses(folder: Path, gan: str, seed: int) -> dict[str, np.ndarray]:
    failure, file = folder / f"{gan}-{seed}.txt", folder / f"{gan}-{seed}.npz"
    if failure.exists():
        pytest.fail(failure.read_text())
    if not file.exists():
        log = (folder / "worker.log").read_text()
        pytest.fail(f"the worker ended before it finished {gan} with seed {seed}; the last it wrote:\n{log[-3000:]}")
    with np.load(file) as archive:
        return dict(archive)


def assert_losses_close(
    found: np.ndarray,
    expected: np.ndarray,
    *,
    bound: float,
    later_bound: float,
    what: str,
    terms: np.ndarray | None = None,
) -> None:
    """Fail unless the losses agree relatively, NaN and infinities in the same places.

    terms: the largest number that each loss is made of, (steps,), as the published program had it. A critic's loss is a
    difference that passes through 0, where it has none of its digits left.
    """
    assert found.dtype == expected.dtype == np.float64, f"{what} is {found.dtype}, expected float64"
    assert found.shape == expected.shape, f"{what} has shape {found.shape}; expected {expected.shape}"
    bounds = np.where(np.arange(len(expected)) < NUM_BOUNDED_STEPS, bound, later_bound)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    scale = np.abs(expected) if terms is None else np.maximum(np.abs(expected), terms)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.where(same, 0.0, np.abs(found - expected) / scale)
    wrong = np.flatnonzero(~(difference <= bounds))
    if len(wrong) > 0:
        step = wrong[0]
        pytest.fail(
            f"{what}, step {step}: {found[step]!r}, the published program has {expected[step]!r}; relative difference "
            f"{difference[step]:.2e}, bound {bounds[step]:.0e}; {len(wrong)} of {len(expected)} steps are out of bounds"
        )


@pytest.mark.parametrize(("gan", "seed", "backend", "execution"), list(cases()))
def test_losses_are_the_published_programs(results: Results, gan: str, seed: int, backend: str, execution: str) -> None:
    entry = BACKENDS[backend]
    if installed_version(entry) is None:
        pytest.skip(f"{entry.title} is not installed: {entry.install_hint}")
    expected = read_losses(results("published", "eager"), gan, seed)
    found = read_losses(results(backend, execution), gan, seed)
    pretraining, steps = STEPS[gan]
    assert len(expected["pretraining"]) == pretraining
    assert {len(expected[name]) for name in find_gan(gan).training.loss_names} == {steps}
    later = LATER_BOUNDS.get(gan, BOUND)
    for name in find_gan(gan).loss_names:
        first = BOUND if name == "pretraining" or pretraining == 0 else later
        what = f"{gan}, {name} loss"
        terms = expected.get(f"{name} terms")
        assert_losses_close(found[name], expected[name], bound=first, later_bound=later, what=what, terms=terms)


# A float64 loss that is wrong in the tenth place, and a float32 one, must not pass.
def test_a_difference_is_found() -> None:
    expected = np.array([1.0, np.nan, 3.0])
    assert_losses_close(expected.copy(), expected, bound=BOUND, later_bound=BOUND, what="loss")
    for wrong in ([1.0, np.nan, 3.0 + 1e-10], [1.0, 2.0, 3.0], [1.0, np.nan, np.nan], [1.0, np.nan]):
        with pytest.raises((pytest.fail.Exception, AssertionError)):
            assert_losses_close(np.array(wrong), expected, bound=BOUND, later_bound=BOUND, what="loss")
    with pytest.raises(AssertionError):
        assert_losses_close(expected.astype(np.float32), expected, bound=BOUND, later_bound=BOUND, what="loss")
    # At its second step a difference of numbers of 2000.
    near_zero, terms = np.array([-1000.0, 1.0]), np.array([1000.0, 2000.0])
    moved = near_zero + np.array([0.0, 1e-10])
    assert_losses_close(moved, near_zero, bound=BOUND, later_bound=BOUND, what="loss", terms=terms)
    with pytest.raises(pytest.fail.Exception):
        assert_losses_close(moved, near_zero, bound=BOUND, later_bound=BOUND, what="loss")
    further = near_zero + np.array([0.0, 1e-8])
    with pytest.raises(pytest.fail.Exception):
        assert_losses_close(further, near_zero, bound=BOUND, later_bound=BOUND, what="loss", terms=terms)
