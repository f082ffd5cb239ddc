"""What a GAN gives for fixed inputs, as far as it is judged: samples, scores, and both in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from gan_rosetta.backends import BACKENDS, REFERENCE
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.spec import BatchNorm, ConstantRate, GanSpec, GradientDescent, Network
from gan_rosetta.shared.spec.feeding import shown_when_asked
from gan_rosetta.shared.state import state_schema
from gan_rosetta.shared.workers.registry import load_trainer

Outputs = dict[str, np.ndarray]
SAMPLES, SCORES = "samples", "scores"
_MOST_EVALUATED = 64
_PLAIN = GradientDescent(learning_rate=ConstantRate(value=0.0))


class Copies(Protocol):
    """Several GANs that are asked at once."""

    def generate(self, latent: np.ndarray, /) -> list[np.ndarray]:
        """Return each one's G(latent)."""
        ...

    def discriminate(self, samples: np.ndarray, /) -> list[np.ndarray]:
        """Return each one's D(samples)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Look:
    """The inputs of one look at a GAN. latent: (n, ...). asked: what D is asked about, (m, ...), or None.

    block: how many samples D sees at once, where it looks at whole batches, and only the first of each is kept; else 1.
    """

    latent: np.ndarray
    asked: np.ndarray | None = None
    block: int = 1

    def of_trainer(self, trainer: Trainer, /) -> Outputs:
        """Return what a trainer gives: "samples" (n, ...), "scores" (m / block, outputs) where D is asked."""
        outputs = {SAMPLES: trainer.generate(self.latent)}
        return outputs if self.asked is None else outputs | {SCORES: self.scores_of_trainer(trainer)}

    def scores_of_trainer(self, trainer: Trainer, /) -> np.ndarray:
        """Return what D gives for what it is asked about, (m / block, outputs)."""
        return self._scores(lambda asked: [trainer.discriminate(asked)])[0]

    def of_copies(self, copies: Copies, /) -> list[Outputs]:
        """Return what each of some copies gives."""
        found = [{SAMPLES: samples} for samples in copies.generate(self.latent)]
        if self.asked is not None:
            for outputs, scores in zip(found, self._scores(copies.discriminate), strict=True):
                outputs[SCORES] = scores
        return found

    def _scores(self, discriminate: Callable[[np.ndarray], list[np.ndarray]]) -> list[np.ndarray]:
        if self.asked is None:
            raise ValueError("the look asks D nothing")
        size = self.block if self.block > 1 else len(self.asked)
        parts = [discriminate(self.asked[start : start + size]) for start in range(0, len(self.asked), size)]
        joined = (np.concatenate([part.reshape(len(part), -1) for part in own]) for own in zip(*parts, strict=True))
        return [scores[:: self.block] for scores in joined]


def evaluate(spec: GanSpec, state: Mapping[str, np.ndarray], /, *, latent: np.ndarray, real: np.ndarray) -> Outputs:
    """Return what G and D give in evaluation mode, in float64, by a run's state; nothing where that changes nothing.

    In that mode BatchNorm takes its running statistics, so that a bias before it and the mean that follows the bias
    cancel: where rounding decides each of the two, this judges them together.
    """
    evaluated = _in_evaluation_mode(spec)
    if evaluated == spec:
        return {}
    evaluated = _without_slots(evaluated)
    trainer = load_trainer(BACKENDS[REFERENCE]).build(evaluated, device="cpu", dtype="float64", execution="eager")
    trainer.load_state({name: state[name] for name in state_schema(evaluated) if name in state})
    asked = shown_when_asked(spec, real[:_MOST_EVALUATED], latent)
    outputs = Look(latent=latent[:_MOST_EVALUATED], asked=asked).of_trainer(trainer)
    return {f"{name} in evaluation mode": array for name, array in outputs.items()}


def _in_evaluation_mode(spec: GanSpec) -> GanSpec:
    return replace(
        spec,
        generator=_with_running_statistics(spec.generator),
        discriminator=_with_running_statistics(spec.discriminator),
    )


def _with_running_statistics(network: Network) -> Network:
    return network.mapped(lambda layer: replace(layer, statistics="running") if isinstance(layer, BatchNorm) else layer)


def _without_slots(spec: GanSpec) -> GanSpec:
    """Return a GAN of the same networks whose optimizers keep nothing of a parameter: most of what a state weighs."""
    joint = None if spec.training.joint_optimizer is None else _PLAIN
    training = replace(spec.training, discriminator_optimizer=_PLAIN, generator_optimizer=_PLAIN, joint_optimizer=joint)
    pretraining = None if spec.pretraining is None else replace(spec.pretraining, optimizer=_PLAIN)
    return replace(spec, training=training, pretraining=pretraining)
