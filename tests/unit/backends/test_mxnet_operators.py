"""What the MXNet backend writes out because MXNet's own operators are not exact, or not there."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS

if importlib.util.find_spec("mxnet") is None:
    pytest.skip(f"MXNet is not installed: {BACKENDS['mxnet'].install_hint}", allow_module_level=True)

from gan_rosetta.backends.mxnet.activations import erf
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.input_gradient import InputGradient
from gan_rosetta.backends.mxnet.layers import build_network
from gan_rosetta.backends.mxnet.losses import cross_entropy_generator_loss, gradient_penalty
from gan_rosetta.backends.mxnet.trainer import MxnetTrainer
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared import spec
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.state import initial_state

_UNIFORM = spec.UniformFanIn()


def _array(values: np.ndarray) -> Any:
    return mx.nd.ndarray.array(values, dtype="float64")


def _linear(name: str, in_features: int, out_features: int) -> spec.Linear:
    return spec.Linear(
        name=name, in_features=in_features, out_features=out_features, weight_init=_UNIFORM, bias_init=_UNIFORM
    )


def _build(network: spec.Network) -> Any:
    built = build_network(network, context=mx.cpu(), dtype="float64")
    random = np.random.default_rng(0)
    for parameter in built.ordered_parameters():
        parameter.set_data(_array(random.normal(size=parameter.shape)))
    return built


def _value_and_gradient(layer: spec.Layer, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    network = _build(spec.Network(input_shape=(len(inputs),), layers=(layer,)))
    tensor = _array(inputs[np.newaxis])
    tensor.attach_grad()
    with mx.autograd.record():
        outputs, _ = network(tensor)
    outputs[-1].backward()
    return outputs[-1].asnumpy()[0], tensor.grad.asnumpy()[0]


_NEAR = np.linspace(-3, 3, 13)
_INPUTS = np.concatenate([np.linspace(-45, 45, 901), [0.0, -300.0, 300.0]])


@pytest.mark.parametrize(
    ("layer", "value", "derivative"),
    [
        (spec.Softplus(), np.logaddexp(0, _INPUTS), 1 / (1 + np.exp(-_INPUTS))),
        (spec.Sigmoid(), 1 / (1 + np.exp(-_INPUTS)), None),
        (spec.LeakyReLU(slope=0.2), np.where(_INPUTS > 0, _INPUTS, 0.2 * _INPUTS), np.where(_INPUTS > 0, 1, 0.2)),
        (spec.ReLU(), np.maximum(_INPUTS, 0), (_INPUTS > 0).astype(float)),
        (
            spec.ELU(alpha=0.7),
            np.where(_INPUTS > 0, _INPUTS, 0.7 * np.expm1(np.minimum(_INPUTS, 0))),
            np.where(_INPUTS > 0, 1, 0.7 * np.exp(np.minimum(_INPUTS, 0))),
        ),
    ],
)
def test_activations_are_exact_in_float64(layer: spec.Layer, value: np.ndarray, derivative: np.ndarray | None) -> None:
    found, gradient = _value_and_gradient(layer, _INPUTS)
    np.testing.assert_allclose(found, value, rtol=1e-15, atol=0)
    if derivative is not None:
        np.testing.assert_allclose(gradient, derivative, rtol=1e-15, atol=0)


def test_the_gradient_of_erf_is_exact_which_mxnet_s_own_is_not() -> None:
    exact = 2 / math.sqrt(math.pi) * np.exp(-(_NEAR**2))
    for function, off in ((mx.nd.erf, 3.0e-8), (lambda numbers: erf(mx.nd, numbers), 0.0)):
        inputs = _array(_NEAR)
        inputs.attach_grad()
        with mx.autograd.record():
            outputs = function(inputs)
        outputs.backward()
        np.testing.assert_array_equal(outputs.asnumpy(), mx.nd.erf(_array(_NEAR)).asnumpy())
        np.testing.assert_allclose(inputs.grad.asnumpy() / exact, 1 - off, rtol=0, atol=2e-10)


def test_transposed_convolution_uses_its_bias() -> None:
    layer = spec.ConvTranspose2d(
        name="up",
        in_channels=1,
        out_channels=2,
        kernel_size=3,
        stride=2,
        padding=1,
        weight_init=_UNIFORM,
        bias_init=_UNIFORM,
    )
    network = _build(spec.Network(input_shape=(1, 2, 2), layers=(layer,)))
    outputs, _ = network(mx.nd.zeros((1, 1, 2, 2), dtype="float64"))
    bias = network.ordered_parameters()[1].data().asnumpy()
    np.testing.assert_array_equal(outputs[-1].asnumpy(), np.broadcast_to(bias[:, None, None], (1, 2, 3, 3)))


_CRITIC = spec.Network(
    input_shape=(2, 1, 2),
    layers=(
        spec.Reshape(shape=(4,)),
        _linear("a", 4, 6),
        spec.Tanh(),
        _linear("b", 6, 5),
        spec.Softplus(),
        _linear("c", 5, 5),
        spec.Sigmoid(),
        _linear("d", 5, 6),
        spec.LeakyReLU(slope=0.3),
        _linear("e", 6, 4),
        spec.ReLU(),
        _linear("g", 4, 4),
        spec.ELU(alpha=0.7),
        spec.GELU(form="erf"),
        _linear("h", 4, 4),
        spec.SELU(),
        spec.GELU(form="tanh"),
        _linear("i", 4, 4),
        spec.SiLU(),
        _linear("f", 4, 1),
    ),
)


def _conv(kind: Any = spec.Conv2d, **fields: Any) -> Any:
    plain = {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "stride": 1, "padding": 1, "bias_init": _UNIFORM}
    return kind(weight_init=_UNIFORM, **(plain | fields))


# What a layer that treats images alone is, each in one of its forms; the sizes leave rows that no window sees.
_IMAGE_CRITIC = spec.Network(
    input_shape=(2, 7, 6),
    layers=(
        _conv(name="a", in_channels=2, stride=2, padding=0, sides=(1, 0, 0, 2), kernel_width=2, dilation=2, groups=2),
        spec.Tanh(),
        spec.Upsample(factor=2, mode="nearest"),
        _conv(spec.ConvTranspose2d, name="b", padding=0, sides=(1, 0, 0, 1), stride=2, dilation=2, output_padding=1),
        spec.Pool2d(kernel_size=3, stride=2, mode="maximum"),
        _conv(name="c", out_channels=8, stride=2),
        spec.GroupNorm(name="n", num_features=8, num_groups=2, epsilon=1e-3, affine=True),
        spec.PixelShuffle(factor=2, order="channel"),
        spec.Upsample(factor=2, mode="bilinear"),
        spec.Pool2d(kernel_size=2, stride=1, mode="average"),
        _conv(spec.ConvTranspose2d, name="d", in_channels=2, out_channels=16, groups=2, bias_init=None),
        spec.PixelShuffle(factor=2, order="pixel"),
        spec.LeakyReLU(slope=0.2),
        spec.Branches(
            name="pools",
            join="concatenate",
            branches=tuple(
                spec.Branch(name=mode, layers=(spec.GlobalPool(mode=mode),)) for mode in ("average", "sum", "maximum")
            ),
        ),
        spec.GroupNorm(name="m", num_features=12, num_groups=3, epsilon=1e-3, affine=False),
        spec.SiLU(),
        _linear("e", 12, 1),
    ),
)
_CRITICS = {"vectors": (_CRITIC, (7, 2, 1, 2)), "images": (_IMAGE_CRITIC, (3, 2, 7, 6))}


def _penalty(network: Any, mixed: Any, penalty: spec.GradientPenalty) -> tuple[Any, Any]:
    outputs, _ = network(mixed)
    gradient = InputGradient(network)(mixed, *outputs)
    return gradient_penalty(penalty, mx.nd, gradient=gradient), gradient


@pytest.mark.parametrize("critic", _CRITICS)
def test_input_gradient_is_autograds(critic: str) -> None:
    network = _build(_CRITICS[critic][0])
    mixed = _array(np.random.default_rng(1).normal(size=_CRITICS[critic][1]))
    mixed.attach_grad()
    with mx.autograd.record():
        outputs, _ = network(mixed)
    outputs[-1].backward()
    written = InputGradient(network)(mixed, *outputs)
    np.testing.assert_allclose(written.asnumpy(), mixed.grad.asnumpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("critic", "norm"), [("vectors", "channel"), ("vectors", "sample"), ("images", "sample")])
def test_penalty_gradient_is_the_slope_of_the_penalty(critic: str, norm: Any) -> None:
    penalty = spec.GradientPenalty(weight=10.0, norm=norm)
    network = _build(_CRITICS[critic][0])
    mixed = _array(np.random.default_rng(2).normal(size=_CRITICS[critic][1]))
    parameters = network.ordered_parameters()[:-1]  # the penalty does not depend on the last bias
    with mx.autograd.record():
        value, _ = _penalty(network, mixed, penalty)
    value.backward()
    random = np.random.default_rng(3)
    for parameter in parameters:
        weight, gradient = parameter.data().asnumpy(), parameter.grad().asnumpy()
        direction, step = random.normal(size=weight.shape), 1e-6
        values = []
        for sign in (1, -1):
            parameter.set_data(_array(weight + sign * step * direction))
            values.append(_penalty(network, mixed, penalty)[0].asscalar())
        parameter.set_data(_array(weight))
        slope = (values[0] - values[1]) / (2 * step)
        np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=1e-6, atol=1e-7)


def test_cross_entropy_is_exact_in_float32() -> None:
    """MXNet's own log_softmax is off by 1e-6 there."""
    logits = np.random.default_rng(5).normal(size=(1000, 2)).astype(np.float32)
    loss = spec.CrossEntropyGeneratorLoss(reduction="mean", real_label=1)
    found = cross_entropy_generator_loss(loss, mx.nd, fake=mx.nd.ndarray.array(logits, dtype="float32")).asscalar()
    exact = np.logaddexp(0, logits[:, 0].astype(float) - logits[:, 1]).mean()
    np.testing.assert_allclose(found, exact, rtol=5e-7)


def test_penalty_of_a_zero_gradient_has_gradient_zero() -> None:
    tensor = mx.nd.zeros((3, 2), dtype="float64")
    tensor.attach_grad()
    with mx.autograd.record():
        value = gradient_penalty(spec.GradientPenalty(weight=10.0, norm="sample"), mx.nd, gradient=tensor)
    value.backward()
    assert value.asscalar() == 10.0
    np.testing.assert_array_equal(tensor.grad.asnumpy(), np.zeros((3, 2)))


def _chunk(num_steps: int) -> Chunk:
    random = np.random.default_rng(4)
    arrays = {"real": random.normal(size=(num_steps, 4, 2)), "latent_d": random.normal(size=(num_steps, 4, 2))}
    trains = np.ones(num_steps, dtype=bool)
    return Chunk(phase="adversarial", first_step=0, arrays=arrays, trains_discriminator=trains, trains_generator=trains)


@pytest.mark.parametrize("execution", ["eager", "compiled"])
def test_adams_first_step_has_the_size_of_its_rate_to_float64(execution: str) -> None:
    """MXNet's own adam_update keeps the rate, the betas and epsilon in float32."""
    gan = find_gan("linear-2d")
    rate = 0.1
    optimizer = replace(gan.training.generator_optimizer, learning_rate=spec.ConstantRate(value=rate), epsilon=1e-300)
    gan = replace(gan, training=replace(gan.training, generator_optimizer=optimizer))
    trainer = MxnetTrainer.build(gan, device="cpu", dtype="float64", execution=execution)
    state = initial_state(gan, seed=0)
    trainer.load_state(state)
    trainer.train(trainer.stage(_chunk(1)))
    moved = trainer.export_state()
    for name in ("generator.output.weight", "generator.output.bias"):
        np.testing.assert_allclose(np.abs(moved[name] - state[name]), rate, rtol=2e-15)


def test_earlier_exports_and_losses_do_not_change_with_later_steps() -> None:
    gan = find_gan("linear-2d")
    trainer = MxnetTrainer.build(gan, device="cpu", dtype="float64", execution="compiled")
    trainer.load_state(initial_state(gan, seed=0))
    first = trainer.train(trainer.stage(_chunk(3)))
    kept = trainer.export_state()
    copies = {name: array.copy() for name, array in kept.items()}
    assert first.generator is not None
    losses = first.generator.copy()
    trainer.train(trainer.stage(_chunk(3)))
    np.testing.assert_array_equal(first.generator, losses)
    for name, array in kept.items():
        np.testing.assert_array_equal(array, copies[name])


@pytest.mark.parametrize("execution", ["eager", "compiled"])
def test_classes_of_a_batch_that_serves_both_updates_outlive_the_first(execution: str) -> None:
    """A backward pass forgets its inputs, and D's would take the classes from G's."""
    gan = find_gan("cgan")
    embedding = replace(gan.generator.layers[0], num_features=2)
    generator = (embedding, _linear("output", 4, 16), spec.Reshape(shape=(1, 4, 4)))
    seen = replace(embedding, joined="after")
    discriminator = (spec.Reshape(shape=(16,)), seen, _linear("score", 18, 1))
    gan = replace(
        gan,
        batch_size=4,
        real=replace(gan.real, size=4),
        latent=spec.NormalLatent(shape=(2,), redraw="step"),
        generator=spec.Network(input_shape=(2,), layers=generator),
        discriminator=spec.Network(input_shape=(1, 4, 4), layers=discriminator),
        training=replace(gan.training, first="discriminator"),
    )
    random = np.random.default_rng(4)
    arrays = {"real": random.normal(size=(2, 4, 1, 4, 4)), "latent_d": random.normal(size=(2, 4, 2))}
    arrays |= {name: random.integers(0, 10, (2, 4)).astype(float) for name in ("real_label", "label_d")}
    trains = np.ones(2, dtype=bool)
    chunk = Chunk(
        phase="adversarial", first_step=0, arrays=arrays, trains_discriminator=trains, trains_generator=trains
    )
    losses = []
    for kind, how in ((MxnetTrainer, execution), (NumpyTrainer, "eager")):
        trainer = kind.build(gan, device="cpu", dtype="float64", execution=how)
        trainer.load_state(initial_state(gan, seed=0))
        losses.append(trainer.train(trainer.stage(chunk)))
    np.testing.assert_allclose(losses[0].generator, losses[1].generator, rtol=1e-12)
    np.testing.assert_allclose(losses[0].discriminator, losses[1].discriminator, rtol=1e-12)


@pytest.mark.parametrize("execution", ["eager", "compiled"])
@pytest.mark.parametrize("sigma_gradient", ["constant", "followed"])
def test_a_spectral_norm_trains_whether_or_not_its_gradient_is_followed(sigma_gradient: str, execution: str) -> None:
    """MXNet ends in a segmentation fault at a Reshape of the weight to which no gradient comes."""
    gan = find_gan("lsgan")
    norm = spec.SpectralNorm(
        num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="outside", sigma_gradient=sigma_gradient
    )
    normalised = spec.ConvTranspose2d(
        name="up",
        in_channels=2,
        out_channels=1,
        kernel_size=3,
        stride=1,
        padding=0,
        weight_init=spec.Normal(standard_deviation=0.5),
        bias_init=spec.ZEROS,
        spectral_norm=norm,
    )
    gan = replace(
        gan,
        batch_size=2,
        real=replace(gan.real, size=4),
        latent=spec.NormalLatent(shape=(3,), redraw="step"),
        generator=spec.Network(
            input_shape=(3,), layers=(_linear("hidden", 3, 8), spec.Reshape(shape=(2, 2, 2)), normalised)
        ),
        discriminator=spec.Network(input_shape=(1, 4, 4), layers=(spec.Reshape(shape=(16,)), _linear("score", 16, 1))),
    )
    chunk = make_chunk(
        SeededTape(gan, seed=0, digits=DigitSource.parse(None)), gan, "adversarial", first_step=0, num_steps=2
    )
    losses = []
    for kind, how in ((MxnetTrainer, execution), (NumpyTrainer, "eager")):
        trainer = kind.build(gan, device="cpu", dtype="float64", execution=how)
        trainer.load_state(initial_state(gan, seed=0))
        losses.append(trainer.train(trainer.stage(chunk)))
    np.testing.assert_allclose(losses[0].generator, losses[1].generator, rtol=1e-12)
    np.testing.assert_allclose(losses[0].discriminator, losses[1].discriminator, rtol=1e-12)
