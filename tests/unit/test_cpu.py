"""What tests cost is told by room, file and test, in the processes that they start too."""

from __future__ import annotations

import subprocess
import sys

from tests.cpu import cpu_seconds, lines_of


def test_sums_are_of_all_parameters_and_the_dearest_comes_first():
    taken = [("room/a.py::test_one[x]", 1.0), ("room/a.py::test_one[y::z]", 2.0), ("other/b.py::test_two@b", 4.0)]
    lines = lines_of(taken)
    rooms, files, tests = (lines[2:][start : start + 3] for start in (0, 3, 6))
    assert rooms == ["| 7.0 | 3 | **all** |", "| 4.0 | 1 | other |", "| 3.0 | 2 | room |"]
    assert files[1:] == ["| 4.0 | 1 | other/b.py |", "| 3.0 | 2 | room/a.py |"]
    assert tests[1:] == ["| 4.0 | 1 | other/b.py::test_two |", "| 3.0 | 2 | room/a.py::test_one |"]


def test_processes_that_ended_are_counted():
    before = cpu_seconds()
    program = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert cpu_seconds() - before >= 0.28
