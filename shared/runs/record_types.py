"""What record.json holds, and the arrays of the files beside it: what writes a run and what reads it name these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import numpy as np

from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.npz import ArrayType, require_arrays
from gan_rosetta.shared.storage.typed import Count, Positive

_LARGEST_STEP = 2**53
_MOMENT = re.compile(r"pretraining|end|(?:pretraining )?step [0-9]{1,15}")


class BeganAt(TypedDict):
    """The place of a run's first step."""

    phase: Phase
    step: Count


class Outcome(TypedDict):
    """How a run ended. stopped_at: the step at which its rule ended it; first_not_finite: by loss.

    steps_per_epoch: None where its tape has no epochs.
    """

    status: str
    stopped_at: Count | None
    began_at: BeganAt
    pretraining_steps: Count
    training_steps: Count
    steps_per_epoch: NotRequired[Positive | None]
    first_not_finite: dict[str, Count]


class Timings(TypedDict):
    """Seconds by part. resumed_at: places; steps_per_second: None where no step was timed."""

    build_seconds: float
    stage_seconds: NotRequired[float]
    first_chunks_seconds: NotRequired[float]
    train_seconds: NotRequired[float]
    timed_steps: NotRequired[Count]
    resumed_at: NotRequired[list[str]]
    steps_per_second: float | None


class Hashes(TypedDict):
    """SHA-256 of what went in; tape: by phase and step."""

    spec: str
    initial_state: str
    given_state: NotRequired[str]
    tape: dict[str, dict[str, str]]


class MachineSeen(TypedDict):
    """A machine."""

    processor: str
    logical_cores: Count
    memory_bytes: Count
    system: str
    load_average_1min: NotRequired[float]


class Surroundings(MachineSeen):
    """What a run ran on. variables: of the environment, by which libraries compute otherwise."""

    variables: NotRequired[dict[str, str]]


class RunSaid(TypedDict):
    """What a run says of itself. spec: as serialise.to_data makes it; settings: as it was asked for."""

    gan: str
    backend: str
    run: NotRequired[str]
    execution: str
    spec: dict[str, Any]
    hashes: Hashes
    settings: dict[str, Any]
    versions: dict[str, str]
    machine: Surroundings
    timings: Timings
    outcome: Outcome


class RunRecord(RunSaid):
    """A run's record.json. files: the SHA-256 of those beside it."""

    files: dict[str, str]


def require_epochs(outcome: Outcome, spec: GanSpec, /) -> None:
    """Raise ValueError where players take turns within epochs, and a run does not say how long one was."""
    patterns = (spec.training.discriminator_steps, spec.training.generator_steps)
    if any(pattern.counted == "epoch" for pattern in patterns) and outcome.get("steps_per_epoch") is None:
        raise ValueError("outcome lacks steps_per_epoch, within which its players take turns")


def require_losses(arrays: Mapping[str, np.ndarray], outcome: Outcome, spec: GanSpec, /) -> None:
    """Raise ValueError unless the arrays of losses.npz are the GAN's, as long as a run says that it was."""
    steps = {"pretraining": outcome["pretraining_steps"], "adversarial": outcome["training_steps"]}
    wanted = {name: ArrayType("f", (steps["adversarial"],)) for name in spec.training.loss_names}
    require_arrays(arrays, {"pretraining": ArrayType("f", (steps["pretraining"],)), **wanted})


def require_samples(arrays: Mapping[str, np.ndarray], spec: GanSpec, /) -> None:
    """Raise ValueError unless the arrays of samples.npz are of the GAN's shapes."""
    real = spec.real.sample_shape
    wanted = {
        "latent": ArrayType("f", ("samples", *spec.latent.sample_shape)),
        "generated": ArrayType("f", ("samples", *real)),
        "real": ArrayType("f", ("real", *real)),
    }
    if spec.discriminator.input_shape == (1,):
        wanted |= {
            "boundary_x": ArrayType("f", ("places",), is_finite=True),
            "boundary_y": ArrayType("f", ("places",)),
            "histogram_real": ArrayType("f", ("bins",), is_finite=True),
            "histogram_generated": ArrayType("f", ("bins",), is_finite=True),
            "histogram_edges": ArrayType("f", ("edges",), is_finite=True),
        }
    sizes = require_arrays(arrays, wanted)
    if sizes.get("edges", 1) != sizes.get("bins", 0) + 1:
        raise ValueError(f"histogram_edges has {sizes['edges']} numbers for {sizes['bins']} bins; expected one more")


def require_moments(arrays: Mapping[str, np.ndarray], spec: GanSpec, /) -> None:
    """Raise ValueError unless the arrays of moments.npz are of one moment or more of the GAN."""
    wanted = {name: ArrayType("i", ("moments",)) for name in ("adversarial_steps", "pretraining_steps")}
    if spec.discriminator.input_shape == (1,):
        wanted |= {
            "boundary_x": ArrayType("f", ("places",), is_finite=True),
            "boundary_y": ArrayType("f", ("moments", "places")),
            "histogram_generated": ArrayType("f", ("moments", "bins"), is_finite=True),
            "histogram_edges": ArrayType("f", ("edges",), is_finite=True),
        }
    else:
        wanted["generated"] = ArrayType("f", ("moments", "samples", *spec.real.sample_shape))
    sizes = require_arrays(arrays, wanted)
    if sizes.get("edges", 1) != sizes.get("bins", 0) + 1:
        raise ValueError(f"histogram_edges has {sizes['edges']} numbers for {sizes['bins']} bins; expected one more")
    if not sizes["moments"]:
        raise ValueError("it has no moment; expected the end at least")
    for name in ("adversarial_steps", "pretraining_steps"):
        steps = arrays[name]
        if steps[0] < 0 or np.any(np.diff(steps) < 0) or steps[-1] > _LARGEST_STEP:
            raise ValueError(f"{name} are not steps in order")


def require_sketches(arrays: Mapping[str, np.ndarray], /) -> None:
    """Raise ValueError unless the arrays of snapshots.npz are rows of numbers, each named by a moment and a tensor."""
    for key, array in arrays.items():
        label, slash, name = key.partition("/")
        if not (_MOMENT.fullmatch(label) and slash and name):
            raise ValueError(f"{key!r} names no moment and tensor")
        require_arrays({key: array}, {key: ArrayType("fi", ("entries",))})
