"""What the runs of a GAN were fed for real data, where it is not what the spec says: in words, and as curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import DigitsReal, GanSpec

_CURVES_KEPT = 64
_OUR_DIGITS = ("packaged", "download")


def fed_from(runs: Sequence[Run], spec: GanSpec, /) -> str | None:
    """Return where the real data of runs came from, such as "a tape from the file tape.npz".

    None where it is what the spec says.
    """
    for run in runs:
        feed = run.order.feed
        tape, mnist = feed.tape, feed.mnist
        if tape is not None:
            return f"a tape from the file {Path(tape).name}"
        if feed.images is not None and isinstance(spec.real, DigitsReal):
            return f"the pictures in {Path(feed.images).name}"
        if mnist is not None and mnist not in _OUR_DIGITS and isinstance(spec.real, DigitsReal):
            return f"the images in the folder {Path(mnist).name}"
    return None


def title_of(runs: Sequence[Run], spec: GanSpec, /) -> str:
    """Return the title of a picture of runs: the GAN's, or what it was fed where that is not what the title says."""
    fed = fed_from(runs, spec)
    return f"{spec.name}: {spec.title}" if fed is None else f"{spec.name}, fed {fed}"


def about(runs: Sequence[Run], spec: GanSpec, /) -> str:
    """Return a GAN in a line: its title and where it is from, or what it was fed instead, and its batches."""
    fed = fed_from(runs, spec)
    what = (
        f"{spec.title}. {spec.source}." if fed is None else f"{spec.source}. Fed {fed}, not the spec's own real data."
    )
    return f"{what} Batches of {spec.batch_size}."


def real_curves(runs: Sequence[Run], spec: GanSpec, /) -> Floats:
    """Return the real curves of a GAN on curves, (m, points), each once: the sine, or the first that were fed."""
    (num_points,) = spec.real.sample_shape
    if fed_from(runs, spec) is None:
        return np.sin(np.linspace(0.0, 2 * np.pi, num_points))[np.newaxis]
    rows = np.asarray(runs[0].samples["real"], dtype=np.float64).reshape(-1, num_points)
    _, first = np.unique(rows, axis=0, return_index=True)
    return rows[np.sort(first)[:_CURVES_KEPT]]


def name_of_real_curves(runs: Sequence[Run], spec: GanSpec, /) -> str:
    """Return what to call the real curves in a legend."""
    return "sin(x), the real curve" if fed_from(runs, spec) is None else "real curves that were fed"
