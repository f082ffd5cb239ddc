"""What D tells beside its score, held to the losses that weigh it, and to the classes and codes that there are."""

from __future__ import annotations

from collections.abc import Mapping

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.spec.branches import Branch, Branches, Layer
from gan_rosetta.shared.spec.checks import require
from gan_rosetta.shared.spec.classifying import SECOND_HEADS, TELLS_CLASS
from gan_rosetta.shared.spec.codes import CodeError
from gan_rosetta.shared.spec.embedding import ClassEmbedding
from gan_rosetta.shared.spec.layer import Shape
from gan_rosetta.shared.spec.network import Network
from gan_rosetta.shared.spec.sources import CategoryLatent, DigitsReal, JoinedLatent, LatentSource, RealSource
from gan_rosetta.shared.spec.training import Training

_HEADS = (
    "expected a D that ends in Branches with join 'concatenate', of its score and of a ClassCrossEntropy, a "
    "ClassContrast, a PullAway or a CodeError"
)


def score_head(discriminator: Network, training: Training, /) -> tuple[tuple[Layer, ...], Shape]:
    """Return the layers that give D's score where it tells the class too, and the shape of that; raises SpecError."""
    place = ("discriminator", *discriminator.placed[-1].path)
    heads = discriminator.layers[-1]
    ends = isinstance(heads, Branches) and heads.join == "concatenate" and len(heads.branches) > 1
    if not isinstance(heads, Branches) or not ends or not all(each.layers for each in heads.branches[1:]):
        raise SpecError(f"training has a class_loss; {_HEADS}, and D ends in {type(heads).__name__}", path=place)
    score, *others = heads.branches
    found = [end for branch in others for end in _ends(branch)]
    for name, last in found:
        require(
            isinstance(last, (*SECOND_HEADS, CodeError)),
            f"training has a class_loss; {_HEADS}, and {name!r} ends in {type(last).__name__}",
            *place,
        )
    losses = len(training.class_losses)
    require(
        len(found) == losses,
        f"training has {losses} of class_loss and second_class_loss, and D tells {len(found)} classes beside its "
        "score; expected one of each",
        *place,
    )
    fields = ("class_loss", "second_class_loss")
    for (name, last), field, loss in zip(found, fields, training.class_losses, strict=False):
        require(
            not isinstance(last, CodeError) or loss.on_real == 0,
            f"{field} weighs the CodeError {name!r} of real samples by {loss.on_real}, which were made from no "
            "code; expected on_real 0",
            "training",
            field,
            "on_real",
        )
    return score.layers, (discriminator.output_shape[0] - losses, *discriminator.output_shape[1:])


def check_classes(real: RealSource, networks: Mapping[str, Network], /) -> None:
    """Raise SpecError where a layer is of other classes than the real data has."""
    count = real.num_classes if isinstance(real, DigitsReal) else 0
    for name, network in networks.items():
        for placed in network.placed:
            layer = placed.layer
            if isinstance(layer, (ClassEmbedding, *TELLS_CLASS)):
                require(
                    layer.num_classes == count,
                    f"{type(layer).__name__} {placed.name!r} has num_classes={layer.num_classes}, and {_classes(real)}",
                    name,
                    *placed.path,
                    "num_classes",
                )


def check_codes(latent: LatentSource, networks: Mapping[str, Network], /) -> None:
    """Raise SpecError where a layer compares what is no part of the latent, or another kind of it."""
    places = latent.places if isinstance(latent, JoinedLatent) else {}
    for name, network in networks.items():
        for placed in network.placed:
            layer = placed.layer
            if not isinstance(layer, CodeError):
                continue
            part, category = places.get((layer.start, layer.stop)), layer.form == "cross-entropy"
            listed = ", ".join(f"{start} to {stop}" for start, stop in places)
            require(
                part is not None,
                f"CodeError {placed.name!r} compares the latent's features {layer.start} to {layer.stop}; expected "
                + (f"a part of the JoinedLatent: {listed}" if places else "a latent that is a JoinedLatent"),
                name,
                *placed.path,
                "start",
            )
            require(
                not category or isinstance(part, CategoryLatent),
                f"CodeError {placed.name!r} takes the cross entropy of a {type(part).__name__}; expected a "
                "CategoryLatent, or form 'squared-error'",
                name,
                *placed.path,
                "form",
            )


def _ends(branch: Branch) -> list[tuple[str, Layer]]:
    """Return what a branch ends in, with its name; where that is several put together, what each of them does."""
    last = branch.layers[-1]
    if isinstance(last, Branches) and last.join == "concatenate" and all(each.layers for each in last.branches):
        return [end for each in last.branches for end in _ends(each)]
    return [(branch.name, last)]


def _classes(real: RealSource) -> str:
    if isinstance(real, DigitsReal):
        return f"digits are of {real.num_classes}"
    return f"{type(real).__name__} has none; expected DigitsReal"
