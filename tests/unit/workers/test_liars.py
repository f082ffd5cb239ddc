"""A worker is not believed: whatever it sends or does not send ends its own run, in one line, and nothing else."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.workers import channel as channel_module
from gan_rosetta.shared.workers import child, launch
from gan_rosetta.shared.workers.channel import Channel, ChannelClosed, ChannelSilent, LineTooLong, RunningTime
from gan_rosetta.shared.workers.child import WorkerLost, WorkerProcess
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import Pool, run_jobs
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
    decode_request,
    encode,
)

READY = Ready(version="1.0", devices=("cpu",), import_seconds=0.5)
EVENTS: list[Event] = [
    READY,
    Unavailable(message="no"),
    Advanced(phase="adversarial", done=3, total=9),
    Noted(message="mended"),
    Finished(seconds=1.5, result={"found": [1, None, {"deep": "é"}]}),
    Failed(kind="crash", message="no", details="line\nline"),
]
# What a worker sends in place of an event, and what is said of it.
LIES = [
    (b"hello there\n", "'hello there', which is not JSON"),
    (b"\n", "'', which is not JSON"),
    (b"42\n", "which is a int and no message"),
    (b"[]\n", "which is a list and no message"),
    (b"null\n", "which is null and no message"),
    (b'"Ready"\n', "which is a str and no message"),
    (b"\xff\xfe{}\n", "which is not UTF-8"),
    (b"{}\n", "lacks type"),
    (b'{"type": "Redy"}\n', "did you mean 'Ready'"),
    (b'{"type": 3}\n', "type is 3"),
    (b'{"type": "Ready", "devices": [], "import_seconds": 0}\n', "Ready lacks version"),
    (b'{"type": "Ready", "version": 2, "devices": [], "import_seconds": 0}\n', "version is 2; expected a text"),
    (b'{"type": "Ready", "version": "", "devices": "cpu", "import_seconds": 0}\n', "expected a list of texts"),
    (b'{"type": "Ready", "version": "", "devices": [1], "import_seconds": 0}\n', "entry 1 of devices is 1"),
    (b'{"type": "Advanced", "phase": "a", "done": true, "total": 2}\n', "done is true; expected a whole number"),
    (b'{"type": "Advanced", "phase": "a", "done": 1e300, "total": 2}\n', "done is 1e+300"),
    (b'{"type": "Failed", "kind": "finished", "message": ""}\n', "kind is 'finished'"),
    (b'{"type": "Finished", "seconds": 1, "result": [1]}\n', "result is a list"),
    (b'{"type": "Advanced", "phase": "a", "done": 1, "total": 2, "result": {}}\n', "Advanced has no result"),
    (b'{"type": "Ready", "more": 1}\n', "unknown key 'more'"),
    (b"[" * 100_000 + b"\n", "which is not JSON"),
    (b"\x1b[31mred\n", r"\\x1b[31mred"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was_sent(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert decode_event(line) == event


def test_a_request_comes_back_as_it_was_sent() -> None:
    request = Request(task="run", data={"gan": "sine", "steps": 3})
    assert decode_request(encode(request)) == request


@pytest.mark.parametrize(("line", "says"), LIES)
def test_what_is_no_event_is_said_in_one_short_line(line: bytes, says: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        decode_event(line)
    said = str(raised.value)
    assert says in said
    assert len(said) < 400
    assert said.isprintable()


def test_a_request_is_not_taken_for_an_event_nor_an_event_for_a_request() -> None:
    with pytest.raises(ProtocolError):
        decode_event(encode(Request(task="run")))
    with pytest.raises(ProtocolError):
        decode_request(encode(READY))


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield Channel(ours), theirs
    ours.close()
    theirs.close()


def test_lines_are_cut_where_they_end(ends) -> None:
    ours, theirs = ends
    theirs.sendall(b"one\ntwo\nthr")
    assert (ours.receive(), ours.receive()) == (b"one\n", b"two\n")
    theirs.sendall(b"ee\n")
    theirs.close()
    assert ours.receive() == b"three\n"
    with pytest.raises(ChannelClosed):
        ours.receive()


def test_a_line_without_end_is_left_off_at_its_limit(ends, monkeypatch) -> None:
    ours, theirs = ends
    monkeypatch.setattr(channel_module, "MOST_LINE_BYTES", 1000)
    theirs.sendall(b"x" * 2000)
    with pytest.raises(LineTooLong):
        ours.receive()


def test_who_says_a_letter_now_and_then_is_as_silent_as_who_says_nothing(ends) -> None:
    ours, theirs = ends
    over = threading.Event()

    def dribble() -> None:
        while not over.wait(0.02):
            theirs.send(b"x")

    thread = threading.Thread(target=dribble)
    thread.start()
    started = time.monotonic()
    with pytest.raises(ChannelSilent):
        ours.receive(patience_seconds=0.3)
    over.set()
    thread.join()
    assert time.monotonic() - started < 5


def test_who_does_not_read_is_not_waited_for(ends) -> None:
    ours, _ = ends
    with pytest.raises(ChannelSilent):
        ours.send(b"x" * 10_000_000, patience_seconds=0.2)


def test_time_in_which_this_process_was_stopped_does_not_count(monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(channel_module.time, "monotonic", lambda: now[0])
    left = RunningTime(3.0)
    now[0] += 3600.0  # Ctrl-Z, lunch, fg
    left.tick()
    now[0] += 1.0
    left.tick()
    now[0] += 1.0
    with pytest.raises(ChannelSilent):
        left.tick()


@pytest.fixture
def liar(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that makes a program that stands in for a Python; `say` in it writes to the channel."""

    def make(body: str) -> str:
        program = tmp_path / f"python-{len(list(tmp_path.iterdir()))}"
        say = "import os, sys, time\ndef say(line):\n    os.write(int(sys.argv[-1]), line)\n"
        program.write_text(f"#!{sys.executable} -S\n{say}{body}\n")
        program.chmod(0o755)
        return str(program)

    return make


def job_on(python: str | None, *, gan: str = "sine", patience_seconds: float = 20.0) -> Job[Label]:
    settings = Label(gan=gan, backend="numpy", folder=f"{gan}/numpy", python=python, patience_seconds=patience_seconds)
    return Job(settings=settings, task="run", data={})


def outcome_on(python: str, *, patience_seconds: float = 20.0) -> JobOutcome[Label]:
    (outcome,) = run_jobs(
        [job_on(python, patience_seconds=patience_seconds)],
        num_slots=1,
        on_progress=lambda _: None,
        on_outcome=lambda _: None,
    )
    return outcome


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("say(b'hello\\n')", "sent 'hello', which is not JSON"),
        ("say(b'\\xff\\xff\\n')", "which is not UTF-8"),
        ("say(b'7\\n')", "no message"),
        (f"say({encode(EVENTS[4])!r})", "sent Finished before it was ready"),
        (f"say({encode(READY)!r}); say({encode(READY)!r}); time.sleep(60)", "sent Ready in the middle of a job"),
        (f"say({encode(READY)!r}); say(b'oops\\n'); time.sleep(60)", "sent 'oops', which is not JSON"),
        ("pass", "ended with exit status 0"),
        (f"say({encode(READY)!r}); sys.exit('the end')", "ended with exit status 1: the end"),
        ("print('a banner'); sys.exit(3)", "ended with exit status 3: a banner"),
        ("os.kill(os.getpid(), 40)", "ended with signal 40"),
    ],
)
def test_a_worker_that_lies_or_dies_ends_its_run_in_one_line(liar, body: str, says: str) -> None:
    started = time.monotonic()
    outcome = outcome_on(liar(body))
    assert outcome.status == "crash"
    assert says in outcome.message
    assert len(outcome.message.splitlines()) == 1
    assert time.monotonic() - started < 15


def test_a_line_without_end_ends_the_run(liar, monkeypatch) -> None:
    monkeypatch.setattr(channel_module, "MOST_LINE_BYTES", 1 << 20)
    outcome = outcome_on(liar("while True: say(b'x' * 65536)"))
    assert "sent a line without end" in outcome.message


def test_a_worker_that_says_nothing_is_waited_for_as_long_as_is_asked(liar) -> None:
    outcome = outcome_on(liar("time.sleep(60)"), patience_seconds=0.5)
    assert "gave no sign of life for 0.5 s" in outcome.message


def test_whoever_has_no_patience_of_its_own_does_not_wait_half_an_hour_for_the_first_word(liar, monkeypatch) -> None:
    monkeypatch.setattr(child, "_SECONDS_TO_START", 0.5)
    worker = WorkerProcess("numpy", threads=1, python=liar("time.sleep(60)"))
    with pytest.raises(WorkerLost, match=r"no sign of life for 0\.5 s"):
        worker.start(patience_seconds=2.0)
    worker.close()


def test_a_worker_whose_child_holds_the_channel_open_is_not_waited_for(liar) -> None:
    fork = "if os.fork() == 0:\n    time.sleep(20)\n    os._exit(0)\nsys.exit(5)"
    started = time.monotonic()
    assert "ended with exit status 5" in outcome_on(liar(fork)).message
    assert time.monotonic() - started < 10


def test_a_banner_and_threads_that_print_do_not_reach_the_channel(liar) -> None:
    body = f"""
print("Welcome to my Python"); sys.stdout.flush()
import threading
threading.Thread(target=lambda: os.write(1, b"C code speaks\\n")).start()
say({encode(READY)!r}); say({encode(EVENTS[2])!r}); say({encode(EVENTS[3])!r}); say({encode(EVENTS[4])!r})
time.sleep(0.2)"""
    outcome = outcome_on(liar(body))
    assert (outcome.status, outcome.result) == ("finished", EVENTS[4].result)
    assert outcome.notes == ("mended",)


def test_a_python_that_may_not_be_executed_ends_its_run_and_the_others_stand(liar, tmp_path) -> None:
    closed, broken = tmp_path / "closed", tmp_path / "broken"
    closed.write_text("#!/bin/sh\n")
    broken.write_bytes(b"\x7fELF and no more")
    broken.chmod(0o755)
    good = liar(f"say({encode(READY)!r}); say({encode(EVENTS[4])!r})")
    jobs = [job_on(str(python), gan=str(index)) for index, python in enumerate((closed, broken, good))]
    outcomes = run_jobs(jobs, num_slots=2, on_progress=lambda _: None, on_outcome=lambda _: None)
    found = {outcome.settings.gan: outcome for outcome in outcomes}
    assert "cannot be started" in found["0"].message
    assert "Permission denied" in found["0"].message
    assert "cannot be started" in found["1"].message
    assert found["2"].status == "finished"


def test_a_limit_on_open_files_ends_the_run_and_nothing_else(liar) -> None:
    python = liar("pass")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        outcome = outcome_on(python)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert outcome.status == "crash"
    assert "Too many open files" in outcome.message


def test_where_no_thread_can_start_every_job_hears_of_it(monkeypatch) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(launch.threading, "Thread", NoThread)
    outcomes = run_jobs(
        [job_on(None, gan="a"), job_on(None, gan="b")],
        num_slots=1,
        on_progress=lambda _: None,
        on_outcome=lambda _: None,
    )
    assert ["raise the limit on processes" in outcome.message for outcome in outcomes] == [True, True]


def test_whatever_goes_wrong_in_the_thread_of_a_worker_is_reported(monkeypatch) -> None:
    def fail(self, job, /, *, on_progress):
        raise SystemExit("gone")

    monkeypatch.setattr(WorkerProcess, "run", fail)
    outcomes = run_jobs(
        [job_on(None, gan="a"), job_on(None, gan="b")],
        num_slots=1,
        on_progress=lambda _: None,
        on_outcome=lambda _: None,
    )
    assert [outcome.message for outcome in outcomes] == ["SystemExit: gone"] * 2


def test_who_watches_and_raises_ends_the_run_that_it_watched(liar) -> None:
    def fail(progress: object) -> None:
        raise ValueError("not today")

    python = liar(f"say({encode(READY)!r}); say({encode(EVENTS[2])!r}); time.sleep(60)")
    (outcome,) = run_jobs([job_on(python)], num_slots=1, on_progress=fail, on_outcome=lambda _: None)
    assert outcome.message == "ValueError: not today"


def test_a_pool_keeps_a_worker_for_the_next_job_and_an_order_between_workers(liar) -> None:
    serves = f"say({encode(READY)!r})\nfor line in os.fdopen(int(sys.argv[-1]), 'rb'): say({encode(EVENTS[4])!r})"
    python = liar(serves)
    gate: Future[None] = Future()
    with Pool(num_slots=1) as pool:
        held = pool.submit(job_on(python, gan="a"), after=gate)
        # Whoever waits for another holds no slot.
        assert pool.submit(job_on(liar(serves), gan="c")).result(timeout=20).status == "finished"
        assert not held.done()
        gate.set_result(None)
        assert held.result(timeout=20).status == "finished"
        first = pool._lines[launch._WorkerKey("numpy", python, 1)].worker._process
        assert pool.submit(job_on(python, gan="b")).result(timeout=20).status == "finished"
        assert pool._lines[launch._WorkerKey("numpy", python, 1)].worker._process is first
    assert first is not None
    assert first.returncode == 0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"hello\n", "the worker was sent 'hello', which is not JSON"),
        (b"[1]\n", "no message"),
        (b'{"type": "Request"}\n', "Request lacks task"),
        (b'{"type": "Request", "task": "no-such", "data": {}}\n', "a worker was asked for the task 'no-such'"),
        (b'{"type": "Request", "task": "run", "data": {"gan": 3}}\n', "Order: unknown key 'gan'"),
    ],
)
def test_a_worker_does_not_believe_who_asks_and_serves_on(served: Channel, line: bytes, says: str) -> None:
    served.send(line, patience_seconds=20)
    answer = decode_event(served.receive(patience_seconds=20))
    assert isinstance(answer, Failed)
    assert says in answer.message


@pytest.fixture(scope="module")
def served() -> Iterator[Channel]:
    """A real worker, of the reference."""
    ours, theirs = socket.socketpair()
    command = ["-P", "-m", "gan_rosetta.shared.workers.worker", "numpy", "1", str(theirs.fileno())]
    process = subprocess.Popen([sys.executable, *command], pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
    theirs.close()
    channel = Channel(ours, is_over=lambda: process.poll() is not None)
    assert isinstance(decode_event(channel.receive(patience_seconds=60)), Ready)
    yield channel
    channel.close()
    assert process.wait(timeout=20) == 0
