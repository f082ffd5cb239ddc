"""The process in which a backend runs: `python -m gan_rosetta.shared.workers.worker BACKEND THREADS DESCRIPTOR`.

It reads one request a line from the socket of that descriptor, a task of tasks.py, and answers with one event a line
(protocol.py): signs of life while a job goes on, then how it ended. It needs nothing of its parent but these lines, so
it may live in another environment. Standard output is the framework's own, and goes where standard error does.
"""

from __future__ import annotations

import gc
import sys
import time
import traceback
from contextlib import suppress
from typing import Any

from gan_rosetta.shared.errors import BackendUnavailable, GanRosettaError, RunInterrupted
from gan_rosetta.shared.storage.compiled import take_notes
from gan_rosetta.shared.workers import interruption
from gan_rosetta.shared.workers.channel import Channel, ChannelClosed, LineTooLong
from gan_rosetta.shared.workers.process import call_with_room, keep_freed_memory
from gan_rosetta.shared.workers.protocol import (
    Advanced,
    Event,
    Failed,
    Finished,
    Noted,
    ProtocolError,
    Ready,
    Request,
    Unavailable,
    decode_request,
    encode,
)
from gan_rosetta.shared.workers.tasks import find_task

_SECONDS_BETWEEN_REPORTS = 0.1


def main(arguments: list[str], /) -> None:
    """Serve requests until nobody is there to send one."""
    backend, threads, descriptor = arguments[0], int(arguments[1]), int(arguments[2])
    channel = Channel.from_descriptor(descriptor)
    interruption.listen()
    # The million objects of a framework's modules stay; each full collection would go through them all.
    gc.disable()
    from gan_rosetta.shared.workers import registry  # noqa: PLC0415 - it may bring a framework, whose time is taken

    keep_freed_memory()
    try:
        entry = registry.find_backend(backend)
        started = time.perf_counter()
        device_module = registry.load_device_module(entry)
        device_module.configure(threads=threads)
        registry.load_trainer(entry)
        gc.freeze()
        gc.enable()
        ready = Ready(
            version=str(device_module.framework_version()),
            devices=tuple(device_module.list_devices()),
            import_seconds=time.perf_counter() - started,
        )
    except BaseException as error:  # whatever a backend does while it is imported
        _send(channel, Unavailable(message=_why_not(backend, error)))
        return
    _send(channel, ready)
    kept: dict[str, Any] = {}
    while (request := _next_request(channel)) is not None:
        _serve(request, entry, channel, kept)


def _next_request(channel: Channel) -> Request | None:
    """Return what is asked for next, None where nobody asks any more; what is no request is answered as a failure."""
    while True:
        try:
            return decode_request(channel.receive())
        except ProtocolError as error:
            _send(channel, Failed(kind="crash", message=f"the worker was sent {error}"))
        except LineTooLong:
            _send(channel, Failed(kind="crash", message="the worker was sent a line without end"))
            return None
        except ChannelClosed:
            return None


def _serve(request: Request, entry: Any, channel: Channel, kept: dict[str, Any]) -> None:
    last_report = 0.0

    def report_progress(phase: str, done: int, total: int) -> None:
        nonlocal last_report
        now = time.perf_counter()
        if done == total or now - last_report > _SECONDS_BETWEEN_REPORTS:
            last_report = now
            _send(channel, Advanced(phase=phase, done=done, total=total))

    started = time.perf_counter()
    try:
        serve = find_task(request.task)
        with interruption.doing(keeps_checkpoints=request.keeps_checkpoints):
            result = serve(dict(request.data), entry, report_progress=report_progress, kept=kept)
        # What cannot be sent is a failure of the job.
        end = encode(Finished(seconds=time.perf_counter() - started, result=result))
    except BaseException as error:  # a backend may raise SystemExit or KeyboardInterrupt, which stop nothing here
        end = encode(_failure(error))
    for note in take_notes():
        _send(channel, Noted(message=note))
    _send_line(channel, end)


def _why_not(backend: str, error: BaseException) -> str:
    if isinstance(error, GanRosettaError):
        return str(error)
    return f"backend {backend!r} does not start ({type(error).__name__}: {error}); reinstall it"


def _failure(error: BaseException) -> Failed:
    match error:
        case RunInterrupted():
            return Failed(kind="interrupted", message=str(error))
        case BackendUnavailable():
            return Failed(kind="unavailable", message=str(error))
        case GanRosettaError():
            return Failed(kind="usage", message=str(error))
        case MemoryError():
            return Failed(kind="crash", message="out of memory")
    return Failed(kind="crash", message=_in_a_line(error), details="".join(traceback.format_exception(error)))


def _in_a_line(error: BaseException) -> str:
    """Return an error's type and the line of its text that says most: MXNet's begins with a traceback of C++."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1] if lines[0].startswith('Traceback') else lines[0]}"


def _send(channel: Channel, event: Event) -> None:
    _send_line(channel, encode(event))


def _send_line(channel: Channel, line: bytes) -> None:
    # Where nobody listens any more, the job ends by itself at its next checkpoint (interruption.py).
    with suppress(ChannelClosed):
        channel.send(line)


if __name__ == "__main__":
    call_with_room(lambda: main(sys.argv[1:]))
