"""The command that looks into why two runs part."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.runs.settings import DEFAULT_SEED

# What else a diagnosis can be told of how runs are fed and compute, with what it does where nothing is said.
_OPTIONS = {
    "dtype": "float64",
    "execution": "auto",
    "device": "cpu",
    "seed": DEFAULT_SEED,
    "initial_state": None,
    "tape": None,
    "mnist": None,
}
# What stands in place of a file's path where the GAN was given in Python (runs/request.py).
_NO_FILE = "the GanSpec "


def diagnose_command(runs: Sequence[Run], pair: Sequence[str], /) -> str:
    """Return the command that walks a pair's steps beside the reference's, which is not walked itself.

    runs: those of the GAN; pair: two of their names. Returns "" where no command says it: the pair is the reference
    alone, or the GAN was given in Python.
    """
    chosen = [run for run in runs if run.name in pair and run.backend != REFERENCE]
    spec_file = str(chosen[0].record["settings"].get("spec_file") or "") if chosen else ""
    if not chosen or spec_file.startswith(_NO_FILE):
        return ""
    words = ["gan-rosetta", "diagnose", *(["--spec", spec_file] if spec_file else [chosen[0].gan])]
    words += ["--runs", ",".join(run.name for run in chosen)]
    for name, default in _OPTIONS.items():
        value = _unsaid(chosen, name, default)
        if value != default:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _unsaid(runs: Sequence[Run], name: str, default: Any) -> Any:
    """Return the setting of the first run whose own name does not say it, the default where all of them do."""
    values = ((run.name.split(":"), run.record["settings"].get(name, default)) for run in runs)
    return next((value for words, value in values if str(value) not in words), default)
