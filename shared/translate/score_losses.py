"""Both losses of the scores that D gives, as lines of a function."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.translate.loss_words import LossWords, object_of
from gan_rosetta.shared.translate.writing import number


def discriminator_lines(loss: Any, words: LossWords, /) -> list[str]:
    """Return D's loss, of `of_real` and `of_fake`, the last line of which returns it."""
    if loss.score == "critic":
        softmax = isinstance(loss, spec.SoftmaxDiscriminatorLoss)
        return _softmax_loss(loss, words, "of_real") if softmax else [f"return {_critic_loss(loss, words)}"]
    if loss.score in ("squares", "logit"):
        return _terms_with_targets(loss, words)
    if isinstance(loss, spec.MinimaxDiscriminatorLoss):
        real = _logarithm(loss, "of_real", loss.real_label, words)
        fake = _logarithm(loss, "of_fake", 1 - loss.real_label, words)
        real, fake = words.reduced(loss, real), words.reduced(loss, fake)
        if loss.probability_floor is None:
            return _times(loss.factor, f"-{real} - {fake}", is_sum=True)
        return [f"real = {real}", f"fake = {fake}", *_times(loss.factor, "-real - fake", is_sum=True)]
    if isinstance(loss, spec.CrossEntropyDiscriminatorLoss):
        real = words.to_class(loss, "of_real", loss.real_label)
        return _weighed_sum(1, real, words.to_class(loss, "of_fake", 1 - loss.real_label))
    on_real = words.to_probability(loss, "of_real", loss.real_label)
    return _weighed_sum(loss.factor, on_real, words.to_probability(loss, "of_fake", 1 - loss.real_label))


def _terms_with_targets(loss: Any, words: LossWords) -> list[str]:
    if isinstance(loss, spec.RelativisticDiscriminatorLoss):
        return _relativistic(loss, words, {"real": 1.0, "fake": 0.0})
    real = _to_target(loss, "of_real", loss.real_target, words)
    return _weighed_sum(loss.factor, real, _to_target(loss, "of_fake", loss.fake_target, words))


def _relativistic(loss: Any, words: LossWords, targets: dict[str, float]) -> list[str]:
    """Return both terms of a relativistic loss, each of one batch with its target; of G's perhaps the fake's alone."""
    if len(targets) == 2 and not loss.average:
        differences = ["real, fake = of_real - of_fake, of_fake - of_real"]
    else:
        other = {"real": "fake", "fake": "real"}
        held = words.less_mean if loss.average else "{v} - {w}"
        differences = [f"{name} = {held.format(v=f'of_{name}', w=f'of_{other[name]}')}" for name in targets]
    terms = {name: _to_target(loss, name, target, words) for name, target in targets.items()}
    if len(terms) == 1:
        return [*differences, *_times(loss.factor, terms["fake"], is_sum=False)]
    return [*differences, *_weighed_sum(loss.factor, terms["real"], terms["fake"])]


def _weighed_loss(loss: Any, words: LossWords) -> list[str]:
    if isinstance(loss, spec.RelativisticGeneratorLoss):
        targets = {"real": 0.0, "fake": 1.0}
        return _relativistic(loss, words, targets if loss.terms == "both" else {"fake": 1.0})
    if loss.score == "probability":
        term = words.reduced(loss, f"({words.log}(of_fake) - {words.log}(1 - of_fake)) ** 2")
    else:
        term = _to_target(loss, "of_fake", loss.target, words)
    return _times(loss.factor, term, is_sum=False)


def _to_target(loss: Any, values: str, target: float, words: LossWords) -> str:
    if loss.score == "squares":
        return words.reduced(loss, _square(values, target))
    return words.to_logit(loss, values, target)


def _weighed_sum(factor: float, first: str, second: str) -> list[str]:
    return [f"on_real = {first}", f"on_fake = {second}", *_times(factor, "on_real + on_fake", is_sum=True)]


def _critic_loss(loss: Any, words: LossWords) -> str:
    if isinstance(loss, spec.MarginDiscriminatorLoss):
        return f"{words.reduced(loss, 'of_real')} + {_held_by_margin(loss, words)}"
    if isinstance(loss, spec.BalancedDiscriminatorLoss):
        return f"{words.reduced(loss, 'of_real')} - balance * {words.reduced(loss, 'of_fake')}"
    low, high = ("of_fake", "of_real") if loss.real_label == 1 else ("of_real", "of_fake")
    if isinstance(loss, spec.HingeDiscriminatorLoss):
        first, second = f"{words.relu}(1 - {high})", f"{words.relu}(1 + {low})"
        return f"{words.reduced(loss, first)} + {words.reduced(loss, second)}"
    return f"{words.reduced(loss, low)} - {words.reduced(loss, high)}"


def _softmax_loss(loss: Any, words: LossWords, *even: str) -> list[str]:
    """Return a softmax over both batches, held to a target that is even over some."""
    sums = (words.sum.format(v=words.exponential.format(v=f"-{name}")) for name in ("of_real", "of_fake"))
    means = " + ".join(words.reduced(loss, name) for name in even)
    floor = f" + {number(loss.floor)}" if loss.floor else ""
    return [
        f"partition = {' + '.join(sums)}{floor}",
        f"return {means if len(even) == 1 else f'({means}) / {len(even)}'} + {words.log}(partition)",
    ]


def _held_by_margin(loss: spec.MarginDiscriminatorLoss, words: LossWords) -> str:
    if loss.over == "batch":
        return f"{words.relu}({number(loss.margin)} - {words.reduced(loss, 'of_fake')})"
    return words.reduced(loss, f"{words.relu}({number(loss.margin)} - of_fake)")


def generator_lines(loss: Any, words: LossWords, /) -> list[str]:
    """Return G's loss, of `of_fake` and perhaps `of_real`, the last line of which returns it."""
    if loss.score == "critic":
        softmax = isinstance(loss, spec.SoftmaxGeneratorLoss)
        return _softmax_loss(loss, words, "of_real", "of_fake") if softmax else [_critic_loss_of_g(loss, words)]
    if isinstance(loss, spec.BinaryCrossEntropyGeneratorLoss):
        return _times(loss.factor, words.to_probability(loss, "of_fake", loss.real_label), is_sum=False)
    if hasattr(loss, "factor"):
        return _weighed_loss(loss, words)
    if isinstance(loss, spec.NonSaturatingGeneratorLoss):
        return [f"return -{words.reduced(loss, _logarithm(loss, 'of_fake', loss.real_label, words))}"]
    if isinstance(loss, spec.SaturatingGeneratorLoss):
        return [f"return {words.reduced(loss, _logarithm(loss, 'of_fake', 1 - loss.real_label, words))}"]
    return [f"return {words.to_class(loss, 'of_fake', loss.real_label)}"]


def _critic_loss_of_g(loss: spec.WassersteinGeneratorLoss, words: LossWords) -> str:
    return f"return {'-' if loss.real_label == 1 else ''}{words.reduced(loss, 'of_fake')}"


def _square(values: str, target: float) -> str:
    if target == 0:
        return f"{values}**2"
    return f"({values} {'-' if target > 0 else '+'} {number(abs(target))}) ** 2"


def _times(factor: float, value: str, *, is_sum: bool) -> list[str]:
    if factor == 1:
        return [f"return {value}"]
    return [f"return {number(factor)} * {f'({value})' if is_sum else value}"]


def _logarithm(loss: Any, values: str, target: int, words: LossWords) -> str:
    likelihood = values if target == 1 else f"1 - {values}"
    if loss.probability_floor is not None:
        is_method = words.floored.startswith("{p}.")
        likelihood = words.floored.format(
            p=object_of(likelihood) if is_method else likelihood, floor=number(loss.probability_floor)
        )
    return f"{words.log}({likelihood})"
