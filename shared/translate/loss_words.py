"""What a dialect calls what losses are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gan_rosetta.shared.translate.writing import number


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
        return word.format(v=object_of(values) if word.startswith("{v}.") else values)

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


def object_of(expression: str, /) -> str:
    """Return an expression whose method can be called."""
    return expression if re.fullmatch(r"[\w.]+(\(.*\))?", expression) else f"({expression})"
