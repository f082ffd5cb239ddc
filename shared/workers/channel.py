"""The channel between a worker and whoever started it: a socket of its own, which nothing else writes to.

Standard output belongs to frameworks, their threads and their C code. Lines are bounded, and waiting for one is too.
"""

from __future__ import annotations

import math
import select
import socket
import time
from collections.abc import Callable
from typing import Self

# The largest message is what a benchmark's first steps gave: far below a megabyte.
MOST_LINE_BYTES = 1 << 26
_BLOCK_BYTES = 1 << 16
_TICK_SECONDS = 0.5
_LONGEST_TICK_SECONDS = 2 * _TICK_SECONDS


class ChannelClosed(Exception):
    """The other side has gone."""


class ChannelSilent(Exception):
    """The other side neither read nor wrote for as long as it may."""


class LineTooLong(Exception):
    """The other side wrote more than a message may be long, and no end of line."""


class RunningTime:
    """Counts down the time in which this process ran: while it is stopped, as by Ctrl-Z, none passes.

    Whoever waits ticks at least each _TICK_SECONDS; a tick that comes later was held up, and so were those waited for.
    """

    def __init__(self, seconds: float, /) -> None:
        self._left = seconds
        self._last = time.monotonic()

    def tick(self) -> None:
        """Take note of the time since the last tick; raises ChannelSilent where no time is left."""
        now = time.monotonic()
        self._left -= min(now - self._last, _LONGEST_TICK_SECONDS)
        self._last = now
        if self._left <= 0:
            raise ChannelSilent

    @property
    def is_endless(self) -> bool:
        """Whether it never ends."""
        return self._left == math.inf

    @property
    def next_tick(self) -> float:
        """Seconds until the next tick is due."""
        return max(0.0, min(_TICK_SECONDS, self._left))


class Channel:
    """One end. To be used from one thread at a time. is_over: asked at each tick whether the other side has ended."""

    def __init__(self, connection: socket.socket, /, *, is_over: Callable[[], bool] | None = None) -> None:
        self._connection = connection
        self._connection.setblocking(False)
        self._is_over = is_over
        self._received = bytearray()

    @classmethod
    def from_descriptor(cls, descriptor: int, /) -> Self:
        """Return the end that this process was started with; its own children do not inherit it."""
        connection = socket.socket(fileno=descriptor)
        connection.set_inheritable(False)
        return cls(connection)

    def send(self, line: bytes, /, *, patience_seconds: float = math.inf) -> None:
        """Send a line whole; raises ChannelClosed, ChannelSilent."""
        left = memoryview(line)
        time_left = RunningTime(patience_seconds)
        while left:
            self._wait(select.POLLOUT, time_left)
            try:
                left = left[self._connection.send(left) :]
            except BlockingIOError:
                continue
            except OSError:
                raise ChannelClosed from None

    def receive(self, *, patience_seconds: float = math.inf) -> bytes:
        """Return the next line, its end included; raises ChannelClosed, ChannelSilent, LineTooLong."""
        time_left = RunningTime(patience_seconds)
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            if searched > MOST_LINE_BYTES:
                raise LineTooLong
            self._wait(select.POLLIN, time_left)
            try:
                block = self._connection.recv(_BLOCK_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                raise ChannelClosed from None
            if not block:
                raise ChannelClosed
            self._received += block
        line = bytes(self._received[: end + 1])
        del self._received[: end + 1]
        return line

    def close(self) -> None:
        """Close this end."""
        self._connection.close()

    def _wait(self, event: int, time_left: RunningTime) -> None:
        poll = select.poll()
        poll.register(self._connection, event)
        if self._is_over is None and time_left.is_endless:
            poll.poll()
        while not poll.poll(1000 * time_left.next_tick):
            time_left.tick()
            # A child of the other side may hold its end open after it has gone.
            if self._is_over is not None and self._is_over() and not poll.poll(0):
                raise ChannelClosed
        time_left.tick()
