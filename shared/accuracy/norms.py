"""What looks at more than one number: BatchNorm, spectral norm, minibatch discrimination, the gradient penalty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_gradient, read_tensor
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import linear, reals, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import (
    ZEROS,
    BatchNorm,
    DigitsReal,
    GradientPenalty,
    LeakyReLU,
    Linear,
    MinibatchDiscrimination,
    RealSource,
    Reshape,
    SpectralNorm,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)

_SEED = 9
_EPSILON, _WEIGHT, _SLOPE = 1e-5, 10.0, 0.5
_ONE = np.ones((1, 1))
_BATCHES = (2, 7, 512)
_FEATURES = ("ordinary", "constant", "constant, huge", "far from 0", "tiny spread", "one outlier")


def _features(dtype: Dtype, batch: int) -> np.ndarray:
    """Return a batch of _FEATURES, (batch, 6)."""
    limits = np.finfo(dtype)
    eps, largest = float(limits.eps), float(limits.max)
    drawn = np.random.default_rng(_SEED).standard_normal(batch)
    columns = (
        drawn + 0.3,
        np.full(batch, 0.1),
        np.full(batch, 0.1 * largest**0.4),
        drawn + 0.02 / eps**0.5,
        1e-3 * _EPSILON**0.5 * drawn,
        np.where(np.arange(batch) == 0, 1e3, 0.1 * drawn),
    )
    return in_type(np.stack(columns, axis=1), dtype)


def _batch_norm_trials(dtype: Dtype) -> Sequence[Trial]:
    num = len(_FEATURES)
    trials = []
    for batch in _BATCHES:
        latent = _features(dtype, batch)
        trials.append(
            Trial(
                inputs=tuple(f"{batch} {name}" for name in _FEATURES),
                state={"generator.norm.weight": np.ones(num), "discriminator.score.weight": np.ones(num)},
                arrays=step_arrays(latent=latent, real=np.zeros_like(latent)),
            )
        )
    return trials


def _batch_norm(name: str, running_variance: Literal["unbiased", "biased"]) -> Operation:
    """With a momentum of 1 the running statistics are the batch's. Outputs are read in a sum that does not cancel.

    LeakyReLU gives those below 0 half the weight of those above.
    """
    num = len(_FEATURES)
    return Operation(
        name=name,
        group="norms",
        title=f"BatchNorm, {running_variance} running variance",
        spec=tiny_gan(
            name,
            generator=(
                BatchNorm(
                    name="norm",
                    num_features=num,
                    epsilon=_EPSILON,
                    momentum=1.0,
                    running_variance=running_variance,
                    statistics="batch",
                ),
            ),
            discriminator=(LeakyReLU(slope=_SLOPE), linear("score", num, 1)),
            latent=num,
            batch_size=min(_BATCHES),
        ),
        trials=_batch_norm_trials,
        quantities=(
            Quantity(name="running mean", read=read_tensor("generator.norm.running_mean")),
            Quantity(name="running variance", read=read_tensor("generator.norm.running_var")),
            Quantity(name="outputs", read=read_gradient("norm.weight")),
        ),
    )


_OUT, _IN = 5, 40
# Beside the last of them ε is not small.
_WEIGHTS = {"ordinary": 1.0, "large": 1e10, "small": 1e-10}


def _weight_trials(dtype: Dtype) -> Sequence[Trial]:
    """Weights whose rows differ, are all alike, or cancel where they are added up."""
    random = np.random.default_rng(_SEED)
    u, drawn = random.standard_normal(_OUT), random.standard_normal((_OUT, _IN))
    signs = np.where(np.arange(_OUT) % 2, -1.0, 1.0)[:, np.newaxis]
    weights = {
        **{name: size * drawn for name, size in _WEIGHTS.items()},
        "rows alike": drawn[0] * np.ones((_OUT, 1)),
        "rows that cancel": (drawn[0] + 1e-3 * drawn) * signs * np.sign(u)[:, np.newaxis] / np.abs(u)[:, np.newaxis],
    }
    return [
        Trial(
            inputs=(name,),
            state={
                "generator.input.weight": in_type(random.standard_normal(_IN), dtype),
                "generator.spectral.weight": in_type(weight, dtype),
                "generator.spectral.weight_u": in_type(u / np.linalg.norm(u), dtype),
                "generator.output.weight": in_type(random.standard_normal(_OUT), dtype),
                "discriminator.score.weight": _ONE,
            },
            arrays=step_arrays(latent=_ONE, real=_ONE),
        )
        for name, weight in weights.items()
    ]


def _spectral_norm() -> Operation:
    norm = SpectralNorm(
        num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="outside", sigma_gradient="followed"
    )
    layer = Linear(
        name="spectral",
        in_features=_IN,
        out_features=_OUT,
        weight_init=ZEROS,
        bias_init=None,
        spectral_norm=norm,
    )
    return Operation(
        name="spectral-norm",
        group="norms",
        title="spectral norm of a Linear's weight",
        spec=tiny_gan(
            "spectral-norm",
            generator=(linear("input", 1, _IN), layer, linear("output", _OUT, 1)),
            discriminator=(linear("score", 1, 1),),
        ),
        trials=_weight_trials,
        quantities=(
            Quantity(name="u", read=read_tensor("generator.spectral.weight_u", as_one_row=True)),
            Quantity(name="v", read=read_tensor("generator.spectral.weight_v", as_one_row=True)),
            Quantity(name="outputs", read=read_gradient("output.weight", as_one_row=True)),
            Quantity(name="weight's gradient", read=read_gradient("spectral.weight", as_one_row=True)),
            Quantity(name="input's gradient", read=read_gradient("input.weight", as_one_row=True)),
        ),
    )


def _crowd_trials(dtype: Dtype) -> Sequence[Trial]:
    eps = float(np.finfo(dtype).eps)
    drawn = np.random.default_rng(_SEED).standard_normal(16)
    crowds = {
        "spread": drawn,
        "the same": np.full(16, 0.3),
        "all but the same": 1 + eps * np.arange(16),
        "far apart": 30 * np.arange(16),
        "out of sight": 1e4 * np.arange(16),
        "two heaps": np.where(np.arange(16) % 2, 5.0, -5.0) + 1e-3 * drawn,
        "one sample": np.array([0.7]),
    }
    trials = []
    for name, crowd in crowds.items():
        latent = in_type(crowd, dtype)[:, np.newaxis]
        trials.append(
            Trial(
                inputs=(name,),
                state={
                    "generator.input.weight": _ONE,
                    "discriminator.minibatch.weight": _ONE,
                    "discriminator.score.weight": np.array([0.0, 1.0]),
                },
                arrays=step_arrays(latent=latent, real=np.zeros_like(latent)),
            )
        )
    return trials


def _minibatch() -> Operation:
    return Operation(
        name="minibatch",
        group="norms",
        title="minibatch discrimination",
        spec=tiny_gan(
            "minibatch",
            generator=(linear("input", 1, 1),),
            discriminator=(
                MinibatchDiscrimination(
                    name="minibatch",
                    in_features=1,
                    num_kernels=1,
                    kernel_dims=1,
                    self_distance=True,
                    weight_init=ZEROS,
                    bias_init=None,
                ),
                linear("score", 2, 1),
            ),
        ),
        trials=_crowd_trials,
        quantities=(
            loss_quantity("sum of likenesses", "generator"),
            Quantity(name="gradient", read=read_gradient("input.weight")),
        ),
    )


Truth = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def _penalty_trials(shape: tuple[int, ...]) -> Callable[[Dtype], Sequence[Trial]]:
    """D's weights are its input gradient g: a direction times lengths about 1 and at the ends of the type."""
    size = int(np.prod(shape))
    direction = np.where(np.arange(size) % 3 == 1, -1.0, 1.0) * (1 + np.arange(size)) / 4

    def trials(dtype: Dtype) -> Sequence[Trial]:
        limits = np.finfo(dtype)
        eps, tiny, largest = (float(x) for x in (limits.eps, limits.tiny, limits.max))
        norm = float(np.linalg.norm(direction)) if len(shape) == 1 else 1.0
        near = [1 - 1e-3, 1 - 3 * eps, 1 + 3 * eps, 1 + 1e-3]
        lengths = [0.0, 30 * tiny, tiny**0.75, tiny**0.5, 1e-8, 1e-3, 0.5, *near, 3.0, 1e3, largest**0.4, largest**0.6]
        found = []
        for length in lengths:
            weights = in_type(length / norm * direction, dtype)
            arrays = step_arrays(latent=_ONE, real=np.zeros((1, *shape)), mix=np.full((1, *(1 for _ in shape)), 0.5))
            found.append(
                Trial(
                    inputs=(length,),
                    state={"discriminator.score.weight": weights},
                    arrays=arrays,
                    arguments={"g": weights},
                )
            )
        return found

    return trials


def _penalty(name: str, title: str, norm: Literal["sample", "channel"], shape: tuple[int, ...]) -> Operation:
    size = int(np.prod(shape))
    penalty = GradientPenalty(weight=_WEIGHT, norm=norm)
    real: RealSource = reals(size) if len(shape) == 1 else _images(shape)
    layers = (Reshape(shape=(size,)), linear("score", size, 1))

    def norms(g: np.ndarray) -> np.ndarray:
        """Return the norm that each entry of g is in, (size,)."""
        if norm == "sample":
            return np.full(size, np.sqrt(np.sum(g * g)))
        by_channel = g.reshape(shape)
        return np.broadcast_to(np.sqrt(np.sum(by_channel * by_channel, axis=0)), shape).reshape(-1)

    def value(arguments: Mapping[str, np.ndarray]) -> np.ndarray:
        excess = norms(exact.extended(arguments["g"])) - 1
        return (exact.extended(_WEIGHT) * np.mean(excess * excess)).reshape(1, 1)

    def gradient(arguments: Mapping[str, np.ndarray]) -> np.ndarray:
        g = exact.extended(arguments["g"])
        lengths = norms(g)
        num_norms = 1 if norm == "sample" else size // shape[0]
        unit = np.where(lengths == 0, 0, g / np.where(lengths == 0, 1, lengths))
        return (2 * exact.extended(_WEIGHT) / num_norms * (lengths - 1) * unit).reshape(1, -1)

    return Operation(
        name=name,
        group="norms",
        title=title,
        spec=tiny_gan(
            name,
            generator=(linear("fake", 1, size), *(() if len(shape) == 1 else (Reshape(shape=shape),))),
            discriminator=layers[1:] if len(shape) == 1 else layers,
            real=real,
            losses=(
                WassersteinDiscriminatorLoss(penalty=penalty, reduction="mean", real_label=1),
                WassersteinGeneratorLoss(reduction="mean", real_label=1),
            ),
        ),
        trials=_penalty_trials(shape),
        quantities=(
            loss_quantity("penalty", "discriminator", truth=value),
            Quantity(
                name="gradient",
                read=read_gradient("score.weight", optimizer="discriminator", as_one_row=True),
                truth=gradient,
            ),
        ),
        axis="length of the input gradient",
        trains_discriminator=True,
    )


def _images(shape: tuple[int, ...]) -> DigitsReal:
    channels, size, _ = shape
    return DigitsReal(size=size, num_channels=channels, low=0.0, high=1.0, num_images=1, reshuffle=False)


NORMS = (
    _batch_norm("batch-norm", "unbiased"),
    _batch_norm("batch-norm-biased", "biased"),
    _spectral_norm(),
    _minibatch(),
    _penalty("penalty", "gradient penalty, a norm a sample", "sample", (4,)),
    _penalty("penalty-by-channel", "gradient penalty, norms over channels", "channel", (2, 2, 2)),
)
