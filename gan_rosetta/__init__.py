"""The same GANs in every framework, fed the same numbers, compared step by step.

    import gan_rosetta as gr
    comparison = gr.compare("linear-2d", runs=["torch:eager", "torch:compiled", "jax"], steps=200)
    comparison.verdict                                          # "AGREE"
    comparison.runs["torch:compiled"].losses["generator"]       # (200,)
    comparison.assert_agrees()                                  # raises with the place where they part

Frameworks run in processes of their own: importing this imports none of them.
"""

from gan_rosetta.catalogue import Backend, backends, gans, read_spec, spec
from gan_rosetta.comparing import Comparison, compare, resume
from gan_rosetta.diagnosing import Diagnosis, diagnose
from gan_rosetta.measuring import bench, report
from gan_rosetta.training import TrainedRun, train
from shared.errors import GanRosettaError, RunFailed
from shared.harness.launch import Progress
from shared.spec import GanSpec

__all__ = [
    "Backend",
    "Comparison",
    "Diagnosis",
    "GanRosettaError",
    "GanSpec",
    "Progress",
    "RunFailed",
    "TrainedRun",
    "backends",
    "bench",
    "compare",
    "diagnose",
    "gans",
    "read_spec",
    "report",
    "resume",
    "spec",
    "train",
]
