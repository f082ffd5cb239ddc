"""What a run ran on: processor, memory, operating system and versions, for its record."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np
import psutil


def describe_machine() -> dict[str, str | int | float]:
    """Return the processor's name, its logical cores, memory in bytes, the operating system, and the load average."""
    return {
        "processor": _processor_name(),
        "logical_cores": os.cpu_count() or 1,
        "memory_bytes": int(psutil.virtual_memory().total),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
    }


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
