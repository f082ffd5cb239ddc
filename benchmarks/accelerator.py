"""Ways of launching compiled steps on a GPU beside the backends' own, and whose products show what a device can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_rosetta.shared.errors import UsageError

VARIANTS: Mapping[str, tuple[str, ...]] = {"torch": ("without graphs",), "jax": ("scan",)}
# Whose products are timed to tell what a processor can do, and a GPU.
PEAK_BACKENDS = ("numpy", "torch")
GPU_PEAK_BACKENDS = ("torch", "jax")


def use_variant(trainer: Any, variant: str | None, /) -> None:
    """Have a trainer launch its compiled steps otherwise; one of VARIANTS, or None for its own way."""
    if variant == "without graphs":
        trainer.compiled.captures = False
    elif variant == "scan":
        trainer.scans = True
    elif variant is not None:
        raise UsageError(f"no way of launching steps is called {variant!r}; expected one of {VARIANTS}")
