"""A run as TensorBoard shows it: losses as scalars, samples at each moment as images, in event files."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.report.differences import measured_steps
from gan_rosetta.shared.report.film import draw_frames
from gan_rosetta.shared.report.looks import looks_of
from gan_rosetta.shared.report.series import thin
from gan_rosetta.shared.runs.names import folder_name
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

# TensorBoard itself shows a thousand points of a curve.
_BINS = 400


def require_tensorboard(folder: Path, /) -> None:
    """Raise UsageError unless event files can be written into the folder."""
    if importlib.util.find_spec("tensorboardX") is None:
        raise UsageError("--tensorboard needs tensorboardX: pip install 'gan-rosetta[tensorboard]'")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--tensorboard {folder} cannot be written ({error.strerror}); name another folder") from None


def write_events(folder: Path, run: Run, spec: GanSpec, /) -> Path:
    """Write a run's event file into folder/<gan>/<backend>, in place of earlier ones, and return that folder.

    Tags begin with the GAN's name, so that TensorBoard lays the backends of one GAN over each other. Step i of a loss
    is from before update i; an image of step i is of after i updates, pretraining counted below 0.
    """
    from tensorboardX import SummaryWriter  # noqa: PLC0415 - an extra

    target = folder / run.gan / folder_name(run.name)
    for earlier in target.glob("events.out.tfevents.*"):
        earlier.unlink()
    with SummaryWriter(str(target)) as writer:
        for name, step, value in _scalars(run, spec):
            writer.add_scalar(f"{run.gan}/{name}_loss", value, step)
        looks = looks_of(run)
        for look, frame in zip(looks, draw_frames([run], spec), strict=True):
            moment = look.moment
            step = moment.adversarial or moment.pretraining - looks[-1].moment.pretraining
            writer.add_image(f"{run.gan}/samples", frame, step, dataformats="HWC")
    return target


def _scalars(run: Run, spec: GanSpec) -> Iterator[tuple[str, int, float]]:
    for name, losses in run.losses.items():
        measured = np.flatnonzero(measured_steps(name, len(losses), run, spec))
        shown = losses[measured]
        for index in thin(shown, num_bins=_BINS):
            yield name, int(measured[index]), float(shown[index])
