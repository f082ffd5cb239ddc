"""A moving average of G in JAX."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_jax.model import has_buffers


def followed_section(gan: GanSpec, /) -> str:
    """Return the function that moves a player which keeps the average towards G; "" where there is none."""
    average = gan.training.generator_average
    if average is None:
        return ""
    lines = [
        "def followed(average: Player, own: Player, share: Array) -> Player:",
        '    """Return the average a share of the way to G; called after each of G\'s updates."""',
        "",
        "    def moved(kept: Array, new: Array) -> Array:",
        "        return jnp.where(share == 1, new, kept + share * (new - kept))",
        "",
        "    parameters = jax.tree.map(moved, average.parameters, own.parameters)",
    ]
    if not has_buffers(gan, "generator"):
        return "\n".join([*lines, "    return average._replace(parameters=parameters)"])
    if average.buffers == "averaged":
        lines.append("    buffers = jax.tree.map(moved, average.buffers, own.buffers)")
    buffers = "buffers" if average.buffers == "averaged" else "own.buffers"
    return "\n".join([*lines, f"    return average._replace(parameters=parameters, buffers={buffers})"])
