"""A network that gives several outputs, a score and a class, is watched pass by pass like any other."""

from __future__ import annotations

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.workers.registry import load_program_module

if gr.backends()["mxnet"].version is not None:  # Where its warnings are no errors, as they are within a test.
    from gan_rosetta.backends.mxnet.framework import mx

INPUTS = np.arange(6.0).reshape(3, 2)


class Told:
    """Keeps what an observer is told, in order."""

    def __init__(self):
        self.events = []

    def begin(self, inputs, /):
        self.events.append(("begin", inputs.shape))

    def output(self, tensor, kind, value, /):
        self.events.append((kind, value.shape))

    def end(self, output, /):
        self.events.append(("end", output))


def torch_heads():
    import torch  # noqa: PLC0415

    class Heads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.score, self.classes = torch.nn.Linear(2, 1), torch.nn.Linear(2, 4)

        def forward(self, inputs):
            return self.score(inputs), self.classes(inputs)

    return Heads().double(), torch.tensor(INPUTS)


def tensorflow_heads():
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    inputs = keras.Input((2,))
    return keras.Model(inputs, [keras.layers.Dense(1)(inputs), keras.layers.Dense(4)(inputs)]), tf.constant(INPUTS)


def mxnet_heads():
    class Heads(mx.gluon.nn.Block):
        def __init__(self):
            super().__init__()
            self.score, self.classes = mx.gluon.nn.Dense(1), mx.gluon.nn.Dense(4)

        def forward(self, inputs):
            return self.score(inputs), self.classes(inputs)

    heads = Heads()
    heads.initialize()
    return heads, mx.nd.ones(INPUTS.shape)


@pytest.mark.parametrize("make", [torch_heads, tensorflow_heads, mxnet_heads], ids=["torch", "tensorflow", "mxnet"])
def test_both_heads_are_seen_and_the_pass_ends_without_one_output(request, make):
    backend = request.node.callspec.id
    if gr.backends()[backend].version is None:
        pytest.skip(f"{backend} is not installed")
    network, inputs = make()
    told = Told()
    load_program_module(BACKENDS[backend]).watch_network(network, told)
    network(inputs)
    assert (told.events[0], told.events[-1]) == (("begin", (3, 2)), ("end", None))
    assert sorted(told.events[1:-1]) == [("linear", (3, 1)), ("linear", (3, 4))]  # Keras has an order of its own.
