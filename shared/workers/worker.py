"""The process in which a backend runs: `python -m gan_rosetta.shared.workers.worker BACKEND`.

It reads one request a line from standard input, {"task": NAME, "data": {...}} (see tasks.py), and answers with one
event a line: {"event": "progress", ...} while a job goes on, then {"event": "finished", ...}, which may hold a result,
or {"event": "failed", ...}. It needs nothing of its parent but these lines, so it may live in another environment.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from typing import Any, TextIO

from gan_rosetta.shared.errors import BackendUnavailable, GanRosettaError, RunInterrupted
from gan_rosetta.shared.workers import interruption
from gan_rosetta.shared.workers.process import call_with_room, keep_freed_memory
from gan_rosetta.shared.workers.tasks import find_task

_SECONDS_BETWEEN_REPORTS = 0.1


def main(arguments: list[str], /) -> None:
    """Serve requests until standard input ends."""
    backend, threads = arguments[0], int(arguments[1])
    events = _claim_standard_output()
    interruption.listen()
    from gan_rosetta.shared.workers import registry  # noqa: PLC0415 - standard output is out of frameworks' reach now

    keep_freed_memory()
    try:
        entry = registry.find_backend(backend)
        started = time.perf_counter()
        device_module = registry.load_device_module(entry)
        device_module.configure(threads=threads)
        registry.load_trainer(entry)
        # The million objects of a framework's modules stay; each full collection would go through them all.
        gc.freeze()
        _send(
            events,
            event="ready",
            version=device_module.framework_version(),
            devices=list(device_module.list_devices()),
            import_seconds=time.perf_counter() - started,
        )
    except GanRosettaError as error:
        _send(events, event="unavailable", message=str(error))
        return
    kept: dict[str, Any] = {}
    for line in sys.stdin:
        _serve(json.loads(line), entry, events, kept)


def _serve(request: dict[str, Any], entry: Any, events: TextIO, kept: dict[str, Any]) -> None:
    last_report = 0.0

    def report_progress(phase: str, done: int, total: int) -> None:
        nonlocal last_report
        now = time.perf_counter()
        if done == total or now - last_report > _SECONDS_BETWEEN_REPORTS:
            last_report = now
            _send(events, event="progress", phase=phase, done=done, total=total)

    started = time.perf_counter()
    try:
        serve = find_task(request["task"])
        result = serve(request["data"], entry, report_progress=report_progress, kept=kept)
    except RunInterrupted as error:
        _send(events, event="failed", kind="interrupted", message=str(error), details="")
    except BackendUnavailable as error:
        _send(events, event="failed", kind="unavailable", message=str(error), details="")
    except GanRosettaError as error:
        _send(events, event="failed", kind="usage", message=str(error), details="")
    except MemoryError:
        _send(events, event="failed", kind="crash", message="out of memory", details="")
    except Exception as error:
        message = f"{type(error).__name__}: {error}".splitlines()[0]
        _send(events, event="failed", kind="crash", message=message, details=traceback.format_exc())
    else:
        _send(events, event="finished", seconds=time.perf_counter() - started, result=result)


def _claim_standard_output() -> TextIO:
    """Return standard output for events alone: what frameworks print there goes to standard error instead."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return events


def _send(events: TextIO, **event: Any) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


if __name__ == "__main__":
    call_with_room(lambda: main(sys.argv[1:]))
