"""Both losses as functions of what D says, in the words of a dialect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.writing import WIDTH, call, fitted, number


@dataclass(frozen=True, kw_only=True)
class LossWords:
    """What a dialect calls what losses are made of.

    tensor: the type. mean, sum: of {v}, a function of it or a method, such as "{v}.mean()". floored has {p} and {floor}
    in it, less_mean {v} and {w}, of which the mean is taken away, exponential {v}, held {v}, which is held to [0, 1],
    logistic {z} and {t}. log_softmax: "" where the dialect has a cross_entropy of its own for classes.
    """

    tensor: str
    mean: str
    sum: str
    log: str
    exponential: str
    relu: str
    floored: str
    less_mean: str
    absolute: str
    joined: str
    held: str
    logistic: str = "logistic({z}, {t})"
    log_softmax: str = ""

    def reduced(self, loss: Any, values: str, /) -> str:
        """Return the mean or the sum of an expression."""
        word = self.mean if loss.reduction == "mean" else self.sum
        return word.format(v=_object(values) if word.startswith("{v}.") else values)

    def to_logit(self, loss: Any, logits: str, target: float, /) -> str:
        """Return the reduced cross entropy of logits' sigmoids and a target."""
        return self.reduced(loss, self.logistic.format(z=logits, t=number(target)))

    def to_probability(self, loss: Any, values: str, target: int, /) -> str:
        """Return the reduced cross entropy of probabilities and a target, bounded; cross_entropy is the dialect's."""
        floors = f"{number(loss.log_floor)}, {number(loss.denominator_floor)}"
        return self.reduced(loss, f"cross_entropy({values}, {target}, {floors})")

    def to_class(self, loss: Any, logits: str, label: int, /) -> str:
        """Return the reduced cross entropy of two logits and a class."""
        if not self.log_softmax:
            return self.reduced(loss, f"cross_entropy({logits}, {label})")
        return f"-{self.reduced(loss, f'{self.log_softmax}({logits})[:, {label}]')}"


@dataclass(frozen=True, kw_only=True)
class ClassMean:
    """What is added to a loss beside the scores: a mean, whatever the reduction of those."""

    reduction: str = "mean"


def _object(expression: str) -> str:
    """Return an expression whose method can be called."""
    return expression if re.fullmatch(r"[\w.]+(\(.*\))?", expression) else f"({expression})"


def loss_functions(gan: GanSpec, words: LossWords, /) -> list[str]:
    """Return the functions discriminator_loss and generator_loss."""
    loss_d, loss_g = gan.training.discriminator_loss, gan.training.generator_loss
    of_d, of_g = _discriminator_loss(loss_d, words), _generator_loss(loss_g, words)
    losses, scores_g = gan.training.class_losses, scores_of_generator(gan)
    if losses:
        in_d = [(name, [getattr(own, f"on_{name[3:]}") for own in losses]) for name in ("of_real", "of_fake")]
        of_d = _with_classes(of_d, words, ["of_real", "of_fake"], in_d, led_back=_unread_in_discriminator(gan))
        of_g = _with_classes(of_g, words, [name for name in scores_g if name != "of_again"], _weights_of_generator(gan))
    distance = gan.training.distance_loss
    return [
        _loss_function("discriminator", scores_of_discriminator(gan), of_d, words),
        *([_moved_balance(gan, gan.training.balanced, words)] if gan.training.balanced is not None else []),
        _loss_function("generator", scores_g, of_g, words),
        *([_joint_function(gan, words)] if gan.training.joint_optimizer is not None else []),
        *([] if distance is None else [_distance_function(distance, words)]),
        *([_shown_function(gan, words)] if gan.training.shows_pairs else []),
    ]


def generator_loss_call(gan: GanSpec, /) -> str:
    """Return G's loss as a step calls for it, perhaps with how far its samples, `fake`, are from the real ones."""
    called = f"generator_loss({', '.join(scores_of_generator(gan))})"
    return called if gan.training.distance_loss is None else f'{called} + distance(fake, batch["real"])'


def shown_samples(gan: GanSpec, samples: str, /) -> str:
    """Return the expression of what D is shown of samples."""
    return f'shown({samples}, batch["latent_d"])' if gan.training.shows_pairs else samples


def _unread_in_discriminator(gan: GanSpec) -> list[int]:
    """Return the columns of what D tells that its own loss does not weigh, and that a third update does."""
    told = enumerate(gan.training.class_losses, start=1)
    return [column for column, own in told if own.of_joint and not own.on_real and not own.on_fake]


def _joint_function(gan: GanSpec, words: LossWords) -> str:
    """Return the function of the third update's loss."""
    weights = [own.of_joint for own in gan.training.class_losses]
    # Frameworks leave without a gradient what nothing is led back to, and a state has it of every tensor.
    unread = [0, *(column for column, weight in enumerate(weights, start=1) if not weight)]
    terms = _class_terms(words, [("of_fake", weights)], led_back=unread)
    lines = ['"""Return the loss of both, by what D finds again of how G made its samples."""']
    lines.append(_sum_of(terms, "return"))
    head = f"def joint_loss(of_fake: {words.tensor}) -> {words.tensor}:"
    return "\n".join([head, *(f"    {line}" for line in lines)])


def _shown_function(gan: GanSpec, words: LossWords) -> str:
    first, second = gan.training.in_order("samples", "starts")
    return "\n".join(
        [
            f"def shown(samples: {words.tensor}, starts: {words.tensor}) -> {words.tensor}:",
            '    """Return what D is shown: samples with the channels of what G started from."""',
            f"    return {words.joined.format(a=first, b=second)}",
        ]
    )


def _distance_function(loss: spec.DistanceLoss, words: LossWords) -> str:
    terms = words.absolute.format(v="apart") if loss.by == "absolute" else "apart**2"
    weight = "" if loss.weight == 1 else f"{number(loss.weight)} * "
    return "\n".join(
        [
            f"def distance(made: {words.tensor}, real: {words.tensor}) -> {words.tensor}:",
            '    """Return how far samples are from the real ones at their places."""',
            "    apart = made - real",
            f"    return {weight}{words.reduced(ClassMean(), terms)}",
        ]
    )


def scores_of_discriminator(gan: GanSpec, /) -> list[str]:
    """Return what discriminator_loss is given: what D says of real and of fake samples, and a balance of the two."""
    return ["of_real", "of_fake", *(["balance"] if gan.training.balanced is not None else [])]


def _moved_balance(gan: GanSpec, loss: spec.BalancedDiscriminatorLoss, words: LossWords) -> str:
    """Return the function that moves the balance."""
    head = call(
        "def moved_balance(",
        [f"{name}: {words.tensor}" for name in scores_of_discriminator(gan)],
        f") -> {words.tensor}:",
    )
    alone = (
        ["of_real, of_fake = of_real[:, :1], of_fake[:, :1]  # the score alone"] if gan.training.class_losses else []
    )
    of_real, of_fake = (words.reduced(loss, name) for name in ("of_real", "of_fake"))
    moved = f"balance + {number(loss.rate)} * difference"
    lines = [
        '"""Return the balance behind a step, more where fake samples have too little energy."""',
        *alone,
        f"difference = {number(loss.diversity)} * {of_real} - {of_fake}",
        f"return {words.held.format(v=f'({moved})' if words.held.startswith('{v}.') else moved)}",
    ]
    return "\n".join([head, *(fitted(line, indent=4) for line in lines)])


def scores_of_generator(gan: GanSpec, /) -> list[str]:
    """Return what generator_loss is given: what D says of fake samples, of real ones, and of fake ones again."""
    real = ["of_real"] if gan.training.generator_sees_real else []
    return ["of_fake", *real, *(["of_again"] if gan.training.shows_fake_twice else [])]


def _weights_of_generator(gan: GanSpec) -> list[tuple[str, list[float]]]:
    """Return the weights of the classes told in G's loss, by what D says of its samples, and says of them again."""
    weights = [own.of_generator for own in gan.training.class_losses]
    if not gan.training.shows_fake_twice:
        return [("of_fake", weights)]
    return [("of_fake", weights[:1]), ("of_again", [0.0, *weights[1:]])]


def has_entropy(gan: GanSpec, /) -> bool:
    """Whether a loss is a binary cross entropy, with bounds of the spec's own."""
    return any(hasattr(loss, "log_floor") for loss in (gan.training.discriminator_loss, gan.training.generator_loss))


def _loss_function(player: str, arguments: list[str], lines: list[str], words: LossWords) -> str:
    tensor = words.tensor
    head = call(f"def {player}_loss(", [f"{name}: {tensor}" for name in arguments], f") -> {tensor}:")
    said = {
        "discriminator": "D's loss, by what it says of real and of fake samples"
        + (", and their balance" if "balance" in arguments else ""),
        "generator": "G's loss, by what D says of its samples"
        + (", and of real ones" if "of_real" in arguments else "")
        + (", and says of them again" if "of_again" in arguments else ""),
    }[player]
    return "\n".join(
        [
            head,
            f'    """Return {said}."""',
            *(f"    {line}" if "\n" in line else fitted(line, indent=4) for line in lines),
        ]
    )


def _with_classes(
    lines: list[str],
    words: LossWords,
    scores: list[str],
    weights: list[tuple[str, list[float]]],
    /,
    *,
    led_back: Sequence[int] = (),
) -> list[str]:
    """Return a loss and what is added of classes, of which D's numbers after the score tell.

    weights: of each batch those of the numbers. led_back: columns of fake samples that the loss does not weigh, and is
    led back to all the same.
    """
    terms = _class_terms(words, weights, led_back=led_back)
    *before, last = lines
    columns = ", ".join(f"{name}[:, :1]" for name in scores)
    return [
        *([_sum_of(terms)] if terms else []),
        f"{', '.join(scores)} = {columns}  # the score alone",
        *before,
        f"loss = {last.removeprefix('return ')}" if terms else last,
        *(["return loss + of_classes"] if terms else []),
    ]


def _class_terms(words: LossWords, weights: list[tuple[str, list[float]]], /, *, led_back: Sequence[int]) -> list[str]:
    """Return the weighed means of what D tells of classes; led_back: columns of fake samples that weigh 0."""
    mean = ClassMean()
    terms = [
        f"{f'{number(weight)} * ' if weight != 1 else ''}{words.reduced(mean, f'{name}[:, {column}]')}"
        for name, own in weights
        for column, weight in enumerate(own, start=1)
        if weight
    ]
    return [*terms, *(f"0 * {words.reduced(mean, f'of_fake[:, {column}]')}" for column in led_back)]


def _sum_of(terms: list[str], before: str = "of_classes =") -> str:
    """Return the line of what is added of classes, a term a line where one has no room for all."""
    whole = f"{before} {' + '.join(terms)}"
    if len(whole) + 4 <= WIDTH:
        return whole
    inner = f"        {' + '.join(terms)}"
    if len(inner) <= WIDTH:
        return "\n".join([f"{before} (", inner, "    )"])
    return "\n".join([f"{before} (", f"        {terms[0]}", *(f"        + {term}" for term in terms[1:]), "    )"])


def _discriminator_loss(loss: Any, words: LossWords) -> list[str]:
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


def _generator_loss(loss: Any, words: LossWords) -> list[str]:
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
            p=_object(likelihood) if is_method else likelihood, floor=number(loss.probability_floor)
        )
    return f"{words.log}({likelihood})"
