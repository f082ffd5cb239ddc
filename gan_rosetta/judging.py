"""Judges a program of the caller's own: feeds it a GAN's batches, and holds its losses to the reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from gan_rosetta import notebook
from gan_rosetta.asking import shown_as
from gan_rosetta.shared.cases import case as cases
from gan_rosetta.shared.cases import judgement
from gan_rosetta.shared.cases.request import CaseOptions, make_request
from gan_rosetta.shared.cases.running import run_program
from gan_rosetta.shared.errors import RunFailed
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.diagnosis_table import judgement_lines
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.wording import speaks_python


class Judgement(judgement.Judgement):
    """What is said of a program: verdict, reason, and where it parts, if it does; as text, all of it."""

    def __str__(self) -> str:
        return "\n".join(judgement_lines(self))

    def _repr_html_(self) -> str:
        return notebook.judgement_html(self)


class Case(cases.Case):
    """What a program starts from (`initial_state`) and is fed (`for step in case`), until `judge` says how it did."""

    load = speaks_python(cases.Case.load)
    watch = speaks_python(cases.Case.watch)

    def judge(self) -> Judgement:
        """Judge what the program recorded; trains the reference in this process, which takes as long as it takes."""
        return shown_as(Judgement, super().judge())


@speaks_python
def case(
    gan: str | Path | GanSpec,
    /,
    *,
    framework: str | None = None,
    device: str = "cpu",
    **options: Unpack[CaseOptions],
) -> Case:
    """Make a case: a GAN's initial state and batches for a program of your own, which is then judged by its losses.

    gan: a name of the catalogue, a TOML file, or a GanSpec. framework: "torch", "tensorflow", "mxnet" or "jax", whose
    tensors the program is fed, on the device; NumPy's arrays where not given. options: see CaseOptions. A GAN's own
    rule for stopping early is ignored: all steps are taken.

    Raises UsageError and its like for what cannot be asked, BackendUnavailable for a framework that does not import.

    >>> trial = case("linear-2d", steps=2)
    >>> for step in trial:
    ...     step.record(discriminator=1.4, generator=0.7)
    >>> trial.judge().step
    'step 0'
    """
    return Case(make_request(gan, framework=framework, device=device, **options))


@speaks_python
def judge(program: str | Path, /, *, arguments: Sequence[str] = (), gan: str | None = None) -> tuple[Judgement, ...]:
    r"""Run a program of your own, unchanged, in a process of its own, and judge the cases that it made, in their order.

    arguments: what the program itself is given. gan: only cases of this GAN of the catalogue. What the program prints
    goes to standard error.

    Raises UsageError where there is no such program, or it made no such case; RunFailed where it fails.

    >>> from tempfile import mkdtemp
    >>> port = Path(mkdtemp()) / "port.py"
    >>> _ = port.write_text("import gan_rosetta as gr\ngr.case('linear-2d', steps=2)\n")
    >>> judge(port)[0].verdict
    'NOT COMPARABLE'
    """
    if gan is not None:
        find_gan(gan)
    path = Path(program)
    run = run_program(path, arguments)
    if run.failure:
        raise RunFailed(f"{path}: {run.failure}")
    return tuple(shown_as(Judgement, judgement) for judgement in run.of_gan(gan, path))
