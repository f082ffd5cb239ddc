"""The command `gan-rosetta`, and `python -m gan_rosetta`: the command of the Python that runs it."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

_LEAST_ADDRESS_SPACE = 512 << 20


def main() -> None:
    """Run the command; an environment that serves workers alone has not what it needs, and is told so in a line."""
    _open_what_is_closed()
    _require_address_space()
    # What is imported stays: collections would go through its hundred thousand objects again and again.
    gc.disable()
    try:
        from gan_rosetta.shared.commands.main import main as run  # noqa: PLC0415 - it may be missing
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "gan_rosetta":
            raise
        _end(
            f"{error.name} is not installed here, so that this environment serves workers alone; {sys.executable} -m "
            "pip install gan-rosetta brings the command's own packages",
            status=2,
        )
    except (ImportError, OSError, MemoryError) as error:
        # What little memory or few open files make of an import.
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        _end(f"cannot start ({said}); look at the limits on memory and open files, then reinstall it", status=3)
    gc.freeze()
    gc.enable()
    run()


def _open_what_is_closed() -> None:
    """Give the standard streams that whoever started us has closed to /dev/null: the next file would get its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # The lowest number that is free, so this one.
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def _require_address_space() -> None:
    """End where there is a limit on address space so low that a product of matrices would wait for memory for ever."""
    try:
        import resource  # noqa: PLC0415 - Unix
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if 0 <= limit < _LEAST_ADDRESS_SPACE:
        _end(
            f"cannot start: the limit on address space (ulimit -v) is {limit >> 10:,} KB, and NumPy, SciPy and "
            f"matplotlib take {_LEAST_ADDRESS_SPACE >> 10:,}; raise it",
            status=3,
        )


def _end(line: str, *, status: int) -> NoReturn:
    print(f"gan-rosetta: {line}", file=sys.stderr, flush=True)
    # At once: threads of a library that half started, for want of memory, would be waited for without end.
    os._exit(status)


if __name__ == "__main__":
    main()
