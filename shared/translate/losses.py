"""Both losses as functions of what D says, for dialects whose reductions and logarithms are functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.writing import call, number


@dataclass(frozen=True, kw_only=True)
class LossWords:
    """What a dialect calls what losses are made of.

    tensor: the type. floored has {p} and {floor} in it, logistic {z} and {t}.
    """

    tensor: str
    mean: str
    sum: str
    log: str
    relu: str
    log_softmax: str
    floored: str
    logistic: str


def loss_functions(gan: GanSpec, words: LossWords, /) -> list[str]:
    """Return the functions discriminator_loss and generator_loss; cross_entropy is the dialect's."""
    loss_d, loss_g = gan.training.discriminator_loss, gan.training.generator_loss
    return [
        _loss_function("discriminator", ["of_real", "of_fake"], _discriminator_loss(loss_d, words), words),
        _loss_function("generator", ["of_fake"], _generator_loss(loss_g, words), words),
    ]


def has_entropy(gan: GanSpec, /) -> bool:
    """Whether a loss is a binary cross entropy, with bounds of the spec's own."""
    return any(hasattr(loss, "log_floor") for loss in (gan.training.discriminator_loss, gan.training.generator_loss))


def _loss_function(player: str, arguments: list[str], lines: list[str], words: LossWords) -> str:
    tensor = words.tensor
    head = call(f"def {player}_loss(", [f"{name}: {tensor}" for name in arguments], f") -> {tensor}:")
    said = {
        "discriminator": "D's loss, by what it says of real and of fake samples",
        "generator": "G's loss, by what D says of its samples",
    }[player]
    return "\n".join([head, f'    """Return {said}."""', *(f"    {line}" for line in lines)])


def _reduce(loss: Any, words: LossWords) -> str:
    return words.mean if loss.reduction == "mean" else words.sum


def _discriminator_loss(loss: Any, words: LossWords) -> list[str]:
    reduce = _reduce(loss, words)
    if loss.score == "critic":
        return [f"return {_critic_loss(loss, words)}"]
    if loss.score in ("squares", "logit"):
        return _terms_with_targets(loss, words)
    if isinstance(loss, spec.MinimaxDiscriminatorLoss):
        real = _logarithm(loss, "of_real", loss.real_label, words)
        fake = _logarithm(loss, "of_fake", 1 - loss.real_label, words)
        if loss.probability_floor is None:
            return _times(loss.factor, f"-{reduce}({real}) - {reduce}({fake})", is_sum=True)
        total = _times(loss.factor, f"-{reduce}(real) - {reduce}(fake)", is_sum=True)
        return [f"real = {real}", f"fake = {fake}", *total]
    if isinstance(loss, spec.CrossEntropyDiscriminatorLoss):
        return [
            f"real = {words.log_softmax}(of_real)[:, {loss.real_label}]",
            f"fake = {words.log_softmax}(of_fake)[:, {1 - loss.real_label}]",
            f"return -{reduce}(real) - {reduce}(fake)",
        ]
    on_real = _entropy(loss, "of_real", loss.real_label, words)
    return _weighed_sum(loss.factor, on_real, _entropy(loss, "of_fake", 1 - loss.real_label, words))


def _terms_with_targets(loss: Any, words: LossWords) -> list[str]:
    if isinstance(loss, spec.RelativisticDiscriminatorLoss):
        others = [f"{words.mean}({each})" if loss.average else each for each in ("of_fake", "of_real")]
        differences = f"real, fake = of_real - {others[0]}, of_fake - {others[1]}"
        terms = (_to_target(loss, "real", 1.0, words), _to_target(loss, "fake", 0.0, words))
        return [differences, *_weighed_sum(loss.factor, *terms)]
    real = _to_target(loss, "of_real", loss.real_target, words)
    return _weighed_sum(loss.factor, real, _to_target(loss, "of_fake", loss.fake_target, words))


def _weighed_term(loss: Any, words: LossWords) -> str:
    if loss.score == "probability":
        logit = f"{words.log}(of_fake) - {words.log}(1 - of_fake)"
        return f"{_reduce(loss, words)}(({logit}) ** 2)"
    return _to_target(loss, "of_fake", loss.target, words)


def _to_target(loss: Any, values: str, target: float, words: LossWords) -> str:
    if loss.score == "squares":
        return f"{_reduce(loss, words)}({_square(values, target)})"
    return f"{_reduce(loss, words)}({words.logistic.format(z=values, t=number(target))})"


def _weighed_sum(factor: float, first: str, second: str) -> list[str]:
    return [f"on_real = {first}", f"on_fake = {second}", *_times(factor, "on_real + on_fake", is_sum=True)]


def _critic_loss(loss: Any, words: LossWords) -> str:
    reduce = _reduce(loss, words)
    low, high = ("of_fake", "of_real") if loss.real_label == 1 else ("of_real", "of_fake")
    if isinstance(loss, spec.HingeDiscriminatorLoss):
        return f"{reduce}({words.relu}(1 - {high})) + {reduce}({words.relu}(1 + {low}))"
    return f"{reduce}({low}) - {reduce}({high})"


def _generator_loss(loss: Any, words: LossWords) -> list[str]:
    reduce = _reduce(loss, words)
    if isinstance(loss, spec.WassersteinGeneratorLoss):
        return [f"return {'-' if loss.real_label == 1 else ''}{reduce}(of_fake)"]
    if hasattr(loss, "factor"):
        return _times(loss.factor, _weighed_term(loss, words), is_sum=False)
    if isinstance(loss, spec.NonSaturatingGeneratorLoss):
        return [f"return -{reduce}({_logarithm(loss, 'of_fake', loss.real_label, words)})"]
    if isinstance(loss, spec.SaturatingGeneratorLoss):
        return [f"return {reduce}({_logarithm(loss, 'of_fake', 1 - loss.real_label, words)})"]
    if isinstance(loss, spec.CrossEntropyGeneratorLoss):
        return [f"return -{reduce}({words.log_softmax}(of_fake)[:, {loss.real_label}])"]
    return [f"return {_entropy(loss, 'of_fake', loss.real_label, words)}"]


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
        likelihood = words.floored.format(p=likelihood, floor=number(loss.probability_floor))
    return f"{words.log}({likelihood})"


def _entropy(loss: Any, values: str, target: int, words: LossWords) -> str:
    floors = f"{number(loss.log_floor)}, {number(loss.denominator_floor)}"
    return f"{_reduce(loss, words)}(cross_entropy({values}, {target}, {floors}))"
