"""Mistakes in what some losses alone have: floors, margins, targets, factors, what is held against what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Location, Number, Plant, another
from gan_rosetta.shared.faults.places import loss_of, replace_training
from gan_rosetta.shared.spec import (
    BalancedDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    BoundarySeekingGeneratorLoss,
    GanSpec,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    MarginDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
    SaturatingGeneratorLoss,
    SoftmaxDiscriminatorLoss,
)

_SMOOTHING = 0.1


def _targets_swapped(spec: GanSpec, kind: type[Any]) -> list[Plant]:
    loss: Any = spec.training.discriminator_loss
    if not isinstance(loss, kind) or loss.real_target == loss.fake_target:
        return []
    changed = replace(loss, real_target=loss.fake_target, fake_target=loss.real_target)
    words = [f"{each.real_target:g} for real and {each.fake_target:g} for fake samples" for each in (changed, loss)]
    planted = replace_training(spec, discriminator_loss=changed)
    return [Plant(spec=planted, expected=loss_of("discriminator"), found=words[0], expected_value=words[1])]


def _number_of_loss(
    spec: GanSpec,
    network: str,
    kind: type[Any],
    field: str,
    planted: Callable[[float], float],
    *,
    expected: Location | None = None,
) -> list[Plant]:
    """Return a plant of another value of a field of a player's loss, where that is of a kind.

    expected: where it must be found, the loss's value where not given.
    """
    loss: Any = getattr(spec.training, f"{network}_loss")
    if not isinstance(loss, kind):
        return []
    own: float = getattr(loss, field)

    def with_value(value: float) -> GanSpec:
        changes: dict[str, Any] = {field: value}
        return replace_training(spec, **{f"{network}_loss": replace(loss, **changes)})

    other = another(planted(own), expected=own)
    number = Number(expected=own, planted=other, with_value=with_value, is_scale=field == "factor")
    return [Plant(spec=with_value(number.planted), expected=expected or loss_of(network), number=number)]


def _balance_moved(spec: GanSpec, field: str, planted: Callable[[float], float]) -> list[Plant]:
    """Return a plant of another number in what moves the balance of D's loss, which shows behind D's first update."""
    place = Location(phase="discriminator", quantities=("balance",))
    return _number_of_loss(spec, "discriminator", BalancedDiscriminatorLoss, field, planted, expected=place)


def _of_targets(prefix: str, of_d: type[Any], of_g: type[Any], what: str, terms: str) -> tuple[Fault, ...]:
    """Return the faults of losses that have a target for each score, and a factor."""
    return (
        Fault(
            name=f"{prefix}-targets-swapped",
            summary=f"the targets of D's {what} swapped",
            remedy="The discriminator's loss has the targets {found}: take {expected}.",
            plants=lambda spec: _targets_swapped(spec, of_d),
        ),
        Fault(
            name=f"{prefix}-smoothed",
            summary=f"the target for real samples in D's {what} smoothed by a tenth",
            remedy="The discriminator's loss has the target {found} for real samples: take {expected}.",
            plants=lambda spec: _number_of_loss(
                spec, "discriminator", of_d, "real_target", lambda own: own - _SMOOTHING
            ),
        ),
        Fault(
            name=f"{prefix}-target",
            summary=f"another target for fakes in G's {what}",
            remedy="The generator's loss has the target {found}: take {expected}.",
            plants=lambda spec: _number_of_loss(spec, "generator", of_g, "target", lambda own: 1 - own),
        ),
        Fault(
            name=f"{prefix}-half",
            summary=f"the half before D's {terms} left out",
            remedy=f"The discriminator's {terms} are weighed by {{found}}: weigh them by {{expected}}.",
            plants=lambda spec: _number_of_loss(spec, "discriminator", of_d, "factor", lambda own: 2 * own),
        ),
    )


def _other_comparison(spec: GanSpec, network: str, kind: type[Any]) -> list[Plant]:
    loss: Any = getattr(spec.training, f"{network}_loss")
    if not isinstance(loss, kind) or spec.batch_size == 1:
        return []
    words = {True: "the mean of the other batch", False: "the logit at its place in the other batch"}
    return [
        Plant(
            spec=replace_training(spec, **{f"{network}_loss": replace(loss, average=not loss.average)}),
            expected=loss_of(network),
            found=words[not loss.average],
            expected_value=words[loss.average],
        )
    ]


def _other_terms(spec: GanSpec) -> list[Plant]:
    loss = spec.training.generator_loss
    if not isinstance(loss, RelativisticGeneratorLoss):
        return []
    words = {"both": "the terms of both batches", "fake": "the term of its own samples alone"}
    other = replace(loss, terms="fake" if loss.terms == "both" else "both")
    return [
        Plant(
            spec=replace_training(spec, generator_loss=other),
            expected=loss_of("generator"),
            found=words[other.terms],
            expected_value=words[loss.terms],
        )
    ]


def _log_clamp(spec: GanSpec) -> list[Plant]:
    """Change the floor of the logarithm; it matters only where D is sure of itself, as on the saturated visit."""
    loss: Any = spec.training.discriminator_loss
    if hasattr(loss, "probability_floor"):
        field, value = "probability_floor", 1e-12 if loss.probability_floor is None else None
    elif hasattr(loss, "log_floor"):
        field, value = "log_floor", loss.log_floor / 10
    else:
        return []
    return [
        Plant(
            spec=replace_training(spec, discriminator_loss=replace(loss, **{field: value})),
            expected=loss_of("discriminator"),
            found=_floor_words(field, value),
            expected_value=_floor_words(field, getattr(loss, field)),
        )
    ]


def _floor_words(field: str, value: float | None) -> str:
    if value is None:
        return "not bounded"
    return f"taken of probabilities of {value:g} or more" if field == "probability_floor" else f"{value:g} or more"


def _saturating(spec: GanSpec) -> list[Plant]:
    """Exchange -log p and log(1 - p), which have the same fixed point and other gradients."""
    loss: Any = spec.training.generator_loss
    if not hasattr(loss, "real_label"):
        return []
    own = {"reduction": loss.reduction, "real_label": loss.real_label}
    words = "-log D(G(z))", "log(1 - D(G(z)))"
    changed: NonSaturatingGeneratorLoss | SaturatingGeneratorLoss
    if isinstance(loss, SaturatingGeneratorLoss):
        changed = NonSaturatingGeneratorLoss(probability_floor=loss.probability_floor, **own)
        found, expected = words
    elif isinstance(loss, NonSaturatingGeneratorLoss | BinaryCrossEntropyGeneratorLoss):
        changed = SaturatingGeneratorLoss(probability_floor=getattr(loss, "probability_floor", None), **own)
        expected, found = words
    else:
        return []
    return [
        Plant(
            spec=replace_training(spec, generator_loss=changed),
            expected=loss_of("generator"),
            found=found,
            expected_value=expected,
        )
    ]


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="log-clamp",
        summary="the logarithm's floor there or not, or elsewhere",
        remedy="The logarithm in the discriminator's loss is {found}: it should be {expected}.",
        plants=_log_clamp,
    ),
    Fault(
        name="margin",
        summary="another margin of an energy's hinge",
        remedy="The margin of the discriminator's loss is {found}: set it to {expected}.",
        plants=lambda spec: _number_of_loss(
            spec, "discriminator", MarginDiscriminatorLoss, "margin", lambda own: own + _SMOOTHING
        ),
    ),
    Fault(
        name="softmax-partition",
        summary="another number added to the sum under the logarithm of D's softmax over both batches",
        remedy="The logarithm of the discriminator's loss has {found} added in it: add {expected}.",
        plants=lambda spec: _number_of_loss(
            spec, "discriminator", SoftmaxDiscriminatorLoss, "floor", lambda own: own + _SMOOTHING
        ),
    ),
    Fault(
        name="balance-diversity",
        summary="another share of the real samples' energy that fakes are to have, in the balance of D's loss",
        remedy="The balance of the discriminator's loss moves by a diversity of {found}: set it to {expected}.",
        plants=lambda spec: _balance_moved(spec, "diversity", lambda own: own + _SMOOTHING),
    ),
    Fault(
        name="balance-rate",
        summary="another rate at which the balance of D's loss moves",
        remedy="The balance of the discriminator's loss moves at a rate of {found}: set it to {expected}.",
        plants=lambda spec: _balance_moved(spec, "rate", lambda own: 2 * own),
    ),
    Fault(
        name="generator-loss-saturating",
        summary="the generator's loss in its other form: log(1 - p) for -log p",
        remedy="The generator minimises {found}: let it minimise {expected}.",
        plants=_saturating,
    ),
    *_of_targets("least-squares", LeastSquaresDiscriminatorLoss, LeastSquaresGeneratorLoss, "least squares", "squares"),
    Fault(
        name="relativistic-average",
        summary="each logit held against the other at its place in place of the mean, or the other way round",
        remedy="The discriminator holds each logit against {found}: hold it against {expected}.",
        plants=lambda spec: _other_comparison(spec, "discriminator", RelativisticDiscriminatorLoss),
    ),
    Fault(
        name="relativistic-half",
        summary="the half before D's relativistic terms left out",
        remedy="The discriminator's relativistic terms are weighed by {found}: weigh them by {expected}.",
        plants=lambda spec: _number_of_loss(
            spec, "discriminator", RelativisticDiscriminatorLoss, "factor", lambda own: 2 * own
        ),
    ),
    Fault(
        name="relativistic-generator-average",
        summary="each logit in G's relativistic loss held against the other at its place, or the other way round",
        remedy="The generator's loss holds each logit against {found}: hold it against {expected}.",
        plants=lambda spec: _other_comparison(spec, "generator", RelativisticGeneratorLoss),
    ),
    Fault(
        name="relativistic-generator-terms",
        summary="the real samples' term of G's relativistic loss left out, or added",
        remedy="The generator's relativistic loss has {found}: take {expected}.",
        plants=_other_terms,
    ),
    Fault(
        name="boundary-seeking-half",
        summary="the half before G's boundary seeking loss left out",
        remedy="The generator's squares are weighed by {found}: weigh them by {expected}.",
        plants=lambda spec: _number_of_loss(
            spec, "generator", BoundarySeekingGeneratorLoss, "factor", lambda own: 2 * own
        ),
    ),
    *_of_targets(
        "logistic", LogisticDiscriminatorLoss, LogisticGeneratorLoss, "logistic loss", "cross entropies of one logit"
    ),
)
