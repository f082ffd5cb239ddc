"""What tests cost: seconds of CPU by room, file and test, written by `pytest --cpu-report FILE`.

A test pays for the fixtures that are made when it is the first to ask, and for the processes that ended during it. What
is collected and imported before the first test is nobody's.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

_PROPERTY = "cpu seconds"


def cpu_seconds() -> float:
    """Return what this process has taken, and all that it started and that ended."""
    return sum(os.times()[:4])


class CpuReport:
    """Measures each test where it runs, and writes the sums where one process hears of all."""

    def __init__(self, target: Path, *, writes: bool) -> None:
        self._target, self._writes = target, writes
        self._taken: list[tuple[str, float]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        self._began = cpu_seconds()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> None:
        if call.when == "teardown":
            item.user_properties.append((_PROPERTY, cpu_seconds() - self._began))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._taken += [(report.nodeid, seconds) for name, seconds in report.user_properties if name == _PROPERTY]

    def pytest_sessionfinish(self) -> None:
        if self._writes:
            self._target.write_text("\n".join(lines_of(self._taken)) + "\n", encoding="utf-8")


def lines_of(taken: Iterable[tuple[str, float]]) -> list[str]:
    """Return a table of the seconds and the number of tests of each room, each file, each test, what is most first."""
    sums: list[dict[str, list[float]]] = [defaultdict(list) for _ in range(3)]
    for nodeid, seconds in taken:
        # pytest-xdist writes a test's group behind its name.
        test = nodeid.partition("[")[0].partition("@")[0]
        file = test.partition("::")[0]
        for by, name in zip(sums, (str(Path(file).parent), file, test), strict=True):
            by[name].append(seconds)
    lines = ["| CPU seconds | tests | |", "| ---: | ---: | --- |"]
    for by in sums:
        total = sum(map(sum, by.values()))
        rows = sorted(((sum(values), len(values), name) for name, values in by.items()), reverse=True)
        lines += [
            f"| {seconds:.1f} | {count} | {name} |"
            for seconds, count, name in [(total, sum(map(len, by.values())), "**all**"), *rows]
        ]
    return lines
