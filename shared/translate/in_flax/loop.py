"""The loop in flax, and what the program leaves: those in JAX, with tensors named and turned as a state has them."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_jax.loop import CHECKPOINT, StateWords, loop_in_words

__all__ = ["CHECKPOINT", "loop_section"]

_WORDS = StateWords(
    name="{{in_state({n})}}",
    taken="as_flax({n}, {a})",
    left="as_state({n}, {a})",
    turned="channels_last({a})",
    turned_back="np.moveaxis({a}, -1, 1)",
    has_networks=True,
)


def loop_section(gan: GanSpec, /) -> str:
    """Return the loops, and what the program leaves."""
    return loop_in_words(gan, _WORDS)
