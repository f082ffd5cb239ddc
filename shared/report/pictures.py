"""The pictures of a comparison or of a run alone, beside its records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.report.curves import draw_curves
from gan_rosetta.shared.report.digit_grid import draw_digit_grid
from gan_rosetta.shared.report.loss_curves import draw_loss_curves
from gan_rosetta.shared.report.one_dimensional import draw_one_dimensional
from gan_rosetta.shared.report.seeds_picture import SEEDS_PICTURE, draw_seeds
from gan_rosetta.shared.report.toy_points import draw_toy
from gan_rosetta.shared.report.two_dimensional import draw_two_dimensional
from gan_rosetta.shared.runs.comparison import GanComparison
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.seeds.job import SeedsOfRun
from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal, SineReal, ToyReal
from gan_rosetta.shared.storage.files import atomic_path

LOSSES_FILE = "losses.png"
SAMPLES_FILE = "samples.png"


def draw_pictures(folder: Path, runs: Sequence[Run], yardstick: Yardstick | None, spec: GanSpec, /) -> list[Path]:
    """Write losses.png and samples.png into the folder and return their paths; raises ValueError without a run."""
    pictures = {LOSSES_FILE: draw_loss_curves(runs, yardstick, spec), SAMPLES_FILE: draw_samples(runs, spec)}
    paths = []
    for name, figure in pictures.items():
        write_picture(folder / name, figure)
        paths.append(folder / name)
    return paths


def draw_comparison(comparison: GanComparison, /) -> None:
    """Draw a comparison's pictures beside its runs' folders."""
    runs = list(comparison.runs)
    draw_pictures(runs[0].folder.parent, runs, comparison.yardstick, comparison.spec)


def draw_across(folder: Path, gan: str, runs: Sequence[SeedsOfRun], /) -> None:
    """Draw what came of a GAN's runs over seeds, in the folder of the runs; nothing where none finished."""
    if runs:
        write_picture(folder / SEEDS_PICTURE, draw_seeds(gan, runs))


def draw_samples(runs: Sequence[Run], spec: GanSpec, /) -> Figure:
    """Return the picture of what the runs generate, as fits the GAN's real data."""
    if spec.discriminator.input_shape == (1,):
        return draw_one_dimensional(runs, spec)
    if isinstance(spec.real, LinearGaussianReal):
        return draw_two_dimensional(runs, spec)
    if isinstance(spec.real, ToyReal):
        return draw_toy(runs, spec)
    if isinstance(spec.real, SineReal):
        return draw_curves(runs, spec)
    if isinstance(spec.real, DigitsReal):
        return draw_digit_grid(runs, spec)
    raise TypeError(f"no picture of {type(spec.real).__name__}; add one in shared/report/")


def write_picture(path: Path, figure: Figure, /) -> None:
    """Write a figure as PNG, atomically; the same figure gives the same bytes. Raises RecordError where that fails."""
    try:
        with atomic_path(path) as temporary:
            # Figure.savefig draws twice, the first time for the layout alone, which each drawing settles first.
            canvas: Any = FigureCanvasAgg(figure)
            canvas.print_png(temporary, metadata={"Software": None})
    except OSError as error:
        raise RecordError(
            f"the picture {path} cannot be written ({error.strerror or error}); the runs are kept, and with --resume "
            "it is drawn again"
        ) from None
