"""What real samples and noise are drawn from, drawn themselves."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.generate.draws import MAX_WIDTH, decimals
from gan_rosetta.shared.spec import (
    DigitsReal,
    GaussianReal,
    GridReal,
    HoledLatent,
    LatentSource,
    LinearGaussianReal,
    NormalLatent,
    RealSource,
    RingReal,
    Shape,
    SineReal,
    SpiralReal,
    StratifiedLatent,
    ToyReal,
)


@st.composite
def real_sources(draw: Any, batch_size: int, *, powers_of_two: bool) -> RealSource:
    """Draw what a batch of real samples is drawn from. powers_of_two: where the last batch of an epoch is short too."""

    def pool_size() -> int:
        # The last batch of an epoch may be short; never of one sample, which has no variance, where others have more.
        short = [size for size in range(2, batch_size) if not powers_of_two or size in (2, 4)]
        return batch_size * draw(st.integers(1, 2)) + draw(st.sampled_from([0, *short]))

    kind = draw(st.sampled_from([GaussianReal, LinearGaussianReal, SineReal, DigitsReal, DigitsReal, ToyReal]))
    if kind is GaussianReal:
        return GaussianReal(
            mean=draw(decimals(-2, 2, digits=1)),
            standard_deviation=draw(decimals(0.3, 2, digits=1)),
            sort=draw(st.booleans()),
        )
    if kind is LinearGaussianReal:
        size = draw(st.integers(1, 3))
        row = st.lists(decimals(-1, 1, digits=1), min_size=size, max_size=size).map(tuple)
        # A matrix without rank would give points that are all alike.
        offset = draw(row)
        matrix = tuple(
            tuple(entry + (1.5 if i == j else 0.0) for j, entry in enumerate(draw(row))) for i in range(size)
        )
        return LinearGaussianReal(matrix=matrix, offset=offset, num_points=pool_size())
    if kind is SineReal:
        return SineReal(num_points=draw(st.integers(2, MAX_WIDTH)))
    if kind is ToyReal:
        return draw(_toys())
    low, size = draw(st.sampled_from([-1.0, 0.0])), draw(st.integers(2, 8))
    return DigitsReal(
        size=size,
        num_channels=draw(st.integers(1, 3)),
        low=low,
        high=1.0,
        num_images=pool_size(),
        reshuffle=draw(st.booleans()),
        short_batch=draw(st.sampled_from(["kept", "kept", "dropped"])),
        part=draw(st.one_of(st.none(), st.none(), st.none(), st.integers(1, size - 1))),
    )


def _toys() -> st.SearchStrategy[ToyReal]:
    spread, size = decimals(0.1, 1, digits=1), decimals(0.5, 2, digits=1)
    return st.one_of(
        st.builds(RingReal, num_modes=st.integers(1, 9), radius=size, standard_deviation=spread),
        st.builds(GridReal, side=st.integers(1, 5), spacing=size, standard_deviation=spread),
        st.builds(SpiralReal, num_arms=st.integers(1, 3), num_turns=size, radius=size, standard_deviation=spread),
    )


@st.composite
def latent_sources(draw: Any) -> LatentSource:
    """Draw where noise comes from."""
    if draw(st.integers(0, 3)) == 3:
        return StratifiedLatent(low=-2.0, high=draw(decimals(1, 3, digits=1)), jitter=draw(decimals(0, 0.5, digits=2)))
    shape = draw(st.sampled_from([(1,), (2,), (3,), (5,), (2, 1, 1), (1, 2, 2)]))
    return normal_latent(draw, shape)


def normal_latent(draw: Any, shape: Shape) -> NormalLatent:
    """Draw normal noise of a shape, new in each step or never."""
    return NormalLatent(shape=shape, redraw=draw(st.sampled_from(["step", "never"])))


def perhaps_holed(draw: Any, real: RealSource) -> HoledLatent | None:
    """Draw images with holes where D is shown what these leave out, and now and then where it is shown whole ones."""
    if not isinstance(real, DigitsReal) or (real.part is None and draw(st.integers(0, 5)) != 5):
        return None
    hole = draw(st.integers(1, real.size - 1)) if real.part is None else real.part
    fill = draw(st.sampled_from([1.0, -1.0, 0.0]))
    return HoledLatent(num_channels=real.num_channels, size=real.size, hole=hole, fill=fill)
