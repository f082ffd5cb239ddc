"""Strategies for optimizers, their rates and their decays of weights."""

from __future__ import annotations

from hypothesis import strategies as st

from gan_rosetta.shared.generate.draws import decimals
from gan_rosetta.shared.spec import (
    Adadelta,
    Adagrad,
    Adam,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    GradientDescent,
    LearningRate,
    LinearDecay,
    Optimizer,
    PiecewiseRate,
    RMSprop,
    WarmUp,
    WeightDecay,
)


def _learning_rates(low: float, high: float, epochs: bool) -> st.SearchStrategy[LearningRate]:
    # Modest rates: three steps are to be taken, not survived.
    rates = decimals(low, high, digits=4)
    counted = st.sampled_from(["updates", "epochs"]) if epochs else st.just("updates")
    constant = st.builds(ConstantRate, value=rates)
    falling = (
        st.builds(
            ExponentialDecay,
            initial=rates,
            factor=decimals(0.3, 1.1, digits=2),
            every=st.integers(1, 3),
            staircase=st.booleans(),
            counted=counted,
        ),
        st.builds(
            LinearDecay,
            initial=rates,
            final=decimals(0.0, low, digits=4),
            begin=st.integers(0, 2),
            duration=st.integers(1, 3),
            counted=counted,
        ),
        st.builds(
            CosineDecay,
            initial=rates,
            final=decimals(0.0, low, digits=4),
            duration=st.integers(1, 3),
            beyond=st.sampled_from(["held", "mirrored"]),
            counted=counted,
        ),
        st.builds(
            PiecewiseRate,
            values=st.tuples(rates, rates),
            boundaries=st.tuples(st.integers(1, 2)),
            counted=counted,
        ),
    )
    warmed = st.builds(
        WarmUp,
        initial=decimals(0.0, low, digits=4),
        duration=st.integers(1, 2),
        after=st.one_of(*(() if epochs else (constant,)), *falling),
    )
    return st.one_of(constant, *falling, warmed)


def optimizers(epochs: bool) -> st.SearchStrategy[Optimizer]:
    """Optimizers. epochs: whether data has any, which rates may be counted by."""
    decays = st.one_of(st.none(), st.none(), _WEIGHT_DECAYS)
    momenta = {
        "momentum": st.sampled_from([0.0, 0.9, 0.5]),
        "momentum_of": st.sampled_from(["direction", "step"]),
        "weight_decay": decays,
    }
    return st.one_of(
        st.builds(GradientDescent, learning_rate=_learning_rates(0.001, 0.05, epochs), **momenta),
        st.builds(
            GradientDescent,
            learning_rate=_learning_rates(0.001, 0.05, epochs),
            nesterov=st.just(True),
            **(momenta | {"momentum": st.sampled_from([0.9, 0.5])}),
        ),
        st.builds(
            Adam,
            learning_rate=_learning_rates(0.0001, 0.02, epochs),
            beta1=st.sampled_from([0.9, 0.5, 0.0]),
            beta2=st.sampled_from([0.999, 0.99, 0.9]),
            epsilon=st.sampled_from([1e-8, 1e-7, 1e-3]),
            epsilon_placement=st.sampled_from(["outside", "hat"]),
            bias_correction=st.sampled_from([True, True, False]),
            amsgrad=st.sampled_from(["no", "no", "as_kept"]),
            weight_decay=decays,
        ),
        st.builds(
            Adam,
            learning_rate=_learning_rates(0.0001, 0.02, epochs),
            beta1=st.sampled_from([0.9, 0.0]),
            beta2=st.sampled_from([0.999, 0.9]),
            epsilon=st.sampled_from([1e-8, 1e-3]),
            epsilon_placement=st.just("outside"),
            bias_correction=st.just(True),
            amsgrad=st.just("corrected"),
            weight_decay=decays,
        ),
        st.builds(
            Adadelta,
            learning_rate=_learning_rates(0.1, 1.0, epochs),
            rho=st.sampled_from([0.9, 0.95, 0.5]),
            epsilon=st.sampled_from([1e-6, 1e-4]),
            weight_decay=decays,
        ),
        st.builds(
            Adagrad,
            learning_rate=_learning_rates(0.0001, 0.02, epochs),
            epsilon=st.sampled_from([1e-10, 1e-7, 1e-3]),
            epsilon_placement=st.sampled_from(["outside", "inside"]),
            initial_sum=st.sampled_from([0.0, 0.1]),
            weight_decay=decays,
        ),
        st.builds(
            RMSprop,
            learning_rate=_learning_rates(0.0001, 0.01, epochs),
            rho=st.sampled_from([0.99, 0.9, 0.5]),
            epsilon=st.sampled_from([1e-8, 1e-7, 1e-3]),
            epsilon_placement=st.sampled_from(["outside", "inside"]),
            centered=st.booleans(),
            **momenta,
        ),
    )


_WEIGHT_DECAYS = st.builds(
    WeightDecay,
    share=decimals(0.001, 0.1, digits=3),
    by=st.sampled_from(["gradient", "parameter", "parameter_alone"]),
)
