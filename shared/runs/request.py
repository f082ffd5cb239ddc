"""What a person asks of runs, on the command line or in Python, checked and made into settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, Unpack

from gan_rosetta.shared.runs.run import with_spec_text
from gan_rosetta.shared.runs.settings import RunSettings
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.toml_file import spec_to_toml

# The names that people know some settings by.
_SETTING_NAMES = {"checkpoint_every": "checkpoint_seconds", "patience": "patience_seconds"}
_FILES = ("initial_state", "tape", "export_tape", "export_initial_state")


class FeedOptions(TypedDict, total=False):
    """What runs are fed and how they compute; what is left out is chosen.

    batch_size: the GAN's own where not given. seed: of the initial state and the tape, 14 where not given. dtype:
    "float64" or "float32"; execution: "eager", "compiled" or "auto"; device: "cpu" or "cuda": of runs whose name does
    not say. initial_state, tape: files to read in place of the seed's. mnist: a folder of IDX files, or "download";
    5000 packaged digits where not given.
    """

    batch_size: int | None
    seed: int
    dtype: str
    execution: str
    device: str
    initial_state: str | Path | None
    tape: str | Path | None
    mnist: str | None


class Options(FeedOptions, total=False):
    """How runs are trained, besides what they are fed; what is left out is chosen.

    steps, pretrain_steps: the GAN's own where not given. first_step: of the tape. keep_going: ignore the GAN's own rule
    for stopping early. checkpoint_every, patience: seconds between checkpoints, and without a sign of life.
    num_moments: about how many moments of training samples are kept of. export_tape, export_initial_state: files to
    write.
    """

    steps: int | None
    pretrain_steps: int | None
    first_step: int | None
    keep_going: bool
    checkpoint_every: float
    patience: float
    num_moments: int
    export_tape: str | Path | None
    export_initial_state: str | Path | None


def make_template(gan: str | Path | GanSpec | None, /, **options: Unpack[Options]) -> RunSettings:
    """Return the settings that all runs of a request share.

    gan: a name of the catalogue, a TOML file, a GanSpec, or None for a plan that names the GANs itself. Raises
    UsageError for a value that nothing can be done with, SpecError for a file that describes no GAN.
    """
    settings: dict[str, Any] = {_SETTING_NAMES.get(name, name): value for name, value in options.items()}
    for name in _FILES:
        if settings.get(name) is not None:
            settings[name] = str(Path(settings[name]).absolute())
    if isinstance(gan, GanSpec):
        settings |= {"spec_file": f"the GanSpec {gan.name!r}", "spec_text": spec_to_toml(gan)}
    elif isinstance(gan, Path):
        settings["spec_file"] = str(gan)
    name = gan if isinstance(gan, str) else ""
    return with_spec_text(RunSettings(gan=name, backend="", folder="", **settings))
