"""Products of factors of few digits, as a GPU's tensor cores take float32's: TF32 and bfloat16, in NumPy.

The factors of a product are rounded to fewer bits, to nearest and even; products and sums are float32's own. What
hardware does besides differs (truncation in place of rounding, another order of the sums): a copy that measures
rounding disturbs each factor by up to a spacing of the short type, which covers that. NVIDIA, A100 white paper, 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gan_rosetta.backends.numpy.layer import Array
    from gan_rosetta.backends.numpy.rounding import RandomRounding

# Bits of the mantissa that a factor keeps, of float32's 23.
KEPT_BITS = {"tf32": 10, "bf16": 7}
_FLOAT32_BITS = 23

# What factors keep in this process, None for all.
kept_bits: int | None = None


def set_kept_bits(products: str, /) -> None:
    """Choose what factors keep from now on, in this process: "full", or a name in KEPT_BITS."""
    global kept_bits  # noqa: PLW0603 - as the frameworks have it, a setting of the process
    kept_bits = KEPT_BITS.get(products)


def factor(array: Array, rounding: RandomRounding | None, /) -> Array:
    """Return what a product takes of an array: the array itself, or a rounded copy; a copy's own rounds at random."""
    if kept_bits is None or array.dtype != np.float32:
        return array
    if rounding is None:
        return rounded(array, kept_bits)
    disturbed = np.array(array, order="C")
    rounding.disturb(disturbed, scale=disturbed * np.float32(2.0 ** (_FLOAT32_BITS - kept_bits)))
    return disturbed


def rounded(array: Array, kept_bits: int, /) -> Array:
    """Return float32 numbers rounded to so many bits of mantissa, to nearest and even; what is not finite stays so."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    shift = np.uint32(_FLOAT32_BITS - kept_bits)
    below_half = np.uint32((1 << int(shift) - 1) - 1)
    up = bits + (((bits >> shift) & np.uint32(1)) + below_half)
    result = ((up >> shift) << shift).view(np.float32)
    return np.where(np.isfinite(array), result, array)
