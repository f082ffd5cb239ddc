"""What a run of a lesson leaves: losses, samples as training went on, and what it was fed; on disk as one .npz."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gan_rosetta.shared.compare.yardstick import LOSS_NAMES
from gan_rosetta.shared.storage.files import write_npz


@dataclass(frozen=True, kw_only=True)
class LessonRecord:
    """One run.

    digests: SHA-256 of its inputs, by what they are. losses: (steps,) by name. samples: (n, ...) at the end, on the
    lesson's noise. frames: the same, by the number of steps taken; boundaries: D over linspace(-8, 8), likewise.
    """

    digests: Mapping[str, str]
    losses: Mapping[str, np.ndarray]
    samples: np.ndarray
    frames: Mapping[int, np.ndarray] = field(default_factory=dict)
    boundaries: Mapping[int, np.ndarray] = field(default_factory=dict)


def write_record(path: Path, record: LessonRecord, /) -> None:
    """Write a record, atomically."""
    arrays = {f"digest/{what}": np.array(digest) for what, digest in record.digests.items()}
    arrays |= {f"loss/{name}": values for name, values in record.losses.items()}
    arrays |= {f"frame/{step}": values for step, values in record.frames.items()}
    arrays |= {f"boundary/{step}": values for step, values in record.boundaries.items()}
    write_npz(path, arrays | {"samples": record.samples})


def read_record(path: Path, /) -> LessonRecord:
    """Read a record."""
    with np.load(path, allow_pickle=False) as archive:
        groups: dict[str, dict[str, np.ndarray]] = {}
        for name in archive.files:
            group, _, rest = name.partition("/")
            groups.setdefault(group, {})[rest] = archive[name]
    return LessonRecord(
        digests={what: str(digest) for what, digest in groups["digest"].items()},
        losses={name: groups["loss"][name] for name in LOSS_NAMES if name in groups["loss"]},
        samples=groups["samples"][""],
        frames={int(step): values for step, values in groups.get("frame", {}).items()},
        boundaries={int(step): values for step, values in groups.get("boundary", {}).items()},
    )
