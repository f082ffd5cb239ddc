"""Training as a film: what all backends generate, side by side, moment after moment; as .gif or .mp4."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.report.digit_grid import compose_grid
from gan_rosetta.shared.report.fed import fed_from, title_of
from gan_rosetta.shared.report.film_panels import legend_of, panel_of
from gan_rosetta.shared.report.looks import Look, all_moments, look_at, looks_of, moment_text
from gan_rosetta.shared.report.style import legend_below, panel_title, run_labels, small_multiples
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.storage.files import atomic_path
from gan_rosetta.shared.storage.opening import require_place

Frame = NDArray[np.uint8]
# Of training for a film, so that it moves; a run that is not filmed keeps fewer.
NUM_MOMENTS = 40
SUFFIXES = (".gif", ".mp4")
_FRAMES_A_SECOND = 8
_SECONDS_AT_THE_END = 2
_DOTS_PER_INCH = 100
_WIDTH_INCHES = 10.5
_COLORS = 64


def require_film(path: Path, /) -> None:
    """Raise UsageError unless a film can be written to the path: its kind, its folder, and what makes an .mp4."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--animate {path} ends in {path.suffix or 'nothing'!r}; expected {' or '.join(SUFFIXES)}")
    require_place(path, said="--animate")
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise UsageError(f"--animate {path} needs ffmpeg: pip install 'gan-rosetta[film]'; .gif needs nothing")


def film_path(path: Path, gan: str, /, *, num_gans: int) -> Path:
    """Return where the film of a GAN goes: with the GAN's name in it where several are filmed."""
    return path if num_gans == 1 else path.with_name(f"{path.stem}-{gan}{path.suffix}")


def write_film(path: Path, runs: Sequence[Run], spec: GanSpec, /) -> None:
    """Write a film of runs of one GAN, atomically, in the format that the suffix names; raises UsageError."""
    require_film(path)
    frames = draw_frames(runs, spec)
    with atomic_path(path) as temporary:
        (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(temporary, frames)


def draw_frames(runs: Sequence[Run], spec: GanSpec, /) -> Iterator[Frame]:
    """Yield a picture, (height, width, 3), both even, for each moment at which any of the runs was looked at."""
    by_run = [looks_of(run) for run in runs]
    moments = all_moments(by_run)
    everything = [look for looks in by_run for look in looks]
    width = max(2.1, min(3.4, _WIDTH_INCHES / len(runs)))
    height = 0.9 * width + 0.3 if not isinstance(spec.real, DigitsReal) else width * _tallness(everything, spec.real)
    name = spec.name if fed_from(runs, spec) is None else title_of(runs, spec)
    figure, axes = small_multiples(name, num_panels=len(runs), panel_inches=(width, height))
    figure.set_dpi(_DOTS_PER_INCH)
    panels = [panel_of(own, run, spec, everything) for own, run in zip(axes, runs, strict=True)]
    for own, label in zip(axes, run_labels(runs), strict=True):
        panel_title(own, label)
    legend = legend_of(runs, spec)
    if legend:
        legend_below(figure, legend)
    for moment in moments:
        for panel, looks in zip(panels, by_run, strict=True):
            panel.show(look_at(looks, moment))
        figure.suptitle(f"{name}: {moment_text(moment, moments[-1])}")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="rgba", dpi=_DOTS_PER_INCH)
        # What has room once keeps it: measuring it again takes as long as drawing.
        figure.set_layout_engine("none")
        width, height = (int(pixels) for pixels in figure.bbox.size)
        picture = np.frombuffer(buffer.getvalue(), dtype=np.uint8).reshape(height, width, 4)
        yield np.ascontiguousarray(picture[: height // 2 * 2, : width // 2 * 2, :3])


def _tallness(looks: Sequence[Look], source: DigitsReal) -> float:
    """How high a grid of digits is for its width, its title above it."""
    height, width, _ = compose_grid(looks[0].generated, source).shape
    return 0.1 + height / width


def _write_gif(path: Path, frames: Iterator[Frame]) -> None:
    pictures = [Image.fromarray(frame) for frame in frames]
    # One palette for all, so that nothing flickers; the end has every colour that there is.
    palette = pictures[-1].quantize(_COLORS, method=Image.Quantize.MEDIANCUT)
    first, *others = (picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures)
    durations = [1000 // _FRAMES_A_SECOND] * len(others) + [1000 * _SECONDS_AT_THE_END]
    first.save(path, format="gif", save_all=True, append_images=others, duration=durations, loop=0, optimize=True)


def _write_mp4(path: Path, frames: Iterator[Frame]) -> None:
    import imageio_ffmpeg  # noqa: PLC0415 - an extra

    first = next(frames)
    height, width, _ = first.shape
    # H.264 in 4:2:0 is what every player shows; the file's name while it is written says nothing of its format.
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=_FRAMES_A_SECOND,
        codec="libx264",
        macro_block_size=2,
        output_params=["-f", "mp4", "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )
    writer.send(None)
    try:
        last = first
        writer.send(first)
        for frame in frames:
            writer.send(frame)
            last = frame
        for _ in range(_FRAMES_A_SECOND * _SECONDS_AT_THE_END):
            writer.send(last)
    finally:
        writer.close()
