"""A command that is run to go wrong, and an account of what came of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE_SECONDS = 240
ROOT = Path(__file__).parents[2]
_COMMAND = [sys.executable, "-m", "gan_rosetta"]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has ended. lines: what it printed, wrapped or not, as it came."""

    status: int
    text: str

    @property
    def complaint(self) -> str:
        """The lines in which the command says what is wrong, if any."""
        lines = [line for line in self.text.splitlines() if line.startswith("gan-rosetta: ")]
        return "\n".join(lines)


class Mishap:
    """One mishap: runs commands in its own folder, and keeps an account of what happened."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.rows: list[tuple[str, ...]] = []

    def start(self, *arguments: object, prefix: Iterable[str] = (), **environment: str) -> subprocess.Popen[str]:
        """Start gan-rosetta, in a group of its own. prefix: a command that starts it."""
        return subprocess.Popen(
            [*prefix, *_COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            cwd=ROOT,
            env=os.environ | {"COLUMNS": "200"} | environment,
        )

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        """Wait for a command to end; it must not show a traceback."""
        try:
            text, _ = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"hangs: {process.args}")
        assert "Traceback" not in text, text
        return Finished(status=process.returncode, text=text)

    def run(self, *arguments: object, prefix: Iterable[str] = (), **environment: str) -> Finished:
        """Run gan-rosetta to its end."""
        return self.finish(self.start(*arguments, prefix=prefix, **environment))

    def refused(self, *arguments: object, says: str, status: int = 2) -> Finished:
        """Run a command that must be refused in one line, with these words in it."""
        finished = self.run(*arguments)
        assert (finished.status, len(finished.text.splitlines())) == (status, 1), finished.text
        assert says in finished.text, finished.text
        return finished

    def account(self, done: str, finished: Finished, kept: str) -> None:
        """Note what was done, what the command printed and what is kept, for the page."""
        assert kept, "say what is there afterwards"
        self.rows.append((done, finished.complaint, str(finished.status), kept))

    def note(self, done: str, printed: str, kept: str) -> None:
        """Note what was done to the readers of files themselves, which a command refuses with status 2."""
        self.rows.append((done, printed, "2", kept))

    def files(self, folder: Path | None = None) -> str:
        """Return what lies in a folder, in words; locks apart, which stay and hold nothing."""
        root = folder or self.folder
        found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        shown = [f"`{name}`" for name in found if not name.endswith(".lock")]
        return ", ".join(shown) or "nothing"
