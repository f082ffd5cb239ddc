"""The reference's side of a case: its losses, and how far rounding alone takes it from itself."""

from __future__ import annotations

from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.yardstick import END, Yardstick, YardstickFollower
from gan_rosetta.shared.data.digest import state_digest
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.interface import PerturbedTrainer
from gan_rosetta.shared.runs.plan import affordable_steps
from gan_rosetta.shared.runs.training import run_training
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.state import State
from gan_rosetta.shared.workers.registry import build_reference

REFERENCE_NAME, PROGRAM_NAME = "the reference", "the program"
# A case feeds the program and the reference alike, so that their tapes need not be compared.
_ONE_TAPE = {"adversarial": {"all": "the case's"}}


def measure_reference(
    spec: GanSpec, state: State, tape: Tape, /, *, dtype: str, seed: int, keep_going: bool = True
) -> tuple[Evidence, Yardstick]:
    """Train the reference and its copies, in this process, as far as they can be afforded.

    keep_going: ignore the GAN's own rule for stopping early.
    """
    affordable = spec.with_steps(training=min(spec.training.num_steps, affordable_steps(spec)))

    def build() -> PerturbedTrainer:
        return build_reference(affordable, dtype=dtype)

    trainer = build()
    trainer.load_state(state)
    follower = YardstickFollower.start(build, affordable, state, dtype=dtype, seed=seed)
    result = run_training(trainer, affordable, tape, keep_going=keep_going, followers=(follower,))
    evidence = Evidence(
        name=REFERENCE_NAME,
        precision=dtype,
        identity={"spec": spec_digest(spec), "initial state": state_digest(state)},
        tape_digests=_ONE_TAPE,
        losses=result.losses,
        moments={END: trainer.export_state()},
        steps_per_epoch=tape.steps_per_epoch(),
    )
    return evidence, follower.finish()
