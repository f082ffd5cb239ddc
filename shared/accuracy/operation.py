"""An operation to measure: a tiny GAN, single steps that are nothing but the operation, and where its results stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Chunk, Dtype, Losses, Phase
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, state_schema

# Of an optimizer with β1 = 0: after an update its slot m is the gradient, bit for bit.
GRADIENT_SLOT = "m"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a step left: its losses, (1,) each, and the whole state after it."""

    losses: Losses
    state: State


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One step of an operation's GAN.

    inputs: what it is fed, one for each row of a result: numbers for a picture's axis, or words. state: tensors that
    are not 0 to begin with. counter: updates that G's optimizer has behind it. arrays: the chunk's, (1, batch, ...),
    exact in the type. arguments: what the truth is a function of.
    """

    inputs: tuple[float | str, ...]
    state: Mapping[str, np.ndarray]
    arrays: Mapping[str, np.ndarray]
    counter: int = 0
    arguments: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A result of an operation.

    read: returns it, (rows, entries): the entries of a row are judged together, relative to the largest of them, as the
    entries of a tensor are; a row of one entry is a number by itself. truth: returns it of a trial's arguments in
    extended precision, for where the reference's own formula loses digits; None has the reference's formula.
    label: what the one row stands for, where the rows are not those of the trial's inputs. loss: the name of the loss
    that it is, whose differences are judged beside what it is made of; "" for no loss.
    """

    name: str
    read: Callable[[Outcome], np.ndarray]
    truth: Callable[[Mapping[str, np.ndarray]], np.ndarray] | None = None
    label: str = ""
    loss: str = ""

    def labels(self, trial: Trial, /) -> tuple[float | str, ...]:
        """Return what the rows of a trial's result stand for."""
        return (self.label,) if self.label else trial.inputs


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation. trials: its steps in a type; axis: what the inputs are, "" where they are words.

    trains_discriminator: whether D's update belongs to it, which is left out otherwise.
    """

    name: str
    group: str
    title: str
    spec: GanSpec
    trials: Callable[[Dtype], Sequence[Trial]]
    quantities: tuple[Quantity, ...]
    axis: str = ""
    phase: Phase = "adversarial"
    trains_discriminator: bool = False

    def __post_init__(self) -> None:
        names = [quantity.name for quantity in self.quantities]
        if not names or len(set(names)) != len(names):
            raise UsageError(f"operation {self.name!r} has the quantities {names}; expected some, each name once")

    def chunk(self, trial: Trial, /) -> Chunk:
        """Return the chunk of a trial's one step."""
        return Chunk(
            phase=self.phase,
            first_step=0,
            arrays=trial.arrays,
            trains_discriminator=np.array([self.trains_discriminator]),
            trains_generator=np.array([self.phase == "adversarial"]),
        )

    def state(self, trial: Trial, /) -> State:
        """Return the whole state that a trial starts from; raises UsageError for a tensor that the GAN lacks."""
        schema = state_schema(self.spec)
        extra = sorted(set(trial.state) - set(schema))
        if extra:
            raise UsageError(f"operation {self.name!r} sets {extra}; expected names of {sorted(schema)}")
        state: State = {}
        for name, tensor in schema.items():
            if tensor.role == "counter":
                state[name] = np.array(trial.counter if "generator" in name else 0, np.int64)
            elif name in trial.state:
                state[name] = np.asarray(trial.state[name], np.float64).reshape(tensor.shape)
            else:
                state[name] = np.zeros(tensor.shape)
        return state


def read_tensor(name: str, /, *, as_one_row: bool = False) -> Callable[[Outcome], np.ndarray]:
    """Return what reads a tensor of the state: an entry a row, or all in one row."""

    def read(outcome: Outcome, /) -> np.ndarray:
        return outcome.state[name].reshape((1, -1) if as_one_row else (-1, 1))

    return read


def read_gradient(parameter: str, /, *, optimizer: str = "generator", as_one_row: bool = False) -> Callable:
    """Return what reads the gradient of a parameter, named without its network, from its optimizer's slot."""
    return read_tensor(f"optimizer.{optimizer}.{parameter}.{GRADIENT_SLOT}", as_one_row=as_one_row)


def read_entry(name: str, index: int | slice, /) -> Callable[[Outcome], np.ndarray]:
    """Return what reads one entry, or some, of a tensor of the state, in one row; index: into its flat numbers."""

    def read(outcome: Outcome, /) -> np.ndarray:
        return np.atleast_1d(outcome.state[name].reshape(-1)[index]).reshape(1, -1)

    return read


def loss_quantity(
    name: str, loss: str, /, *, truth: Callable[[Mapping[str, np.ndarray]], np.ndarray] | None = None
) -> Quantity:
    """Return a loss as a quantity. loss: "pretraining", "discriminator" or "generator"."""

    def read(outcome: Outcome, /) -> np.ndarray:
        value = getattr(outcome.losses, loss)
        if value is None:
            raise UsageError(f"a step left no {loss} loss; expected one, as its phase has it")
        return np.asarray(value).reshape(1, 1)

    return Quantity(name=name, read=read, truth=truth, loss=loss)
