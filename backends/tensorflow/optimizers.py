"""The optimizers as TensorFlow modules. The numbers that depend on the step come from the host, in float64.

Keras's optimizers have other mathematics: its Adam adds epsilon (1e-7) before the bias correction, its Adadelta has
other defaults, and both compute their corrections from a counter in the variables' own precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from gan_rosetta.backends.tensorflow.averages import Averages
from gan_rosetta.backends.tensorflow.clipping import clipped
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec.optimizers import kept_share, share_of_gradient
from gan_rosetta.shared.state import counter_name, slot_name

Coefficients = tuple[float, ...]


class _Optimizer(tf.Module):
    """Moves a network's parameters, a mapping from canonical names to variables, and counts its own updates.

    bound: what each update's parameters are then held to, [-bound, bound]. epoch: passes over the real data before it.
    averages: what follows the network after each update, or None. clipping: what gradients are held to before it.
    """

    def __init__(
        self, optimizer: Any, /, *, name: str, parameters: Mapping[str, Any], bound: float | None = None
    ) -> None:
        super().__init__(name=name.replace(".", "_"))
        self.bound = bound
        self.averages: Averages | None = None
        self.clipping: spec.GradientClipping | None = None
        self.optimizer = optimizer
        self.counter = 0
        self.epoch = 0
        self.counter_name = counter_name(name)
        self.parameters = dict(parameters)
        self.slots = {
            slot_name(name, parameter, slot): tf.Variable(tf.zeros_like(variable), trainable=False, name=slot)
            for parameter, variable in parameters.items()
            for slot in optimizer.slots
        }

    def coefficients(self, counter: int, /, *, epoch: int) -> Coefficients:
        """Return what `apply` needs for the update that finds the counter at this value, as Python floats.

        epoch: passes over the real data that came before.
        """
        raise NotImplementedError

    def apply(self, gradients: Sequence[Any], /, *, coefficients: Sequence[Any]) -> None:
        """Update every parameter; gradients in the order of the parameters, coefficients floats or scalar tensors."""
        raise NotImplementedError

    def numbers(self, counter: int, /, *, epoch: int) -> Coefficients:
        """Return the coefficients and, where parameters shrink beside the step, the share that they keep."""
        kept = kept_share(self.optimizer, counter, epoch=epoch)
        return (*self.coefficients(counter, epoch=epoch), *(() if kept is None else (kept,)))

    def move(self, gradients: Sequence[Any], /, *, numbers: Sequence[Any]) -> None:
        """Update every parameter as the spec says: held to bounds, drawn towards 0, where there is such a thing."""
        gradients = clipped(self.clipping, gradients)
        share = share_of_gradient(self.optimizer)
        if share:
            gradients = [
                gradient + share * parameter
                for gradient, parameter in zip(gradients, self.parameters.values(), strict=True)
            ]
        if kept_share(self.optimizer, 0) is not None:
            *numbers, kept = numbers
            for parameter in self.parameters.values():
                parameter.assign(kept * parameter)
        self.apply(gradients, coefficients=numbers)
        if self.bound is not None:
            for parameter in self.parameters.values():
                parameter.assign(tf.clip_by_value(parameter, -self.bound, self.bound))

    def update(self, gradients: Sequence[Any], /) -> None:
        """Update every parameter with the counter's coefficients and count the update; not for traced code."""
        self.move(gradients, numbers=self.numbers(self.counter, epoch=self.epoch))
        if self.averages is not None:
            self.averages.follow(self.averages.spec.share(self.counter))
        self.counter += 1

    def _columns(self, gradients: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield each parameter with its gradient and its slots in the order of the spec."""
        slots = iter(self.slots.values())
        for parameter, gradient in zip(self.parameters.values(), gradients, strict=True):
            yield parameter, gradient, *(next(slots) for _ in self.optimizer.slots)


class GradientDescent(_Optimizer):
    """p ← p - lr · g, or with momentum, of directions or of steps, and Nesterov's look ahead."""

    def coefficients(self, counter: int, /, *, epoch: int) -> Coefficients:
        """Return (lr,)."""
        return (self.optimizer.learning_rate.at(counter, epoch=epoch),)

    def apply(self, gradients: Sequence[Any], /, *, coefficients: Sequence[Any]) -> None:
        (learning_rate,) = coefficients
        own = self.optimizer
        is_direction = own.momentum_of == "direction"
        for parameter, gradient, *slots in self._columns(gradients):
            incoming = moved = gradient if is_direction else learning_rate * gradient
            for buffer in slots:
                moved = buffer.assign(own.momentum * buffer + incoming)
                moved = incoming + own.momentum * moved if own.nesterov else moved
            parameter.assign_sub(learning_rate * moved if is_direction else moved)


class Adam(_Optimizer):
    """Adam with epsilon where the spec places it. Kingma and Ba 2015, Algorithm 1."""

    def coefficients(self, counter: int, /, *, epoch: int) -> Coefficients:
        """Return (a, b) of p ← p - a · m / (√v / b + ε); placement "hat" has the whole correction in a."""
        learning_rate = self.optimizer.learning_rate.at(counter, epoch=epoch)
        if not self.optimizer.bias_correction:
            return learning_rate, 1.0
        correction1 = 1 - self.optimizer.beta1 ** (counter + 1)
        correction2 = math.sqrt(1 - self.optimizer.beta2 ** (counter + 1))
        if self.optimizer.epsilon_placement == "outside":
            return learning_rate / correction1, correction2
        return learning_rate * correction2 / correction1, 1.0

    def apply(self, gradients: Sequence[Any], /, *, coefficients: Sequence[Any]) -> None:
        step_size, correction = coefficients
        root_scale = 1.0 if self.optimizer.amsgrad == "corrected" else correction
        beta1, beta2, epsilon = self.optimizer.beta1, self.optimizer.beta2, self.optimizer.epsilon
        amsgrad = self.optimizer.amsgrad
        for parameter, gradient, mean, variance, *rest in self._columns(gradients):
            new_mean = mean.assign(beta1 * mean + (1 - beta1) * gradient)
            new_variance = variance.assign(beta2 * variance + (1 - beta2) * tf.square(gradient))
            for largest in rest:
                corrected = new_variance / (correction * correction) if amsgrad == "corrected" else new_variance
                new_variance = largest.assign(tf.maximum(largest, corrected))
            parameter.assign_sub(step_size * new_mean / (tf.sqrt(new_variance) / root_scale + epsilon))


class Adadelta(_Optimizer):
    """Adadelta with a learning rate. Zeiler 2012, Algorithm 1."""

    def coefficients(self, counter: int, /, *, epoch: int) -> Coefficients:
        """Return (lr,)."""
        return (self.optimizer.learning_rate.at(counter, epoch=epoch),)

    def apply(self, gradients: Sequence[Any], /, *, coefficients: Sequence[Any]) -> None:
        (learning_rate,) = coefficients
        rho, epsilon = self.optimizer.rho, self.optimizer.epsilon
        for parameter, gradient, square, delta in self._columns(gradients):
            new_square = square.assign(rho * square + (1 - rho) * tf.square(gradient))
            change = tf.sqrt(delta + epsilon) / tf.sqrt(new_square + epsilon) * gradient
            delta.assign(rho * delta + (1 - rho) * tf.square(change))
            parameter.assign_sub(learning_rate * change)


class RMSprop(_Optimizer):
    """RMSprop, ε, centring and momentum as the spec has them. Tieleman and Hinton 2012; Graves 2013."""

    def coefficients(self, counter: int, /, *, epoch: int) -> Coefficients:
        """Return (lr,)."""
        return (self.optimizer.learning_rate.at(counter, epoch=epoch),)

    def apply(self, gradients: Sequence[Any], /, *, coefficients: Sequence[Any]) -> None:
        (learning_rate,) = coefficients
        own = self.optimizer
        for parameter, gradient, square, *rest in self._columns(gradients):
            slots = iter(rest)
            variance = square.assign(own.rho * square + (1 - own.rho) * tf.square(gradient))
            if own.centered:
                mean = next(slots)
                variance = variance - tf.square(mean.assign(own.rho * mean + (1 - own.rho) * gradient))
            inside = own.epsilon_placement == "inside"
            root = tf.sqrt(variance + own.epsilon) if inside else tf.sqrt(variance) + own.epsilon
            if own.momentum == 0:
                step = learning_rate * (gradient / root)
            elif own.momentum_of == "direction":
                buffer = next(slots)
                step = learning_rate * buffer.assign(own.momentum * buffer + gradient / root)
            else:
                buffer = next(slots)
                step = buffer.assign(own.momentum * buffer + learning_rate * (gradient / root))
            parameter.assign_sub(step)


class Adagrad(_Optimizer):
    """Adagrad with epsilon where the spec places it. Duchi et al. 2011."""

    def coefficients(self, counter: int, /, *, epoch: int) -> Coefficients:
        """Return (lr,)."""
        return (self.optimizer.learning_rate.at(counter, epoch=epoch),)

    def apply(self, gradients: Sequence[Any], /, *, coefficients: Sequence[Any]) -> None:
        (learning_rate,) = coefficients
        epsilon, inside = self.optimizer.epsilon, self.optimizer.epsilon_placement == "inside"
        for parameter, gradient, total in self._columns(gradients):
            new_total = total.assign(total + tf.square(gradient))
            root = tf.sqrt(new_total + epsilon) if inside else tf.sqrt(new_total) + epsilon
            parameter.assign_sub(learning_rate * (gradient / root))


_Kind = GradientDescent | Adam | Adadelta | RMSprop | Adagrad
OPTIMIZERS: dict[type, type[_Kind]] = {
    spec.GradientDescent: GradientDescent,
    spec.Adam: Adam,
    spec.Adadelta: Adadelta,
    spec.RMSprop: RMSprop,
    spec.Adagrad: Adagrad,
}


def build_optimizer(
    optimizer: spec.Optimizer, /, *, name: str, parameters: Mapping[str, Any], bound: float | None = None
) -> _Kind:
    """Build an optimizer, its slots all 0; name: as in the state's schema; bound: of its parameters after updates.

    Raises UnsupportedLayer.
    """
    if type(optimizer) not in OPTIMIZERS:
        raise UnsupportedLayer(f"TensorFlow has no optimizer for {type(optimizer).__name__}; add it to optimizers.py")
    return OPTIMIZERS[type(optimizer)](optimizer, name=name, parameters=parameters, bound=bound)
