"""The noise of a program, which is NumPy's alone and so the same in every dialect."""

from __future__ import annotations

from gan_rosetta.shared.spec import (
    CategoryLatent,
    DigitsReal,
    GanSpec,
    HoledLatent,
    JoinedLatent,
    NormalLatent,
    StratifiedLatent,
    UniformLatent,
)
from gan_rosetta.shared.translate.writing import literal, number


def draw_latent(spec: GanSpec, /) -> str:
    """Return the function that draws the noise of samples, or cuts holes into their images."""
    source = spec.latent
    if isinstance(source, HoledLatent):
        return _cut_holes(source, with_parts=shows_parts(spec))
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


def shows_parts(spec: GanSpec) -> bool:
    """Whether D is shown what holes leave out, and not whole images."""
    return isinstance(spec.real, DigitsReal) and spec.real.part is not None


def _cut_holes(source: HoledLatent, *, with_parts: bool) -> str:
    result = "tuple[np.ndarray, np.ndarray]" if with_parts else "np.ndarray"
    hole = number(source.hole)
    corners = f"random.integers({number(source.size - source.hole)}, size=(len(images), 2))"
    place = f"row : row + {hole}, column : column + {hole}"
    lines = [
        f"def cut_holes(random: np.random.Generator, images: np.ndarray) -> {result}:",
        f'    """Return images with a square hole each{", and what was there" if with_parts else ""}."""',
        "    holed = images.copy()",
        *(["    parts = []"] if with_parts else []),
        f"    corners = {corners}",
        "    for image, (row, column) in zip(holed, corners, strict=True):",
        *([f"        parts.append(image[:, {place}].copy())"] if with_parts else []),
        f"        image[:, {place}] = {number(source.fill)}",
        *_beside_reduced(source),
        f"    return holed{', np.stack(parts)' if with_parts else ''}",
    ]
    return "\n".join(lines)


def _beside_reduced(source: HoledLatent) -> list[str]:
    """Return the lines that put the whole images, made smaller, behind those with holes; none where none are."""
    if source.reduced_by is None:
        return []
    sizes = ", ".join(map(number, (source.size // source.reduced_by, source.reduced_by) * 2))
    return [
        "    # Behind each the whole image, made smaller by the means of squares: one row of pixels.",
        f"    squares = images.reshape(len(images), {number(source.num_channels)}, {sizes})",
        "    pixels = [each.reshape(len(images), -1) for each in (holed, squares.mean(axis=(3, 5)))]",
        "    holed = np.concatenate(pixels, axis=1)",
    ]


def _drawn_latent(source: NormalLatent | UniformLatent | CategoryLatent) -> str:
    """Return the expression of noise that is no grid, a row a sample."""
    if isinstance(source, CategoryLatent):
        count = number(source.num_categories)
        return f"np.eye({count})[random.integers({count}, size=num_samples)]"
    shape = ", ".join(["num_samples", *map(number, source.shape)])
    if isinstance(source, UniformLatent):
        return f"random.uniform({number(source.low)}, {number(source.high)}, ({shape}))"
    return f"random.normal(size=({shape}))"
