"""A moving average of G in TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared.spec import MovingAverage
from gan_rosetta.shared.spec.moving_average import WARM_UP
from gan_rosetta.shared.translate.parts import counts_updates
from gan_rosetta.shared.translate.writing import number


def average_section(average: MovingAverage, made: Sequence[str], /) -> str:
    """Return a second G and the function that has it follow the first. made: the lines that make it."""
    decay = number(average.decay)
    lines = []
    if average.warm_up == "counted":
        lines.append(f"decay = tf.minimum(tf.cast({decay}, options.dtype), (1 + n) / ({WARM_UP} + n))")
        decay = "decay"
    share = f"tf.where(n < {number(average.start)}, tf.ones_like(n), 1 - {decay})" if average.start else f"1 - {decay}"
    lines.append(f"share = {share}")
    if counts_updates(average):
        lines.insert(0, "n = tf.cast(optimizer_g.iterations - 1, options.dtype)")
    moved = "kept + share * (own - kept)"
    return "\n".join(
        [
            *made,
            'tensors = first_tensors("average.generator", options.seed)',
            "for name, tensor in tensors_of(average).items():",
            "    tensor.assign(as_keras(tensor, tensors[name]))",
            "",
            "",
            "def follow() -> None:",
            '    """Move the average towards G; called after each of G\'s updates."""',
            *(f"    {line}" for line in lines),
            "    pairs = zip(tensors_of(average).values(), tensors_of(generator).values(), strict=True)",
            "    for kept, own in pairs:",
            f"        moved = {f'tf.where(share == 1, own, {moved})' if average.start else moved}",
            f"        kept.assign({'moved' if average.buffers == 'averaged' else 'moved if own.trainable else own'})",
        ]
    )
