"""What was measured of a framework's default in one GAN, and how it travels from a worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.distances import Floats, first_over
from gan_rosetta.shared.compare.yardstick import LOSS_NAMES, Yardstick
from gan_rosetta.shared.diagnose.job import row_from_data
from gan_rosetta.shared.diagnose.rows import Row
from gan_rosetta.shared.matters.session import Matter
from gan_rosetta.shared.storage.files import write_json, write_npz

MOMENTS = (1, 10, 100)
BOUND = 0.01
ALL = "all"
_RESULT, _LOSSES = "defaults.json", "defaults.npz"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One default in one GAN. subject: as in SUBJECTS, or "all" for every default of the framework at once.

    own, value: what the GAN has, and what the framework would have, in words. same: these are equal, so that nothing
    was run. first: the first quantity that it changes beyond rounding, None where none is in all steps.
    losses: by name, (steps,), of the run with the default; empty where the same.
    """

    framework: str
    subject: str
    own: str
    value: str
    same: bool
    first: Row | None
    losses: Mapping[str, Floats]


@dataclass(frozen=True, kw_only=True)
class GanMeasurement:
    """All defaults in one GAN.

    differs: what is not as published. losses: of the GAN itself. yardstick: how far rounding alone takes them.
    changes: what each default does over many seeds, by framework and subject; empty where that was not asked.
    """

    gan: str
    title: str
    differs: str
    losses: Mapping[str, Floats]
    yardstick: Yardstick
    measurements: tuple[Measurement, ...]
    changes: Mapping[tuple[str, str], Matter] = field(default_factory=dict)

    @property
    def horizon(self) -> int:
        """The steps before rounding alone parts the GAN from itself."""
        return self.yardstick.horizon

    @property
    def num_steps(self) -> int:
        """The number of adversarial steps."""
        return len(self.losses["generator"])

    def apart(self, measurement: Measurement, /) -> Floats:
        """Return how far a measurement's losses are from the GAN's own, (steps,); see losses_apart."""
        return losses_apart(measurement.losses, self.losses, self.yardstick)

    def first_over(self, measurement: Measurement, /) -> int | None:
        """Return the first step in which a loss differs by more than BOUND, or None."""
        return first_over(self.apart(measurement), BOUND)


def losses_apart(losses: Mapping[str, Floats], expected: Mapping[str, Floats], yardstick: Yardstick, /) -> Floats:
    """Return how far losses are apart, (steps,), as the yardstick measures it, the largest of a step's.

    Differences that rounding explains count as 0; past the steps over which it was followed, as much as at their end.
    """
    result = np.zeros(len(expected["generator"]))
    for name in (name for name in expected if name != "pretraining"):
        difference = yardstick.loss_differences(name, losses[name], expected[name])
        known = yardstick.allowed_losses(name)[: len(result)]
        allowed = np.pad(known, (0, len(result) - len(known)), mode="edge")
        difference[difference <= allowed] = 0.0
        result = np.maximum(result, difference)
    return result


def write_measurement(folder: Path, result: GanMeasurement, /) -> None:
    """Write a measurement into a folder, which is made; atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"gan/{name}": array for name, array in result.losses.items()}
    rows = []
    for index, measurement in enumerate(result.measurements):
        arrays |= {f"{index}/{name}": array for name, array in measurement.losses.items()}
        first = None if measurement.first is None else measurement.first.as_data()
        fields = asdict(measurement)
        del fields["losses"]
        rows.append({**fields, "first": first})
    facts = {
        "gan": result.gan,
        "title": result.title,
        "differs": result.differs,
        "yardstick": result.yardstick.as_data(),
    }
    write_npz(folder / _LOSSES, arrays)
    write_json(folder / _RESULT, {**facts, "measurements": rows})


def read_measurement(folder: Path, /) -> GanMeasurement:
    """Read what write_measurement wrote."""
    data: dict[str, Any] = json.loads((folder / _RESULT).read_text(encoding="utf-8"))
    with np.load(folder / _LOSSES, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}

    def part(prefix: str) -> dict[str, Floats]:
        return {name: arrays[f"{prefix}/{name}"] for name in LOSS_NAMES if f"{prefix}/{name}" in arrays}

    measurements = []
    for index, row in enumerate(data.pop("measurements")):
        first = None if row["first"] is None else row_from_data(row["first"])
        measurements.append(Measurement(**{**row, "first": first, "losses": part(str(index))}))
    yardstick = Yardstick.from_data(data.pop("yardstick"))
    return GanMeasurement(**data, losses=part("gan"), yardstick=yardstick, measurements=tuple(measurements))
