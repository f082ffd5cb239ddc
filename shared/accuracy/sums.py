"""Means, sums, dot products, convolutions, upsampling: sums of terms that are equal, cancel, or lie far apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_gradient
from gan_rosetta.shared.accuracy.points import Points, in_type
from gan_rosetta.shared.accuracy.tiny import conv, linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import (
    ZEROS,
    ClassEmbedding,
    DigitsReal,
    GlobalPool,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    Pool2d,
    Reshape,
    Upsample,
)
from gan_rosetta.shared.spec.loss_fields import Reduction

_SEED = 5
_BATCHES = (1, 3, 1000)
_NUM_TERMS = 500  # with eight sums, the most entries whose partial sums the copies look at
_CHANNELS, _SIZE = 4, 8
_ONE = np.ones((1, 1))

KINDS = ("equal", "random", "positive", "alternating", "one huge", "one huge, last", "falling", "small")


def make_terms(kind: str, dtype: Dtype, /, *, size: int) -> Points:
    """Return the terms of a sum, (size,), exact in the type. kind: of KINDS."""
    eps, tiny = (float(x) for x in (np.finfo(dtype).eps, np.finfo(dtype).tiny))
    places = np.arange(size)
    random = np.random.default_rng(_SEED)
    terms = {
        "equal": np.full(size, 0.1),
        "random": random.standard_normal(size),
        "positive": random.uniform(0.5, 1.5, size),
        "alternating": np.where(places % 2, -1.0, 1.0) * (1 + eps * places),
        "one huge": np.where(places == 0, 3 / eps, 0.7),
        "one huge, last": np.where(places == size - 1, 3 / eps, 0.7),
        "falling": 1.0 / (1 + places) ** 2,
        "small": np.full(size, 37 * tiny),
    }
    return in_type(terms[kind], dtype)


def _batch_trials(dtype: Dtype) -> Sequence[Trial]:
    trials = []
    for batch in _BATCHES:
        for kind in KINDS:
            latent = make_terms(kind, dtype, size=batch)[:, np.newaxis]
            trials.append(
                Trial(
                    inputs=(f"{batch} {kind}",),
                    state={"generator.input.weight": _ONE, "discriminator.score.weight": _ONE},
                    arrays=step_arrays(latent=latent, real=np.zeros_like(latent)),
                )
            )
    return trials


def _over_batch(reduction: Reduction) -> Operation:
    """The loss is the batch's sum or mean, and the gradient of G's weight that of each latent's share."""
    return Operation(
        name=f"{reduction}-over-batch",
        group="sums",
        title=f"{reduction} over a batch",
        spec=tiny_gan(
            f"{reduction}-over-batch",
            generator=(linear("input", 1, 1),),
            discriminator=(linear("score", 1, 1),),
            reduction=reduction,
        ),
        trials=_batch_trials,
        quantities=(
            loss_quantity("loss", "generator"),
            Quantity(name="gradient", read=read_gradient("input.weight")),
        ),
    )


_ASKED = 3


def _embedding_trials(dtype: Dtype) -> Sequence[Trial]:
    """Two thirds of the samples are of one class, the rest of the next; each sample's gradient is its noise."""
    trials = []
    for batch in _BATCHES:
        for kind in KINDS:
            latent = make_terms(kind, dtype, size=batch)[:, np.newaxis]
            classes = np.where(np.arange(batch) % 3 == 1, _ASKED + 1, _ASKED)
            trials.append(
                Trial(
                    inputs=(f"{batch} {kind}",),
                    state={"discriminator.score.weight": np.ones((1, 2))},
                    arrays=step_arrays(latent=latent, real=np.zeros((batch, 2, 1, 1)))
                    | {"label_d": classes[np.newaxis]},
                )
            )
    return trials


def _embedding() -> Operation:
    """The loss is half the sum of the squared scores, and a score the noise and a row of 0."""
    embedding = ClassEmbedding(
        name="embedding", num_classes=DigitsReal.num_classes, num_features=1, joined="before", weight_init=ZEROS
    )
    return Operation(
        name="class-embedding",
        group="sums",
        title="class embedding's gradient",
        spec=tiny_gan(
            "class-embedding",
            generator=(embedding, Reshape(shape=(2, 1, 1))),
            discriminator=(Reshape(shape=(2,)), linear("score", 2, 1)),
            real=DigitsReal(size=1, num_channels=2, low=0.0, high=1.0, num_images=1, reshuffle=False),
            losses=(
                LeastSquaresDiscriminatorLoss(real_target=1.0, fake_target=0.0, factor=0.5, reduction="sum"),
                LeastSquaresGeneratorLoss(target=0.0, factor=0.5, reduction="sum"),
            ),
        ),
        trials=_embedding_trials,
        quantities=(Quantity(name="gradient", read=read_gradient("embedding.weight", as_one_row=True)),),
    )


def _dot_trials(dtype: Dtype) -> Sequence[Trial]:
    first = make_terms("positive", dtype, size=_NUM_TERMS)
    rows = np.stack([make_terms(kind, dtype, size=_NUM_TERMS) for kind in KINDS])
    return [
        Trial(
            inputs=KINDS,
            state={
                "generator.input.weight": first,
                "generator.dot.weight": rows,
                "generator.output.weight": np.ones(len(KINDS)),
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
    ]


def _dot() -> Operation:
    return Operation(
        name="dot",
        group="sums",
        title=f"Linear of {_NUM_TERMS} features",
        spec=tiny_gan(
            "dot",
            generator=(
                linear("input", 1, _NUM_TERMS),
                linear("dot", _NUM_TERMS, len(KINDS)),
                linear("output", len(KINDS), 1),
            ),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_dot_trials,
        quantities=(
            Quantity(name="output", read=read_gradient("output.weight")),
            Quantity(
                name="input's gradient", read=read_gradient("input.weight", as_one_row=True), label="all eight kinds"
            ),
        ),
    )


def _image_trials(dtype: Dtype) -> Sequence[Trial]:
    """Images and kernels of each kind, and the gradients of the output that many places have: random."""
    size, taps = _CHANNELS * _SIZE**2, _CHANNELS**2 * 9
    random = np.random.default_rng(_SEED + 1)
    kernels = in_type(random.uniform(-1, 1, taps), dtype)
    weights = in_type(random.uniform(0.5, 1.5, size), dtype)
    return [
        Trial(
            inputs=(kind,),
            state={
                "generator.input.weight": make_terms(kind, dtype, size=size),
                "generator.conv.weight": kernels if kind != "equal" else np.full(taps, in_type(np.array(0.3), dtype)),
                "generator.output.weight": weights,
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
        for kind in KINDS
    ]


def _convolution(name: str, title: str, *, transposed: bool) -> Operation:
    size = _CHANNELS * _SIZE**2
    return Operation(
        name=name,
        group="sums",
        title=title,
        spec=tiny_gan(
            name,
            generator=(
                linear("input", 1, size),
                Reshape(shape=(_CHANNELS, _SIZE, _SIZE)),
                conv("conv", _CHANNELS, _CHANNELS, transposed=transposed),
                Reshape(shape=(size,)),
                linear("output", size, 1),
            ),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_image_trials,
        quantities=(
            Quantity(name="output", read=read_gradient("output.weight", as_one_row=True)),
            Quantity(name="kernel's gradient", read=read_gradient("conv.weight", as_one_row=True)),
            Quantity(name="input's gradient", read=read_gradient("input.weight", as_one_row=True)),
        ),
    )


_SMALL_SIZE, _FACTOR = 4, 2


def _pixel_trials(dtype: Dtype, *, num_outputs: int = _CHANNELS * _SMALL_SIZE**2 * _FACTOR**2) -> Sequence[Trial]:
    """Images of each kind, and weights of the outputs, all upsampled pixels or so many, whose sums cancel."""
    size = _CHANNELS * _SMALL_SIZE**2
    weights = in_type(np.random.default_rng(_SEED + 2).uniform(-1, 1, num_outputs), dtype)
    return [
        Trial(
            inputs=(kind,),
            state={
                "generator.input.weight": make_terms(kind, dtype, size=size),
                "generator.output.weight": weights,
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
        for kind in KINDS
    ]


def _upsampling(mode: Literal["nearest", "bilinear"]) -> Operation:
    size = _CHANNELS * _SMALL_SIZE**2
    upsampled = size * _FACTOR**2
    return Operation(
        name=f"upsample-{mode}",
        group="sums",
        title=f"{mode} upsampling by {_FACTOR}",
        spec=tiny_gan(
            f"upsample-{mode}",
            generator=(
                linear("input", 1, size),
                Reshape(shape=(_CHANNELS, _SMALL_SIZE, _SMALL_SIZE)),
                Upsample(factor=_FACTOR, mode=mode),
                Reshape(shape=(upsampled,)),
                linear("output", upsampled, 1),
            ),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_pixel_trials,
        quantities=(
            Quantity(name="output", read=read_gradient("output.weight", as_one_row=True)),
            Quantity(name="input's gradient", read=read_gradient("input.weight", as_one_row=True)),
        ),
    )


_WINDOW = 3


def _pooling(layer: Pool2d | GlobalPool) -> Operation:
    """Overlapping windows, or one as large as the image."""
    of_all, mode = isinstance(layer, GlobalPool), layer.mode
    size = _CHANNELS * _SMALL_SIZE**2
    pooled = _CHANNELS if of_all else _CHANNELS * (_SMALL_SIZE - _WINDOW + 1) ** 2
    name = f"global-pool-{mode}" if of_all else f"pool-{mode}"
    return Operation(
        name=name,
        group="sums",
        title=f"{mode} over {'an image' if of_all else 'windows of 3 × 3'}",
        spec=tiny_gan(
            name,
            generator=(
                linear("input", 1, size),
                Reshape(shape=(_CHANNELS, _SMALL_SIZE, _SMALL_SIZE)),
                layer,
                Reshape(shape=(pooled,)),
                linear("output", pooled, 1),
            ),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=lambda dtype: _pixel_trials(dtype, num_outputs=pooled),
        quantities=(
            Quantity(name="output", read=read_gradient("output.weight", as_one_row=True)),
            Quantity(name="input's gradient", read=read_gradient("input.weight", as_one_row=True)),
        ),
    )


SUMS = (
    _over_batch("mean"),
    _over_batch("sum"),
    _embedding(),
    _dot(),
    _convolution("convolution", "Conv2d, 4 channels, kernel 3", transposed=False),
    _convolution("transposed-convolution", "ConvTranspose2d, 4 channels, kernel 3", transposed=True),
    _upsampling("nearest"),
    _upsampling("bilinear"),
    _pooling(Pool2d(kernel_size=_WINDOW, stride=1, mode="average")),
    _pooling(Pool2d(kernel_size=_WINDOW, stride=1, mode="maximum")),
    _pooling(GlobalPool(mode="average")),
    _pooling(GlobalPool(mode="sum")),
    _pooling(GlobalPool(mode="maximum")),
)
