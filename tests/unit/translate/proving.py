"""Proves programs in this process, where their framework is imported once for all of them."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys
from pathlib import Path

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.translate import proof
from gan_rosetta.shared.translate.program import DIALECTS, write_program

SEED = 3


def run_here(folder: Path, arguments: list[str], python: str | None = None) -> dict[str, object]:
    """Run a program as proof._run does, and return its names."""
    assert python is None
    before, given = Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = ["program.py", *arguments]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return runpy.run_path("program.py", run_name="__main__")
    finally:
        os.chdir(before)
        sys.argv = given


def prove_here(monkeypatch, spec: GanSpec, to: str, *, steps: int, change=lambda text: text) -> proof.Proof:
    monkeypatch.setattr(proof, "_run", run_here)
    spec = spec.with_steps(training=steps)
    tape = SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))
    text = change(write_program(spec, DIALECTS[to]))
    return proof.prove(text, spec, DIALECTS[to], initial_state(spec, seed=SEED), tape, seed=SEED)
