"""A made-up GAN on small digits: augmentations, contrasts of two forms, energies."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gan_rosetta.shared.gans.made_up.parts import DIGITS, SPECTRAL, linear
from gan_rosetta.shared.gans.made_up.pooled_digits import POOLED_SPEC
from gan_rosetta.shared.spec import (
    Augment,
    Branch,
    Branches,
    ClassContrast,
    ClassEmbedding,
    ClassLoss,
    Layer,
    LeakyReLU,
    MarginDiscriminatorLoss,
    Network,
    Normal,
    PullAway,
    Recall,
    Reshape,
    Tanh,
    WassersteinGeneratorLoss,
)


def _contrast(form: Literal["conditional", "data-to-data"], *, margin: float | None) -> ClassContrast:
    return ClassContrast(num_classes=10, form=form, temperature=0.5, epsilon=1e-12, margin=margin)


def _embedded(*, rows_per_class: int) -> tuple[Layer, ...]:
    row = ClassEmbedding(
        name="row",
        num_classes=10,
        num_features=4,
        joined="after",
        weight_init=Normal(standard_deviation=1.0),
        rows_per_class=rows_per_class,
        spectral_norm=SPECTRAL if rows_per_class > 1 else None,
    )
    return (linear("linear", 6, 4), row)


# Of each class two proxies, one of its real samples and one of its fakes.
_NEAR_REAL_OR_FAKE = Branches(
    name="as",
    join="concatenate",
    branches=tuple(
        Branch(
            name=name,
            layers=(
                Recall(of="h.class.row", parts=((0, 4), (start, start + 4))),
                _contrast("data-to-data", margin=0.9),
            ),
        )
        for start, name in ((4, "real"), (8, "fake"))
    ),
)


def _energy(name: str, join: Literal["absolute_error", "squared_error_held"]) -> Branch:
    back = Branch(name="back", layers=(linear("linear", 6, 6),))
    return Branch(name=name, layers=(Branches(name="energy", join=join, branches=(back, Branch(name="given"))),))


_ENERGIES = Branches(
    name="e",
    join="add",
    branches=(
        _energy("a", "absolute_error"),
        _energy("b", "squared_error_held"),
        Branch(name="c", layers=(linear("linear", 6, 4), PullAway())),
    ),
)

CONTRAST_SPEC = replace(
    POOLED_SPEC,
    name="contrast-digits",
    title="A D of small, augmented digits that holds each against others, and against what it gives back of it",
    batch_size=6,
    real=replace(DIGITS, num_channels=3),
    generator=Network(input_shape=(5,), layers=(linear("linear", 5, 192), Tanh(), Reshape(shape=(3, 8, 8)))),
    discriminator=Network(
        input_shape=(3, 8, 8),
        layers=(
            Augment(name="colour", policy="colour", ratio=None),
            Augment(name="moved", policy="translation", ratio=0.25),
            Augment(name="cut", policy="cutout", ratio=0.4),
            Reshape(shape=(192,)),
            replace(linear("hidden", 192, 6), spectral_norm=SPECTRAL),
            LeakyReLU(slope=0.2),
            Branches(
                name="h",
                join="concatenate",
                branches=(
                    Branch(
                        name="score",
                        layers=(
                            Branches(
                                name="sum",
                                join="add",
                                branches=(
                                    Branch(name="own", layers=(linear("linear", 6, 1),)),
                                    Branch(
                                        name="near",
                                        layers=(*_embedded(rows_per_class=1), _contrast("conditional", margin=None)),
                                    ),
                                    Branch(name="e", layers=(_ENERGIES,)),
                                ),
                            ),
                        ),
                    ),
                    Branch(name="class", layers=(*_embedded(rows_per_class=2), _NEAR_REAL_OR_FAKE)),
                ),
            ),
        ),
    ),
    training=replace(
        POOLED_SPEC.training,
        discriminator_loss=MarginDiscriminatorLoss(margin=3.0, over="sample", reduction="mean"),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=0),
        class_loss=ClassLoss(on_real=0.5, on_fake=0.25, of_generator=0.75),
        second_class_loss=ClassLoss(on_real=0.25, on_fake=0.5, of_generator=-0.25),
        second_class_asked="again",
    ),
)
