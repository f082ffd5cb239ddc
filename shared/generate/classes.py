"""What is drawn where samples have classes: embeddings, and the heads of a D that tells classes."""

from __future__ import annotations

from hypothesis import strategies as st

from gan_rosetta.shared.generate.draws import MAX_WIDTH, WEIGHTS
from gan_rosetta.shared.generate.stack import Stack
from gan_rosetta.shared.spec import (
    Branch,
    Branches,
    ClassContrast,
    ClassCrossEntropy,
    ClassEmbedding,
    DigitsReal,
    Normal,
    PullAway,
    class_projection,
)

# A class's own logit, one of more, one of two, and one that all classes share.
_LOGITS_OF_CLASSES = tuple(
    ClassCrossEntropy(num_classes=DigitsReal.num_classes, num_logits=logits, stride=stride, offset=offset)
    for logits, stride, offset in ((None, 1, 0), (11, 1, 0), (20, 2, 1), (11, 0, 10))
)


def perhaps_class(stack: Stack, /) -> None:
    """Add a ClassEmbedding now and then, where samples have classes."""
    if stack.classes and not stack.plain and stack.draw(st.booleans()):
        stack.add(
            ClassEmbedding(
                name=stack.new_name("class"),
                num_classes=DigitsReal.num_classes,
                num_features=stack.draw(st.integers(1, 3)),
                joined=stack.draw(st.sampled_from(["before", "after"])),
                weight_init=stack.draw(WEIGHTS),
                spectral_norm=stack.perhaps_spectral(),
                rows_per_class=stack.draw(st.sampled_from([1, 1, 2])),
            )
        )


def class_row(stack: Stack, width: int, /) -> None:
    """Add a ClassEmbedding alone."""
    stack.add(
        ClassEmbedding(
            name=stack.new_name("class"),
            num_classes=DigitsReal.num_classes,
            num_features=width,
            joined="alone",
            weight_init=stack.draw(WEIGHTS),
            spectral_norm=stack.perhaps_spectral(),
        )
    )


def projected(stack: Stack, /) -> None:
    """Add a score of features by themselves and by their class."""
    row, score = stack.inner(), stack.inner()
    class_row(row, stack.shape[0])
    score.linear(1)
    (embedding,), (linear,) = row.layers, score.layers
    if isinstance(embedding, ClassEmbedding):
        stack.add(class_projection(stack.new_name("score"), embedding, linear))


def heads(stack: Stack, /, *, is_probability: bool) -> None:
    """Add a score of features, and beside it how wrong the classes are that are told from them, once or twice."""
    score = stack.inner()
    score.linear(1)
    if is_probability:
        score.sigmoid()
    names = stack.draw(st.sampled_from([("class",), ("class", "twin")]))
    told = (Branch(name=name, layers=_told(stack).layers) for name in names)
    branches = (Branch(name="score", layers=score.layers), *told)
    stack.add(Branches(name=stack.new_name("heads"), join="concatenate", branches=branches))


def _told(stack: Stack, /) -> Stack:
    of_class = stack.inner()
    kinds = ["class", "contrast", "alike"] if stack.normalised else ["class", "contrast"]
    kind = stack.draw(st.sampled_from(kinds))
    if kind == "contrast":
        contrast(of_class)
        return of_class
    if kind == "alike":
        alike(of_class)
        return of_class
    places = stack.draw(st.sampled_from(_LOGITS_OF_CLASSES))
    of_class.linear(places.logits)
    of_class.perhaps_softmax()
    of_class.add(places)
    return of_class


def alike(stack: Stack, /) -> None:
    """Add how alike samples are, of features that are never all 0."""
    stack.linear(stack.draw(st.integers(2, MAX_WIDTH)))
    stack.sigmoid()
    stack.add(PullAway())


def contrast(stack: Stack, /) -> None:
    """Add a contrast of an embedding with those of the batch and the class's proxy."""
    stack.linear(stack.draw(st.integers(2, MAX_WIDTH)))
    stack.add(
        ClassEmbedding(
            name=stack.new_name("proxy"),
            num_classes=DigitsReal.num_classes,
            num_features=stack.shape[0],
            joined="after",
            weight_init=Normal(standard_deviation=1.0),
        )
    )
    stack.add(
        ClassContrast(
            num_classes=DigitsReal.num_classes,
            form="conditional",
            temperature=stack.draw(st.sampled_from([0.5, 1.0])),
            epsilon=1e-12,
        )
    )
