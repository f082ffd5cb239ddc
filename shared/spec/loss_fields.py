"""Fields that several losses have: how the batch is reduced, the label of real samples, targets; and their checks."""

from __future__ import annotations

from typing import Literal

from gan_rosetta.shared.spec.checks import require_choice, require_finite

Reduction = Literal["mean", "sum"]
RealLabel = Literal[0, 1]


def check_targets(loss: object, /, *targets: str) -> None:
    """Raise SpecError where a loss's targets, named, are no numbers, or its factor or reduction is none."""
    for field in targets:
        require_finite(loss, field)
    require_finite(loss, "factor", above=0)
    require_choice(loss, "reduction", ("mean", "sum"))


def check_labels(loss: object, /) -> None:
    """Raise SpecError where a loss's reduction or label of real samples is none."""
    require_choice(loss, "reduction", ("mean", "sum"))
    require_choice(loss, "real_label", (0, 1))
