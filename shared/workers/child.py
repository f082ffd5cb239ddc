"""One worker process: its start, what it is sent, and what is made of whatever comes back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, NoReturn

from gan_rosetta.shared.errors import in_a_line
from gan_rosetta.shared.workers.channel import Channel, ChannelClosed, ChannelSilent, LineTooLong
from gan_rosetta.shared.workers.environments import python_of
from gan_rosetta.shared.workers.jobs import DEFAULT_PATIENCE_SECONDS, Job, JobOutcome, JobStatus, OrderT, Progress
from gan_rosetta.shared.workers.process import describe_exit, environment
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
    decode_event,
    encode,
)

_LAST_LINES = 15
_MAX_LAST_LINE_CHARACTERS = 300
_MAX_LAST_WORDS_BYTES = 1 << 16
_SECONDS_TO_CLOSE = 5
# Importing a framework takes seconds, on a busy machine tens of them; whoever has more patience waits longer.
_SECONDS_TO_START = 300.0
_SHARE_TO_START = 1 / 6


class WorkerLost(Exception):
    """A worker that cannot be used, or no longer; the message says why. status: what becomes of its job."""

    def __init__(self, message: str, /, *, status: JobStatus = "crash") -> None:
        super().__init__(message)
        self.status: JobStatus = status


class WorkerProcess:
    """A worker of one backend. Starts on the first job, and again after it died.

    python: that it runs on, None for the backend's usual one.
    """

    def __init__(self, backend: str, /, *, threads: int, python: str | None = None) -> None:
        self._backend = backend
        self._python = python
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._errors: IO[bytes] | None = None
        self._job: Job[Any] | None = None

    def run(self, job: Job[OrderT], /, *, on_progress: Callable[[Progress], None]) -> JobOutcome[OrderT]:
        """Run one job to its end and say how it ended; never raises, whatever happens in the worker or here."""
        self._job = job
        settings = job.settings
        notes: list[str] = []
        try:
            end = self._perform(job, on_progress=on_progress, on_note=notes.append)
        except WorkerLost as lost:
            details = "\n".join(self._said()[-_LAST_LINES:])
            return JobOutcome(
                settings=settings, status=lost.status, message=str(lost), details=details, notes=tuple(notes)
            )
        except Exception as error:
            self._end()
            message = in_a_line(error)
            details = "".join(traceback.format_exception(error))
            return JobOutcome(settings=settings, status="crash", message=message, details=details, notes=tuple(notes))
        if isinstance(end, Failed):
            return JobOutcome(
                settings=settings, status=end.kind, message=end.message, details=end.details, notes=tuple(notes)
            )
        return JobOutcome(settings=settings, status="finished", result=end.result, notes=tuple(notes))

    def start(self, *, patience_seconds: float = DEFAULT_PATIENCE_SECONDS) -> Ready:
        """Start the process and return its first event; raises WorkerLost where there is none, or it is no good one."""
        self.close()
        ours, theirs = socket.socketpair()
        try:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
            self._process = subprocess.Popen(
                self._command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                env=environment(threads=self._threads),
                pass_fds=(theirs.fileno(),),
            )
        except OSError as error:
            ours.close()
            raise WorkerLost(f"the {self._backend} worker cannot be started ({error}); {_REMEDY_AT_START}") from None
        finally:
            theirs.close()
        process = self._process
        self._channel = Channel(ours, is_over=lambda: process.poll() is not None)
        to_start = min(patience_seconds, max(_SECONDS_TO_START, patience_seconds * _SHARE_TO_START))
        event = self._receive(patience_seconds=to_start)
        if isinstance(event, Unavailable):
            raise WorkerLost(event.message, status="unavailable")
        if not isinstance(event, Ready):
            self._refuse(f"{type(event).__name__} before it was ready")
        return event

    def close(self) -> None:
        """End the process."""
        if self._channel is not None:
            self._channel.close()
        process = self._process
        if process is not None:
            try:
                process.wait(timeout=_SECONDS_TO_CLOSE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._errors is not None:
            self._errors.close()
        self._process = self._channel = self._errors = None

    def interrupt(self) -> None:
        """Ask the process to stop its job with what it has done kept; one that cannot do that is killed."""
        if self._job is None or not self._job.keeps_checkpoints:
            self.kill()
        elif self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _end(self) -> None:
        """End the process and see it end, so that the next job finds none."""
        self.kill()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_SECONDS_TO_CLOSE)

    def _command(self, descriptor: int) -> list[str]:
        python = python_of(self._backend, self._python) or sys.executable
        # -P: the folder in which a command runs holds no modules of ours, and may hold anything.
        module = ["-P", "-m", "gan_rosetta.shared.workers.worker"]
        return [python, *module, self._backend, str(self._threads), str(descriptor)]

    def _perform(
        self, job: Job[OrderT], *, on_progress: Callable[[Progress], None], on_note: Callable[[str], None]
    ) -> Finished | Failed:
        patience = job.settings.patience_seconds
        if self._process is None or self._process.poll() is not None:
            self.start(patience_seconds=patience)
        self._send(
            Request(task=job.task, data=job.data, keeps_checkpoints=job.keeps_checkpoints), patience_seconds=patience
        )
        while True:
            event = self._receive(patience_seconds=patience)
            if isinstance(event, Advanced):
                on_progress(Progress(settings=job.settings, phase=event.phase, done=event.done, total=event.total))
            elif isinstance(event, Noted):
                on_note(event.message)
            elif isinstance(event, Finished | Failed):
                return event
            else:
                self._refuse(f"{type(event).__name__} in the middle of a job")

    def _send(self, request: Request, *, patience_seconds: float) -> None:
        # A worker that died is found out when its answer is read, with what it said before.
        with suppress(ChannelClosed):
            try:
                self._open_channel().send(encode(request), patience_seconds=patience_seconds)
            except ChannelSilent:
                self._give_up(patience_seconds)

    def _receive(self, *, patience_seconds: float) -> Event:
        """Return the worker's next event; raises WorkerLost where it died, was silent for too long, or lies."""
        try:
            return decode_event(self._open_channel().receive(patience_seconds=patience_seconds))
        except ChannelClosed:
            raise WorkerLost(self._how_it_ended()) from None
        except ChannelSilent:
            self._give_up(patience_seconds)
        except LineTooLong:
            self._refuse("a line without end")
        except ProtocolError as error:
            self._refuse(str(error))

    def _open_channel(self) -> Channel:
        if self._channel is None:
            raise ChannelClosed
        return self._channel

    def _give_up(self, patience_seconds: float) -> NoReturn:
        self._end()
        raise WorkerLost(
            f"the {self._backend} worker gave no sign of life for {patience_seconds:g} s and was ended; "
            "--patience SECONDS waits longer"
        )

    def _refuse(self, what: str) -> NoReturn:
        self._end()
        place = "" if self._python is None else f" on {self._python}"
        raise WorkerLost(
            f"the {self._backend} worker{place} sent {what}; expected a message of gan-rosetta's, so it was ended: "
            "install the same gan-rosetta where it runs, and nothing in its place"
        )

    def _how_it_ended(self) -> str:
        """Wait for the end of a process that closed its channel; say in a line how it ended, and its last words."""
        if self._process is None:
            return f"the {self._backend} worker was never started"
        try:
            code = self._process.wait(timeout=_SECONDS_TO_CLOSE)
        except subprocess.TimeoutExpired:
            self._end()
            return f"the {self._backend} worker closed its channel, went on, and was ended"
        ended = f"the {self._backend} worker ended with {describe_exit(code)}"
        last = next((line.strip() for line in reversed(self._said()) if line.strip()), "")
        if len(last) > _MAX_LAST_LINE_CHARACTERS:
            last = f"{last[:_MAX_LAST_LINE_CHARACTERS]}…"
        return f"{ended}: {last}" if last else ended

    def _said(self) -> list[str]:
        """Return the last lines of what the process printed."""
        if self._errors is None:
            return []
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _MAX_LAST_WORDS_BYTES))
        return self._errors.read().decode(errors="replace").splitlines()


_REMEDY_AT_START = "look at that program's permissions, and at the limits on processes and open files"
