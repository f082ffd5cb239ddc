"""What the machine's framework can do, and how it is set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gan_rosetta.shared.errors import UsageError

DEVICES = ("cpu", "cuda")
# What float32 products keep of their factors: all, or as a GPU's tensor cores do, 10 or 7 bits of mantissa.
PRODUCTS = ("full", "tf32", "bf16")
Product = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class SeenDevice:
    """What a framework sees of a device. name: as the framework has it. memory_bytes: 0 where it does not say.

    details: what else it says, such as the compute capability, as one line.
    """

    name: str
    memory_bytes: int = 0
    details: str = ""


def precision_name(dtype: str, products: str, /) -> str:
    """Return the name of a type and what its products keep: "float64", "float32", "float32:tf32"."""
    return dtype if products == "full" else f"{dtype}:{products}"


def require_products(framework: str, products: str, /, *, device: str, on_gpu: Sequence[str]) -> None:
    """Raise UsageError unless a framework has such products on a device: full ones everywhere, others on a GPU."""
    there = ("full", *on_gpu) if device == "cuda" else ("full",)
    if products not in there:
        raise UsageError(
            f"{framework} has no {products} products on {device}; expected {', '.join(there)}; numpy has all, as it "
            "rounds factors itself"
        )


class Device(Protocol):
    """What a backend's device.py provides, as functions: what the machine's framework can do, and how it is set.

    devices are "cpu" and "cuda", the first GPU that the framework sees.
    """

    def configure(self, *, threads: int) -> None:
        """Set threads, determinism and whole products; call once in a process, before any array is made."""
        ...

    def list_devices(self) -> tuple[str, ...]:
        """Return the devices that a trainer can be built on here."""
        ...

    def framework_version(self) -> str:
        """Return the framework's version."""
        ...

    def check_device(self, device: str, /) -> None:
        """Raise UsageError, saying what there is, unless the framework can run on the device."""
        ...

    def describe_device(self, device: str, /) -> SeenDevice:
        """Return what the framework sees of a device that it has."""
        ...

    def peak_bytes(self, device: str, /) -> int | None:
        """Return the most memory of the device that the framework has used so far; None where it keeps no count."""
        ...

    def set_products(self, products: str, /, *, device: str) -> None:
        """Choose what float32 products keep of their factors, one of PRODUCTS; after configure, before each run.

        Raises UsageError, saying what there is, where the framework has no such products on the device.
        """
        ...

    def reseed(self, seed: int, /) -> None:
        """Seed whatever the framework draws random numbers from, which no step is to depend on."""
        ...

    def matrix_product(self, first: np.ndarray, second: np.ndarray, /, *, device: str) -> Product:
        """Return a function that multiplies two matrices once on the device, finished when it returns."""
        ...
