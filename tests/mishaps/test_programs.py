"""Programs of a person's own that end, crash or close what is not theirs: judge and align say how, and wait not."""

from __future__ import annotations

import pytest

from tests.mishaps.trial import Mishap

PROGRAMS = {
    "ends its process": ("import os; os._exit(0)", "it ended with exit status 0", "made no trace"),
    "reads what is not its own": (
        "import ctypes; ctypes.string_at(0)",
        "it ended with signal SIGSEGV",
        "ended with signal SIGSEGV",
    ),
    "closes every file": ("import os; os.closerange(0, 100)", "made no case; it is to begin", "made no trace"),
    "makes nothing": ("", "made no case; it is to begin", "made no trace"),
    "removes its folder": (
        "import os, tempfile; place = tempfile.mkdtemp(); os.chdir(place); os.rmdir(place)",
        "made no case; it is to begin",
        "made no trace",
    ),
}


@pytest.mark.parametrize("command", ["judge", "align"])
@pytest.mark.parametrize("what", list(PROGRAMS))
def test_a_program_that_does_something_else(mishap: Mishap, command: str, what: str) -> None:
    text, judged, aligned = PROGRAMS[what]
    program = mishap.folder / "mine.py"
    program.write_text(text)
    words, says = (("judge", program), judged) if command == "judge" else (("align", program, program), aligned)
    finished = mishap.refused(*words, says=says, status=3 if "ended with" in says else 2)
    mishap.account(f"`{command}` of a program that {what}", finished, mishap.files())
