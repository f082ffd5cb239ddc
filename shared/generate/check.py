"""One generated GAN held to the reference: every quantity of its first steps, and the state that `train` leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.diagnose.job import row_from_data
from gan_rosetta.shared.diagnose.reference import walk_reference
from gan_rosetta.shared.diagnose.rows import Row, first_offender
from gan_rosetta.shared.diagnose.visits import Visit, plan_visits
from gan_rosetta.shared.diagnose.walk import walk_backend
from gan_rosetta.shared.errors import UsageError, in_a_line, machine_problem
from gan_rosetta.shared.faults import PlantedTrainer, find_fault
from gan_rosetta.shared.interface import ComputesOnce, Trainer
from gan_rosetta.shared.runs.checked import CheckedTrainer
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import build_reference, load_trainer

_NUM_STEPS = 3
_DTYPE = "float64"


@dataclass(frozen=True, kw_only=True)
class _Run:
    """How a backend is built. computes_once: its compiler is to compute every number once, where it can be told."""

    backend: str
    execution: str
    device: str
    computes_once: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong with a backend: the first quantity that is off, or the error that it raised.

    of_compiler: whether nothing is, where its compiler computes every number once: no mistake of the backend's, then.
    """

    row: Row | None = None
    error: str = ""
    of_compiler: bool = False

    def __str__(self) -> str:
        row = self.row
        if row is None:
            return self.error
        where = " ".join(part for part in (row.phase, row.quantity, row.stream, row.name) if part)
        told = f"{row.visit}: {where}: {row.difference:.1e} apart, {row.in_noise:.0f} times what rounding explains"
        return f"{told}; not where the compiler computes each number once" if self.of_compiler else told

    def is_like(self, other: Finding, /) -> bool:
        """Whether what is wrong is of one kind, an error or a quantity that is off: what a smaller GAN is to show."""
        return (self.row is None, self.of_compiler) == (other.row is None, other.of_compiler)

    def as_data(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        row = None if self.row is None else self.row.as_data()
        return {"row": row, "error": self.error, "of_compiler": self.of_compiler}

    @classmethod
    def from_data(cls, data: dict[str, Any], /) -> Finding:
        """Return the finding from what as_data gave."""
        row = None if data["row"] is None else row_from_data(data["row"])
        return cls(row=row, error=data["error"], of_compiler=data["of_compiler"])


def write_reference(spec: GanSpec, folder: Path, /) -> None:
    """Walk a GAN's first steps with the reference and its perturbed copies, and leave its side in a new folder."""
    walk_reference(
        lambda: build_reference(spec, dtype=_DTYPE),
        spec,
        initial_state(spec, seed=DEFAULT_SEED),
        _tape(spec),
        visits=_visits(spec),
        folder=folder,
        forced=True,
        dtype=_DTYPE,
        report_progress=_report_nothing,
    )


def find_disagreement(
    spec: GanSpec,
    folder: Path,
    /,
    *,
    backend: str,
    execution: str = "eager",
    device: str = "cpu",
    fault: str | None = None,
) -> Finding | None:
    """Return the first quantity in which a backend parts from what write_reference left, or None.

    fault: the name of one to plant in the backend, where the GAN has what it touches. An error that the backend raises
    is a finding too.
    """
    run = _Run(backend=backend, execution=execution, device=device)
    finding = _find(spec, folder, run, fault=fault)
    if finding is None or finding.row is None or fault is not None:
        return finding
    if not issubclass(load_trainer(BACKENDS[backend]), ComputesOnce):
        return finding
    of_compiler = _find(spec, folder, replace(run, computes_once=True)) is None
    return replace(finding, of_compiler=of_compiler)


def _find(spec: GanSpec, folder: Path, run: _Run, /, *, fault: str | None = None) -> Finding | None:
    plant = None if fault is None else find_fault(fault).plant(spec)
    try:
        trainer = _build(spec if plant is None else plant.spec, run)
        rows = walk_backend(
            trainer if plant is None else PlantedTrainer(trainer, plant),
            spec,
            initial_state(spec, seed=DEFAULT_SEED),
            _tape(spec),
            visits=_visits(spec),
            folder=folder,
            forced=True,
            dtype=_DTYPE,
            report_progress=_report_nothing,
        ).rows
    except UsageError:
        raise
    except Exception as error:
        if machine_problem(error) is not None:
            raise
        return Finding(error=in_a_line(error))
    row = first_offender(rows)
    return None if row is None else Finding(row=row)


def _build(spec: GanSpec, run: _Run) -> Trainer:
    trainer_class = load_trainer(BACKENDS[run.backend])
    trainer = trainer_class.build(spec, device=run.device, dtype=_DTYPE, execution=run.execution)
    if run.computes_once and isinstance(trainer, ComputesOnce):
        trainer.compute_once()
    return CheckedTrainer(trainer, spec, name=run.backend, dtype=_DTYPE)


def _tape(spec: GanSpec) -> SeededTape:
    return SeededTape(spec, seed=DEFAULT_SEED, digits=DigitSource.parse(None))


def _visits(spec: GanSpec) -> tuple[Visit, ...]:
    """Return the first steps, and the last, where what training came to may be seen."""
    first = plan_visits(spec, num_steps=_NUM_STEPS, forced=False)
    last = Visit(phase="adversarial", step=spec.training.num_steps - 1)
    return first if last in first else (*first, last)


def _report_nothing(done: int, total: int, /) -> None:
    pass
