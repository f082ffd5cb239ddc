"""Each lesson's program agrees where it is looked into, and computes the same bit for bit as where it is not."""

from __future__ import annotations

import ast
import json
import os

import numpy as np
import pytest

from gan_rosetta.shared.cases.judgement import Judgement
from gan_rosetta.shared.spec import BatchNorm
from tests.tutorials.conftest import COSTLY, INSTALLED, RUN
from tests.tutorials.watched import JUDGEMENT_FILE, WATCHED_STEPS, add_lines
from tutorials.machinery.lessons import FRAMEWORKS, LESSONS
from tutorials.machinery.record import read_record
from tutorials.machinery.running import run_module

CHEAP = ("alternating-step", "linear-2d")
# Whose running statistics are not the GAN's, and are all that is off (docs/differences.md): Keras keeps the biased
# variance, and its pictures move them; Gluon moves them in the backward pass. Those in JAX, which never predict, have
# none.
OWN_STATISTICS = ("tensorflow", "mxnet")
IS_LONG = os.environ.get("GAN_ROSETTA_LONG") == "1"


def layers(spec):
    return [layer for network in spec.networks().values() for layer in network.layers]


@pytest.fixture(scope="session")
def watched(runs, results):
    """Return the folder of a framework's watched programs, all of which run in one process."""
    folders = {}
    # They are held to the references of the other tests.
    assert set(results) == set(RUN)

    def run(framework):
        if framework not in folders:
            folders[framework] = runs / "watched" / framework
            orders = [
                {
                    "lesson": name,
                    "short": True,
                    "framework": framework,
                    "folder": str(runs / name),
                    "inputs": str(runs / name / "inputs"),
                    "out": str(folders[framework] / name),
                }
                for name in RUN
                if IS_LONG or name in CHEAP
            ]
            finished = run_module("tests.tutorials.watched", json.dumps(orders))
            assert finished.returncode == 0, finished.stderr
        return folders[framework]

    return run


@pytest.mark.parametrize("framework", list(FRAMEWORKS))
@pytest.mark.parametrize("name", list(LESSONS))
def test_a_watched_lesson_agrees_and_is_the_same_bit_for_bit(request, name, framework):
    if name in COSTLY or not (IS_LONG or name in CHEAP):
        pytest.skip("the reference steps beside the program, with its copies; GAN_ROSETTA_LONG=1 runs it")
    if framework not in INSTALLED:
        pytest.skip(f"{FRAMEWORKS[framework]} is not installed")
    folder = request.getfixturevalue("watched")(framework) / name
    judgement = Judgement.from_data(json.loads((folder / JUDGEMENT_FILE).read_text(encoding="utf-8")))
    spec = RUN[name].spec
    steps = (spec.num_pretraining_steps, spec.training.num_steps)
    if framework in OWN_STATISTICS and any(isinstance(each, BatchNorm) for each in layers(spec)):
        off = {row.quantity for row in judgement.rows if row.is_off}
        assert off == {"buffer"}, judgement.sentence
        assert judgement.checked_steps == spec.training.num_steps
    else:
        judgement.assert_agrees()
        assert judgement.watched_steps == sum(min(WATCHED_STEPS, each) for each in steps)
    # Of what was off before the first step, what came after it is told by losses alone.
    wanted = {"parameter"} | ({"loss"} if judgement.watched_steps else set())
    if spec.name == "linear-2d":
        # In Gluon its optimizer is made of none that is known, so that nobody knows what its moments are.
        wanted |= {"counter"} if framework == "mxnet" else {"slot"}
    if framework in ("torch", "mxnet"):
        wanted |= {"output", "gradient"}
    assert wanted <= set(judgement.seen), judgement.seen
    if framework == "tensorflow" and judgement.watched_steps:
        # Pictures are drawn outside of the compiled step, by passes that are none of it.
        unseen = (
            "no forward pass of the watched networks was seen, as in a compiled step; their outputs were not judged"
        )
        assert judgement.notes == (unseen,)
    own = read_record(folder / "record.npz")
    plain = read_record(request.getfixturevalue("runs") / name / framework / "record.npz")
    for loss, values in plain.losses.items():
        np.testing.assert_array_equal(own.losses[loss], values)
    np.testing.assert_array_equal(own.samples, plain.samples)


@pytest.mark.parametrize("framework", list(FRAMEWORKS))
@pytest.mark.parametrize("name", list(LESSONS))
def test_every_loop_of_a_program_is_watched(name, framework):
    lesson = LESSONS[name]
    module = ast.parse(lesson.program(framework).read_text(encoding="utf-8"))
    assert add_lines(module) == (1 if lesson.spec.pretraining is None else 2)
    added = [ast.unparse(each) for each in ast.walk(module) if isinstance(each, ast.Expr)]
    assert added.count("_watching.begin_step(globals())") == added.count("_watching.end_step(globals())") > 0
