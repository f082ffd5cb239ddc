"""Builds the C floor with the system's compiler and loads it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

from gan_rosetta.shared.errors import BackendUnavailable

SOURCE = Path(__file__).with_name("gaussian_1d.c")
_COMPILERS = ("cc", "gcc", "clang")
# With -O3 GCC 12 unrolls the short loops before it looks for vectors in them, which takes three times as long.
# -ffast-math lets the compiler use its vectors' tanh, exp and log, and add sums up in another order; whether that is
# within rounding is for the parity check to say. It is left out when linking, where it would also set the processor to
# flush small numbers to 0 in all of the process.
_COMPILE_OPTIONS = ("-O2", "-ftree-vectorize", "-march=native", "-ffast-math", "-fPIC", "-c")
_REALS = {"float32": "float", "float64": "double"}


def find_compiler() -> str:
    """Return the path of the system's C compiler; raises BackendUnavailable where there is none."""
    for name in _COMPILERS:
        path = shutil.which(name)
        if path is not None:
            return path
    raise BackendUnavailable(
        f"no C compiler is on the path (looked for {', '.join(_COMPILERS)}), so there is no floor; install gcc or clang"
    )


def build_library(dtype: str, /) -> ctypes.CDLL:
    """Compile the C source for "float32" or "float64" and load it; raises BackendUnavailable where that fails."""
    compiler = find_compiler()
    with tempfile.TemporaryDirectory(prefix="gan-rosetta-") as folder:
        compiled, library = Path(folder) / "floor.o", Path(folder) / "floor.so"
        definitions = (f"-DREAL={_REALS[dtype]}", "-DTRAIN=train")
        _run(compiler, *_COMPILE_OPTIONS, *definitions, str(SOURCE), "-o", str(compiled))
        _run(compiler, "-shared", str(compiled), "-o", str(library), "-lm")
        return ctypes.CDLL(str(library))


def _run(*command: str) -> None:
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BackendUnavailable(f"the C compiler {command[0]} does not start ({error.strerror or error})") from None
    if finished.returncode != 0:
        lines = finished.stderr.strip().splitlines() or [f"exit status {finished.returncode}"]
        raise BackendUnavailable(f"the C compiler refuses the floor: {lines[0]}; set another one up as cc")
