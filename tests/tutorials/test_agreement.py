"""Each lesson's program gives the losses of the suite's own record; one that drifts is named."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.tutorials.conftest import COSTLY, INSTALLED, RUN, program_order
from tutorials.machinery.judging import LessonDrift, assert_agreement, judge_lesson
from tutorials.machinery.lessons import FRAMEWORKS, LESSONS
from tutorials.machinery.record import read_record
from tutorials.machinery.running import run_module


@pytest.mark.parametrize("framework", list(FRAMEWORKS))
@pytest.mark.parametrize("name", list(LESSONS))
def test_the_losses_are_the_suites(request, name, framework):
    if name in COSTLY:
        pytest.skip(f"{name} takes the reference half a minute a step; make site and GAN_ROSETTA_LONG=1 run it")
    if framework not in INSTALLED:
        pytest.skip(f"{FRAMEWORKS[framework]} is not installed")
    verdict = request.getfixturevalue("results")[name].verdicts[framework]
    assert_agreement([verdict])
    assert verdict.judgement.checked_steps == RUN[name].spec.training.num_steps


# What is planted, in which program, and the loss that must be named with its lesson, framework and step.
PLANTS = [
    (
        "torch",
        "lr=0.05)",
        "lr=0.05000000001)",
        "alternating-step in PyTorch: DISAGREE, first in step 0, generator phase, loss: ",
    ),
    (
        "torch",
        "optimizer_d.zero_grad()",
        "None",
        "alternating-step in PyTorch: DISAGREE, first in step 1, generator phase, loss: ",
    ),
    ("tensorflow", "+ 1e-8)", "+ 1e-7)", "alternating-step in TensorFlow: DISAGREE, first in step "),
    ("mxnet", "trainer_d.step(len(x))", "trainer_d.step(1)", "alternating-step in MXNet: DISAGREE, "),
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant[0]}-{plant[2]}")
def test_a_drift_is_found_and_named(runs, results, tmp_path, plant):
    framework, text, planted, sentence = plant
    if framework not in INSTALLED:
        pytest.skip(f"{FRAMEWORKS[framework]} is not installed")
    lesson, folder = RUN["alternating-step"], runs / "alternating-step"
    program = lesson.program(framework).read_text(encoding="utf-8")
    assert text in program
    (tmp_path / "planted.py").write_text(program.replace(text, planted), encoding="utf-8")
    order = program_order(lesson, framework, folder) | {
        "program": str(tmp_path / "planted.py"),
        "out": str(tmp_path / "out"),
    }
    finished = run_module("tutorials.machinery.worker", json.dumps([order]))
    assert finished.returncode == 0, finished.stderr
    result = results["alternating-step"]
    verdict = judge_lesson(
        lesson,
        framework,
        read_record(tmp_path / "out" / "record.npz"),
        reference=result.reference,
        yardstick=result.yardstick,
    )
    with pytest.raises(LessonDrift) as caught:
        assert_agreement([result.verdicts[framework], verdict])
    assert str(caught.value).startswith(sentence)


def test_a_program_that_stops_early_does_not_pass(results):
    result = next(iter(results.values()))
    framework, record = next(iter(result.records.items()))
    short = replace(record, losses={name: values[:-1] for name, values in record.losses.items()})
    verdict = judge_lesson(result.lesson, framework, short, reference=result.reference, yardstick=result.yardstick)
    with pytest.raises(LessonDrift, match=r"NOT COMPARABLE, the program recorded \d+ of \d+ (pretraining )?steps"):
        assert_agreement([verdict])


def test_samples_that_are_no_samples_of_the_run_do_not_pass(results):
    result = results["alternating-step"]
    framework, record = next(iter(result.records.items()))
    other = replace(record, samples=record.samples * 1.001)
    verdict = judge_lesson(result.lesson, framework, other, reference=result.reference, yardstick=result.yardstick)
    with pytest.raises(LessonDrift, match="DISAGREE, samples"):
        assert_agreement([verdict])


def test_a_program_that_was_fed_something_else_does_not_pass(results):
    result = next(iter(results.values()))
    framework, record = next(iter(result.records.items()))
    other = replace(record, digests=dict(record.digests) | {"tape": "0" * 64})
    verdict = judge_lesson(result.lesson, framework, other, reference=result.reference, yardstick=result.yardstick)
    with pytest.raises(LessonDrift, match="different tapes"):
        assert_agreement([verdict])
