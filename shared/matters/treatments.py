"""Treatments of a GAN: what somebody might have done otherwise, and the order that trains it so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.faults import FAULTS
from gan_rosetta.shared.faults.defaults import DEFAULTS, FRAMEWORKS, apply_all
from gan_rosetta.shared.faults.subjects import SUBJECTS
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import Plan
from gan_rosetta.shared.spec import GanSpec

Kind = Literal["default", "fault", "run"]
KINDS: tuple[Kind, ...] = ("default", "fault", "run")


def choose_kinds(words: Iterable[str], /) -> tuple[Kind, ...]:
    """Return the kinds of those names; raises UsageError, with the nearest, for another."""
    wanted = list(words)
    for word in wanted:
        if word not in KINDS:
            raise unknown_name("treatment", word, KINDS)
    if not wanted:
        raise UsageError(f"--treatments names none; expected some of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in wanted)


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """Something done otherwise. name: in words, such as "Adam's ε 1e-07 (tensorflow)"; order: that trains it."""

    name: str
    kind: Kind
    order: Order


def plan_treatments(plan: Plan, /, *, kinds: Iterable[Kind]) -> tuple[Order, tuple[Treatment, ...]]:
    """Return the order of the GAN as it is, a plan's first run, and its treatments: the plan's other runs last.

    Of defaults and of mistakes, those that change the GAN's description; one that several frameworks share is one.
    Raises UsageError where there is none.
    """
    base, *others = plan.jobs
    base = _resuming(base)
    treatments = []
    wanted = set(kinds)
    if "default" in wanted:
        treatments += [_changed(base, name, "default", spec) for spec, name in _defaults(base.spec)]
    if "fault" in wanted:
        treatments += [_changed(base, name, "fault", spec) for spec, name in _faults(base.spec)]
    if "run" in wanted:
        treatments += [Treatment(name=job.run_name, kind="run", order=_resuming(job)) for job in others]
    if not treatments:
        raise UsageError(
            f"nothing to try on {base.spec.name!r}: --treatments {','.join(sorted(wanted))} finds none; name further "
            f"runs with --runs, or other kinds ({', '.join(KINDS)})"
        )
    return base, tuple(treatments)


def _defaults(spec: GanSpec) -> list[tuple[GanSpec, str]]:
    """Return each GAN that a framework's default makes of another, and its name, all defaults at once last."""
    named: dict[GanSpec, list[tuple[str, str]]] = {}
    for default in DEFAULTS.values():
        if default.touches(spec):
            what = f"{SUBJECTS[default.subject].title} {default.text}"
            named.setdefault(default.apply(spec), []).append((what, default.framework))
    for framework in FRAMEWORKS:
        named.setdefault(apply_all(framework, spec), []).append(("all defaults", framework))
    named.pop(spec, None)
    return [
        (changed, f"{names[0][0]} ({', '.join(dict.fromkeys(framework for _, framework in names))})")
        for changed, names in named.items()
    ]


def _faults(spec: GanSpec) -> list[tuple[GanSpec, str]]:
    found: dict[GanSpec, str] = {}
    for name, fault in FAULTS.items():
        plant = fault.plant(spec)
        if plant is not None and plant.spec != spec and not any((plant.load, plant.unload, plant.start, plant.chunk)):
            found.setdefault(plant.spec, name)
    return list(found.items())


def _changed(base: Order, name: str, kind: Kind, spec: GanSpec) -> Treatment:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    folder = f"{base.folder}-{kind}-{slug}"
    return Treatment(name=name, kind=kind, order=replace(base, spec=spec, keeping=replace(base.keeping, folder=folder)))


def _resuming(order: Order) -> Order:
    """What is there of it already need not be trained again."""
    return replace(order, keeping=replace(order.keeping, resume=True))
