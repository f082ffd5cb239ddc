"""The lessons, in the order in which they are read: which GAN, how many steps, on what noise its samples are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gan_rosetta.shared.errors import unknown_name
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.spec import GanSpec

HOME = Path(__file__).resolve().parents[1]
# How each framework's name is written, in the order of the tabs.
FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow", "mxnet": "MXNet", "jax": "JAX"}
# The distributions that give a framework's version, the first found counting, and what a notebook installs.
DISTRIBUTIONS = {
    "torch": ("torch",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "mxnet": ("mxnet",),
    "jax": ("jax",),
}
SEED = DEFAULT_SEED

View = Literal["line", "points", "curves", "digits"]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One page and its programs.

    summary: what it is about, after a colon. gan: in the catalogue. pretraining_steps, training_steps: how far the
    programs go, None for the GAN's own number; judged_steps: how far the reference and its copies go, None for as far
    as the programs. short_steps: (pretraining, training) steps of the tests. batch_size: None for the GAN's own.
    num_shown: batches of the tape's noise that samples are made of, but on a line. view: how samples are drawn.
    """

    name: str
    title: str
    summary: str
    gan: str
    view: View
    pretraining_steps: int | None = None
    training_steps: int | None = None
    judged_steps: int | None = None
    short_steps: tuple[int, int]
    batch_size: int | None = None
    short_batch_size: int | None = None
    num_shown: int = 1

    @property
    def folder(self) -> Path:
        """Where its page and programs are."""
        return HOME / self.name

    @property
    def spec(self) -> GanSpec:
        """The GAN with the lesson's own numbers."""
        spec = find_gan(self.gan)
        if self.batch_size is not None:
            spec = replace(spec, batch_size=self.batch_size)
        return spec.with_steps(pretraining=self.pretraining_steps, training=self.training_steps)

    @property
    def num_judged(self) -> int:
        """How many adversarial steps the reference takes."""
        return self.judged_steps if self.judged_steps is not None else self.spec.training.num_steps

    def shortened(self) -> Lesson:
        """Return the lesson as the tests run it."""
        pretraining, training = self.short_steps
        return replace(
            self,
            pretraining_steps=pretraining if find_gan(self.gan).pretraining is not None else None,
            training_steps=training,
            judged_steps=None,
            batch_size=self.short_batch_size or self.batch_size,
            num_shown=min(self.num_shown, training),
        )

    def parameters(self) -> dict[str, int]:
        """Return the numbers that a run sets in a program, by the names that the program has for them."""
        found = {"num_steps": self.spec.training.num_steps}
        if self.spec.pretraining is not None:
            found["num_pretraining_steps"] = self.spec.pretraining.num_steps
        return found

    def program(self, framework: str, /) -> Path:
        """Return a framework's program; raises UsageError for another framework."""
        if framework not in FRAMEWORKS:
            raise unknown_name("framework", framework, FRAMEWORKS)
        return self.folder / f"in_{framework}.py"


LESSONS: dict[str, Lesson] = {
    lesson.name: lesson
    for lesson in (
        Lesson(
            name="alternating-step",
            title="The alternating step, and how two frameworks are compared",
            summary='one step, taken apart, and what "the same" means between two frameworks',
            gan="linear-2d",
            view="points",
            training_steps=20,
            short_steps=(0, 8),
            num_shown=20,
        ),
        Lesson(
            name="gaussian-1d",
            title="A bell curve, with a pretrained discriminator",
            summary="pretraining, gradient descent, a rate that falls",
            gan="gaussian-1d",
            view="line",
            short_steps=(30, 30),
        ),
        Lesson(
            name="gaussian-1d-minibatch",
            title="The minibatch layer",
            summary="a layer of one's own, and training that turns chaotic",
            gan="gaussian-1d-minibatch",
            view="line",
            short_steps=(30, 30),
        ),
        Lesson(
            name="linear-2d",
            title="A linear generator in the plane",
            summary="a game whose outcome can be measured",
            gan="linear-2d",
            view="points",
            short_steps=(0, 30),
            num_shown=200,
        ),
        Lesson(
            name="sine",
            title="Sine curves from noise",
            summary="the generator first, and the saturating loss",
            gan="sine",
            view="curves",
            training_steps=4000,
            short_steps=(0, 30),
        ),
        Lesson(
            name="mnist-conv",
            title="A deep convolutional GAN on digits",
            summary="convolutions, layouts, batch normalisation",
            gan="mnist-conv",
            view="digits",
            # In float64 a step of the published batch of 100 costs half a minute of a core, and the reference takes
            # each four times.
            training_steps=6,
            batch_size=10,
            short_steps=(0, 1),
            short_batch_size=2,
        ),
        Lesson(
            name="mnist-wgan-gp",
            title="Wasserstein distance and gradient penalty",
            summary="a gradient inside a loss",
            gan="mnist-wgan-gp",
            view="digits",
            training_steps=60,
            short_steps=(0, 2),
            short_batch_size=8,
        ),
    )
}


def find_lesson(name: str, /) -> Lesson:
    """Return the lesson of that name; raises UsageError, with the nearest name, where there is none."""
    if name not in LESSONS:
        raise unknown_name("lesson", name, LESSONS)
    return LESSONS[name]


def choose_lessons(names: list[str], /) -> list[Lesson]:
    """Return the lessons of those names in reading order, all where none is named; raises UsageError."""
    chosen = {find_lesson(name).name for name in names}
    return [lesson for lesson in LESSONS.values() if not chosen or lesson.name in chosen]
