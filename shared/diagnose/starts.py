"""Why a program does not start from the state that it was given: whose initial values it holds instead.

Another program's random numbers cannot be drawn again, but each framework's are spread in a way of its own, by which
many of them can be told. Named is a spread that the values have, where they have none of the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from scipy.special import ndtr, smirnov

from gan_rosetta.shared.compare.tolerance import FALSE_ALARM_RATE
from gan_rosetta.shared.faults.defaults import DEFAULTS, Default
from gan_rosetta.shared.faults.subjects import SUBJECTS
from gan_rosetta.shared.spec import Constant, GanSpec, Normal
from gan_rosetta.shared.state import State, state_schema
from gan_rosetta.shared.state.initial import uniform_bound
from gan_rosetta.shared.state.schema import TensorSpec

_SUBJECT = "initial-values"


def find_start(spec: GanSpec, given: State, held: State, /, *, without: Iterable[str] = ()) -> Default | None:
    """Return the default by which the parameters were drawn that are not those given, or None where it cannot be told.

    given: the state that the program should start from; held: what it starts from. None too where they are drawn as the
    GAN's own are, or where too few values differ. without: names to leave out.
    """
    differing = [
        name
        for name, tensor in state_schema(spec).items()
        if tensor.role == "parameter" and name in held and not np.array_equal(held[name], given[name])
    ]
    if not differing:
        return None
    defaults = [default for default in DEFAULTS.values() if default.subject == _SUBJECT]
    fitting: list[Default | None] = [
        default
        for default in defaults
        if _fits(default.apply(spec), held, differing) and default.name not in set(without)
    ]
    if _fits(spec, held, differing):
        fitting.append(None)
    return fitting[0] if len(fitting) == 1 else None


def say_start(spec: GanSpec, default: Default, /) -> str:
    """Return a sentence on initial values that a default drew."""
    subject = SUBJECTS[default.subject]
    return subject.say(found=default.text, framework=default.title, expected="; ".join(subject.values(spec)))


def _fits(spec: GanSpec, held: State, names: list[str]) -> bool:
    """Whether values may have been drawn as a GAN's are, at the rate at which right ones may be refused."""
    schema = state_schema(spec)
    shares = []
    for name in names:
        tensor, values = schema[name], np.asarray(held[name], dtype=np.float64).reshape(-1)
        if isinstance(tensor.initializer, Constant):
            if not np.all(values == tensor.initializer.value):
                return False
        else:
            shares.append(_shares(tensor, values))
    if not shares:
        return True
    ordered = np.sort(np.concatenate(shares))
    if ordered[0] < 0 or ordered[-1] > 1:
        return False
    count = len(ordered)
    steps = np.arange(count + 1) / count
    furthest = max(float(np.max(steps[1:] - ordered)), float(np.max(ordered - steps[:-1])))
    # Kolmogorov and Smirnov's test, of both sides.
    return 2 * float(smirnov(count, furthest)) > FALSE_ALARM_RATE


def _shares(tensor: TensorSpec, values: np.ndarray) -> np.ndarray:
    """Return for each value the share of values below it, uniform on 0 to 1 where they were drawn so."""
    initializer = tensor.initializer
    if initializer is None:
        return np.full(values.shape, math.inf)
    if isinstance(initializer, Normal):
        shares: np.ndarray = ndtr((values - initializer.mean) / initializer.standard_deviation)
        return shares
    bound = uniform_bound(tensor, initializer)
    return (values + bound) / (2 * bound)
