"""Judges a program of the caller's own: feeds it a GAN's batches, and holds its losses to the reference."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Unpack

from gan_rosetta import notebook
from gan_rosetta.shared.cases import case as cases
from gan_rosetta.shared.cases import judgement
from gan_rosetta.shared.cases.request import CaseOptions, make_request
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.wording import speaks_python


class Judgement(judgement.Judgement):
    """What is said of a program: verdict, reason, and the first place where it parts, if it does."""

    def _repr_html_(self) -> str:
        return notebook.judgement_html(self)


class Case(cases.Case):
    """What a program starts from (`initial_state`) and is fed (`for step in case`), until `judge` says how it did."""

    load = speaks_python(cases.Case.load)
    watch = speaks_python(cases.Case.watch)

    def judge(self) -> Judgement:
        """Judge what the program recorded; trains the reference in this process, which takes as long as it takes."""
        found = super().judge()
        return Judgement(**{field.name: getattr(found, field.name) for field in fields(found)})


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
