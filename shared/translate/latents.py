"""The noise of a program, which is NumPy's alone and so the same in every dialect."""

from __future__ import annotations

from gan_rosetta.shared.spec import (
    CategoryLatent,
    GanSpec,
    JoinedLatent,
    NormalLatent,
    StratifiedLatent,
    UniformLatent,
)
from gan_rosetta.shared.translate.writing import literal, number


def draw_latent(spec: GanSpec, /) -> str:
    """Return the function that draws the noise of samples."""
    source = spec.latent
    if isinstance(source, JoinedLatent):
        parts = [_drawn_latent(part) for part in source.parts]
        lines = [literal("parts = [", parts, "]", indent=4), "    return np.concatenate(parts, axis=1)"]
    elif not isinstance(source, StratifiedLatent):
        lines = [f"    return {_drawn_latent(source)}"]
    else:
        lines = [
            f"    grid = np.linspace({number(source.low)}, {number(source.high)}, num_samples)",
            f"    return (grid + {number(source.jitter)} * random.random(num_samples))[:, np.newaxis]",
        ]
    head = "def draw_latent(random: np.random.Generator, num_samples: int) -> np.ndarray:"
    return "\n".join([head, '    """Return the noise that G makes samples of, a row a sample."""', *lines])


def _drawn_latent(source: NormalLatent | UniformLatent | CategoryLatent) -> str:
    """Return the expression of noise that is no grid, a row a sample."""
    if isinstance(source, CategoryLatent):
        count = number(source.num_categories)
        return f"np.eye({count})[random.integers({count}, size=num_samples)]"
    shape = ", ".join(["num_samples", *map(number, source.shape)])
    if isinstance(source, UniformLatent):
        return f"random.uniform({number(source.low)}, {number(source.high)}, ({shape}))"
    return f"random.normal(size=({shape}))"
