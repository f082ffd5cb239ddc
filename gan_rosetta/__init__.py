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
    from gan_rosetta.catalogue import Backend, gans, read_spec, spec
    from gan_rosetta.comparing import Comparison, compare, resume
    from gan_rosetta.converting import Conversion, convert
    from gan_rosetta.diagnosing import Diagnosis, diagnose
    from gan_rosetta.judging import Case, Judgement, case
    from gan_rosetta.measuring import bench, report
    from gan_rosetta.shared.errors import GanRosettaError, RunFailed
    from gan_rosetta.shared.spec import GanSpec
    from gan_rosetta.shared.workers.jobs import Progress
    from gan_rosetta.training import TrainedRun, train

    __version__: str

__all__ = [
    "Backend",
    "Case",
    "Comparison",
    "Conversion",
    "Diagnosis",
    "GanRosettaError",
    "GanSpec",
    "Judgement",
    "Progress",
    "RunFailed",
    "TrainedRun",
    "backends",
    "bench",
    "case",
    "compare",
    "convert",
    "diagnose",
    "gans",
    "read_spec",
    "report",
    "resume",
    "spec",
    "train",
]

# Where each name is. Every module of ours is below this package, so that what stands here is imported by all of them,
# workers too: names are looked up when they are asked for.
_HOMES = {
    "Backend": "gan_rosetta.catalogue",
    "Case": "gan_rosetta.judging",
    "Comparison": "gan_rosetta.comparing",
    "Conversion": "gan_rosetta.converting",
    "Diagnosis": "gan_rosetta.diagnosing",
    "GanRosettaError": "gan_rosetta.shared.errors",
    "GanSpec": "gan_rosetta.shared.spec",
    "Judgement": "gan_rosetta.judging",
    "Progress": "gan_rosetta.shared.workers.jobs",
    "RunFailed": "gan_rosetta.shared.errors",
    "TrainedRun": "gan_rosetta.training",
    "bench": "gan_rosetta.measuring",
    "case": "gan_rosetta.judging",
    "compare": "gan_rosetta.comparing",
    "convert": "gan_rosetta.converting",
    "diagnose": "gan_rosetta.diagnosing",
    "gans": "gan_rosetta.catalogue",
    "read_spec": "gan_rosetta.catalogue",
    "report": "gan_rosetta.measuring",
    "resume": "gan_rosetta.comparing",
    "spec": "gan_rosetta.catalogue",
    "train": "gan_rosetta.training",
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
