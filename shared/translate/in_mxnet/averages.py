"""A moving average of G in MXNet."""

from __future__ import annotations

from gan_rosetta.shared.spec import MovingAverage
from gan_rosetta.shared.translate.parts import counts_updates, share_of, steps_before


def average_section(average: MovingAverage, /) -> str:
    """Return a second G and the function that has it follow the first."""
    copied = "share == 1" if average.buffers == "averaged" else 'share == 1 or own.grad_req == "null"'
    counts = counts_updates(average)
    counter = f"updates_of_g = itertools.count({steps_before('generator')})\n" if counts else ""
    count = "    n = next(updates_of_g)\n" if counts else ""
    return f'''\
average = Generator()  # follows G; samples are drawn from it
average.cast(options.dtype)
average.initialize()
for name, tensor in first_tensors("average.generator", options.seed).items():
    tensors_of(average)[name].set_data(tensor)
{counter}

def follow() -> None:
    """Move the average towards G; called after each of G's updates."""
{count}    share = {share_of(average, "n")}
    for kept, own in zip(tensors_of(average).values(), tensors_of(generator).values(), strict=True):
        if {copied}:
            kept.set_data(own.data())
        else:
            kept.set_data(kept.data() + share * (own.data() - kept.data()))'''
