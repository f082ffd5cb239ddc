"""Checks the suite itself: mistakes planted in every backend, and GANs drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta import notebook
from gan_rosetta.asking import Judged, OnProgress, pythons_of, raise_failures, shown_as, watch_of
from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.diagnose.trials import Trial, run_trials, trial_backends
from gan_rosetta.shared.faults import FAULTS
from gan_rosetta.shared.faults.fault import Fault
from gan_rosetta.shared.generate import session
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.runs.request import read_gan
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.wording import speaks_python


@dataclass(frozen=True, kw_only=True)
class FaultCheck(Judged):
    """Faults planted in a GAN, on each backend: of each trial where it was to be found, where it was, and is_right.

    causes: whether the cause of each was looked for too, which `naming` then says.
    """

    trials: tuple[Trial, ...]
    causes: bool = False
    seed: int = DEFAULT_SEED

    @property
    def verdict(self) -> Verdict:
        """The verdict: "AGREE" where each fault was found at its place, and nothing where none was planted."""
        right = all(trial.is_right and trial.naming != "another" for trial in self.trials)
        return "AGREE" if right else "DISAGREE"

    def lines(self) -> Sequence[str]:
        """Return a table of faults by backends in lines, and those that were not found at their place."""
        from gan_rosetta.shared.report.cause_table import naming_lines  # noqa: PLC0415 - needs rich
        from gan_rosetta.shared.report.diagnosis_table import trial_lines  # noqa: PLC0415

        return [*trial_lines(self.trials), *(naming_lines(self.trials) if self.causes else ())]

    def write_page(self, path: Path, /) -> Path:
        """Write the page of what was found to a file, and return its path."""
        from gan_rosetta.shared.report.cause_table import naming_markdown  # noqa: PLC0415 - needs rich
        from gan_rosetta.shared.report.diagnosis_table import trial_markdown  # noqa: PLC0415

        page = trial_markdown(self.trials)
        if self.causes:
            page = naming_markdown(self.trials, command="gan_rosetta.check_faults(…, causes=True)", seed=self.seed)
        write_bytes(path, page.encode())
        return path

    def _repr_html_(self) -> str:
        return notebook.lines_html("Planted faults", self.verdict, self.lines())


class Generated(session.Summary, Judged):
    """What GANs drawn at random came to: `failures` have the backend, the finding and the GAN's `spec`."""

    @property
    def verdict(self) -> Verdict:
        """The verdict: "AGREE" where every backend agreed with the reference on every GAN."""
        return "DISAGREE" if self.failures else "AGREE"

    def lines(self) -> Sequence[str]:
        """Return what was found, and how many GANs were checked, in lines."""
        from gan_rosetta.shared.report.generated_lines import failure_lines, summary_line  # noqa: PLC0415

        return [*failure_lines(self), summary_line(self)]

    def _repr_html_(self) -> str:
        return notebook.lines_html("GANs drawn at random", self.verdict, self.lines())


def faults() -> dict[str, Fault]:
    """Return the porting mistakes that `diagnose` can plant, by name.

    >>> "adam-beta2" in faults()
    True
    """
    return dict(FAULTS)


@speaks_python
def check_faults(
    gan: str | Path | GanSpec,
    /,
    *,
    backends: Sequence[str] = (),
    causes: bool = False,
    seed: int = DEFAULT_SEED,
    pythons: Mapping[str, str | Path] | None = None,
    on_progress: OnProgress = None,
) -> FaultCheck:
    """Plant each fault that touches a GAN in each backend, and see whether it is found at its place.

    gan, pythons, on_progress: as in `compare`. backends: all installed ones where not given. causes: look for the
    cause of each, too. A GAN that costs much is taken with smaller batches and fewer channels.

    Raises UsageError and its like for what cannot be asked; RunFailed where a worker fails.
    """
    chosen = pythons_of(pythons)
    spec, _ = read_gan(gan)
    names = trial_backends(backends, chosen)
    trials, failures = run_trials(
        [spec], names, seed=seed, watch=watch_of(on_progress), explains=causes, pythons=chosen
    )
    raise_failures(failures)
    return FaultCheck(trials=tuple(trials), causes=causes, seed=seed)


@speaks_python
def generate(
    count: int = 100,
    /,
    *,
    seed: int = 0,
    backends: Sequence[str] = (),
    execution: str = "eager",
    device: str = "cpu",
    plant: str | None = None,
    pythons: Mapping[str, str | Path] | None = None,
    out: str | Path | None = None,
    on_line: Callable[[str], object] | None = None,
) -> Generated:
    """Draw GANs at random and hold every backend to the reference on each, in float64.

    count: how many; seed: of the drawing, the same one gives the same GANs. backends: all installed but the reference
    where not given; the reference is on the processor, the backends on the device. plant: a fault to plant in each, to
    see that it is found. pythons: as in `compare`. out: a folder to write those GANs to on which a backend is off, the
    first few shrunk. on_line: called with a line at each finding and after each part of the work.

    Raises UsageError for what makes no sense and where Hypothesis, which draws, is not installed; BackendUnavailable
    for a backend that is not.
    """
    plan = session.plan_generation(
        count,
        seed=seed,
        backends=backends,
        execution=execution,
        device=device,
        plant=plant,
        pythons=pythons_of(pythons),
    )
    folder = None if out is None else Path(out)
    return shown_as(Generated, session.run_generated(plan, say=on_line or (lambda _line: None), out=folder))
