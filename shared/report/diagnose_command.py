"""The command that looks into why two runs part."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.runs.request import GIVEN_IN_PYTHON

# What else a diagnosis can be told of how runs are fed and compute, with what it does where nothing is said.
_OPTIONS = {
    "dtype": "float64",
    "execution": "auto",
    "device": "cpu",
    "seed": DEFAULT_SEED,
    "initial_state": None,
    "tape": None,
    "mnist": None,
    "images": None,
}


def diagnose_command(runs: Sequence[Run], pair: Sequence[str], /) -> str:
    """Return the command that walks a pair's steps beside the reference's, which is not walked itself.

    runs: those of the GAN; pair: two of their names. Returns "" where no command says it: the pair is the reference
    alone, or the GAN was given in Python.
    """
    chosen = [run for run in runs if run.name in pair and run.backend != REFERENCE]
    source = chosen[0].order.source if chosen else None
    if not chosen or (source is not None and source.startswith(GIVEN_IN_PYTHON)):
        return ""
    words = ["gan-rosetta", "diagnose", *([chosen[0].gan] if source is None else ["--spec", source])]
    words += ["--runs", ",".join(run.name for run in chosen)]
    for name, default in _OPTIONS.items():
        value = _unsaid(chosen, name, default)
        if value != default:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _unsaid(runs: Sequence[Run], name: str, default: Any) -> Any:
    """Return the setting of the first run whose own name does not say it, the default where all of them do."""
    said = ({**vars(run.order.run), **vars(run.order.feed)} for run in runs)
    values = ((run.name.split(":"), each[name]) for run, each in zip(runs, said, strict=True))
    return next((value for words, value in values if str(value) not in words), default)
