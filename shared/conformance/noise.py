"""What rounding explains of a difference in a test: measured on perturbed copies of the reference, never typed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from shared.compare.distances import relative_difference, tensor_difference
from shared.compare.verdict import MARGIN
from shared.conformance.small import adversarial_chunk, build_trainer, pretraining_chunk, seed_of
from shared.spec import GanSpec
from shared.state import initial_state

_NUM_COPIES = 4


def _copies(spec, dtype, state):
    for index in range(_NUM_COPIES):
        copy = build_trainer(spec, backend="numpy", dtype=dtype)
        copy.load_state(state)
        copy.perturb(seed=index)
        yield copy


def _floor(dtype):
    return float(np.finfo(dtype).eps)


@lru_cache(maxsize=64)
def reference_probe(spec: GanSpec, *, dtype: str, phase: str, first_step: int):
    """Return the reference's probe of a step, from the initial state, and what rounding explains of each entry."""
    make = pretraining_chunk if phase == "pretraining" else adversarial_chunk
    chunk = make(spec, first_step=first_step)
    reference = build_trainer(spec, backend="numpy", dtype=dtype).probe(chunk)
    noise = dict.fromkeys(reference, 0.0)
    for copy in _copies(spec, dtype, initial_state(spec, seed=seed_of(spec))):
        for key, array in copy.probe(chunk).items():
            noise[key] = max(noise[key], tensor_difference(array, reference[key]))
    allowed = {
        key: 0.0 if key.quantity == "counter" else MARGIN * max(amount, _floor(dtype)) for key, amount in noise.items()
    }
    return reference, allowed


def reference_run(spec: GanSpec, *, dtype: str, num_pretraining: int, num_steps: int):
    """Return the reference's losses and final state after some steps, and what rounding explains of each."""
    if spec.pretraining is None:
        num_pretraining = 0  # the same run whatever is asked
    return _reference_run(spec, dtype, num_pretraining, num_steps)


@lru_cache(maxsize=64)
def _reference_run(spec: GanSpec, dtype: str, num_pretraining: int, num_steps: int):
    state = initial_state(spec, seed=seed_of(spec))
    losses, final = run_steps(build_trainer(spec, backend="numpy", dtype=dtype), spec, num_pretraining, num_steps)
    loss_noise = {name: np.zeros(len(values)) for name, values in losses.items()}
    noise = dict.fromkeys(final, 0.0)
    for copy in _copies(spec, dtype, state):
        other_losses, other = run_steps(copy, spec, num_pretraining, num_steps)
        for name, values in losses.items():
            running = np.maximum.accumulate(relative_difference(other_losses[name], values))
            loss_noise[name] = np.maximum(loss_noise[name], running)
        for name, array in final.items():
            noise[name] = max(noise[name], tensor_difference(other[name], array))
    allowed_losses = {name: MARGIN * np.maximum(amount, _floor(dtype)) for name, amount in loss_noise.items()}
    allowed = {name: 0.0 if name.endswith(".step") else MARGIN * max(n, _floor(dtype)) for name, n in noise.items()}
    return losses, allowed_losses, final, allowed


def run_steps(trainer, spec: GanSpec, num_pretraining: int, num_steps: int, *, first_step: int = 0):
    """Train a loaded trainer in one chunk a phase; return the losses by name and the final state."""
    losses = {}
    if spec.pretraining is not None and num_pretraining:
        chunk = pretraining_chunk(spec, num_steps=num_pretraining)
        losses["pretraining"] = trainer.train(trainer.stage(chunk)).pretraining
    chunk = adversarial_chunk(spec, first_step=first_step, num_steps=num_steps)
    result = trainer.train(trainer.stage(chunk))
    losses |= {"discriminator": result.discriminator, "generator": result.generator}
    return losses, trainer.export_state()
