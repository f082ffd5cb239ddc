"""The program published in TensorFlow 1: placeholders, one graph, and a session that is run twice a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import counter_name, network_parameters

v1 = tf.compat.v1


def _linear(inputs: Any, output_dim: int, scope: str) -> Any:
    with v1.variable_scope(scope):
        shape = (inputs.get_shape()[1], output_dim)
        w = v1.get_variable("w", shape, inputs.dtype, initializer=v1.random_normal_initializer(stddev=1.0))
        b = v1.get_variable("b", (output_dim,), inputs.dtype, initializer=v1.constant_initializer(0.0))
        return tf.matmul(inputs, w) + b


def _generator(inputs: Any, h_dim: int) -> Any:
    h0 = tf.nn.softplus(_linear(inputs, h_dim, "g0"))
    return _linear(h0, 1, "g1")


def _discriminator(inputs: Any, h_dim: int) -> Any:
    h0 = tf.tanh(_linear(inputs, h_dim, "d0"))
    h1 = tf.tanh(_linear(h0, h_dim, "d1"))
    h2 = tf.tanh(_linear(h1, h_dim, "d2"))
    return tf.sigmoid(_linear(h2, 1, "d3"))


def _optimizer(loss: Any, variables: list[Any]) -> tuple[Any, Any]:
    """Return the update, and the count of updates that its rate falls by."""
    batch = v1.Variable(0, trainable=False)
    # A rate that is a Python number would be float32 in float64 too.
    initial = tf.constant(0.005, loss.dtype)
    learning_rate = v1.train.exponential_decay(initial, batch, 150, 0.95, staircase=True)
    minimize = v1.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=batch, var_list=variables)
    return minimize, batch


class Gaussian1d:
    """John Glover's gan-intro as first published, after its pretraining."""

    def __init__(self, spec: GanSpec, dtype: str, /) -> None:
        graph = tf.Graph()
        with graph.as_default():
            v1.set_random_seed(0)  # Nothing is drawn: what the initializers would draw is loaded.
            with v1.variable_scope("G"):
                self._z = v1.placeholder(dtype, shape=(None, 1))
                made = _generator(self._z, 4)
            with v1.variable_scope("D") as scope:
                self._x = v1.placeholder(dtype, shape=(None, 1))
                d1 = _discriminator(self._x, 8)
                scope.reuse_variables()
                d2 = _discriminator(made, 8)
            self._loss_d = tf.reduce_mean(-tf.math.log(d1) - tf.math.log(1 - d2))
            self._loss_g = tf.reduce_mean(-tf.math.log(d2))
            trained = v1.trainable_variables()
            d_params = [variable for variable in trained if variable.name.startswith("D/")]
            g_params = [variable for variable in trained if variable.name.startswith("G/")]
            self._opt_d, counter_d = _optimizer(self._loss_d, d_params)
            self._opt_g, counter_g = _optimizer(self._loss_g, g_params)
        self._counters = {counter_name("discriminator"): counter_d, counter_name("generator"): counter_g}
        names = [
            tensor.name for network in ("generator", "discriminator") for tensor in network_parameters(spec, network)
        ]
        self._variables = dict(zip(names, [*g_params, *d_params], strict=True))
        threads = tf.config.threading.get_intra_op_parallelism_threads()
        config = v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
        self._session = v1.Session(graph=graph, config=config)

    def load(self, state: Mapping[str, np.ndarray], /) -> None:
        """As Program.load."""
        with self._session.graph.as_default():
            for name, variable in {**self._variables, **self._counters}.items():
                variable.load(state[name].T, self._session)

    def export(self) -> dict[str, np.ndarray]:
        """As Program.export."""
        return {name: value.T.copy() for name, value in self._session.run(self._variables).items()}

    def train(self, arrays: Mapping[str, np.ndarray], /, *, first_step: int) -> dict[str, list[float]]:
        """As Program.train."""
        del first_step
        losses: dict[str, list[float]] = {"discriminator": [], "generator": []}
        session = self._session
        for x, z, z_again in zip(arrays["real"], arrays["latent_d"], arrays["latent_g"], strict=True):
            loss_d, _ = session.run([self._loss_d, self._opt_d], {self._x: x, self._z: z})
            loss_g, _ = session.run([self._loss_g, self._opt_g], {self._z: z_again})
            losses["discriminator"].append(loss_d)
            losses["generator"].append(loss_g)
        return losses
