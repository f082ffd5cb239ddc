"""The step in Keras, traced by TensorFlow as a whole, and the loop."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_keras.model import masks_of
from gan_rosetta.shared.translate.in_tensorflow.step import CHECKPOINT, loop_with_files, step_with_average

__all__ = ["CHECKPOINT", "loop_section", "step_section"]


def step_section(gan: GanSpec, /) -> str:
    """Return the functions that take one step, and the average that follows G, if any."""
    made = "average = make_generator()  # follows G; samples are drawn from it"
    return step_with_average(gan, [made], listed=True)


def loop_section(gan: GanSpec, /) -> str:
    """Return the loops, and what the program leaves, Keras's own files of both networks among it."""
    files = [f'{name}.save_weights(options.out / "{name}.weights.h5")' for name in gan.networks()]
    return loop_with_files(gan, files, no_masks=["None" for _ in masks_of(gan.generator)], listed=True)
