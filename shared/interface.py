"""What a backend provides: a Trainer, fed chunks of stacked steps. The harness knows nothing else of a framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.spec import GanSpec

Phase = Literal["pretraining", "adversarial"]
Execution = Literal["eager", "compiled"]
Dtype = Literal["float32", "float64"]
DTYPES: tuple[Dtype, ...] = ("float32", "float64")
EXECUTIONS: tuple[Execution, ...] = ("eager", "compiled")
DEVICES = ("cpu", "cuda")
# What float32 products keep of their factors: all, or as a GPU's tensor cores do, 10 or 7 bits of mantissa.
PRODUCTS = ("full", "tf32", "bf16")


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


@runtime_checkable
class ComputesOnce(Protocol):
    """A trainer whose compiler may compute a number more than once, and not the same to the last bit."""

    def compute_once(self) -> None:
        """Keep the compiler from it from now on, at the cost of speed; called before a state is loaded."""
        ...


class Trainer(Protocol):
    """A GAN on one framework. Instances are used from one thread and never draw a random number."""

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build the networks and optimizers. device: "cpu" or "cuda". Raises UnsupportedLayer, UsageError."""
        ...

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        ...

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout; bit for bit what was loaded, if so cast."""
        ...

    def stage(self, chunk: Chunk, /) -> Any:
        """Cast a chunk and put it on the device; the transfer is finished when this returns."""
        ...

    def train(self, staged: Any, /) -> Losses:
        """Run a staged chunk's steps. One copy to the host, of the losses, at the end."""
        ...

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it."""
        ...

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Return G(latent), (batch, ...) in canonical layout. BatchNorm as in training, its buffers left alone.

        Of a GAN that keeps a moving average of G that one makes the samples. Dropout, which has no mask here, drops
        nothing, and the samples are of the classes in turn, 0, 1, ….
        """
        ...

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Return D's output for samples (batch, ...). BatchNorm, dropout and classes as in generate."""
        ...


class Replicas(Protocol):
    """A GAN many times over on one framework, each with a state of its own, trained side by side in one call.

    What becomes of one is what a trainer of its own would make of it, but for rounding, whatever the others are.

    worth_it_from: steps of all seeds together; of fewer, building and compiling takes longer than it saves.
    """

    worth_it_from: ClassVar[int]

    @classmethod
    def build(cls, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> Self:
        """Build the networks and optimizers, compiled where it compiles. Raises UnsupportedLayer, UsageError.

        A GAN that a trainer can be built of may be unsupported here; its seeds are then trained one after the other.
        """
        ...

    def load_state(self, replica: int, state: Mapping[str, np.ndarray], /) -> None:
        """As Trainer.load_state, of one of them, from 0."""
        ...

    def export_state(self, replica: int, /) -> dict[str, np.ndarray]:
        """As Trainer.export_state, of one of them."""
        ...

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        """Run a chunk's steps on each replica that has one; the others rest.

        chunks: by replica, at least one; all of the same steps, turns and shapes.
        """
        ...


class PerturbedReplicas(Replicas, Protocol):
    """Replicas that can round at random."""

    def perturb(self, *, seeds: Sequence[int]) -> None:
        """Round at random from now on, each by its own seed; they follow one another."""
        ...


Product = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class SeenDevice:
    """What a framework sees of a device. name: as the framework has it. memory_bytes: 0 where it does not say.

    details: what else it says, such as the compute capability, as one line.
    """

    name: str
    memory_bytes: int = 0
    details: str = ""


def precision_name(dtype: str, products: str, /) -> str:
    """Return the name of a type and what its products keep: "float64", "float32", "float32:tf32"."""
    return dtype if products == "full" else f"{dtype}:{products}"


def require_products(framework: str, products: str, /, *, device: str, on_gpu: Sequence[str]) -> None:
    """Raise UsageError unless a framework has such products on a device: full ones everywhere, others on a GPU."""
    there = ("full", *on_gpu) if device == "cuda" else ("full",)
    if products not in there:
        raise UsageError(
            f"{framework} has no {products} products on {device}; expected {', '.join(there)}; numpy has all, as it "
            "rounds factors itself"
        )


class Device(Protocol):
    """What a backend's device.py provides, as functions: what the machine's framework can do, and how it is set.

    devices are "cpu" and "cuda", the first GPU that the framework sees.
    """

    def configure(self, *, threads: int) -> None:
        """Set threads, determinism and whole products; call once in a process, before any array is made."""
        ...

    def list_devices(self) -> tuple[str, ...]:
        """Return the devices that a trainer can be built on here."""
        ...

    def framework_version(self) -> str:
        """Return the framework's version."""
        ...

    def check_device(self, device: str, /) -> None:
        """Raise UsageError, saying what there is, unless the framework can run on the device."""
        ...

    def describe_device(self, device: str, /) -> SeenDevice:
        """Return what the framework sees of a device that it has."""
        ...

    def peak_bytes(self, device: str, /) -> int | None:
        """Return the most memory of the device that the framework has used so far; None where it keeps no count."""
        ...

    def set_products(self, products: str, /, *, device: str) -> None:
        """Choose what float32 products keep of their factors, one of PRODUCTS; after configure, before each run.

        Raises UsageError, saying what there is, where the framework has no such products on the device.
        """
        ...

    def reseed(self, seed: int, /) -> None:
        """Seed whatever the framework draws random numbers from, which no step is to depend on."""
        ...

    def matrix_product(self, first: np.ndarray, second: np.ndarray, /, *, device: str) -> Product:
        """Return a function that multiplies two matrices once on the device, finished when it returns."""
        ...


@dataclass(frozen=True, kw_only=True)
class ProgramTensor:
    """A parameter or buffer of a network of a program from outside, as the program has it.

    name: steps separated by dots. kind: of its layer, as in the spec's layers, None where the program does not say.
    read: returns a copy; write: puts an array of the shape in its place.
    """

    name: str
    kind: str | None
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    write: Callable[[np.ndarray], None]


class PassObserver(Protocol):
    """Is told of a network's forward passes; arrays are copies, in the program's own layout."""

    def begin(self, inputs: np.ndarray, /) -> None:
        """A pass begins."""
        ...

    def output(self, tensor: str, kind: str, value: np.ndarray, /) -> None:
        """A layer gave an output. tensor: the name of one of its tensors, "" without any; kind: as in the spec."""
        ...

    def end(self, output: np.ndarray | None, /) -> None:
        """The pass has ended. output: None where it gave several, as a network with two heads does."""
        ...


Momentum = Literal["direction", "step", "added_step"]


@dataclass(frozen=True, kw_only=True)
class ProgramSlots:
    """What an optimizer of a program holds. slots: by tensor's name and the spec's name of a slot; counter: or None.

    momentum: of what its momentum is, of directions, of steps, or of steps that are added and so have the other sign.
    """

    slots: Mapping[tuple[str, str], np.ndarray]
    counter: int | None
    momentum: Momentum = "direction"


class ProgramFramework(Protocol):
    """What a backend's program.py provides, as functions: a program from outside, seen in its own framework.

    Of networks that do not keep their state, such as JAX's pytrees, only what comes before `call` is asked.
    """

    def to_tensor(self, array: np.ndarray, /, *, device: str) -> Any:
        """Return a copy of an array as the framework has it, of its type, on a device; raises UsageError."""
        ...

    def is_network(self, found: Any, /) -> bool:
        """Whether something is a network of the framework, with tensors."""
        ...

    def keeps_its_state(self, network: Any, /) -> bool:
        """Whether a network has its parameters as they are now, and is called, or is a value that the program tells."""
        ...

    def layout(self, network: Any, /) -> str | None:
        """Return how a network keeps its tensors (state/layouts.py), None where only names and shapes tell."""
        ...

    def is_ordered(self, network: Any, /) -> bool:
        """Whether a network's tensors come in the order of its layers."""
        ...

    def tensors(self, network: Any, /) -> list[ProgramTensor]:
        """Return a network's parameters and buffers."""
        ...

    def call(self, network: Any, inputs: np.ndarray, /) -> np.ndarray:
        """Return the output of a pass in training mode, which leaves the network as it was."""
        ...

    def watch_network(self, network: Any, observer: PassObserver, /) -> None:
        """Tell an observer of every forward pass from now on."""
        ...

    def watch_optimizer(self, optimizer: Any, /, *, before: Callable[[], None], after: Callable[[], None]) -> None:
        """Call functions before and after each update from now on."""
        ...

    def gradients(self, network: Any, optimizer: Any, /) -> dict[str, np.ndarray]:
        """Return the gradients that the optimizer is about to use, by tensor's name."""
        ...

    def slots(self, network: Any, optimizer: Any, /) -> ProgramSlots:
        """Return what an optimizer holds of a network's tensors."""
        ...


class PerturbedTrainer(Trainer, Protocol):
    """A Trainer that can round at random."""

    def perturb(self, *, seed: int, coarseness: float = 1.0) -> None:
        """Round at random from now on, so many times as coarsely as the type does."""
        ...

    def perturbed_copies(self, *, seeds: Sequence[int], coarseness: Sequence[float] | None = None) -> PerturbedCopies:
        """Return copies of this trainer as it is now, each of which rounds at random by its own seed; see perturb."""
        ...

    def loss_scales(self) -> Mapping[ProbeKey, float]:
        """Return how large the numbers are that each loss of the last probe is made of, by its key in the probe."""
        ...


class PerturbedCopies(Protocol):
    """Copies of a trainer that round at random, trained side by side; everything in the order of their seeds."""

    def train(self, chunk: Chunk, /) -> list[Losses]:
        """Train each copy on a chunk; returns each one's losses."""
        ...

    def loss_scales(self) -> Mapping[str, np.ndarray]:
        """Return how large the numbers are that each loss of the last chunk is made of, (K,), by name."""
        ...

    def states(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield each one's whole state."""
        ...

    def load_states(self, states: Sequence[Mapping[str, np.ndarray]], /) -> None:
        """Copy a whole state into each; raises StateError."""
        ...

    def generate(self, latent: np.ndarray, /) -> list[np.ndarray]:
        """Return each one's G(latent)."""
        ...

    def discriminate(self, samples: np.ndarray, /) -> list[np.ndarray]:
        """Return each one's D(samples)."""
        ...

    def export_roundings(self) -> list[np.ndarray]:
        """Return where each one's random rounding is."""
        ...

    def restore_roundings(self, exported: Sequence[np.ndarray], /) -> None:
        """Go on with each one's random rounding from there; raises ValueError for what no export returned."""
        ...
