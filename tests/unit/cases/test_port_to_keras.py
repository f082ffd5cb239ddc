"""docs/port_to_keras.py: a port to Keras is judged by the command, in ten added lines, and agrees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import gan_rosetta as gr

PROGRAM = Path(__file__).resolve().parents[3] / "docs" / "port_to_keras.py"


def test_ten_lines_are_added_and_no_other_knows_of_the_suite():
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    added = [line for line in lines if line.endswith("# added")]
    assert len(added) <= 10
    left = "\n".join(line for line in lines if line not in added)
    assert not [word for word in ("gan_rosetta", "gr.", "case", "step.") if word in left]


def test_the_port_agrees():
    if gr.backends()["tensorflow"].version is None:
        pytest.skip("TensorFlow is not installed")
    command = [sys.executable, "-m", "gan_rosetta", "judge", str(PROGRAM), "--gan", "mnist-wgan-gp", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    (judgement,) = json.loads(finished.stdout)["judgements"]
    assert (judgement["verdict"], judgement["checked_steps"], judgement["notes"]) == ("AGREE", 3, [])
