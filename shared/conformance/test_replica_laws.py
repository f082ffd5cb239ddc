"""Laws on replicas: each is its own seed's run alone, but for rounding, whatever is trained beside it."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.compare.assertions import assert_losses_close, assert_tensors_close
from gan_rosetta.shared.conformance.frameworks import device_of
from gan_rosetta.shared.conformance.noise import reference_run
from gan_rosetta.shared.conformance.small import adversarial_chunk, pretraining_chunk, seed_of, small_gan
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import load_replicas

_NUM_PRETRAINING = 5
_NUM_STEPS = 6
_NUM_REPLICAS = 3
# Of the GANs whose step is small enough that many are trained at once: one with pretraining and a minibatch layer, and
# one with Adam; each in one type, since a loop of many takes seconds to compile.
_SMALL_GANS = (("gaussian-1d-minibatch", "float32"), ("linear-2d", "float64"))


@pytest.mark.compiled
@pytest.mark.parametrize(("small", "dtype"), _SMALL_GANS)
def test_a_replica_is_its_own_seed_alone(replicas_needed, reference_too, backend, small, dtype):
    spec = small_gan(small)
    expected, yardstick, final, allowed = reference_run(
        spec, dtype=dtype, num_pretraining=_NUM_PRETRAINING, num_steps=_NUM_STEPS
    )
    among, alone = (_train(spec, backend, dtype, others=others) for others in ((5, 8), ()))
    for name, values in expected.items():
        assert among[0][name].dtype == np.dtype(dtype)
        assert_losses_close(among[0][name], values, yardstick=yardstick, name=name)
        assert among[0][name].tobytes() == alone[0][name].tobytes(), name
    assert_tensors_close(among[1], final, within=allowed)
    assert all(among[1][name].tobytes() == alone[1][name].tobytes() for name in final)


def _train(spec, backend, dtype, *, others):
    """Return the second replica's losses and state, with others beside it from seeds of theirs, or with none."""
    replicas = load_replicas(BACKENDS[backend]).build(
        spec, num_replicas=_NUM_REPLICAS, device=device_of(backend), dtype=dtype
    )
    replicas.load_state(1, initial_state(spec, seed=seed_of(spec)))
    beside = dict(zip((0, 2), others, strict=False))
    for replica, seed in beside.items():
        replicas.load_state(replica, initial_state(spec, seed=seed))
    tapes = {replica: SeededTape(spec, seed=seed, digits=DigitSource.parse(None)) for replica, seed in beside.items()}
    losses = {}
    phases = [("adversarial", adversarial_chunk, _NUM_STEPS)]
    if spec.pretraining is not None:
        phases.insert(0, ("pretraining", pretraining_chunk, _NUM_PRETRAINING))
    resting = {
        replica: replicas.export_state(replica) for replica in range(_NUM_REPLICAS) if replica not in {1, *beside}
    }
    for phase, make, num_steps in phases:
        chunks = {
            replica: make_chunk(tape, spec, phase, first_step=0, num_steps=num_steps) for replica, tape in tapes.items()
        }
        found = replicas.train({1: make(spec, num_steps=num_steps), **chunks})
        assert set(found) == {1, *beside}
        names = ("pretraining",) if phase == "pretraining" else spec.training.loss_names
        losses |= {name: getattr(found[1], name) for name in names}
    for replica, before in resting.items():
        after = replicas.export_state(replica)
        assert all(after[name].tobytes() == before[name].tobytes() for name in before), "a replica that rests moved"
    return losses, replicas.export_state(1)
