"""The cross entropy of a class, of logits near, far apart, alike or sure of it; contrasts of embeddings; gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_gradient
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import (
    ZEROS,
    ClassContrast,
    ClassCrossEntropy,
    ClassEmbedding,
    DigitsReal,
    PullAway,
    Reshape,
)

_SEED = 17
_CLASSES = DigitsReal.num_classes
_OWN = 7
_ONE = np.ones((1, 1))


def _trials(dtype: Dtype) -> Sequence[Trial]:
    drawn = np.random.default_rng(_SEED).standard_normal(_CLASSES)
    is_own = np.arange(_CLASSES) == _OWN
    kinds = {
        "ordinary": drawn,
        "alike": np.full(_CLASSES, 0.1),
        "wide": 20 * drawn,
        "far from 0": drawn + 500,
        "sure": np.where(is_own, 12.0, drawn),
        "surely another": np.where(is_own, -60.0, drawn),
    }
    return [
        Trial(
            inputs=(name,),
            state={"generator.input.weight": in_type(logits, dtype), "discriminator.score.weight": _ONE},
            arrays=step_arrays(latent=_ONE, real=np.zeros((1, 1, 1, 1))) | {"label_d": np.full((1, 1), _OWN)},
        )
        for name, logits in kinds.items()
    ]


_BATCH, _FEATURES = 6, 4
_ASKED = np.array([3.0, 7.0, 3.0, 1.0, 7.0, 3.0])


def _contrast_trials(dtype: Dtype) -> Sequence[Trial]:
    """Embeddings that G's table has, a class a row, beside noise; proxies that are near to them, or anywhere."""
    random = np.random.default_rng(_SEED + 1)
    drawn, proxies = random.standard_normal((_BATCH, _FEATURES)), random.standard_normal((_CLASSES, _FEATURES))
    kinds = {
        "ordinary": (drawn, proxies),
        "large": (1e4 * drawn, 1e4 * proxies),
        "near each other": (1 + 1e-2 * drawn, proxies),
        "at their proxies": (proxies[_ASKED.astype(int)] + 1e-3 * drawn, proxies),
    }
    return [
        Trial(
            inputs=(name,),
            state={
                "generator.proxy.weight": in_type(table, dtype),
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=in_type(latent, dtype), real=np.zeros((_BATCH, 1, 1, 1)))
            | {"label_d": _ASKED[np.newaxis]},
        )
        for name, (latent, table) in kinds.items()
    ]


def _contrast(form: Literal["conditional", "data-to-data"], *, margin: float | None) -> Operation:
    """The gradient of each proxy is a sum over its class's samples."""
    name = f"{form}-contrast"
    proxy = ClassEmbedding(
        name="proxy", num_classes=_CLASSES, num_features=_FEATURES, joined="after", weight_init=ZEROS
    )
    contrast = ClassContrast(num_classes=_CLASSES, form=form, temperature=0.5, epsilon=1e-12, margin=margin)
    return Operation(
        name=name,
        group="losses",
        title=f"{form} contrast of {_BATCH} samples",
        spec=tiny_gan(
            name,
            generator=(proxy, contrast, Reshape(shape=(1, 1, 1))),
            discriminator=(Reshape(shape=(1,)), linear("score", 1, 1)),
            latent=_FEATURES,
            batch_size=_BATCH,
            real=DigitsReal(size=1, num_channels=1, low=-1.0, high=1.0, num_images=_BATCH, reshuffle=False),
        ),
        trials=_contrast_trials,
        quantities=(
            loss_quantity("loss", "generator"),
            Quantity(name="proxies' gradient", read=read_gradient("proxy.weight", as_one_row=True)),
        ),
    )


def _alike_trials(dtype: Dtype) -> Sequence[Trial]:
    drawn = np.random.default_rng(_SEED + 2).standard_normal((_BATCH, _FEATURES))
    kinds = {
        "ordinary": drawn,
        "large": 1e4 * drawn,
        "near each other": 1 + 1e-2 * drawn,
        "opposite": drawn * np.where(np.arange(_BATCH) % 2, -1, 1)[:, np.newaxis],
    }
    return [
        Trial(
            inputs=(name,),
            state={"generator.input.weight": np.eye(_FEATURES), "discriminator.score.weight": _ONE},
            arrays=step_arrays(latent=in_type(latent, dtype), real=np.zeros((_BATCH, 1))),
        )
        for name, latent in kinds.items()
    ]


PULL_AWAY = Operation(
    name="pull-away",
    group="losses",
    title=f"the mean cosine of {_BATCH} samples",
    spec=tiny_gan(
        "pull-away",
        generator=(linear("input", _FEATURES, _FEATURES), PullAway()),
        discriminator=(linear("score", 1, 1),),
        latent=_FEATURES,
        batch_size=_BATCH,
    ),
    trials=_alike_trials,
    quantities=(
        loss_quantity("loss", "generator"),
        Quantity(name="gradient", read=read_gradient("input.weight", as_one_row=True)),
    ),
)

CLASS_CONTRASTS = (_contrast("conditional", margin=None), _contrast("data-to-data", margin=0.9))

CLASS_CROSS_ENTROPY = Operation(
    name="class-cross-entropy",
    group="losses",
    title=f"cross entropy of {_CLASSES} logits and a class",
    spec=tiny_gan(
        "class-cross-entropy",
        generator=(linear("input", 1, _CLASSES), ClassCrossEntropy(num_classes=_CLASSES), Reshape(shape=(1, 1, 1))),
        discriminator=(Reshape(shape=(1,)), linear("score", 1, 1)),
        real=DigitsReal(size=1, num_channels=1, low=-1.0, high=1.0, num_images=1, reshuffle=False),
    ),
    trials=_trials,
    quantities=(
        loss_quantity("loss", "generator"),
        Quantity(name="gradient", read=read_gradient("input.weight", as_one_row=True)),
    ),
)
