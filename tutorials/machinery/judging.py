"""Holds a lesson's run to the suite's record of its GAN, as a program of anybody's is held to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gan_rosetta.shared.cases.judgement import Judgement, judge_program
from gan_rosetta.shared.cases.measuring import REFERENCE_NAME
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.outputs import SAMPLES
from gan_rosetta.shared.compare.sketch import sketch_state
from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.compare.yardstick import END, Yardstick
from tutorials.machinery.lessons import FRAMEWORKS, Lesson
from tutorials.machinery.record import LessonRecord


@dataclass(frozen=True, kw_only=True)
class LessonVerdict:
    """The judgement on a framework's program of a lesson."""

    lesson: Lesson
    framework: str
    judgement: Judgement

    @property
    def verdict(self) -> Verdict:
        """What the judgement comes to."""
        return self.judgement.verdict

    @property
    def sentence(self) -> str:
        """The verdict in words, naming the lesson, the framework and, where there is one, the step and the loss."""
        return f"{self.lesson.name} in {FRAMEWORKS[self.framework]}: {self.verdict}, {self.judgement.reason}"


class Judged(Protocol):
    """A program of the site with its verdict."""

    @property
    def verdict(self) -> Verdict:
        """What was found."""

    @property
    def sentence(self) -> str:
        """The verdict in words, which name the program."""


class LessonDrift(Exception):
    """Some lesson is not what the suite trains."""


def judge_lesson(
    lesson: Lesson, framework: str, record: LessonRecord, /, *, reference: LessonRecord, yardstick: Yardstick
) -> LessonVerdict:
    """Return the judgement on a program's run: losses step for step, and samples where the whole run was judged."""
    judgement = judge_program(
        evidence_of(framework, record),
        ["float64"],
        reference=evidence_of(REFERENCE_NAME, reference),
        yardstick=yardstick,
        spec=lesson.spec,
    )
    return LessonVerdict(lesson=lesson, framework=framework, judgement=judgement)


def assert_agreement(verdicts: Sequence[Judged], /) -> None:
    """Raise LessonDrift, naming lesson, framework, step and loss, unless every verdict is AGREE."""
    drifted = [each.sentence for each in verdicts if each.verdict != "AGREE"]
    if drifted:
        raise LessonDrift("\n".join(drifted))


def evidence_of(name: str, record: LessonRecord, /) -> Evidence:
    """Return what a lesson's record says of a run of that name."""
    # A lesson leaves no state to look into: its losses and samples are what a reader sees.
    return Evidence(
        name=name,
        precision="float64",
        identity={"initial state": record.digests["initial state"]},
        tape_digests={"adversarial": {"all": record.digests["tape"]}},
        losses=record.losses,
        moments={END: sketch_state({SAMPLES: record.samples})},
    )
