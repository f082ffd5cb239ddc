"""What passes between the harness and a backend: chunks of stacked steps, their losses, and what a step computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from gan_rosetta.shared.spec import GanSpec

Phase = Literal["pretraining", "adversarial"]
Execution = Literal["eager", "compiled"]
Dtype = Literal["float32", "float64"]
DTYPES: tuple[Dtype, ...] = ("float32", "float64")
EXECUTIONS: tuple[Execution, ...] = ("eager", "compiled")


class Trains(NamedTuple):
    """Which players train in a step."""

    discriminator: bool
    generator: bool


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """K consecutive steps of one phase, as stacked float64 arrays (K, batch, ...).

    arrays: "pretrain_input" and "pretrain_target" in pretraining; "real", "latent_d", "latent_g", "latent_j", "mix"
        and "perturbation" in the adversarial phase, those that the GAN uses; and what passes are fed beside samples
        (shared/spec/feeding.py). The batch size is the same in all steps of a chunk, and may differ from the spec's in
        the last batch of an epoch.
    first_step: the index of the chunk's first step within its phase.
    trains_discriminator, trains_generator: (K,) booleans; all False in pretraining, which trains D by another loss.
    epochs: (K,) integers, how many passes over the real data came before each step; None where nothing hangs on it.
    """

    phase: Phase
    first_step: int
    arrays: Mapping[str, np.ndarray]
    trains_discriminator: np.ndarray
    trains_generator: np.ndarray
    epochs: np.ndarray | None = None

    @property
    def num_steps(self) -> int:
        """K."""
        return len(self.trains_discriminator)

    @property
    def trains(self) -> tuple[Trains, ...]:
        """Which players train in each step, (K,)."""
        pairs = zip(self.trains_discriminator.tolist(), self.trains_generator.tolist(), strict=True)
        return tuple(Trains(*pair) for pair in pairs)

    @property
    def passes_before(self) -> tuple[int, ...]:
        """How many passes over the real data came before each step, (K,); 0 where nothing hangs on it."""
        return (0,) * self.num_steps if self.epochs is None else tuple(self.epochs.tolist())

    def steps(self, chosen: slice, /) -> Chunk:
        """Return some of its steps as a chunk of their own; chosen counts from the chunk's first."""
        return Chunk(
            phase=self.phase,
            first_step=self.first_step + range(self.num_steps)[chosen].start,
            arrays={name: array[chosen] for name, array in self.arrays.items()},
            trains_discriminator=self.trains_discriminator[chosen],
            trains_generator=self.trains_generator[chosen],
            epochs=None if self.epochs is None else self.epochs[chosen],
        )

    @property
    def batch_size(self) -> int:
        """The number of samples in each step's batch."""
        return int(next(iter(self.arrays.values())).shape[1])


@dataclass(frozen=True, kw_only=True)
class Losses:
    """The losses of a chunk's steps, each (K,) on the host, of the run's type, from before that step's updates.

    In pretraining only `pretraining` is there; in the adversarial phase D's and G's, with NaN for a player that did not
    train. joint: of the third update, there exactly where the spec has a joint_optimizer. real_score: mean D(real),
    there exactly where the spec has a stop rule.
    """

    pretraining: np.ndarray | None = None
    discriminator: np.ndarray | None = None
    generator: np.ndarray | None = None
    joint: np.ndarray | None = None
    real_score: np.ndarray | None = None


def loss_label(name: str, /) -> str:
    """Return what a loss is called in a sentence: "discriminator's loss", "pretraining loss"."""
    return f"{name}'s loss" if name in ("discriminator", "generator") else f"{name} loss"


def losses_of(columns: np.ndarray, spec: GanSpec, phase: Phase, /) -> Losses:
    """Return the losses of a chunk that a trainer has as columns (number of losses, K), as copies.

    They are pretraining's one; or D's, G's, mean D(real) and, where the spec has a third update, that one's.
    """
    own = [np.array(column) for column in columns]
    if phase == "pretraining":
        return Losses(pretraining=own[0])
    return Losses(
        discriminator=own[0],
        generator=own[1],
        joint=own[3] if spec.training.joint_optimizer is not None else None,
        real_score=own[2] if spec.training.stop is not None else None,
    )


class ProbeKey(NamedTuple):
    """Names a quantity within one step.

    phase: whose update it belongs to: "pretraining", "discriminator", "generator" or "joint", of both players.
    quantity: "output" of a layer; "loss"; "input_gradient" and "penalty_gradient" of the gradient penalty; "gradient"
        of the loss; then, after the update, "parameter", "slot", "counter", "buffer", "average" and, of D's,
        "balance".
    stream: which forward pass: "input" (pretraining), "real", "fake", "mixed"; "again" of
        fakes that D is shown a second time in G's update; "" where there is no question.
    name: a layer (`discriminator.hidden1`, or `discriminator.hidden1_tanh` for its activation), a tensor's canonical
        name, or for losses "loss" and "penalty".
    """

    phase: str
    quantity: str
    stream: str
    name: str


Probe = Mapping[ProbeKey, np.ndarray]
