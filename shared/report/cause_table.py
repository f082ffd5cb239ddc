"""Whether the causes of planted faults were named, on the terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared.diagnose.trials import Naming, Trial
from gan_rosetta.shared.report.listing import aligned
from gan_rosetta.shared.report.shown import as_markdown

_NAMINGS: tuple[Naming, ...] = ("alone", "among others", "nothing", "another")
_INTRODUCTION = """\
# Whether causes are named

Made by `{command}`, seed {seed}. Each fault of the catalogue is
planted as in [faults.md](faults.md), the backend is diagnosed, and the diagnosis says why. Each cell: how often the
fault was named alone / among others that the steps do not tell apart / nothing was named / another was named, which is
a mistake. How causes are found is in [agreement.md](agreement.md).

"""


def naming_lines(trials: Sequence[Trial], /) -> list[str]:
    """Return faults by backends: how often its cause was named alone, among others, not, and wrongly; then all said."""
    planted = _planted(trials)
    backends = list(dict.fromkeys(trial.backend for trial in planted))
    rows = [(fault, *(_counts(planted, fault, name) for name in backends)) for fault in _faults(planted)]
    told = [trial for trial in planted if trial.naming != "alone"]
    return [
        f"Causes named {', '.join(_NAMINGS)}:",
        *aligned([("fault", *backends), *rows], right=range(1, len(backends) + 1)),
        summary(trials),
        *(f"{trial.gan} on {trial.backend}, {trial.fault}: {trial.explanation or 'found nowhere'}" for trial in told),
    ]


def naming_markdown(trials: Sequence[Trial], /, *, command: str, seed: int) -> str:
    """Return the same as a page. command: what made it."""
    planted = _planted(trials)
    backends = list(dict.fromkeys(trial.backend for trial in planted))
    lines = [
        f"| fault | {' | '.join(map(as_markdown, backends))} | what was said |",
        f"|---|{'---|' * (len(backends) + 1)}",
    ]
    for fault in _faults(planted):
        cells = " | ".join(_counts(planted, fault, name) for name in backends)
        lines.append(f"| {fault} | {cells} | {_said(planted, fault)} |")
    gans = ", ".join(dict.fromkeys(trial.gan for trial in trials))
    head = _INTRODUCTION.format(command=command, seed=seed)
    return "\n".join([head + f"GANs: {gans}.", "", *lines, "", summary(trials), ""])


def summary(trials: Sequence[Trial], /) -> str:
    """Return the shares of all cells in one sentence."""
    planted = _planted(trials)
    counts = {naming: sum(trial.naming == naming for trial in planted) for naming in _NAMINGS}
    shares = ", ".join(f"{naming} {count}" for naming, count in counts.items())
    return f"Of {len(planted)} causes, named {shares}."


def _planted(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.fault]


def _faults(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(trial.fault for trial in trials))


def _counts(trials: Sequence[Trial], fault: str, backend: str) -> str:
    own = [trial.naming for trial in trials if trial.fault == fault and trial.backend == backend]
    return "/".join(str(own.count(naming)) for naming in _NAMINGS)


def _said(trials: Sequence[Trial], fault: str) -> str:
    """Return one sentence that named a fault alone, the first, or what else was said of it."""
    own = [trial for trial in trials if trial.fault == fault]
    best = min(own, key=lambda trial: _NAMINGS.index(trial.naming))
    return as_markdown(str(best.explanation or "found nowhere"))
