"""What layers are drawn from: sizes, decimal numbers, initial values, activations and spectral norms."""

from __future__ import annotations

from hypothesis import strategies as st

from gan_rosetta.shared.spec import (
    ELU,
    GELU,
    SELU,
    Constant,
    Initializer,
    Layer,
    LeakyReLU,
    Normal,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    SpectralNorm,
    Tanh,
    UniformFanIn,
)

MAX_SIZE = 8
MAX_WIDTH = 6
MAX_CHANNELS = 3
MAX_KERNEL = 4
IMAGE_RANK = 3


def decimals(low: float, high: float, /, *, digits: int) -> st.SearchStrategy[float]:
    """Return numbers from low to high with so many decimals: they read well in a file, and shrink towards low."""
    scale = 10**digits
    return st.integers(round(low * scale), round(high * scale)).map(lambda number: number / scale)


# No constant weights: they make units alike, whose distances sit on the kink of |x| at exactly 0, where a rounding
# decides the sign.
WEIGHTS: st.SearchStrategy[Initializer] = st.one_of(
    st.just(UniformFanIn()), decimals(0.1, 0.8, digits=2).map(lambda size: Normal(standard_deviation=size))
)
BIASES: st.SearchStrategy[Initializer | None] = st.one_of(
    st.none(),
    st.just(UniformFanIn()),
    decimals(-0.5, 0.5, digits=1).map(lambda value: Constant(value=value)),
    decimals(0.1, 0.5, digits=1).map(lambda size: Normal(standard_deviation=size)),
)
# None stands for a PReLU, whose slopes have to fit.
ACTIVATIONS: st.SearchStrategy[Layer | None] = st.one_of(
    st.just(Tanh()),
    st.just(Sigmoid()),
    st.just(Softplus()),
    st.just(ReLU()),
    decimals(0.0, 1.2, digits=2).map(lambda slope: LeakyReLU(slope=slope)),
    decimals(0.1, 2.0, digits=1).map(lambda alpha: ELU(alpha=alpha)),
    st.just(SELU()),
    st.sampled_from([GELU(form="erf"), GELU(form="tanh")]),
    st.just(SiLU()),
    st.none(),
)

POOLS = st.sampled_from(["average", "maximum"])
SPECTRAL_NORMS: st.SearchStrategy[SpectralNorm] = st.builds(
    SpectralNorm,
    num_iterations=st.sampled_from([1, 1, 2]),
    first=st.sampled_from(["v", "u"]),
    epsilon=st.sampled_from([1e-12, 1e-4, 0.1]),
    epsilon_placement=st.sampled_from(["outside", "floor", "inside"]),
    sigma_gradient=st.sampled_from(["followed", "constant"]),
)
