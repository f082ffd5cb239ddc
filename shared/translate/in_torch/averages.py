"""A moving average of G in PyTorch."""

from __future__ import annotations

from gan_rosetta.shared.spec import MovingAverage
from gan_rosetta.shared.translate.parts import counts_updates, share_of, steps_before

AVERAGE = "average.pt"


def average_section(average: MovingAverage, /) -> str:
    """Return a second G and the function that has it follow the first."""
    counts = counts_updates(average)
    counter = f"updates_of_g = itertools.count({steps_before('generator')})\n" if counts else ""
    count = "    n = next(updates_of_g)\n" if counts else ""
    return f'''\
average = Generator().requires_grad_(False)  # follows G; samples are drawn from it
average.load_state_dict(generator.state_dict())
if any(name.startswith("average.") for name in state):
    load(average, state, "average.generator")
{counter}

@torch.no_grad()
def follow() -> None:
    """Move the average towards G; called after each of G's updates."""
{count}    share = {share_of(average, "n")}
    for kept, own in zip(average.parameters(), generator.parameters(), strict=True):
        kept.lerp_(own, share)
    for kept, own in zip(average.buffers(), generator.buffers(), strict=True):
{_BUFFERS[average.buffers]}'''


_BUFFERS = {
    "copied": "        kept.copy_(own)",
    "averaged": """\
        if own.is_floating_point():  # and no count of batches
            kept.lerp_(own, share)""",
}
