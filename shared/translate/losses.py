"""Both losses as functions of what D says, in the words of a dialect."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.loss_words import ClassMean, LossWords
from gan_rosetta.shared.translate.score_losses import discriminator_lines, generator_lines
from gan_rosetta.shared.translate.writing import WIDTH, call, fitted, number


def loss_functions(gan: GanSpec, words: LossWords, /) -> list[str]:
    """Return the functions discriminator_loss and generator_loss."""
    loss_d, loss_g = gan.training.discriminator_loss, gan.training.generator_loss
    of_d, of_g = discriminator_lines(loss_d, words), generator_lines(loss_g, words)
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
