"""GANs of no published program, small ones: what the catalogue has in none, for laws and planted faults to reach."""

from __future__ import annotations

from gan_rosetta.shared.gans.made_up.contrast_digits import CONTRAST_SPEC
from gan_rosetta.shared.gans.made_up.grouped_digits import GROUPED_SPEC
from gan_rosetta.shared.gans.made_up.holed_digits import HOLED_SPEC, PAIRED_SPEC
from gan_rosetta.shared.gans.made_up.points import (
    BOUNDARY_SPEC,
    CODED_SPEC,
    LOGISTIC_SPEC,
    RELATIVISTIC_SPEC,
    SMOOTH_SPEC,
)
from gan_rosetta.shared.gans.made_up.pooled_digits import POOLED_SPEC

SPECS = (
    SMOOTH_SPEC,
    LOGISTIC_SPEC,
    RELATIVISTIC_SPEC,
    BOUNDARY_SPEC,
    CODED_SPEC,
    POOLED_SPEC,
    GROUPED_SPEC,
    CONTRAST_SPEC,
    HOLED_SPEC,
    PAIRED_SPEC,
)
