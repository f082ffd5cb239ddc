"""A GAN translated: written, proved, and only then handed over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypedDict, Unpack

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.errors import BackendUnavailable, UsageError
from gan_rosetta.shared.runs.checkpoint import num_steps
from gan_rosetta.shared.runs.inputs import open_start
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.runs.request import make_request, read_gan
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.opening import require_new
from gan_rosetta.shared.translate.native import Difference, OwnPart, measure_parts, own_parts, with_own_parts
from gan_rosetta.shared.translate.notebook import notebook_text
from gan_rosetta.shared.translate.program import find_dialect, write_program
from gan_rosetta.shared.translate.proof import DTYPE, Proof, ReferenceOnce, affordable_proof, prove, same_code
from gan_rosetta.shared.workers.environments import python_of, version_in
from gan_rosetta.shared.workers.registry import require_installed

FORMAT = 1


class ProofOptions(TypedDict, total=False):
    """What a translation is proved on; what is left out is chosen, so that it takes some seconds.

    steps, pretrain_steps, batch_size: of the proof alone, the program has the GAN's own. seed: of the initial state
    and the batches, 14 where not given. initial_state: a file with what it goes on from, in place of the
    seed's: parameters, buffers, and what optimizers keep. mnist: a folder of IDX files, or "download"; 5000 packaged
    digits where not given. python: of an environment with the framework, this one's where not given.
    """

    steps: int | None
    pretrain_steps: int | None
    batch_size: int | None
    seed: int
    initial_state: str | Path | None
    mnist: str | None
    python: str | None
    native: bool


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A program, and how it was proved. text: the program's, "" where it does not agree: it is not handed over.

    differences: of the framework's own parts, where it keeps to them.
    """

    gan: str
    to: str
    text: str
    proof: Proof
    differences: tuple[Difference, ...] = ()

    @property
    def sentence(self) -> str:
        """The finding in one sentence."""
        return f"{self.gan} to {self.to}: {self.proof.verdict}, {self.proof.reason}"

    @property
    def num_lines(self) -> int:
        """The program's lines."""
        return len(self.text.splitlines())

    def as_data(self) -> dict[str, Any]:
        """Return what was found as plain data, without the program."""
        proof = self.proof
        return {
            "format": FORMAT,
            "gan": self.gan,
            "to": self.to,
            "verdict": proof.verdict,
            "reason": proof.reason,
            "pretraining_steps": proof.pretraining,
            "steps": proof.adversarial,
            "batch_size": proof.batch_size,
            "largest_loss_difference": proof.losses if math.isfinite(proof.losses) else "inf",
            "largest_state_difference": proof.state,
            "tensors": proof.num_tensors,
            "versions": dict(proof.versions),
            "lines": self.num_lines,
            "own_parts": [difference.as_data() for difference in self.differences],
        }


def translate(
    gan: str | Path | GanSpec, /, *, to: str, once: ReferenceOnce | None = None, **options: Unpack[ProofOptions]
) -> Translation:
    """Write a GAN as a program of a framework, run it by itself and judge it.

    gan: a name of the catalogue, a TOML file, or a GanSpec. to: a dialect's name. once: what measures the reference for
    several programs, of the same options. Raises UsageError and its like for
    what cannot be asked, BackendUnavailable where the framework is not installed, UnsupportedLayer for what the dialect
    lacks, RunFailed where the program does not run.
    """
    dialect = find_dialect(to)
    python = options.get("python")
    require_framework(dialect, python)
    source = Path(gan) if isinstance(gan, str) and gan.endswith(".toml") else gan
    described, _ = read_gan(source)
    parts = own_parts(described, dialect) if options.get("native") else []
    spec = with_own_parts(described, parts)
    text = write_program(spec, dialect)
    short = affordable_proof(
        spec,
        steps=options.get("steps"),
        pretrain_steps=options.get("pretrain_steps"),
        batch=options.get("batch_size"),
    )
    request = make_request(
        source,
        steps=short.training.num_steps,
        pretrain_steps=short.pretraining.num_steps if short.pretraining is not None else None,
        batch_size=short.batch_size,
        seed=options.get("seed", DEFAULT_SEED),
        initial_state=options.get("initial_state"),
        first_step=0,
        mnist=options.get("mnist"),
    )
    proved = with_own_parts(request.resolve(), parts)
    inputs = open_start(request.feed, proved)
    proof = prove(text, proved, dialect, inputs.state, inputs.tape, seed=request.feed.seed, python=python, once=once)
    differences = _differences(described, proved, parts, inputs.state, inputs.tape, seed=request.feed.seed)
    kept = [f"It keeps to {dialect.TITLE}'s own parts, and so did the reference."] if differences else []
    said = [*proof.sentences, *kept, *(f"Otherwise than described, {each.sentence}" for each in differences)]
    whole = write_program(spec, dialect, proof=said) if proof.verdict == "AGREE" else ""
    if whole and not same_code(text, whole):
        raise AssertionError("the program that was proved is not the one that would be handed over")
    return Translation(gan=spec.name, to=to, text=whole, proof=proof, differences=tuple(differences))


def _differences(
    described: GanSpec, proved: GanSpec, parts: Sequence[OwnPart], state: State, tape: Tape, *, seed: int
) -> list[Difference]:
    short = replace(described, batch_size=proved.batch_size).with_steps(
        pretraining=num_steps(proved, "pretraining"), training=num_steps(proved, "adversarial")
    )
    return measure_parts(short, parts, state, tape, dtype=DTYPE, seed=seed)


def require_framework(dialect: ModuleType, python: str | None, /) -> None:
    """Raise BackendUnavailable where a dialect's framework is not installed, or what it is besides."""
    entry = BACKENDS[dialect.BACKEND]
    if python is None:
        require_installed(entry)
    # A program asks for nothing of this package, so that an environment which is named needs the framework alone.
    place = "" if python is None else f" in the environment of {python}"
    runs_on = python_of(entry.name, python)
    if all(version_in(runs_on, distribution) is None for distribution in entry.distributions):
        raise BackendUnavailable(f"{entry.title} is not installed{place}: {entry.install_hint}")
    own = getattr(dialect, "DISTRIBUTION", None)
    if own is not None and version_in(runs_on, own) is None:
        raise BackendUnavailable(f"{dialect.TITLE} is not installed{place}: pip install {own}")


def require_new_program(path: Path, /) -> None:
    """Raise UsageError unless a file may be written there: a program, and none that stands there already."""
    if path.suffix not in (".py", ".ipynb"):
        found = path.suffix or "nothing"
        raise UsageError(f"--out {path} ends in {found}; expected a program's name, FILE.py or FILE.ipynb")
    require_new(path, said="--out")


def write_translation(path: Path, translation: Translation, /) -> None:
    """Write a program that agreed to a file, whole or not at all; one that ends in .ipynb is a notebook."""
    if not translation.text:
        raise UsageError(f"{translation.sentence}; a program that does not agree is not written")
    text = notebook_text(translation.text) if path.suffix == ".ipynb" else translation.text
    try:
        write_bytes(path, text.encode())
    except OSError as error:
        raise UsageError(f"--out {path} cannot be written ({error.strerror or error}); name another file") from None
