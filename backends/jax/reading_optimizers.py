"""The optimizers of optax in the spec's words: of those whose settings are not closed over."""

from __future__ import annotations

from typing import Any, NoReturn

from gan_rosetta.shared.errors import UnsupportedLayer


def read_optimizer(optimizer: Any, network: Any, /, *, what: str) -> NoReturn:
    """Raise UnsupportedLayer: an optimizer of optax's is two functions, whose settings nobody outside can read."""
    del network
    raise UnsupportedLayer(
        f"{what} is a {type(optimizer).__name__}; optax's optimizers are functions whose settings cannot be read: "
        "leave --optimizers out, and write them into the spec that is read"
    )


def steps_taken(optimizer: Any, /) -> set[int]:
    """Return that an optimizer has not begun, since none is read."""
    del optimizer
    return {0}
