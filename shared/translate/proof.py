"""Proves a program before it is handed over: it is run by itself on the suite's feed, and what it leaves is judged."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.cases.measuring import PROGRAM_NAME, measure_reference
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.finding import Finding
from gan_rosetta.shared.compare.verdict import PairVerdict, Verdict, judge
from gan_rosetta.shared.compare.yardstick import END, LOSS_NAMES, Yardstick
from gan_rosetta.shared.data.digest import state_digest
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.errors import RunFailed
from gan_rosetta.shared.runs.checkpoint import num_steps
from gan_rosetta.shared.spec import GanSpec, GradientDescent
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.state import State, average_name
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.state.native.assemble import gather
from gan_rosetta.shared.state.native.formats import read_checkpoint
from gan_rosetta.shared.state.native.mapping import NameMapping
from gan_rosetta.shared.state.schema import counter_name, network_parameters, optimizers, slot_name, state_schema
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.environments import python_of, version_in
from gan_rosetta.shared.workers.process import describe_exit, environment
from gan_rosetta.shared.workers.registry import installed_version

# What a proof is of where nobody says more: some seconds of the reference.
_MOST_STEPS = 200
_STEP_FLOPS, _TRAINING_FLOPS = 3e9, 1.5e10
_FEWEST_SAMPLES, _FEWEST_STEPS = 4, 2
_TIMEOUT_SECONDS = 3600
_LAST_LINES = 12
DTYPE = "float64"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was found of a program. verdict, reason: as of two runs; place: where it is off first, "" where nowhere.

    pretraining, adversarial: the steps that it took; batch_size: of each. losses: the largest difference of a loss,
    state: of a tensor of the state after the last step, relative; None where the steps past which nothing can be told
    leave it open. num_tensors: of the state, that were compared. versions: of what it ran on, by name.
    """

    verdict: Verdict
    reason: str
    place: str
    pretraining: int
    adversarial: int
    batch_size: int
    losses: float
    state: float | None
    num_tensors: int
    versions: Mapping[str, str]

    @property
    def sentences(self) -> list[str]:
        """What stands in the head of a program that agrees."""
        steps = [f"{self.pretraining} steps of pretraining"] if self.pretraining else []
        steps.append(f"{self.adversarial} {'step' if self.adversarial == 1 else 'steps'}")
        found = f"its losses were at most {self.losses:.0e} from the reference's"
        if self.state is not None:
            found += f", and {self.num_tensors} tensors of its state at the end {self.state:.0e}"
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return [
            f"Proved with {versions}: in {DTYPE}, fed the same {' and '.join(steps)} of {self.batch_size} samples, "
            f"{found}."
        ]


def affordable_proof(spec: GanSpec, /, *, steps: int | None, pretrain_steps: int | None, batch: int | None) -> GanSpec:
    """Return a GAN with as many steps, and samples in each, as are asked for, or as take some seconds."""
    if batch is None:
        most = int(_STEP_FLOPS / (step_flops(spec) / spec.batch_size))
        batch = min(spec.batch_size, max(most, _FEWEST_SAMPLES))
    spec = replace(spec, batch_size=batch)
    if steps is None:
        # Turns come round, so that each player trains.
        fewest = max(_FEWEST_STEPS, spec.training.period)
        most = max(fewest, int(_TRAINING_FLOPS / step_flops(spec)))
        steps = min(spec.training.num_steps, most, _MOST_STEPS)
    if pretrain_steps is None:
        pretrain_steps = min(num_steps(spec, "pretraining"), _MOST_STEPS)
    return spec.with_steps(pretraining=pretrain_steps, training=steps)


class ReferenceOnce:
    """The reference's side of several proofs: what is asked for again right after is not measured again.

    For programs of one GAN, one after the other, which are fed the same batches.
    """

    def __init__(self) -> None:
        self._asked: tuple[GanSpec, str, int] | None = None
        self._found: tuple[Evidence, Yardstick] | None = None

    def measure(self, spec: GanSpec, state: State, tape: Tape, /, *, seed: int) -> tuple[Evidence, Yardstick]:
        """Return what the reference leaves of a feed, and how far rounding alone takes it."""
        asked = (spec, state_digest(state), seed)
        if self._found is None or self._asked != asked:
            self._found = measure_reference(spec, state, tape, dtype=DTYPE, seed=seed, keep_going=False)
            self._asked = asked
        return self._found


def prove(
    text: str,
    spec: GanSpec,
    dialect: ModuleType,
    state: State,
    tape: Tape,
    /,
    *,
    seed: int,
    python: str | None = None,
    once: ReferenceOnce | None = None,
) -> Proof:
    """Run a program for all steps of a spec and judge its losses and the state that it leaves.

    text: the program's. python: of an environment to run it in, this one's where not given. once: what has measured the
    reference for other programs. Raises RunFailed where it ends otherwise than with what it should leave.
    """
    with temporary_folder() as folder:
        (folder / "program.py").write_text(text, encoding="utf-8")
        pretraining, adversarial = num_steps(spec, "pretraining"), num_steps(spec, "adversarial")
        write_state(folder / "state.safetensors", state, metadata={"gan": spec.name})
        write_tape(folder / "tape.npz", tape, spec, pretraining_steps=pretraining, training_steps=adversarial)
        arguments = ["--tape", "tape.npz", "--state", "state.safetensors", "--dtype", DTYPE, "--out", "left"]
        arguments += ["--steps", str(adversarial), "--seed", str(seed)]
        arguments += ["--pretraining-steps", str(pretraining)] if spec.pretraining is not None else []
        _run(folder, arguments, python)
        losses = _read_losses(folder / "left" / "losses.npz")
        found = gather(spec, {"": read_checkpoint(folder / "left" / dialect.CHECKPOINT, spec)}, NameMapping()).state
        if dialect.AVERAGE and spec.training.generator_average is not None:
            checkpoint = read_checkpoint(folder / "left" / dialect.AVERAGE, spec)
            average = gather(spec, {"generator": checkpoint}, NameMapping()).state
            found |= {average_name(name): array for name, array in average.items()}
    reference, yardstick = (once or ReferenceOnce()).measure(spec, state, tape, seed=seed)
    wanted = _wanted(spec, reference.moments[END])
    reference = replace(reference, moments={END: wanted})
    program = replace(
        reference,
        name=PROGRAM_NAME,
        losses=losses,
        moments={END: {name: array for name, array in found.items() if name in wanted}},
    )
    pair = judge(reference, program, yardstick, spec)
    return _proof(pair, reference, program, spec=spec, versions=_versions(dialect, python))


def _run(folder: Path, arguments: list[str], python: str | None) -> None:
    # -I: nothing of ours, nor of the caller's, is found from where the program runs.
    command = [python or sys.executable, "-I", "program.py", *arguments]
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment(threads=1) | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if finished.returncode != 0:
        last = "\n".join(finished.stderr.splitlines()[-_LAST_LINES:])
        raise RunFailed(f"the program ended with {describe_exit(finished.returncode)}, and was not kept:\n{last}")


def _read_losses(path: Path) -> dict[str, np.ndarray]:
    arrays = read_npz(path)
    return {name: np.asarray(arrays.get(name, np.zeros(0)), dtype=np.float64) for name in LOSS_NAMES}


def _wanted(spec: GanSpec, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what a program has to leave of a state.

    Left out are the counters of optimizers that do not look at theirs, and what one keeps that took no step: frameworks
    make that at the first.
    """
    kept = ("parameter", "buffer", "average", "balance")
    names = {name for name, tensor in state_schema(spec).items() if tensor.role in kept}
    for name, (network, optimizer) in optimizers(spec).items():
        if optimizer.slots and int(state[counter_name(name)]) > 0:
            names |= {counter_name(name)} if not isinstance(optimizer, GradientDescent) else set()
            parameters = network_parameters(spec, network)
            names |= {slot_name(name, each.name, slot) for each in parameters for slot in optimizer.slots}
    return {name: array for name, array in state.items() if name in names}


def _proof(
    pair: PairVerdict, reference: Evidence, program: Evidence, *, spec: GanSpec, versions: Mapping[str, str]
) -> Proof:
    verdict, reason = pair.verdict, pair.reason
    first = min(pair.findings, key=lambda finding: _order(finding, spec), default=None)
    taken = {name: len(program.losses[name]) for name in LOSS_NAMES}
    expected = {name: len(reference.losses.get(name, ())) for name in LOSS_NAMES}
    place = "" if first is None else str(first)
    if taken != expected and verdict == "AGREE":
        name = next(each for each in LOSS_NAMES if taken[each] != expected[each])
        verdict = "DISAGREE"
        place = reason = f"the program had {taken[name]} steps of {name}, the reference {expected[name]}"
    left_out = {entry.partition(" ")[0] for entry in pair.left_out}
    judged = {name: difference for name, difference in pair.state.items() if name not in left_out}
    is_whole = pair.checked_steps == pair.num_steps
    return Proof(
        verdict=verdict,
        reason=reason if first is None else place,
        place=place,
        pretraining=taken["pretraining"],
        adversarial=pair.checked_steps,
        batch_size=spec.batch_size,
        losses=pair.largest,
        state=max(judged.values(), default=0.0) if is_whole else None,
        num_tensors=len(judged),
        versions=versions,
    )


def _order(finding: Finding, spec: GanSpec) -> tuple[bool, int, bool, bool]:
    """Return where a finding stands among others: by its step, and in that in the order of execution."""
    is_tensor = finding.name not in LOSS_NAMES
    return finding.phase == "adversarial", finding.step, is_tensor, finding.name != spec.training.first


def _versions(dialect: ModuleType, python: str | None) -> dict[str, str]:
    entry = BACKENDS[dialect.BACKEND]
    framework = installed_version(entry, python) or "of another environment"
    found = {dialect.TITLE: framework}
    distribution = getattr(dialect, "DISTRIBUTION", None)
    if distribution is not None:
        own = version_in(python_of(entry.name, python), distribution)
        found = {dialect.TITLE: own or "of another environment", entry.title: framework}
    return found if python else {**found, "NumPy": np.__version__, "Python": sys.version.split()[0]}


def same_code(first: str, second: str, /) -> bool:
    """Whether two programs differ in nothing but their docstrings at the top."""
    trees = [ast.parse(text) for text in (first, second)]
    return ast.dump(ast.Module(trees[0].body[1:], [])) == ast.dump(ast.Module(trees[1].body[1:], []))
