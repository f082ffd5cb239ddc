"""The optimizers of frameworks, read into a spec, move parameters as the reference's do."""

from __future__ import annotations

import os

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy.layers import build_network
from gan_rosetta.backends.numpy.optimizers import build_optimizer
from gan_rosetta.shared.spec import ZEROS, Linear, Network
from gan_rosetta.shared.workers.registry import installed_version

NUM_STEPS = 4
RANDOM = np.random.default_rng(0)
START = RANDOM.normal(size=6)
GRADIENTS = RANDOM.normal(size=(NUM_STEPS, 6))


def moved_by_reference(spec):
    layer = Linear(name="output", in_features=2, out_features=2, weight_init=ZEROS, bias_init=ZEROS)
    network = build_network(Network(input_shape=(2,), layers=(layer,)), name="generator", dtype="float64")
    optimizer = build_optimizer(spec, network)
    network.parameters.flat[...] = START
    for slot, tensors in optimizer.slots.items():
        tensors.flat[...] = getattr(spec, "initial_sum", 0.0) if slot == "sum" else 0.0
    for gradient in GRADIENTS:
        network.gradients.flat[...] = gradient
        optimizer.decay_gradients()
        optimizer.update()
    return network.parameters.flat


TORCH = {
    "SGD": {"momentum": 0.5},
    "SGD-nesterov": {"momentum": 0.5, "nesterov": True, "weight_decay": 0.25},
    "Adam": {"amsgrad": True},
    "Adam-decay": {"weight_decay": 0.25},
    "AdamW": {"weight_decay": 0.25},
    "RMSprop": {"momentum": 0.5, "weight_decay": 0.25},
    "Adagrad": {"initial_accumulator_value": 0.25},
    "Adadelta": {"weight_decay": 0.25},
}


@pytest.mark.parametrize("case", TORCH)
def test_torch_s_move_as_they_are_read(case):
    torch = pytest.importorskip("torch")
    from gan_rosetta.backends.torch.reading_optimizers import read_optimizer  # noqa: PLC0415 - of torch

    module = torch.nn.Linear(2, 2, dtype=torch.float64)
    optimizer = getattr(torch.optim, case.partition("-")[0])(module.parameters(), lr=0.125, **TORCH[case])
    spec = read_optimizer(optimizer, module, what="it")
    with torch.no_grad():
        module.weight.copy_(torch.tensor(START[:4].reshape(2, 2)))
        module.bias.copy_(torch.tensor(START[4:]))
    for gradient in GRADIENTS:
        module.weight.grad = torch.tensor(gradient[:4].reshape(2, 2))
        module.bias.grad = torch.tensor(gradient[4:])
        optimizer.step()
    found = np.concatenate([module.weight.detach().numpy().ravel(), module.bias.detach().numpy()])
    np.testing.assert_allclose(found, moved_by_reference(spec), rtol=1e-12)


# Keras rounds some settings to float32, where numbers that powers of two make stay what they are.
KERAS = {
    "SGD": {"momentum": 0.5},
    "SGD-nesterov": {"momentum": 0.5, "nesterov": True, "weight_decay": 0.25},
    "Adam": {"amsgrad": True, "beta_1": 0.5, "beta_2": 0.75},
    "AdamW": {"weight_decay": 0.25, "beta_1": 0.5, "beta_2": 0.75},
    "RMSprop": {"momentum": 0.5, "rho": 0.5, "weight_decay": 0.25},
    "Adagrad": {"initial_accumulator_value": 0.25},
}


@pytest.mark.skipif(installed_version(BACKENDS["tensorflow"]) is None, reason="TensorFlow is not installed")
@pytest.mark.parametrize("case", KERAS)
def test_keras_s_move_as_they_are_read(case):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras = pytest.importorskip("keras")
    from gan_rosetta.backends.tensorflow.reading_optimizers import read_optimizer  # noqa: PLC0415 - of Keras

    epsilon = {} if case.startswith("SGD") else {"epsilon": 2.0**-10}
    optimizer = getattr(keras.optimizers, case.partition("-")[0])(0.125, **KERAS[case], **epsilon)
    spec = read_optimizer(optimizer, None, what="it")
    variable = keras.Variable(START, dtype="float64")
    for gradient in GRADIENTS:
        optimizer.apply([gradient], [variable])
    np.testing.assert_allclose(np.array(variable), moved_by_reference(spec), rtol=1e-12)


# MXNet's operators take settings in float32, Adam's corrected rate too, and all but SGD, NAG and Adam keep what they
# keep in it: these move parameters of float32 alone.
MXNET = {
    "SGD": {"momentum": 0.5, "wd": 0.25},
    "NAG": {"momentum": 0.5},
    "Adam": {"beta1": 0.5, "beta2": 0.75, "wd": 0.25},
    "RMSProp": {"gamma1": 0.5, "wd": 0.25},
    "RMSProp-centered": {"gamma1": 0.5, "gamma2": 0.25, "centered": True, "wd": 0.25},
    "AdaGrad": {"wd": 0.25},
    "AdaDelta": {"rho": 0.5, "wd": 0.0625},
}


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # mx.nd.array asks SciPy for an old name
@pytest.mark.parametrize("case", MXNET)
def test_mxnet_s_move_as_they_are_read(case):
    framework = pytest.importorskip("gan_rosetta.backends.mxnet.framework")
    from gan_rosetta.backends.mxnet.reading_optimizers import read_optimizer  # noqa: PLC0415 - of MXNet

    mx, name = framework.mx, case.partition("-")[0]
    epsilon = {"SGD": {}, "NAG": {}, "AdaGrad": {"eps": 2.0**-10}}.get(name, {"epsilon": 2.0**-10})
    rate = {} if name == "AdaDelta" else {"learning_rate": 0.125}
    dtype = "float64" if name in ("SGD", "NAG") else "float32"
    block = mx.gluon.nn.Dense(2, in_units=2)
    block.cast(dtype)
    block.initialize()
    optimizer = mx.gluon.Trainer(block.collect_params(), name, rate | MXNET[case] | epsilon)
    spec = read_optimizer(optimizer, block, what="it")
    moved = [parameter.data() for parameter in (block.weight, block.bias)]
    moved[0][:], moved[1][:] = START[:4].reshape(2, 2), START[4:]
    for gradient in GRADIENTS:
        with mx.autograd.record():
            slopes = (mx.nd.array(each, dtype=dtype) for each in (gradient[:4].reshape(2, 2), gradient[4:]))
            products = [
                (own.data() * slope).sum() for own, slope in zip((block.weight, block.bias), slopes, strict=True)
            ]
        mx.autograd.backward(products)
        optimizer.step(1)
    found = np.concatenate([each.asnumpy().ravel() for each in moved])
    np.testing.assert_allclose(found, moved_by_reference(spec), rtol=1e-12 if dtype == "float64" else 2e-6)
