"""The pictures of a lesson, drawn from its runs: losses, samples as training went on, and films of them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.loss_curves import draw_loss_curves
from gan_rosetta.shared.report.pictures import write_picture
from gan_rosetta.shared.report.style import GENERATED, INK, REAL, SMALL_SIZE, dress, new_figure
from gan_rosetta.shared.runs.order import Keeping, Order, RunSetup
from gan_rosetta.shared.runs.record import Run, file_digest, settings_of
from gan_rosetta.shared.runs.record_types import RunRecord
from gan_rosetta.shared.spec.serialise import to_data
from gan_rosetta.shared.storage.files import write_bytes, write_npz
from tutorials.machinery.lessons import FRAMEWORKS, Lesson
from tutorials.machinery.record import LessonRecord
from tutorials.machinery.running import LessonResult

LOSSES_FILE, FRAMES_FILE, FILM_FILE = "losses.png", "frames.png", "film.webp"
_NUM_MOMENTS = 6
_FILM_MILLISECONDS, _LAST_MILLISECONDS = 90, 1500
_FILM_VIEWS = ("line", "points", "curves")
_HISTOGRAM_EDGES = np.linspace(-8, 8, 81)


def draw_lesson(result: LessonResult, real: np.ndarray, folder: Path, /) -> list[Path]:
    """Write a lesson's pictures and return their paths. real: (n, ...) samples of the data."""
    folder.mkdir(parents=True, exist_ok=True)
    write_picture(folder / LOSSES_FILE, _losses_figure(result, folder))
    write_picture(folder / FRAMES_FILE, _frames_figure(result, real))
    paths = [folder / LOSSES_FILE, folder / FRAMES_FILE]
    if result.lesson.view in _FILM_VIEWS:
        write_bytes(folder / FILM_FILE, _film(result, real))
        paths.append(folder / FILM_FILE)
    return paths


def _losses_figure(result: LessonResult, folder: Path) -> Figure:
    """The suite's own picture of runs: losses above, distances from the reference and rounding's share below."""
    runs = []
    for name, record in {REFERENCE: result.reference, **result.records}.items():
        place = folder / "runs" / name
        place.mkdir(parents=True, exist_ok=True)
        write_npz(place / "losses.npz", record.losses)
        files = {"losses.npz": file_digest(place / "losses.npz")}
        order = Order(
            spec=result.lesson.spec, run=RunSetup(name=name, backend=name), keeping=Keeping(folder=str(place))
        )
        taken = {"pretraining_steps": "pretraining", "training_steps": "generator"}
        steps = {word: len(record.losses[loss]) for word, loss in taken.items()}
        said = {"backend": name, "gan": result.lesson.gan, "files": files, "outcome": steps}
        said |= {"spec": to_data(order.spec), "settings": settings_of(order)}
        runs.append(Run(folder=place, record=cast(RunRecord, said)))
    return draw_loss_curves(runs, result.yardstick, result.lesson.spec)


def _frames_figure(result: LessonResult, real: np.ndarray) -> Figure:
    """Return a row for each framework, a column for each of some moments of training."""
    moments = _moments(next(iter(result.records.values())))
    rows = len(result.records)
    figure = new_figure("", width_inches=1.75 * len(moments), height_inches=1.55 * rows + 0.3)
    figure.suptitle("")
    grid = figure.subplots(rows, len(moments), squeeze=False)
    for row, (panels, (framework, record)) in enumerate(zip(grid, result.records.items(), strict=True)):
        for axes, step in zip(panels, moments, strict=True):
            _draw_moment(axes, result.lesson, record, step, real)
            if row == 0:
                axes.set_title(f"step {step}", fontsize=SMALL_SIZE, color=INK)
        panels[0].set_ylabel(FRAMEWORKS[framework], fontsize=SMALL_SIZE, color=INK)
    return figure


def _moments(record: LessonRecord) -> list[int]:
    steps = sorted(record.frames)
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(_NUM_MOMENTS, len(steps))).round().astype(int))
    return [steps[index] for index in chosen]


def _draw_moment(axes: Axes, lesson: Lesson, record: LessonRecord, step: int, real: np.ndarray) -> None:
    generated = record.frames[step]
    if lesson.view == "digits":
        axes.imshow(_mosaic(generated), cmap="gray")
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        return
    dress(axes)
    axes.tick_params(labelbottom=False, labelleft=False)
    if lesson.view == "line":
        _draw_line(axes, record, step, real)
    elif lesson.view == "points":
        axes.scatter(real[:, 0], real[:, 1], s=1.5, color=REAL, linewidths=0)
        axes.scatter(generated[:, 0], generated[:, 1], s=1.5, color=GENERATED, linewidths=0)
        axes.set_xlim(float(real[:, 0].min()) - 1, float(real[:, 0].max()) + 1)
        axes.set_ylim(float(real[:, 1].min()) - 1, float(real[:, 1].max()) + 1)
    else:
        axes.plot(generated[:24].T, color=GENERATED, linewidth=0.6, alpha=0.5)
        axes.plot(real[0], color=INK, linewidth=1.2)
        axes.set_ylim(-1.6, 1.6)


def _draw_line(axes: Axes, record: LessonRecord, step: int, real: np.ndarray) -> None:
    """D(x) on the scale of probabilities; densities under it, on one of their own."""
    densities = []
    for values in (real, record.frames[step]):
        counts, _ = np.histogram(values.ravel(), bins=_HISTOGRAM_EDGES)
        densities.append(counts / (values.size * (_HISTOGRAM_EDGES[1] - _HISTOGRAM_EDGES[0])))
    # A collapsed generator's density is a needle; the real one's height sets the scale.
    scale = 1.6 * densities[0].max()
    axes.stairs(densities[0] / scale, _HISTOGRAM_EDGES, fill=True, color=REAL, linewidth=0)
    axes.stairs(
        np.minimum(densities[1] / scale, 1.02), _HISTOGRAM_EDGES, fill=True, facecolor=(GENERATED, 0.45), linewidth=0
    )
    boundary = record.boundaries[step].ravel()
    axes.plot(np.linspace(-8, 8, len(boundary)), boundary, color=INK, linewidth=1.2)
    axes.set_xlim(-8, 8)
    axes.set_ylim(-0.02, 1.04)


def _mosaic(images: np.ndarray) -> Floats:
    """Return the first images (n, channels, size, size) as one square of them, (height, width[, 3]), from 0 to 1."""
    side = 4 if len(images) >= 16 else 3
    shown = images[: side * side]
    low = min(0.0, float(np.floor(shown.min())))
    shown = np.clip((shown - low) / (1 - low), 0, 1).transpose(0, 2, 3, 1)
    rows = [np.concatenate(list(shown[i : i + side]), axis=1) for i in range(0, len(shown), side)]
    picture: Floats = np.concatenate([row for row in rows if row.shape == rows[0].shape], axis=0)
    return picture[:, :, 0] if picture.shape[2] == 1 else picture


def _film(result: LessonResult, real: np.ndarray) -> bytes:
    """Return the first framework's frames as an animated WebP."""
    framework, record = next(iter(result.records.items()))
    images = list(_film_images(result.lesson, FRAMEWORKS[framework], record, real))
    durations = [_FILM_MILLISECONDS] * (len(images) - 1) + [_LAST_MILLISECONDS]
    buffer = BytesIO()
    images[0].save(
        buffer, format="WEBP", save_all=True, append_images=images[1:], duration=durations, loop=0, quality=80
    )
    return buffer.getvalue()


def _film_images(lesson: Lesson, label: str, record: LessonRecord, real: np.ndarray) -> Iterator[Image.Image]:
    figure = Figure(figsize=(4.8, 3.0), dpi=130, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for step in sorted(record.frames):
        figure.clear()
        axes = figure.subplots()
        _draw_moment(axes, lesson, record, step, real)
        axes.tick_params(labelbottom=True, labelleft=True)
        axes.set_title(f"{label}, after {step} steps", fontsize=SMALL_SIZE + 1, color=INK)
        canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        yield Image.fromarray(pixels).convert("RGB")
