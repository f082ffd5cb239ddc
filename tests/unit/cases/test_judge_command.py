"""`gan-rosetta judge` runs a program of a person as it is, and the fixture `gan_case` holds one in a test."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import gan_rosetta as gr

RIGHT = """
import sys
import numpy as np
import gan_rosetta as gr
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.workers.registry import build_reference

case = gr.case("linear-2d", steps=4)
trainer = build_reference(case.spec, dtype="float64")
trainer.load_state(case.initial_state)
print("a line of the program's own", sys.argv[1:])
for step in case:
    arrays = {name: array[np.newaxis] for name, array in step.arrays.items()}
    trains = np.array([True])
    chunk = Chunk(
        phase=step.phase, first_step=step.index, arrays=arrays, trains_discriminator=trains, trains_generator=trains
    )
    losses = trainer.train(trainer.stage(chunk))
    step.record(discriminator=losses.discriminator, generator=losses.generator * FACTOR)
"""


def judge(tmp_path, source, *options):
    program = tmp_path / "port.py"
    program.write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "gan_rosetta", "judge", str(program), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("", 0, "linear-2d: AGREE, no further apart than rounding in all 4 steps"),
        ("case.judge().assert_agrees()", 0, "linear-2d: AGREE"),
        ("case = gr.case('sine', steps=2)", 4, "sine: NOT COMPARABLE, the program recorded 0 of 2 steps"),
    ],
)
def test_a_right_program_agrees_and_one_that_stops_early_says_nothing(tmp_path, end, status, said):
    finished = judge(tmp_path, RIGHT.replace("FACTOR", "1.0") + end, "first", "second")
    assert finished.returncode == status, finished.stderr
    assert said in finished.stdout
    assert "a line of the program's own ['first', 'second']" in finished.stderr


@pytest.mark.parametrize("end", ["", "case.judge().assert_agrees()"])
def test_a_wrong_program_disagrees_at_its_place(tmp_path, end):
    finished = judge(tmp_path, RIGHT.replace("FACTOR", "1.01") + end, "--gan", "linear-2d")
    assert finished.returncode == 1, finished.stderr
    assert finished.stdout.startswith("linear-2d: DISAGREE, first in step 0, generator phase, loss: 0.")
    assert "\nwhy: No fault or default that is known explains it, alone or two at once." in finished.stdout


def test_the_cause_is_said(tmp_path):
    spec = "find_fault('adam-beta2').plant(case.spec).spec"
    source = RIGHT.replace("FACTOR", "1.0").replace("build_reference(case.spec", f"build_reference({spec}")
    source = "from gan_rosetta.shared.faults import find_fault\n" + source
    said = "β2 of the discriminator's Adam is 0.99: set it to 0.999."
    finished = judge(tmp_path, source)
    assert finished.returncode == 1, finished.stderr
    assert f"\nwhy: {said}" in finished.stdout
    (judgement,) = json.loads(judge(tmp_path, source, "--json").stdout)["judgements"]
    assert judgement["cause"]["causes"] == [{"names": ["adam-beta2"], "sentences": [said]}]
    assert f"{gr.Judgement.from_data(judgement)}\n" == finished.stdout


def test_json_is_one_document_and_nothing_else(tmp_path):
    finished = judge(tmp_path, RIGHT.replace("FACTOR", "1.01"), "--json")
    document = json.loads(finished.stdout)
    assert (document["command"], document["status"], finished.returncode) == ("judge", 1, 1)
    (judgement,) = document["judgements"]
    assert (judgement["verdict"], judgement["first"]["phase"]) == ("DISAGREE", "generator")


@pytest.mark.parametrize(
    ("source", "options", "status", "said"),
    [
        ("raise OSError('no disk')", (), 3, "port.py: OSError: no disk"),
        ("import os; os._exit(7)", (), 3, "port.py: it ended with exit status 7"),
        ("raise KeyboardInterrupt", (), 3, "port.py: KeyboardInterrupt\n"),
        ("raise OSError('no\\n\\ndisk')", (), 3, "port.py: OSError: no\n"),
        ("class E(Exception):\n  __str__ = None\nraise E", (), 3, "port.py: E\n"),
        ("import sys; sys.exit(5)", (), 3, "it exits with status 5"),
        (RIGHT.replace("FACTOR", "1.0") + "raise OSError('late')", (), 3, "OSError: late"),
        ("pass", (), 2, "made no case; it is to begin"),
        (
            "import gan_rosetta as gr; gr.case('sine', steps=2)",
            ("--gan", "linear-2d"),
            2,
            "made no case of 'linear-2d', only of sine",
        ),
        ("pass", ("--gan", "sien"), 2, "did you mean 'sine'"),
    ],
)
def test_a_program_that_fails_is_no_agreement(tmp_path, source, options, status, said):
    finished = judge(tmp_path, source, *options)
    assert finished.returncode == status, finished.stderr
    assert said in finished.stderr
    assert not finished.stdout


def test_a_program_that_is_not_there_is_wrong_usage(tmp_path):
    command = [sys.executable, "-m", "gan_rosetta", "judge", str(tmp_path / "absent.py")]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "absent.py is no file" in finished.stderr


def test_the_fixture_judges_each_case_when_the_test_ends(tmp_path):
    (tmp_path / "test_port.py").write_text(
        "def test_right(gan_case):\n    pass\n\n\n"
        "def test_wrong(gan_case):\n"
        "    for step in gan_case('linear-2d', steps=2):\n"
        "        step.record(discriminator=1.0, generator=1.0)\n\n\n"
        "def test_forgotten(gan_case):\n    gan_case('linear-2d', steps=2)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "3 passed, 2 errors" in finished.stdout, finished.stdout
    assert "linear-2d: DISAGREE, first in step 0, discriminator phase, loss" in finished.stdout
    assert "the program recorded 0 of 2 steps" in finished.stdout


def test_modules_of_the_folder_that_it_is_run_in_are_not_taken(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    for name in ("json", "numpy", "tempfile"):
        (there / f"{name}.py").write_text("raise SystemExit('a stranger ran')\n", encoding="utf-8")
    (tmp_path / "beside.py").write_text("FACTOR = 1.0\n", encoding="utf-8")
    program = tmp_path / "port.py"
    program.write_text(f"from beside import FACTOR\n{RIGHT}", encoding="utf-8")
    command = [sys.executable, "-P", "-m", "gan_rosetta", "judge", str(program)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=there)
    assert "a stranger ran" not in finished.stderr
    assert (finished.returncode, finished.stdout[:16]) == (0, "linear-2d: AGREE"), finished.stderr
