"""What a person asks of runs, on the command line or in Python: checked once, in the caller's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict, Unpack

from gan_rosetta.shared.data.pictures import pictures_sha256
from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.interface import DEVICES, DTYPES
from gan_rosetta.shared.runs.budget import require_room
from gan_rosetta.shared.runs.moments import DEFAULT_NUM_MOMENTS
from gan_rosetta.shared.runs.order import (
    DEFAULT_SEED,
    SECONDS_BETWEEN_CHECKPOINTS,
    Course,
    Feed,
    require_checkpoint_seconds,
    require_count,
    require_patience,
)
from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.spec.toml_file import read_spec_text, spec_from_toml, spec_to_toml
from gan_rosetta.shared.workers.jobs import DEFAULT_PATIENCE_SECONDS

# Steps of the adversarial phase where none are asked for. The GANs on digits train for hours at their published
# lengths; these many steps take seconds and have an update of both networks.
SHORT_STEPS = {
    "mnist-conv": 1,
    "mnist-wgan-gp": 20,
    "mnist-wgan-gp-sample": 20,
    "wgan": 40,
    "lsgan": 10,
    "cgan": 20,
    "sngan": 5,
    "relativistic": 10,
    "acgan": 10,
    "sgan": 10,
    "dragan": 10,
    "ebgan": 10,
    "began": 10,
    "context-encoder": 5,
    "infogan": 10,
    "wgan-gp": 20,
    "wgan-gp-conv": 5,
    "dcgan": 2,
    "dcgan-keras": 2,
    "sagan-small": 5,
}
# What is kept as the source of a GAN that was given in Python, where others have a file's path.
GIVEN_IN_PYTHON = "the GanSpec "


class FeedOptions(TypedDict, total=False):
    """What runs are fed and how they compute; what is left out is chosen.

    batch_size: the GAN's own where not given. seed: of the initial state and the tape, 14 where not given. dtype:
    "float64" or "float32"; execution: "eager", "compiled" or "auto"; device: "cpu" or "cuda": of runs whose name does
    not say. initial_state, tape: files to read in place of the seed's. mnist: a folder of IDX files, or "download";
    5000 packaged digits where not given. images: pictures in their place: a folder, an .npz, an IDX or CIFAR-10 file.
    """

    batch_size: int | None
    seed: int
    dtype: str
    execution: str
    device: str
    initial_state: str | Path | None
    tape: str | Path | None
    mnist: str | None
    images: str | Path | None


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


@dataclass(frozen=True, kw_only=True)
class Exports:
    """Files to write what a run is fed into; None for none."""

    tape: str | None = None
    initial_state: str | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What all runs of a request share, checked.

    spec: the GAN as it is described, None for a plan that names the GANs itself; source: what describes it, None for
    the catalogue. steps, pretrain_steps, batch_size: None for the GAN's own, or the default. dtype, execution, device:
    of runs whose name does not say.
    """

    spec: GanSpec | None = None
    source: str | None = None
    steps: int | None = None
    pretrain_steps: int | None = None
    batch_size: int | None = None
    dtype: str = "float64"
    execution: str = "auto"
    device: str = "cpu"
    feed: Feed = field(default_factory=Feed)
    course: Course = field(default_factory=Course)
    checkpoint_seconds: float = SECONDS_BETWEEN_CHECKPOINTS
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS
    exports: Exports = field(default_factory=Exports)

    def __post_init__(self) -> None:
        require_count("--steps", self.steps, minimum=1)
        require_count("--pretrain-steps", self.pretrain_steps, minimum=0)
        require_count("--batch-size", self.batch_size, minimum=1)
        require_checkpoint_seconds(self.checkpoint_seconds)
        require_patience(self.patience_seconds)
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", self.dtype, DTYPES)
        if self.device not in DEVICES:
            raise unknown_name("device", self.device, DEVICES)

    def resolve(self, named: GanSpec | None = None, /) -> GanSpec:
        """Return the GAN as it is to be trained, with the steps and the batch size that are asked for, or the defaults.

        named: one of the catalogue, for a request that names none. Raises UsageError where the machine has no room for
        a run of it.
        """
        spec = named or self.spec
        if spec is None:
            raise TypeError("the request names no GAN, so the plan has to")
        default_steps = SHORT_STEPS.get(spec.name) if self.source is None else None
        if self.batch_size is not None:
            spec = replace(spec, batch_size=self.batch_size)
        steps = self.steps if self.steps is not None else default_steps
        spec = spec.with_steps(pretraining=self.pretrain_steps, training=steps)
        require_room(spec)
        return spec


def make_request(gan: str | Path | GanSpec | None, /, **options: Unpack[Options]) -> Request:
    """Return what is asked of runs, checked.

    gan: a name of the catalogue, a TOML file, a GanSpec, or None for a plan that names the GANs itself. Raises
    UsageError for a value that nothing can be done with, SpecError for a file that describes no GAN.
    """
    spec, source = (None, None) if gan is None else read_gan(gan)
    return Request(
        spec=spec,
        source=source,
        steps=options.get("steps"),
        pretrain_steps=options.get("pretrain_steps"),
        batch_size=options.get("batch_size"),
        dtype=options.get("dtype", "float64"),
        execution=options.get("execution", "auto"),
        device=options.get("device", "cpu"),
        feed=Feed(
            **_images(options, spec),
            seed=options.get("seed", DEFAULT_SEED),
            initial_state=_absolute(options.get("initial_state")),
            first_step=options.get("first_step"),
            tape=_absolute(options.get("tape")),
            mnist=options.get("mnist"),
        ),
        course=Course(
            keep_going=options.get("keep_going", False), num_moments=options.get("num_moments", DEFAULT_NUM_MOMENTS)
        ),
        checkpoint_seconds=options.get("checkpoint_every", SECONDS_BETWEEN_CHECKPOINTS),
        patience_seconds=options.get("patience", DEFAULT_PATIENCE_SECONDS),
        exports=Exports(
            tape=_absolute(options.get("export_tape")), initial_state=_absolute(options.get("export_initial_state"))
        ),
    )


def read_gan(gan: str | Path | GanSpec, /) -> tuple[GanSpec, str | None]:
    """Return a GAN, and what describes it, None for the catalogue; raises UsageError, SpecError."""
    if isinstance(gan, str):
        return find_gan(gan), None
    if isinstance(gan, GanSpec):
        # By way of the text, so that its numbers and its name are such as a file could have.
        source, text = f"{GIVEN_IN_PYTHON}{gan.name!r}", spec_to_toml(gan)
    else:
        source, text = str(gan), read_spec_text(gan)
    return spec_from_toml(text, where=source, reserved=CATALOGUE), source


class _Images(TypedDict):
    """The part of a feed that says which pictures a user gives."""

    images: str | None
    images_sha256: str | None


def _images(options: Options, spec: GanSpec | None) -> _Images:
    """Return the pictures that are asked for, and their SHA-256 as they are now; raises UsageError, DataError."""
    given = options.get("images")
    if given is None:
        return {"images": None, "images_sha256": None}
    for option, other in {"--mnist": options.get("mnist"), "--tape": options.get("tape")}.items():
        if other is not None:
            raise UsageError(f"--images and {option} both say what is real; give one of them")
    if spec is not None:
        require_takes_images([spec])
    if not str(given).strip():
        raise UsageError("--images is empty; expected a folder or a file of pictures")
    path = str(Path(given).expanduser().absolute())
    return {"images": path, "images_sha256": pictures_sha256(path)}


def require_takes_images(specs: Sequence[GanSpec], /) -> None:
    """Raise UsageError where none of the GANs takes images, which a user has given."""
    if not any(isinstance(spec.real, DigitsReal) for spec in specs):
        said = " and ".join(f"{spec.name!r} takes no images, but {type(spec.real).__name__}" for spec in specs)
        raise UsageError(f"{said}; leave --images out")


def _absolute(path: str | Path | None) -> str | None:
    return None if path is None else str(Path(path).absolute())
