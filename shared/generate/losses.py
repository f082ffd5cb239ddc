"""Strategies for what is minimised: losses, of classes and distances too, and penalties."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.generate.draws import decimals
from gan_rosetta.shared.spec import (
    BalancedDiscriminatorLoss,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    BoundarySeekingGeneratorLoss,
    ClassLoss,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    DistanceLoss,
    GradientPenalty,
    HingeDiscriminatorLoss,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    MarginDiscriminatorLoss,
    MinimaxDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
    SaturatingGeneratorLoss,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)

REDUCTIONS = st.sampled_from(["mean", "sum"])
_LABELS = st.sampled_from([1, 0])
# Not 0.5, which is what a discriminator gives whose every unit is dead: there the floor would be met exactly.
_FLOORS = st.sampled_from([None, 1e-12, 0.3])
_LOG_FLOORS = st.sampled_from([-100.0, -0.5])
_WEIGHTS_OF_CLASSES = st.sampled_from([0.5, 1.0, 0.0])
CLASS_LOSSES = st.builds(
    ClassLoss,
    on_real=_WEIGHTS_OF_CLASSES,
    on_fake=_WEIGHTS_OF_CLASSES,
    of_generator=st.sampled_from([0.5, 1.0, 0.0, -0.5]),
)
DISTANCES = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.builds(DistanceLoss, by=st.sampled_from(["absolute", "squares"]), weight=decimals(0.1, 10, digits=1)),
)
_TARGETS = decimals(-1, 1, digits=1)
_SHARES = st.sampled_from([1.0, 0.0, 0.9, 0.3])
_FACTORS = st.sampled_from([0.5, 1.0, 2.0])
_DENOMINATOR_FLOORS = st.sampled_from([1e-12, 0.2])

_MIXINGS: st.SearchStrategy[Any] = st.sampled_from(["sample", "entry"])


Penalties = st.SearchStrategy[GradientPenalty] | st.SearchStrategy[None]


def penalties_of(*, deviates: bool, together: bool, alone: bool) -> st.SearchStrategy[GradientPenalty]:
    """Penalties on D's input gradient. deviates: whether a batch has numbers enough for a standard deviation.

    together: perhaps of both batches at once; alone: the field.
    """
    places: list[dict[str, st.SearchStrategy[Any]]] = [
        {"at": st.sampled_from(["real", "fake", "both"] if together else ["real", "fake"])},
        {"at": st.just("mixed"), "mixing": _MIXINGS},
        {
            "at": st.just("perturbed"),
            "mixing": _MIXINGS,
            "perturbation": decimals(0.1, 2, digits=1),
            "deviation": st.sampled_from(["biased", "unbiased"]),
        },
    ][: 3 if deviates else 2]
    powers: list[dict[str, st.SearchStrategy[Any]]] = [
        {"target": st.sampled_from([1.0, 0.5])},
        {"target": st.just(0.0), "power": st.sampled_from([2, 4, 6])},
    ]
    how: dict[str, st.SearchStrategy[Any]] = {
        "weight": decimals(0.1, 10, digits=1),
        "norm": st.sampled_from(["channel", "sample"]),
        "over": st.sampled_from(["mean", "mean", "largest"]),
        "alone": st.just(alone),
    }
    return st.one_of(*(st.builds(GradientPenalty, **how, **at, **power) for at in places for power in powers))


def discriminator_losses(score: str, penalties: Penalties) -> st.SearchStrategy[Any]:
    """Losses of D on a score of a kind, such as "logit", with a penalty drawn from penalties."""
    shared: dict[str, Any] = {"reduction": REDUCTIONS, "real_label": _LABELS}
    if score == "logits":
        return st.builds(CrossEntropyDiscriminatorLoss, **shared)
    penalty: dict[str, Any] = {"penalty": penalties}
    if score == "critic":
        wasserstein = st.builds(WassersteinDiscriminatorLoss, **shared, **penalty)
        margin = st.builds(
            MarginDiscriminatorLoss,
            margin=decimals(0.1, 2, digits=1),
            over=st.sampled_from(["sample", "batch"]),
            reduction=REDUCTIONS,
            **penalty,
        )
        balanced = st.builds(
            BalancedDiscriminatorLoss,
            initial_balance=decimals(0, 1, digits=1),
            diversity=decimals(0, 1, digits=2),
            rate=decimals(0.001, 0.5, digits=3),
            reduction=REDUCTIONS,
            **penalty,
        )
        return st.one_of(wasserstein, st.builds(HingeDiscriminatorLoss, **shared, **penalty), margin, balanced)
    if score == "squares":
        targets = {"real_target": _TARGETS, "fake_target": _TARGETS}
        how = {"factor": _FACTORS, "reduction": REDUCTIONS}
        return st.builds(LeastSquaresDiscriminatorLoss, **how, **targets, **penalty)
    if score == "logit":
        targets = {"real_target": _SHARES, "fake_target": _SHARES}
        how = {"factor": _FACTORS, "reduction": REDUCTIONS}
        relativistic = st.builds(RelativisticDiscriminatorLoss, average=st.booleans(), **how, **penalty)
        return st.one_of(st.builds(LogisticDiscriminatorLoss, **how, **targets, **penalty), relativistic)
    floors = {"log_floor": _LOG_FLOORS, "denominator_floor": _DENOMINATOR_FLOORS}
    return st.one_of(
        st.builds(MinimaxDiscriminatorLoss, probability_floor=_FLOORS, factor=_FACTORS, **shared, **penalty),
        st.builds(BinaryCrossEntropyDiscriminatorLoss, factor=_FACTORS, **floors, **shared, **penalty),
    )


def generator_losses(score: str) -> st.SearchStrategy[Any]:
    """Losses of G on a score of a kind, such as "logit"."""
    shared = {"reduction": REDUCTIONS, "real_label": _LABELS}
    if score == "critic":
        return st.builds(WassersteinGeneratorLoss, **shared)
    if score == "logits":
        return st.builds(CrossEntropyGeneratorLoss, **shared)
    if score == "squares":
        return st.builds(LeastSquaresGeneratorLoss, target=_TARGETS, factor=_FACTORS, reduction=REDUCTIONS)
    if score == "logit":
        how = {"factor": _FACTORS, "reduction": REDUCTIONS}
        terms = st.sampled_from(["both", "fake"])
        relativistic = st.builds(RelativisticGeneratorLoss, average=st.booleans(), terms=terms, **how)
        return st.one_of(st.builds(LogisticGeneratorLoss, target=_SHARES, **how), relativistic)
    floors = {"log_floor": _LOG_FLOORS, "denominator_floor": _DENOMINATOR_FLOORS}
    return st.one_of(
        st.builds(NonSaturatingGeneratorLoss, probability_floor=_FLOORS, **shared),
        st.builds(SaturatingGeneratorLoss, probability_floor=_FLOORS, **shared),
        st.builds(BinaryCrossEntropyGeneratorLoss, factor=_FACTORS, **floors, **shared),
        st.builds(BoundarySeekingGeneratorLoss, factor=_FACTORS, reduction=REDUCTIONS),
    )
