"""What a person asks of a case, checked and made into one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack, cast

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.cases.case import Request
from gan_rosetta.shared.runs import request
from gan_rosetta.shared.runs.inputs import open_start
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.workers.registry import find_backend, load_program_module


class CaseOptions(TypedDict, total=False):
    """What a case is made of; what is left out is chosen.

    steps, pretrain_steps, batch_size: the GAN's own where not given. seed: of the initial state and the batches, 14
    where not given. dtype: "float64" or "float32", in which the program is fed and judged. initial_state, tape: files
    to read in place of the seed's; a state that a run left is one to begin with. mnist: a folder of IDX files, or
    "download"; 5000 packaged digits where not given. images: pictures in their place: a folder, an .npz, an IDX or
    CIFAR-10 file.
    """

    steps: int | None
    pretrain_steps: int | None
    batch_size: int | None
    seed: int
    dtype: str
    initial_state: str | Path | None
    tape: str | Path | None
    mnist: str | None
    images: str | Path | None


def make_request(
    gan: str | Path | GanSpec, /, *, framework: str | None, device: str, **options: Unpack[CaseOptions]
) -> Request:
    """Return what a case is of. gan: a name of the catalogue, a TOML file, or a GanSpec; framework: a backend's name.

    Raises UsageError and its like for what cannot be asked, BackendUnavailable for a framework that does not import.
    """
    entry = find_backend(framework or REFERENCE)
    module = load_program_module(entry)
    wanted = cast(request.Options, {**options, "first_step": 0, "device": device})
    asked = request.make_request(Path(gan) if isinstance(gan, str) and gan.endswith(".toml") else gan, **wanted)
    spec = asked.resolve()
    inputs = open_start(asked.feed, spec)
    return Request(
        spec=spec,
        state=inputs.state,
        tape=inputs.tape,
        dtype=asked.dtype,
        seed=asked.feed.seed,
        to_tensor=partial(module.to_tensor, device=device),
    )
