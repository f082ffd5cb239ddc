"""An RMSprop of any form, and a rate that decays."""

from __future__ import annotations

from gan_rosetta.shared.spec import ExponentialDecay, RMSprop

DECAY = ExponentialDecay(initial=0.01, factor=0.9, every=2, staircase=False)


def rmsprop(*, placement: str, centered: bool, momentum: float, of: str) -> RMSprop:
    return RMSprop(
        learning_rate=DECAY,
        rho=0.9,
        epsilon=1e-6,
        epsilon_placement=placement,
        centered=centered,
        momentum=momentum,
        momentum_of=of,
    )
