"""The GANs of the catalogue that have no lesson by hand: translated to every framework, and proved, where not fresh."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.proof import affordable_proof
from gan_rosetta.shared.translate.translation import require_framework
from gan_rosetta.shared.workers.environments import python_of, version_in
from tutorials.machinery.fingerprint import REFERENCE_SOURCES, fingerprint, framework_version, is_fresh
from tutorials.machinery.lessons import LESSONS
from tutorials.machinery.running import MARKER, Report, Task, run_tasks

# How each framework's name is written, in the order of the tabs.
TITLES: dict[str, str] = {name: dialect.TITLE for name, dialect in DIALECTS.items()}
PROGRAM_FILE, PROOF_FILE = "program.py", "proof.json"
_SOURCES = (*REFERENCE_SOURCES, "shared/cases/measuring.py", "shared/compare", "shared/translate/proof.py")


@dataclass(frozen=True, kw_only=True)
class Translated:
    """A GAN to translate. steps: of the proof, pretraining and training alike; None for what takes some seconds."""

    gan: str
    steps: int | None = None

    @property
    def proved(self) -> GanSpec:
        """The GAN as its programs are proved."""
        return affordable_proof(find_gan(self.gan), steps=self.steps, pretrain_steps=self.steps, batch=None)


@dataclass(frozen=True, kw_only=True)
class TranslatedProgram:
    """A program of the site, and what was found of it, as plain data; text: "" where it does not agree."""

    text: str
    found: Mapping[str, Any]

    @property
    def verdict(self) -> Verdict:
        """The verdict on it."""
        return cast("Verdict", self.found["verdict"])

    @property
    def sentence(self) -> str:
        """The verdict in words, with the GAN and the framework."""
        return f"{self.found['gan']} in {TITLES[self.found['to']]}: {self.verdict}, {self.found['reason']}"

    @property
    def judgement(self) -> str:
        """What the head of the program says of how it was proved."""
        return (ast.get_docstring(ast.parse(self.text)) or "").rpartition("\n\n")[2].replace("\n", " ")


@dataclass(frozen=True, kw_only=True)
class TranslatedPage:
    """A GAN's programs, by dialect."""

    gan: str
    programs: Mapping[str, TranslatedProgram]


def without_lesson() -> list[str]:
    """Return the names of the catalogue's GANs that no lesson by hand is about."""
    by_hand = {lesson.gan for lesson in LESSONS.values()}
    return [name for name in CATALOGUE if name not in by_hand]


def choose_translated(names: list[str], /) -> list[Translated]:
    """Return the GANs of those names that have no lesson, all where none is named; raises UsageError."""
    known = without_lesson()
    for name in names:
        if name in CATALOGUE and name not in known:
            raise UsageError(f"{name} has a lesson by hand; without one are {', '.join(known)}")
        if name not in known:
            raise unknown_name("GAN", name, known)
    return [Translated(gan=name) for name in known if not names or name in names]


def run_translations(
    gans: Iterable[Translated], dialects: Iterable[str], root: Path, /, *, report: Report
) -> list[TranslatedPage]:
    """Translate and prove what is not fresh in root/<GAN>/<dialect>, one process a GAN, and read all of it.

    report: called with a line as each process ends. Raises BackendUnavailable where a framework is not installed,
    LessonCrash where a process fails. A verdict other than AGREE is returned, not raised.
    """
    gans, dialects = list(gans), list(dialects)
    for dialect in dialects:
        require_framework(DIALECTS[dialect], None)
    run_tasks([_task(each, dialects, root / each.gan) for each in gans], report)
    return [read_page(each.gan, dialects, root / each.gan) for each in gans]


def read_page(gan: str, dialects: Iterable[str], folder: Path, /) -> TranslatedPage:
    """Read what translating a GAN left in a folder."""

    def program(place: Path) -> TranslatedProgram:
        text = (place / PROGRAM_FILE).read_text(encoding="utf-8")
        return TranslatedProgram(text=text, found=json.loads((place / PROOF_FILE).read_text(encoding="utf-8")))

    return TranslatedPage(gan=gan, programs={dialect: program(folder / dialect) for dialect in dialects})


def translation_fingerprint(translated: Translated, dialect: str, /) -> str:
    """Return the hash of what a proof follows from: the program as it is written now, its feed, and the versions."""
    text = write_program(find_gan(translated.gan), DIALECTS[dialect])
    backend = DIALECTS[dialect].BACKEND
    own = getattr(DIALECTS[dialect], "DISTRIBUTION", None)
    versions = [framework_version(backend), *([str(version_in(python_of(backend, None), own))] if own else [])]
    return fingerprint([repr(translated.proved), text, *versions], _SOURCES)


def _task(translated: Translated, dialects: list[str], folder: Path) -> Task:
    fingerprints = {dialect: translation_fingerprint(translated, dialect) for dialect in dialects}
    markers = {folder / dialect / MARKER: found for dialect, found in fingerprints.items()}
    stale = [each for each in dialects if not is_fresh(folder / each / MARKER, fingerprints[each])]
    order = {"gan": translated.gan, "dialects": stale, "steps": translated.steps, "out": str(folder.absolute())}
    proved = translated.proved
    return Task(
        label=f"{translated.gan}, translated to {', '.join(TITLES[each] for each in stale)}",
        arguments=("tutorials.machinery.translating", json.dumps([order])),
        markers=markers,
        cost=(4 + len(stale)) * step_flops(proved) * proved.training.num_steps,
    )
