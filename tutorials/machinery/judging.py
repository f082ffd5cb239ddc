"""Holds a lesson's run to the suite's record of its GAN, with the suite's own verdict and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gan_rosetta.shared.compare.outputs import SAMPLES
from gan_rosetta.shared.compare.sketch import sketch_state
from gan_rosetta.shared.compare.verdict import Evidence, PairVerdict, judge
from gan_rosetta.shared.compare.yardstick import END, LOSS_NAMES, Yardstick
from tutorials.machinery.lessons import FRAMEWORKS, Lesson
from tutorials.machinery.record import LessonRecord


@dataclass(frozen=True, kw_only=True)
class LessonVerdict:
    """How a framework's program compares with the reference. largest: loss difference over the steps judged."""

    lesson: Lesson
    framework: str
    pair: PairVerdict
    largest: float

    @property
    def sentence(self) -> str:
        """The verdict in words, naming the lesson, the framework and, where there is one, the step and the loss."""
        label = f"{self.lesson.name} in {FRAMEWORKS[self.framework]}"
        if self.pair.verdict == "AGREE":
            return f"{label}: {self.pair.reason}"
        return f"{label}: {self.pair.verdict}, {self.pair.reason}"


REFERENCE_NAME = "the reference"


class LessonDrift(Exception):
    """Some lesson is not what the suite trains."""


def judge_lesson(
    lesson: Lesson, framework: str, record: LessonRecord, /, *, reference: LessonRecord, yardstick: Yardstick
) -> LessonVerdict:
    """Return the verdict on a program's run: losses step for step, and the samples where the whole run was judged.

    Raises LessonDrift where the program took another number of steps than it was to.
    """
    _check_lengths(lesson, framework, record)
    evidence = (_evidence(REFERENCE_NAME, reference), _evidence(framework, record))
    pair = judge(*evidence, yardstick, lesson.spec)
    largest = 0.0
    for name in LOSS_NAMES:
        steps = len(reference.losses[name]) if name == "pretraining" else pair.checked_steps
        mine, theirs = record.losses[name][:steps], reference.losses[name][:steps]
        if len(mine) == len(theirs) and len(mine):
            largest = max(largest, float(yardstick.loss_differences(name, mine, theirs).max()))
    return LessonVerdict(lesson=lesson, framework=framework, pair=pair, largest=largest)


def assert_agreement(verdicts: list[LessonVerdict], /) -> None:
    """Raise LessonDrift, naming lesson, framework, step and loss, unless every verdict is AGREE."""
    drifted = [verdict.sentence for verdict in verdicts if verdict.pair.verdict != "AGREE"]
    if drifted:
        raise LessonDrift("\n".join(drifted))


def _check_lengths(lesson: Lesson, framework: str, record: LessonRecord) -> None:
    # The verdict speaks of the steps that both have, so a program that stops early would pass.
    spec = lesson.spec
    expected = dict.fromkeys(LOSS_NAMES, spec.training.num_steps)
    expected["pretraining"] = spec.pretraining.num_steps if spec.pretraining is not None else 0
    for name, num_steps in expected.items():
        if len(record.losses[name]) != num_steps:
            label = f"{lesson.name} in {FRAMEWORKS[framework]}"
            raise LessonDrift(f"{label}: {len(record.losses[name])} losses of {name}; expected {num_steps}")


def _evidence(name: str, record: LessonRecord) -> Evidence:
    # A lesson leaves no state to look into: its losses are what a reader sees.
    return Evidence(
        name=name,
        precision="float64",
        identity={"initial state": record.digests["initial state"]},
        tape_digests={"adversarial": {"all": record.digests["tape"]}},
        losses=record.losses,
        moments={END: sketch_state({SAMPLES: record.samples})},
    )
