"""Each published program, watched by a case, agrees, and computes the same losses bit for bit as where it is not.

Of some (NOT_WATCHED) nothing can be watched: their programs are functions of dictionaries of tensors, with an optimizer
in plain arithmetic; and dcgan's makes G's batch once where its spec makes it again. sgan's D gives one softmax, of
which its spec takes two cross entropies, ebgan's D an image and an embedding and began's an image, of which their
specs' give energies, and sagan-small's G has a class's rows as columns of a Linear. The programs train in a subprocess,
as those of test_published.py do.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.cases.judgement import Judgement
from gan_rosetta.shared.workers.process import environment
from gan_rosetta.shared.workers.registry import installed_version
from tests.published import watched, worker

REPOSITORY = Path(__file__).resolve().parents[2]
LONG = os.environ.get("GAN_ROSETTA_LONG") == "1"
# GAN -> steps and batch size, 0 for the published one.
CHEAP = {
    "linear-2d": (5, 0),
    "sine": (4, 0),
    "gaussian-1d-adam": (4, 0),
    "gaussian-1d-adam-minibatch": (4, 0),
    "wgan": (2, 2),
}
# Whose reference and copies take some seconds a step, whatever the batch, for their parameters.
COSTLY = {
    "mnist-wgan-gp": (2, 4),
    "mnist-wgan-gp-sample": (2, 4),
    "cgan": (2, 8),
    "acgan": (1, 4),
    "lsgan": (1, 4),
    "relativistic": (1, 4),
    "dragan": (1, 4),
    "context-encoder": (1, 4),
    "wgan-gp": (2, 4),
    "sngan": (5, 2),
    "mnist-conv": (1, 4),
}
NOT_WATCHED = (
    *("gaussian-1d", "gaussian-1d-minibatch", "wgan-gp-conv", "dcgan", "dcgan-keras"),
    *("sgan", "sagan-small", "ebgan", "began", "infogan"),
)
RUN = CHEAP | (COSTLY if LONG else {})
TIMEOUT_SECONDS = 3600
pytestmark = pytest.mark.xdist_group("published-watched")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return the folder with the losses and judgements of all that run."""
    if installed_version(BACKENDS["torch"]) is None:
        pytest.skip("the published programs are PyTorch's, which is not installed")
    root = tmp_path_factory.mktemp("watched")
    orders = [f"{gan}:{steps}:{batch_size}" for gan, (steps, batch_size) in RUN.items()]
    finished = subprocess.run(
        [sys.executable, "-m", "tests.published.watched", str(root), *orders],
        cwd=REPOSITORY,
        env=os.environ | environment(threads=1),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return root


@pytest.mark.parametrize("gan", CHEAP | COSTLY)
def test_a_watched_program_agrees_and_has_the_same_losses_bit_for_bit(request, gan):
    if gan not in RUN:
        pytest.skip("the reference steps beside the program, with its copies; GAN_ROSETTA_LONG=1 runs it")
    root = request.getfixturevalue("folder")
    judgement = Judgement.from_data(json.loads((root / f"{gan}.json").read_text(encoding="utf-8")))
    judgement.assert_agrees()
    steps, _ = RUN[gan]
    assert judgement.watched_steps == judgement.checked_steps == steps
    wanted = {"output", "loss", "parameter"}
    if not gan.startswith("gaussian-1d-adam"):
        wanted |= {"gradient", "slot", "counter"}
    assert wanted <= set(judgement.seen), judgement.seen
    with np.load(root / f"{gan}.npz") as losses:
        for name in ("generator", "discriminator"):
            assert len(losses[name]) == steps
            np.testing.assert_array_equal(losses[name], losses[f"plain {name}"])


def test_every_published_program_is_watched_or_said_not_to_be():
    assert {*CHEAP, *COSTLY, *NOT_WATCHED} == set(worker.PROGRAMS)


@pytest.mark.parametrize("name", sorted({file for gan, (file, _) in worker.PROGRAMS.items() if gan not in NOT_WATCHED}))
def test_each_has_one_loop_in_which_it_is_watched(name):
    module = ast.parse(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    assert watched.add_line(module) == 1
