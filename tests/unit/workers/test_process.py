"""What a process that trains is set up with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gan_rosetta.shared.workers.process import call_with_room, environment

# Counts the pieces of memory that CPython gets while a call crosses the end of a piece of its stack again and again, at
# some depth or other, so that one of them is at the end of a piece of 16 KB.
_PROGRAM = """
import resource, sys
from gan_rosetta.shared.workers.process import call_with_room

def at_depth(depth):
    if depth > 0:
        return at_depth(depth - 1)
    for _ in range(2000):
        callee()

def callee():
    return helper()

def helper():
    return None

def run():
    for depth in range(300):
        at_depth(depth)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

run()
before = faults()
run()
between = faults()
call_with_room(run)
after_first = faults()
call_with_room(run)
print(between - before, faults() - after_first)
"""


def test_threads_and_memory_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    variables = environment(threads=3)
    assert variables["OMP_NUM_THREADS"] == variables["OPENBLAS_NUM_THREADS"] == "3"
    assert "hugetlb=1" in variables["GLIBC_TUNABLES"]


def test_tunables_of_the_user_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    assert environment(threads=1)["GLIBC_TUNABLES"] == "glibc.malloc.check=1"


def test_a_call_with_room_gives_what_the_function_gives() -> None:
    assert call_with_room(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        call_with_room(lambda: 1 // 0)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="it is CPython that keeps frames in pieces")
def test_calls_with_room_get_no_memory_from_the_system() -> None:
    finished = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    without, with_room = map(int, finished.stdout.split())
    assert without > 1000
    assert with_room < without / 10
