"""What train and compare have to say, as one JSON document for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_rosetta.shared.report.shown import as_json
from gan_rosetta.shared.runs.comparison import GanComparison, to_json
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.seeds.job import SeedsOfRun
from gan_rosetta.shared.seeds.session import AcrossSeeds
from gan_rosetta.shared.workers.jobs import JobOutcome

FORMAT = 1


def train_as_data(runs: Iterable[Run], across: Sequence[SeedsOfRun], /, **more: Any) -> dict[str, Any]:
    """Return what `train` has to say. across: seeds, by run. more: the entries that `ending_as_data` makes."""
    seeds = {"seeds": [found.as_data() for found in across]} if across else {}
    return {"format": FORMAT, "command": "train", **more, "runs": [_run(run) for run in runs], **seeds}


def compare_as_data(
    comparisons: Iterable[GanComparison], across: Mapping[str, AcrossSeeds], /, **more: Any
) -> dict[str, Any]:
    """Return what `compare` has to say. across: seeds, by GAN. more: the entries that `ending_as_data` makes."""
    entries = [{**to_json(comparison), "runs": [_run(run) for run in comparison.runs]} for comparison in comparisons]
    seeds = {"seeds": [found.as_data() for found in across.values()]} if across else {}
    return {"format": FORMAT, "command": "compare", **more, "comparisons": entries, **seeds}


def ending_as_data(
    status: int, folder: Path | None, outcomes: Iterable[JobOutcome], files: Mapping[str, Any], /
) -> dict[str, Any]:
    """Return what both commands end with: the exit status, the folder, what failed, and the files written besides."""
    failures = [
        {
            "gan": outcome.settings.gan,
            "backend": outcome.settings.backend,
            "run": outcome.settings.run_name,
            "status": outcome.status,
            "message": outcome.message,
        }
        for outcome in outcomes
        if outcome.status != "finished"
    ]
    return {"status": status, "folder": None if folder is None else str(folder), "failures": failures, **files}


def as_text(data: Mapping[str, Any], /) -> str:
    """Return a document as JSON in ASCII; raises ValueError for NaN and infinities, which are not JSON's."""
    return as_json(json.dumps(data, indent=1, allow_nan=False))


def _run(run: Run) -> dict[str, Any]:
    return {
        "gan": run.gan,
        "backend": run.backend,
        "run": run.name,
        "folder": str(run.folder),
        "steps": len(run.losses["generator"]),
        "last_losses": {
            name: _number(float(values[-1])) if len(values) else None for name, values in run.losses.items()
        },
        "steps_per_second": run.record["timings"]["steps_per_second"],
        "outcome": run.record["outcome"],
    }


def _number(value: float) -> float | str:
    """NaN and infinities as text, as in comparison.json."""
    return value if math.isfinite(value) else str(value)
