"""How a process that trains is set up: its threads, the memory it keeps, and room for its calls.

None of this changes a number that is computed. All of it was found by counting what such processes ask of the system.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import TypeVar

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_TUNABLES = "GLIBC_TUNABLES"
# They turn a process that has done its work into one that waits for a person.
_LEFT_OUT = ("PYTHONINSPECT", "PYTHONBREAKPOINT")
# Memory comes in pages of 2 MB where the system gives them on request: a 14th to a third as many page faults.
_HUGE_PAGES = "glibc.malloc.hugetlb=1"
# From glibc's malloc.h: how much free memory is kept, and how many blocks may come straight from the system.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
# In pointers: 1.1 MB, for which CPython takes 2 MB, of which what is left is the callees'.
_ROOM = 140_000

_Result = TypeVar("_Result")


def environment(*, threads: int) -> dict[str, str]:
    """Return the variables to start a process with: this one's, but for what would spoil it.

    GLIBC_TUNABLES that the user set are left alone.
    """
    variables = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    variables |= dict.fromkeys(_THREAD_VARIABLES, str(threads))
    variables.setdefault(_TUNABLES, _HUGE_PAGES)
    return variables


def keep_freed_memory() -> None:
    """Have freed memory kept for the next step, where the C library is glibc.

    Getting it from the system anew takes longer than most of what a step computes in it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(_M_MMAP_MAX, 0)


def call_with_room(function: Callable[[], _Result], /) -> _Result:
    """Call a function with a megabyte for the frames of all that it calls.

    CPython keeps the frames of calls in pieces of 16 KB, and gets and gives back a piece each time that a call crosses
    its end. A loop that happens to run at that depth does so in every round: compiling one GAN of torch once asked the
    system for 680 000 pieces. A caller with a frame of this size makes the piece so large that no end is near.
    """
    return function()


call_with_room.__code__ = call_with_room.__code__.replace(co_stacksize=_ROOM)


def describe_exit(code: int, /) -> str:
    """Say in words how a process ended. code: as subprocess has it, a signal's number below 0."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name of its own
        return f"signal {-code}"
