"""The optimizers of optax in the spec's words, and what flax keeps of them.

An optimizer of optax is two functions. Its settings are what these close over, and what they are is told by their code:
that of the installed optax's. What is read of them is held to them by some steps.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import optax

from gan_rosetta.backends.jax.device import with_float64
from gan_rosetta.backends.jax.flax_modules import array_of, by_path, named_variables
from gan_rosetta.backends.jax.optimizers import build_optimizer, with_slots
from gan_rosetta.backends.jax.reading_chains import Part, read_parts, settings_of
from gan_rosetta.backends.jax.reading_rates import read_schedule
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import ConstantRate, LearningRate, Optimizer
from gan_rosetta.shared.spec.optimizers import initial_slot

_NUM_STEPS = 6
# Of parameters and gradients, of which the smallest show an ε and the largest what bounds them.
_PROBE_SCALES = (1e-9, 1e-4, 1.0, 1e3)


def is_kept(optimizer: Any, /) -> bool:
    """Whether something is an optimizer of flax's, which has its state beside its transformation."""
    nnx = sys.modules.get("flax.nnx")
    return nnx is not None and isinstance(optimizer, nnx.Optimizer)


def read_optimizer(optimizer: Any, network: Any, /, *, what: str) -> Optimizer:
    """Return an optimizer with all its settings; raises UnsupportedLayer for what the spec has no word for."""
    if is_kept(optimizer):
        _require_whole(optimizer, network, what)
    transformation = optimizer.tx if is_kept(optimizer) else optimizer
    if not isinstance(transformation, optax.GradientTransformation):
        raise UnsupportedLayer(
            f"{what} is a {type(optimizer).__name__}; expected a transformation of optax's, or the nnx.Optimizer of one"
        )
    try:
        found = _Chain(list(read_parts(transformation)), what).optimizer()
    except SpecError as error:
        raise UnsupportedLayer(f"{what} has what no spec has: {error}") from None
    _require_the_same(found, transformation, what)
    return found


def steps_taken(optimizer: Any, /) -> set[int]:
    """Return how many steps an optimizer of flax's counts, itself and in its parts; of a transformation it is unknown.

    A transformation keeps nothing: its state is the program's.
    """
    if not is_kept(optimizer):
        return set()
    counts = {int(count) for _, count in optax.tree_utils.tree_get_all_with_path(optimizer.opt_state, "count")}
    return {int(array_of(optimizer.step)), *counts}


# Settings that a spec has no word for, with the values at which they do nothing.
_PLAIN = {
    "eps_root": 0,
    "mu_dtype": None,
    "accumulator_dtype": None,
    "bias_correction": False,
    "bias_correction_mu": True,
    "bias_correction_nu": True,
    "initial_scale": 0,
}
_SIGNED = settings_of(optax.scale_by_learning_rate(lambda count: count).update)["step_size_fn"].__code__


@dataclass(kw_only=True)
class _Found:
    """What the parts of a chain that are read so far come to. factor: of all that multiplies by a number."""

    core: Part | None = None
    trace: Part | None = None
    trace_is_added: bool = False
    decay: spec.WeightDecay | None = None
    factor: float = 1.0
    schedules: list[Any] = field(default_factory=list)


class _Chain:
    """Puts the parts of a chain together to an optimizer of the spec's."""

    def __init__(self, parts: list[Part], what: str) -> None:
        self._parts = parts
        self._what = what

    def optimizer(self) -> Optimizer:
        """Return the optimizer; raises UnsupportedLayer for a part that has no place in one."""
        found = _Found()
        is_scaled = False
        for part in self._parts:
            self._require_plain(part)
            if part.name == "scale":
                found.factor *= float(part.settings["step_size"])
                is_scaled = True
            elif part.name == "scale_by_schedule":
                found.schedules.append(self._schedule(part, found))
                is_scaled = True
            elif part.name == "add_decayed_weights":
                self._add_decay(part, found, is_scaled=is_scaled)
            elif part.name == "trace":
                self._add_trace(part, found, is_scaled=is_scaled)
            elif part.name in _CORES:
                if found.core is not None or found.trace is not None or is_scaled:
                    self._refuse(f"has {part.name} behind what it should come before")
                found.core = part
            elif part.name != "identity":
                self._refuse(f"has {part.name} in it, which no optimizer of a spec has")
        return self._made(found)

    def _made(self, found: _Found) -> Optimizer:
        rate = self._rate(found)
        momentum: dict[str, Any] = {} if found.trace is None else _momentum(found)
        if found.core is None:
            return spec.GradientDescent(learning_rate=rate, weight_decay=found.decay, **momentum)
        settings = found.core.settings
        if found.core.name in ("scale_by_rms", "scale_by_stddev"):
            if momentum.pop("nesterov", False):
                self._refuse(f"has a momentum of Nesterov's behind {found.core.name}")
            return spec.RMSprop(
                learning_rate=rate,
                rho=float(settings["decay"]),
                epsilon=float(settings["eps"]),
                epsilon_placement="inside" if settings["eps_in_sqrt"] else "outside",
                centered=found.core.name == "scale_by_stddev",
                weight_decay=found.decay,
                momentum=momentum.get("momentum", 0.0),
                momentum_of=momentum.get("momentum_of", "step"),
            )
        if momentum:
            self._refuse(f"has a momentum behind {found.core.name}")
        if found.core.name == "scale_by_rss":
            return spec.Adagrad(
                learning_rate=rate,
                epsilon=float(settings["eps"]),
                epsilon_placement="inside",
                initial_sum=float(settings["initial_accumulator_value"]),
                weight_decay=found.decay,
            )
        if found.core.name == "scale_by_adadelta":
            rho, epsilon = float(settings["rho"]), float(settings["eps"])
            return spec.Adadelta(learning_rate=rate, rho=rho, epsilon=epsilon, weight_decay=found.decay)
        return spec.Adam(
            learning_rate=rate,
            beta1=float(settings["b1"]),
            beta2=float(settings["b2"]),
            epsilon=float(settings["eps"]),
            epsilon_placement="outside",
            bias_correction=True,
            amsgrad="corrected" if found.core.name == "scale_by_amsgrad" else "no",
            weight_decay=found.decay,
        )

    def _require_plain(self, part: Part) -> None:
        plain = _PLAIN if part.name == "trace" else {**_PLAIN, "nesterov": False}
        for name, expected in plain.items():
            if part.settings.get(name, expected) != expected:
                self._refuse(f"has {name}={part.settings[name]!r}; only {name}={expected!r} has a word in a spec")

    def _schedule(self, part: Part, found: _Found) -> Any:
        schedule = part.settings["step_size_fn"]
        if getattr(schedule, "__code__", None) is _SIGNED:
            signed = settings_of(schedule)
            found.factor *= signed["m"]
            return signed["learning_rate"]
        return schedule

    def _add_decay(self, part: Part, found: _Found, *, is_scaled: bool) -> None:
        share = part.settings["weight_decay"]
        if callable(share):
            self._refuse("has a weight decay by a schedule; a spec's is one number")
        if float(share) == 0:
            return
        if is_scaled or found.decay is not None:
            self._refuse("has a weight decay behind the rate, or a second one")
        is_first = found.core is None and found.trace is None
        found.decay = spec.WeightDecay(share=float(share), by="gradient" if is_first else "parameter")

    def _add_trace(self, part: Part, found: _Found, *, is_scaled: bool) -> None:
        if float(part.settings["decay"]) == 0:
            return
        if found.trace is not None or (found.decay is not None and found.decay.by == "parameter"):
            self._refuse("has a momentum behind another, or behind a weight decay that is beside the step")
        found.trace, found.trace_is_added = part, is_scaled

    def _rate(self, found: _Found) -> LearningRate:
        if not found.schedules:
            if found.factor > 0:
                self._refuse(f"adds {found.factor} times a gradient; expected a rate, which takes it away")
            return ConstantRate(value=-found.factor)
        if len(found.schedules) > 1 or found.factor != -1:
            self._refuse(f"has {len(found.schedules)} schedules of rates times {found.factor}; expected one, times -1")
        return read_schedule(found.schedules[0], what=self._what)

    def _refuse(self, said: str) -> Any:
        raise UnsupportedLayer(f"{self._what} {said}; write it into the spec by hand")


def _momentum(found: _Found) -> dict[str, Any]:
    trace: Any = found.trace
    return {
        "momentum": float(trace.settings["decay"]),
        "momentum_of": "step" if found.trace_is_added else "direction",
        "nesterov": bool(trace.settings["nesterov"]),
    }


_CORES = ("scale_by_adam", "scale_by_amsgrad", "scale_by_rss", "scale_by_rms", "scale_by_stddev", "scale_by_adadelta")


def _require_whole(optimizer: Any, network: Any, what: str) -> None:
    """Raise UnsupportedLayer where an optimizer of flax's moves other variables than all parameters of its network."""
    nnx = sys.modules["flax.nnx"]
    own = {name for name, variable in named_variables(network) if isinstance(variable, nnx.Param)}
    moved = set(by_path(nnx.state(network, optimizer.wrt)))
    if moved != own:
        raise UnsupportedLayer(
            f"{what} moves {len(moved & own)} of its network's {len(own)} parameters, and {len(moved - own)} others; "
            "expected all of its network's and no other"
        )


def _widened(array: Any) -> Any:
    return array.astype("int64") if array.dtype == "int32" else array


def _require_the_same(found: Optimizer, transformation: optax.GradientTransformation, what: str) -> None:
    """Raise UnsupportedLayer where what was read of an optimizer moves a parameter otherwise than it does."""
    random = np.random.default_rng(0)
    scales = np.repeat(_PROBE_SCALES, 4)
    with with_float64():
        parameters = [jax.numpy.array(random.normal(size=len(scales)))] * 2
        own = build_optimizer(found)
        slots = {slot: jax.numpy.full(len(scales), initial_slot(found, slot)) for slot in found.slots}
        begun = with_slots(found, own.init(parameters[0]), slots=slots, counter=jax.numpy.array(0))
        # optax counts in 32 bits, and so would have a schedule's rates in them.
        states = [jax.tree.map(_widened, state) for state in (transformation.init(parameters[0]), begun)]
        for step in range(_NUM_STEPS):
            gradient = jax.numpy.array(random.normal(size=len(scales)) * scales)
            moves = []
            for place, each in enumerate((transformation, own)):
                update, states[place] = each.update(gradient, states[place], parameters[place])
                parameters[place] = optax.apply_updates(parameters[place], update)
                moves.append(np.asarray(update))
            if not np.allclose(moves[0], moves[1], rtol=1e-9, atol=0):
                raise UnsupportedLayer(
                    f"{what} moves a parameter otherwise in step {step + 1} than what was read of it; so it was not "
                    "read rightly, and no spec is written"
                )
