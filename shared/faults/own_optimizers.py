"""The frameworks' own optimizers, as people take them: with the rate that a GAN has, and else as they come.

Keras and MXNet hold some of their numbers in float32, whatever the type of the parameters is: Keras the learning rate,
unless its floatx is float64, and always the betas by whose powers Adam corrects the bias; MXNet all that its operators
take.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gan_rosetta.shared.faults.defaults import DEFAULTS, Default
from gan_rosetta.shared.faults.places import find_optimizers, optimizer_words, replace_optimizer
from gan_rosetta.shared.faults.subjects import SUBJECTS
from gan_rosetta.shared.spec import Adadelta, Adam, ConstantRate, GanSpec, LearningRate, RMSprop


@dataclass(frozen=True, kw_only=True)
class HeldRate(ConstantRate):
    """A rate as it is held in float32. value: of the first update."""

    rate: LearningRate

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        return in_float32(self.rate.at(step, epoch=epoch))


@dataclass(frozen=True, kw_only=True)
class KerasAdamRate(ConstantRate):
    """What makes of the bias correction of a spec's Adam that of Keras's, whose betas are float32 there."""

    rate: LearningRate
    beta1: float
    beta2: float

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        own = _correction(in_float32(self.beta1), in_float32(self.beta2), step + 1)
        return self.rate.at(step, epoch=epoch) * own / _correction(self.beta1, self.beta2, step + 1)


@dataclass(frozen=True, kw_only=True)
class _MXNetAdamRate(HeldRate):
    """What makes of the bias correction of a spec's Adam that of MXNet's, which is float32 with the rate in it.

    beta1, beta2: as they are given; the moments take them as float32.
    """

    beta1: float
    beta2: float

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        own = in_float32(self.rate.at(step, epoch=epoch) * _correction(self.beta1, self.beta2, step + 1))
        return own / _correction(in_float32(self.beta1), in_float32(self.beta2), step + 1)


def _correction(beta1: float, beta2: float, count: int) -> float:
    return math.sqrt(1.0 - beta2**count) / (1.0 - beta1**count)


def in_float32(value: float, /) -> float:
    """Return a number as float32 has it, infinity where it is too large."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def with_float32_rate(optimizer: Any, /) -> Any:
    """Return an optimizer with the learning rate that it has in float32."""
    return replace(optimizer, learning_rate=HeldRate(**_rate_of(optimizer)))


def with_float32_betas(adam: Adam, /) -> Adam:
    """Return Adam as Keras corrects its bias, by betas that went through float32."""
    rate = KerasAdamRate(**_rate_of(adam), beta1=adam.beta1, beta2=adam.beta2)
    return replace(adam, learning_rate=rate, bias_correction=True)


def as_mxnet_holds_adam(adam: Adam, /) -> Adam:
    """Return Adam with all its numbers in float32, the corrected rate too, as MXNet's operator takes them."""
    rate = _MXNetAdamRate(**_rate_of(adam), beta1=adam.beta1, beta2=adam.beta2)
    epsilon, beta1, beta2 = (in_float32(number) for number in (adam.epsilon, adam.beta1, adam.beta2))
    return replace(adam, learning_rate=rate, bias_correction=True, beta1=beta1, beta2=beta2, epsilon=epsilon)


def _as_mxnet_holds_rmsprop(rmsprop: RMSprop) -> RMSprop:
    held: RMSprop = with_float32_rate(rmsprop)
    return replace(held, rho=in_float32(rmsprop.rho), epsilon=in_float32(rmsprop.epsilon))


def _rate_of(optimizer: Any) -> dict[str, Any]:
    return {"value": optimizer.learning_rate.at(0), "rate": optimizer.learning_rate}


@dataclass(frozen=True, kw_only=True)
class _Holding:
    """How a framework's optimizer holds its numbers; words: that in words, "" where as they are given."""

    framework: str
    kind: type
    hold: Callable[[Any], Any] | None = None
    words: str = ""


_BETAS = "the betas are held in float32 where the bias is corrected"
_RATE = "the learning rate is held in float32"
_ALL = "its numbers are held in float32"
_HOLDINGS = (
    *(_Holding(framework="torch", kind=kind) for kind in (Adam, RMSprop, Adadelta)),
    _Holding(framework="tensorflow", kind=Adam, hold=with_float32_betas, words=_BETAS),
    _Holding(
        framework="tensorflow",
        kind=Adam,
        hold=lambda adam: with_float32_betas(with_float32_rate(adam)),
        words=f"{_RATE}, and {_BETAS}",
    ),
    *(_Holding(framework="tensorflow", kind=kind) for kind in (RMSprop, Adadelta)),
    *(_Holding(framework="tensorflow", kind=kind, hold=with_float32_rate, words=_RATE) for kind in (RMSprop, Adadelta)),
    _Holding(framework="mxnet", kind=Adam, hold=as_mxnet_holds_adam, words=_ALL),
    _Holding(framework="mxnet", kind=RMSprop, hold=_as_mxnet_holds_rmsprop, words=_ALL),
)
# What it brings along where somebody gives it but a rate, or a rate and the other numbers.
_SUBJECTS: dict[type, tuple[tuple[str, ...], ...]] = {
    Adam: (("adam-epsilon", "adam-epsilon-placement"), ("adam-betas", "adam-epsilon", "adam-epsilon-placement")),
    RMSprop: (
        ("rmsprop-epsilon", "rmsprop-epsilon-placement"),
        ("rmsprop-rho", "rmsprop-epsilon", "rmsprop-epsilon-placement"),
    ),
    Adadelta: (("adadelta-rho", "adadelta-epsilon"),),
}


@dataclass(frozen=True, kw_only=True)
class OwnOptimizer:
    """A framework's optimizer for one of a GAN's, or for each of its kind. place: "" for each."""

    place: str
    holding: _Holding
    defaults: tuple[Default, ...]

    @property
    def name(self) -> str:
        """The name of a cause, such as "tensorflow:adam"."""
        return f"{self.holding.framework}:{self.holding.kind.__name__.lower()}"

    def apply(self, spec: GanSpec, /) -> GanSpec:
        """Return the spec with this optimizer; equal to it where it has no such optimizer, or this very one."""
        every = spec
        for default in self.defaults:
            every = default.apply(every)
        for place, optimizer in find_optimizers(every, self.holding.kind):
            if self.place in ("", place):
                hold = self.holding.hold
                spec = replace_optimizer(spec, place, optimizer if hold is None else hold(optimizer))
        return spec

    def differences(self, spec: GanSpec, /) -> list[str]:
        """Return in words in what it is not as the spec has it; empty where the GAN has no such optimizer."""
        if not any(self.place in ("", place) for place, _ in find_optimizers(spec, self.holding.kind)):
            return []
        own = [
            f"{SUBJECTS[default.subject].title} is {default.text}, and should be "
            f"{' and '.join(SUBJECTS[default.subject].values(spec))}"
            for default in self.defaults
            if default.apply(spec) != spec
        ]
        return [*own, f"{self.holding.words}, which a float64 run shows"] if self.holding.words else own

    def say(self, spec: GanSpec, /) -> str:
        """Return a sentence on what is wrong with a program that has it, and what to change. spec: the right GAN."""
        title, kind = self.defaults[0].title, self.holding.kind
        places = dict(find_optimizers(spec, kind))
        which = f"every {kind.__name__}" if not self.place else optimizer_words(self.place, places[self.place])
        which = which[0].upper() + which[1:]
        return f"{which} is {title}'s own, which differs: {'; '.join(self.differences(spec))}."


# Each of its kind last: of the same change, the place alone says more.
OWN_OPTIMIZERS: tuple[OwnOptimizer, ...] = tuple(
    OwnOptimizer(
        place=place,
        holding=holding,
        defaults=tuple(DEFAULTS[f"{holding.framework}:{subject}"] for subject in subjects),
    )
    for place in ("discriminator", "generator", "joint", "pretraining", "")
    for holding in _HOLDINGS
    for subjects in _SUBJECTS[holding.kind]
)
