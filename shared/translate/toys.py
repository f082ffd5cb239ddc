"""A program's own drawing of a toy's points."""

from __future__ import annotations

from gan_rosetta.shared.spec import GridReal, RingReal
from gan_rosetta.shared.spec.toys import ToyReal
from gan_rosetta.shared.translate.writing import number


def draw_points(real: ToyReal, /) -> str:
    """Return the function that draws real points."""
    if isinstance(real, RingReal):
        what = "beside the modes of a ring"
        lines = [
            f"angles = 2 * np.pi * random.integers({number(real.num_modes)}, size=num_samples) / "
            f"{number(real.num_modes)}",
            f"centres = {number(real.radius)} * np.stack([np.cos(angles), np.sin(angles)], axis=1)",
        ]
    elif isinstance(real, GridReal):
        what = "beside the modes of a grid"
        cells = f"random.integers({number(real.side)}, size=(num_samples, 2))"
        lines = [f"centres = {number(real.spacing)} * ({cells} - {number((real.side - 1) / 2)})"]
    else:
        what = "beside the arms of a spiral"
        arms = f"random.integers({number(real.num_arms)}, size=num_samples) / {number(real.num_arms)}"
        lines = [
            "along = np.sqrt(random.random(num_samples))",
            f"angles = 2 * np.pi * ({number(real.num_turns)} * along + {arms})",
            f"centres = {number(real.radius)} * (along * [np.cos(angles), np.sin(angles)]).T",
        ]
    return "\n".join(
        [
            "def draw_points(random: np.random.Generator, num_samples: int) -> np.ndarray:",
            f'    """Return real points {what}, a row a point."""',
            *(f"    {line}" for line in lines),
            f"    return random.normal(centres, {number(real.standard_deviation)})",
        ]
    )
