"""A person's own program, run in this process as Python would run it."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from gan_rosetta.shared.errors import in_a_line


def run_as_main(program: str, arguments: Sequence[str], /) -> str:
    """Run a program in this process as Python would, and return how it failed, "" where it did not."""
    sys.argv = [program, *arguments]
    sys.path.insert(0, str(Path(program).resolve().parent))
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as error:
        return f"it exits with status {error.code}" if error.code else ""
    except BaseException as error:  # the program is a stranger's
        traceback.print_exc()
        return in_a_line(error)
    return ""
