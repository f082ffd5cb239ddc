"""Runs a person's own program, as it is, in a process of its own, and judges the cases that it made.

Run as `python -m gan_rosetta.shared.cases.running RESULT PROGRAM [ARGUMENT…]`; RESULT is a file to write.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.shared.cases import case
from gan_rosetta.shared.cases.judgement import Judgement
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.as_main import run_as_main
from gan_rosetta.shared.workers.process import describe_exit


@dataclass(frozen=True, kw_only=True)
class ProgramRun:
    """What came of a program: its judgements in the order of its cases, and how it failed, "" if not."""

    judgements: tuple[Judgement, ...]
    failure: str

    def of_gan(self, gan: str | None, program: Path, /) -> tuple[Judgement, ...]:
        """Return the judgements on cases of a GAN, of any where it is None; raises UsageError where there is none."""
        made = [judgement.gan for judgement in self.judgements]
        if not made or (gan is not None and gan not in made):
            wanted = "case" if gan is None else f"case of {gan!r}"
            others = f", only of {', '.join(made)}" if made else ""
            raise UsageError(
                f"{program} made no {wanted}{others}; it is to begin with gan_rosetta.case({gan or '…'!r})"
            )
        return tuple(judgement for judgement in self.judgements if gan is None or judgement.gan == gan)


def run_program(program: Path, arguments: Sequence[str], /) -> ProgramRun:
    """Run a program in the folder that this process is in; what it prints goes to standard error. Raises UsageError."""
    if not program.is_file():
        raise UsageError(f"{program} is no file; expected a Python program that makes a case with gan_rosetta.case")
    with temporary_folder() as folder:
        result = folder / "judgements.json"
        # -P: modules of the folder that this process is in are none of ours, nor of the program's.
        module = ["-P", "-m", "gan_rosetta.shared.cases.running"]
        command = [sys.executable, *module, str(result), str(program), *arguments]
        finished = subprocess.run(command, stdout=sys.stderr.fileno(), check=False)
        if not result.exists():
            return ProgramRun(judgements=(), failure=f"it ended with {describe_exit(finished.returncode)}")
        found = json.loads(result.read_text(encoding="utf-8"))
    judgements = tuple(Judgement.from_data(data) for data in found["judgements"])
    return ProgramRun(judgements=judgements, failure=found["failure"])


def _run_here(result: Path, program: str, arguments: Sequence[str]) -> None:
    kept: list[case.Case] = []
    case.keep_cases(kept)
    failure = run_as_main(program, arguments)
    judged = [each for each in kept if each.judgement is not None]
    # A program that says itself that it disagrees has done what it is for.
    failure = "" if any(each.judgement.verdict != "AGREE" for each in judged if each.judgement) else failure
    judgements = [] if failure else [each.judgement or each.judge() for each in kept]
    write_json(result, {"judgements": [each.as_data() for each in judgements], "failure": failure})


if __name__ == "__main__":
    _run_here(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
