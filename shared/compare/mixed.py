"""The yardstick for two runs of two precisions: the coarser's, with how far the reference itself is apart in the two.

A run in float32 rounds its first state, its data and its rates too, which the copies of a float32 reference share with
it and a float64 run does not. The reference in both types shows what that comes to.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.yardstick import Yardstick


def mixed_yardstick(
    coarse: Yardstick, fine: Yardstick, coarse_reference: Evidence, fine_reference: Evidence, /
) -> Yardstick:
    """Return the yardstick for one run in the coarse precision and one in the fine, as far as both references know.

    coarse_reference, fine_reference: the runs of the reference that the two yardsticks were measured on.
    """
    lengths = {name: min(len(coarse.noise[name]), len(fine.noise[name])) for name in coarse.noise}
    noise = {}
    for name, length in lengths.items():
        apart = coarse.loss_differences(name, coarse.losses[name][:length], fine.losses[name][:length])
        noise[name] = np.maximum(coarse.noise[name][:length], np.maximum.accumulate(apart))
    tensors = {
        label: {
            name: max(amount, _apart(label, name, coarse_reference, fine_reference)) for name, amount in own.items()
        }
        for label, own in coarse.tensors.items()
        if label in fine.tensors
    }
    return replace(
        coarse,
        noise=noise,
        scales={name: coarse.scales[name][:length] for name, length in lengths.items()},
        losses={name: coarse.losses[name][:length] for name, length in lengths.items()},
        tensors=tensors,
        finer=fine.tolerance.precision,
    )


def _apart(label: str, name: str, first: Evidence, second: Evidence) -> float:
    mine, theirs = (run.moments.get(label, {}).get(name) for run in (first, second))
    return 0.0 if mine is None or theirs is None else tensor_difference(mine, theirs)
