"""Progress: speeds and time left for each backend and over all on a terminal; nothing elsewhere."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from gan_rosetta.shared.report.progress import ProgressDisplay
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.workers.jobs import JobOutcome, Progress

JOBS = [Label(gan="sine", backend=backend, folder=f"runs/sine/{backend}") for backend in ("numpy", "torch")]


@pytest.fixture
def clock():
    """What the time is, in a list, so that a test can move it."""
    return [0.0]


def a_display(clock, *, is_terminal=True, **options):
    text = io.StringIO()
    console = Console(file=text, force_terminal=is_terminal, width=140, color_system=None, get_time=lambda: clock[0])
    shares = {job.folder: share for job, share in zip(JOBS, (3.0, 1.0), strict=True)}
    return ProgressDisplay(console, num_jobs=2, shares=shares, **options), text


def lines(display):
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(display._bars.get_renderable())
    return [line for line in console.file.getvalue().splitlines() if line.strip()]


def test_a_terminal_shows_speeds_and_time_left_for_all_and_for_each(clock):
    display, _ = a_display(clock)
    with display:
        for clock[0] in range(11):
            done = 10 * int(clock[0])
            display.on_progress(Progress(settings=JOBS[0], phase="adversarial", done=done, total=1000))
            display.on_progress(Progress(settings=JOBS[1], phase="adversarial", done=2 * done, total=1000))
        overall, first, second = lines(display)
    assert "all runs" in overall
    assert "0/2 runs" in overall
    assert re.search(r"\d:\d\d:\d\d left", overall)
    assert "steps/s" not in overall
    assert re.search(r"numpy: sine, adversarial .* 100/1000 +10 steps/s .* 0:01:30 left", first), first
    assert re.search(r"torch: sine, adversarial .* 200/1000 +20 steps/s .* 0:00:40 left", second), second
    task = display._bars.tasks[0]
    assert task.percentage == pytest.approx(100 * (3 * 0.1 + 1 * 0.2) / 4)


def test_what_has_ended_is_counted_by_its_share(clock):
    display, _ = a_display(clock)
    with display:
        display.on_progress(Progress(settings=JOBS[0], phase="adversarial", done=5, total=10))
        display.on_outcome(JobOutcome(settings=JOBS[0], status="finished"))
        (overall,) = lines(display)
    assert "1/2 runs" in overall
    assert display._bars.tasks[0].percentage == pytest.approx(75.0)


def test_another_phase_has_a_speed_of_its_own(clock):
    display, _ = a_display(clock)
    with display:
        for clock[0], done in ((0, 0), (1, 500), (2, 1000)):
            display.on_progress(Progress(settings=JOBS[0], phase="pretraining", done=done, total=1000))
        for clock[0], done in ((3, 0), (4, 20), (5, 40)):
            display.on_progress(Progress(settings=JOBS[0], phase="adversarial", done=done, total=1000))
        _, line = lines(display)
    assert "adversarial" in line
    assert "20 steps/s" in line
    assert display._bars.tasks[0].percentage == pytest.approx(100 * 3 * 0.04 / 4)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"is_terminal": False}, ""),
        ({"is_terminal": False, "writes_lines": True}, "[1/2] sine on numpy: finished\n"),
        ({"is_terminal": False, "writes_lines": True, "is_quiet": True}, ""),
        ({"is_terminal": True, "is_quiet": True}, ""),
    ],
)
def test_nothing_is_shown_where_nobody_looks(clock, options, expected):
    display, text = a_display(clock, **options)
    with display:
        display.on_progress(Progress(settings=JOBS[0], phase="adversarial", done=5, total=10))
        display.on_outcome(JobOutcome(settings=JOBS[0], status="finished"))
    assert text.getvalue() == expected


def test_a_terminal_is_written_to(clock):
    display, text = a_display(clock)
    with display:
        display.on_progress(Progress(settings=JOBS[0], phase="adversarial", done=5, total=10))
        display._bars.refresh()
    assert "numpy: sine" in text.getvalue()
