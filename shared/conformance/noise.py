"""What rounding explains of a difference in a test: measured on perturbed copies of the reference, never typed."""

from __future__ import annotations

from functools import partial

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance, num_copies
from gan_rosetta.shared.compare.yardstick import END, YardstickFollower
from gan_rosetta.shared.conformance.once import once
from gan_rosetta.shared.conformance.small import adversarial_chunk, build_trainer, pretraining_chunk, seed_of
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state


@once
def reference_probe(spec: GanSpec, *, dtype: str, phase: str, first_step: int):
    """Return the reference's probe of a step from the initial state, and by what assert_tensors_close judges one."""
    make = pretraining_chunk if phase == "pretraining" else adversarial_chunk
    chunk = make(spec, first_step=first_step)
    trainer = build_trainer(spec, backend="numpy", dtype=dtype)
    reference = trainer.probe(chunk)
    scales = trainer.loss_scales()
    tolerance = Tolerance(num_copies=num_copies(spec), dtype=dtype)
    distances = {key: [] for key in reference}
    for index, coarseness in enumerate(tolerance.coarseness):
        copy = build_trainer(spec, backend="numpy", dtype=dtype)
        copy.perturb(seed=index, coarseness=coarseness)
        for key, array in copy.probe(chunk).items():
            distances[key].append(tensor_difference(array, reference[key], scale=scales.get(key, 0.0)))
    allowed = {
        key: tolerance.allowed(tolerance.noise(found), is_counter=key.quantity == "counter")
        for key, found in distances.items()
    }
    return reference, {"within": allowed, "scales": scales}


def reference_run(spec: GanSpec, *, dtype: str, num_pretraining: int, num_steps: int):
    """Return the reference's losses over some steps, their yardstick, the final state, and what is allowed of that."""
    if spec.pretraining is None:
        num_pretraining = 0  # the same run whatever is asked
    return _reference_run(spec, dtype, num_pretraining, num_steps)


@once
def _reference_run(spec: GanSpec, dtype: str, num_pretraining: int, num_steps: int):
    build = partial(build_trainer, spec, backend="numpy", dtype=dtype)
    follower = YardstickFollower.start(build, spec, initial_state(spec, seed=seed_of(spec)), dtype=dtype, seed=0)
    losses, final = run_steps(build(), spec, num_pretraining, num_steps, follow=follower.follow)
    follower.snapshot(END, final)
    yardstick = follower.finish()
    noise = yardstick.tensors[END]
    allowed = {n: yardstick.tolerance.allowed(noise[n], is_counter=n.endswith(".step")) for n in final}
    return losses, yardstick, final, allowed


def run_steps(trainer, spec: GanSpec, num_pretraining: int, num_steps: int, *, first_step: int = 0, follow=None):
    """Train a loaded trainer in one chunk a phase; return the losses by name and the final state.

    follow: called with each chunk and its losses.
    """
    losses = {}
    chunks = [adversarial_chunk(spec, first_step=first_step, num_steps=num_steps)]
    if spec.pretraining is not None and num_pretraining:
        chunks.insert(0, pretraining_chunk(spec, num_steps=num_pretraining))
    for chunk in chunks:
        found = trainer.train(trainer.stage(chunk))
        if follow is not None:
            follow(chunk, found)
        names = ("pretraining",) if chunk.phase == "pretraining" else spec.training.loss_names
        losses |= {name: getattr(found, name) for name in names}
    return losses, trainer.export_state()
