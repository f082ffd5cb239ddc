"""Images as data: grids of generated digits, and one of real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.fed import title_of
from gan_rosetta.shared.report.style import note, panel_title, run_labels, small_multiples
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import DigitsReal, GanSpec

_NUM_ACROSS = 8
_GAP_PIXELS = 2
_BETWEEN = 1.0  # White, as the page.
_NOT_FINITE = (0.95, 0.72, 0.66)


def draw_digit_grid(runs: Sequence[Run], spec: GanSpec, /) -> Figure:
    """Return a grid of 8 × 8 real digits and one of generated digits for each run, colours clipped to the data's range.

    Numbers that are not finite are red. Raises ValueError where the GAN's data is not images.
    """
    source = spec.real
    if not isinstance(source, DigitsReal):
        raise ValueError(f"{spec.name} has real data {source}; expected DigitsReal")
    figure, panels = small_multiples(
        title_of(runs, spec), num_panels=len(runs) + 1, panel_inches=(3.3, 3.4), share=False
    )
    _draw_grid(panels[0], runs[0].samples["real"], source)
    panel_title(panels[0], "real")
    for axes, run, label in zip(panels[1:], runs, run_labels(runs), strict=True):
        generated = run.samples["generated"]
        _draw_grid(axes, generated, source)
        panel_title(axes, label)
        if not np.isfinite(generated).any():
            note(axes, "G(z) is NaN or infinite")
    return figure


def compose_grid(images: Floats, source: DigitsReal, /) -> Floats:
    """Return the first 64 of (n, channels, size, size) images as one picture, (height, width, 3), from 0 to 1.

    As high as it takes, in rows of eight.

    Three channels are colours; of any other number the first is grey. Missing places are white, numbers that are not
    finite red.
    """
    size = source.sample_shape[-1]
    cell = size + _GAP_PIXELS
    num_rows = max(1, min(_NUM_ACROSS, -(-len(images) // _NUM_ACROSS)))
    picture = np.full((num_rows * cell - _GAP_PIXELS, _NUM_ACROSS * cell - _GAP_PIXELS, 3), _BETWEEN)
    for index, image in enumerate(images[: _NUM_ACROSS**2]):
        row, column = divmod(index, _NUM_ACROSS)
        top, left = row * cell, column * cell
        picture[top : top + size, left : left + size] = _colors(image, source)
    return picture


def _colors(image: Floats, source: DigitsReal) -> Floats:
    channels = np.asarray(image if len(image) == 3 else np.repeat(image[:1], 3, axis=0), dtype=np.float64)
    pixels = np.moveaxis(channels, 0, -1)  # (size, size, 3)
    shown = (np.clip(pixels, source.low, source.high) - source.low) / (source.high - source.low)
    return np.where(np.isfinite(pixels).all(axis=-1, keepdims=True), shown, _NOT_FINITE)


def _draw_grid(axes: Axes, images: Floats, source: DigitsReal) -> None:
    axes.imshow(compose_grid(images, source), interpolation="antialiased")
    axes.set_axis_off()
