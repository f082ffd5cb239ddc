"""The regimes that the judge is calibrated in: GANs of the catalogue in small, and GANs where training goes badly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from gan_rosetta.shared.calibrate import coupled, extremes, games
from gan_rosetta.shared.errors import SpecError, unknown_name
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.gans.affordable import narrowed
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops

# Of the catalogue: steps of pretraining and of adversarial training, and the batch size where it is not the GAN's.
_SMALL: dict[str, tuple[int, int, int | None]] = {
    "gaussian-1d": (40, 80, None),
    "gaussian-1d-minibatch": (20, 40, None),
    "gaussian-1d-adam": (0, 120, None),
    "gaussian-1d-adam-minibatch": (0, 40, None),
    "linear-2d": (0, 150, None),
    "sine": (0, 40, 16),
    "mnist-conv": (0, 4, 4),
    "mnist-wgan-gp": (0, 3, 4),
    "mnist-wgan-gp-sample": (0, 3, 4),
}
_NARROWING = {"mnist-conv": 8}
_WITH_POWER = {
    "gaussian-1d",
    "gaussian-1d-adam",
    "linear-2d",
    "sine",
    "mnist-conv",
    "mnist-wgan-gp-sample",
    "chaotic",
    "third-steps",
    "norm-adam",
}
_COMPILED = {
    "linear-2d",
    "d-wins-bce",
    "d-wins-adam",
    "explodes-sgd",
    "saturated-bce",
    "saturated-tanh",
    "batch-of-one",
    "batch-of-two",
    "wasserstein-penalty",
    "generator-first",
    "norm-adam",
}
_DEAR_FLOPS, _DEAR_SHARE = 1e7, 3


@dataclass(frozen=True, kw_only=True)
class Regime:
    """A GAN and what it is there for, in a few words; its name is the GAN's.

    shows_power: planted mistakes are measured in it too. compiles: where both executions are asked for, it is trained
    compiled too; compiling costs more than many trainings.
    """

    spec: GanSpec
    summary: str
    shows_power: bool = False
    compiles: bool = False

    def __post_init__(self) -> None:
        if not self.summary:
            raise SpecError(f"the regime {self.spec.name!r} has no summary; say in a few words what it visits")

    @property
    def name(self) -> str:
        """The GAN's name."""
        return self.spec.name

    def num_seeds(self, wanted: int, /) -> int:
        """Return how many of so many seeds to train: fewer where a step is dear."""
        return wanted if step_flops(self.spec) < _DEAR_FLOPS else max(1, wanted // _DEAR_SHARE)


@cache
def regimes() -> dict[str, Regime]:
    """Return every regime by its name, the catalogue's GANs first."""
    found = [(_small(name), "the catalogue's, in small") for name in _SMALL]
    found += [*extremes.build_all(), *games.build_all(), *coupled.build_all()]
    return {
        spec.name: Regime(
            spec=spec,
            summary=summary,
            shows_power=spec.name in _WITH_POWER,
            compiles=spec.name in _COMPILED,
        )
        for spec, summary in found
    }


def find_regimes(names: Iterable[str], /) -> list[Regime]:
    """Return the regimes of those names, all where there is none; raises UsageError, with the nearest name."""
    known = regimes()
    chosen = list(dict.fromkeys(names)) or list(known)
    for name in chosen:
        if name not in known:
            raise unknown_name("regime", name, known)
    return [known[name] for name in chosen]


def _small(name: str) -> GanSpec:
    pretraining, steps, batch_size = _SMALL[name]
    spec = find_gan(name).with_steps(pretraining=pretraining, training=steps)
    if batch_size is not None:
        spec = replace(spec, batch_size=batch_size)
    return narrowed(spec, _NARROWING[name]) if name in _NARROWING else spec
