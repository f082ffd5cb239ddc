"""What a run ran on: processor, memory, operating system and versions, for its record."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np
import psutil

from gan_rosetta.shared.runs.record_types import MachineSeen

# Flags, instruction sets, precisions and threads, by what the libraries' variables are called; not where files lie.
_FRAMEWORKS = ("JAX_", "XLA_", "TF_", "MXNET_", "TORCH", "PYTORCH_", "ATEN_")
_LIBRARIES = ("MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "OMP_", "KMP_", "DNNL_", "ONEDNN_", "NPY_")
_PREFIXES = (*_FRAMEWORKS, *_LIBRARIES, "CUBLAS", "CUDNN", "NVIDIA_", "CUDA_")
_NO_NUMBERS = ("_DIR", "_PATH", "_HOME", "_FILE", "_ROOT", "_LOG_LEVEL", "_KEY", "_TOKEN")
_VARIABLES = ("LD_PRELOAD", "GLIBC_TUNABLES", "MALLOC_PERTURB_")
_MOST_SHOWN = 500


def describe_machine() -> MachineSeen:
    """Return the processor's name, its logical cores, memory in bytes, the operating system, and the load average."""
    return {
        "processor": _processor_name(),
        "logical_cores": os.cpu_count() or 1,
        "memory_bytes": int(psutil.virtual_memory().total),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
    }


def describe_variables() -> dict[str, str]:
    """Return the environment variables by which numeric libraries compute otherwise, those that are set."""
    return {name: value[:_MOST_SHOWN] for name, value in sorted(os.environ.items()) if _changes_numbers(name)}


def _changes_numbers(name: str) -> bool:
    return name in _VARIABLES or (name.startswith(_PREFIXES) and not name.endswith(_NO_NUMBERS))


def describe_versions(framework: str, version: str, /) -> dict[str, str]:
    """Return the versions of this package, Python, NumPy and the framework."""
    try:
        own = importlib.metadata.version("gan-rosetta")
    except importlib.metadata.PackageNotFoundError:
        own = "unknown"
    return {"gan-rosetta": own, "python": platform.python_version(), "numpy": np.__version__, framework: version}


def _processor_name() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
