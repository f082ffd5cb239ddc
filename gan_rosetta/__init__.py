"""The same GANs in every framework, fed the same numbers, compared step by step.

    import gan_rosetta as gr
    comparison = gr.compare("linear-2d", runs=["torch:eager", "torch:compiled", "jax"], steps=200)
    comparison.verdict                                          # "AGREE"
    comparison.runs["torch:compiled"].losses["generator"]       # (200,)
    comparison.assert_agrees()                                  # raises with the place where they part

Frameworks run in processes of their own: neither importing this nor asking it for anything imports one here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

# Before the function of this name: the package is imported from by its whole name, never as an attribute.
import gan_rosetta.backends  # noqa: F401

if TYPE_CHECKING:
    from gan_rosetta.aligning import Alignment, align
    from gan_rosetta.assessing import (
        Atlas,
        Calibration,
        Defaults,
        Equivalence,
        Matters,
        accuracy,
        calibrate,
        defaults,
        equivalence,
        matters,
    )
    from gan_rosetta.catalogue import Backend, gans, read_spec, spec, write_spec
    from gan_rosetta.checking import FaultCheck, Generated, check_faults, faults, generate
    from gan_rosetta.comparing import Comparison, compare, resume
    from gan_rosetta.converting import Conversion, convert
    from gan_rosetta.diagnosing import Diagnosis, diagnose
    from gan_rosetta.judging import Case, Judgement, case, judge
    from gan_rosetta.measuring import bench, bench_gpu, compare_benchmarks
    from gan_rosetta.reading import Reading, read
    from gan_rosetta.reporting import report, write_events, write_film, write_page
    from gan_rosetta.shared.errors import GanRosettaError, RunFailed
    from gan_rosetta.shared.spec import GanSpec
    from gan_rosetta.shared.traces.trace import Trace
    from gan_rosetta.shared.workers.jobs import Progress
    from gan_rosetta.sweeping import Sweep, sweep
    from gan_rosetta.tracing import trace
    from gan_rosetta.training import TrainedRun, resume_training, train
    from gan_rosetta.translating import Translation, translate

    __version__: str

__all__ = [
    "Alignment",
    "Atlas",
    "Backend",
    "Calibration",
    "Case",
    "Comparison",
    "Conversion",
    "Defaults",
    "Diagnosis",
    "Equivalence",
    "FaultCheck",
    "GanRosettaError",
    "GanSpec",
    "Generated",
    "Judgement",
    "Matters",
    "Progress",
    "Reading",
    "RunFailed",
    "Sweep",
    "Trace",
    "TrainedRun",
    "Translation",
    "accuracy",
    "align",
    "backends",
    "bench",
    "bench_gpu",
    "calibrate",
    "case",
    "check_faults",
    "compare",
    "compare_benchmarks",
    "convert",
    "defaults",
    "diagnose",
    "equivalence",
    "faults",
    "gans",
    "generate",
    "judge",
    "matters",
    "read",
    "read_spec",
    "report",
    "resume",
    "resume_training",
    "spec",
    "sweep",
    "trace",
    "train",
    "translate",
    "write_events",
    "write_film",
    "write_page",
    "write_spec",
]

# Where each name is. Every module of ours is below this package, so that what stands here is imported by all of them,
# workers too: names are looked up when they are asked for.
_HOMES = {
    "Alignment": "gan_rosetta.aligning",
    "Atlas": "gan_rosetta.assessing",
    "Backend": "gan_rosetta.catalogue",
    "Calibration": "gan_rosetta.assessing",
    "Case": "gan_rosetta.judging",
    "Comparison": "gan_rosetta.comparing",
    "Conversion": "gan_rosetta.converting",
    "Defaults": "gan_rosetta.assessing",
    "Diagnosis": "gan_rosetta.diagnosing",
    "Equivalence": "gan_rosetta.assessing",
    "FaultCheck": "gan_rosetta.checking",
    "GanRosettaError": "gan_rosetta.shared.errors",
    "GanSpec": "gan_rosetta.shared.spec",
    "Generated": "gan_rosetta.checking",
    "Judgement": "gan_rosetta.judging",
    "Matters": "gan_rosetta.assessing",
    "Progress": "gan_rosetta.shared.workers.jobs",
    "Reading": "gan_rosetta.reading",
    "RunFailed": "gan_rosetta.shared.errors",
    "Sweep": "gan_rosetta.sweeping",
    "Trace": "gan_rosetta.shared.traces.trace",
    "TrainedRun": "gan_rosetta.training",
    "Translation": "gan_rosetta.translating",
    "accuracy": "gan_rosetta.assessing",
    "align": "gan_rosetta.aligning",
    "bench": "gan_rosetta.measuring",
    "bench_gpu": "gan_rosetta.measuring",
    "calibrate": "gan_rosetta.assessing",
    "case": "gan_rosetta.judging",
    "check_faults": "gan_rosetta.checking",
    "compare": "gan_rosetta.comparing",
    "compare_benchmarks": "gan_rosetta.measuring",
    "convert": "gan_rosetta.converting",
    "defaults": "gan_rosetta.assessing",
    "diagnose": "gan_rosetta.diagnosing",
    "equivalence": "gan_rosetta.assessing",
    "faults": "gan_rosetta.checking",
    "gans": "gan_rosetta.catalogue",
    "generate": "gan_rosetta.checking",
    "judge": "gan_rosetta.judging",
    "matters": "gan_rosetta.assessing",
    "read": "gan_rosetta.reading",
    "read_spec": "gan_rosetta.catalogue",
    "report": "gan_rosetta.reporting",
    "resume": "gan_rosetta.comparing",
    "resume_training": "gan_rosetta.training",
    "spec": "gan_rosetta.catalogue",
    "sweep": "gan_rosetta.sweeping",
    "trace": "gan_rosetta.tracing",
    "train": "gan_rosetta.training",
    "translate": "gan_rosetta.translating",
    "write_events": "gan_rosetta.reporting",
    "write_film": "gan_rosetta.reporting",
    "write_page": "gan_rosetta.reporting",
    "write_spec": "gan_rosetta.catalogue",
}


def backends() -> dict[str, Backend]:
    """Return the backends by name, those that are not installed too; imports no framework.

    >>> backends()["numpy"].executions
    ('eager',)
    """
    from gan_rosetta.catalogue import list_backends  # noqa: PLC0415 - as all names here, when it is asked for

    return list_backends()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.metadata.version("gan-rosetta")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "__version__"})
