"""The optimizers. Each updates a network's flat parameter vector in place, a stretch that fits the cache at a time.

Hyperparameters, learning rates and corrections are Python floats; the counter counts the optimizer's own updates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.network import FlatTensors, Network
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec.optimizers import kept_share, share_of_gradient

_STRETCH = 1 << 14


class Optimizer:
    """An optimizer of one network.

    counter: updates made; epoch: passes over the real data that came before; slots: by short name, shaped as the
    parameters; bound: what `clip` holds parameters to. divides: True where a gradient is divided by its own size, so
    that of the first all that counts is its sign.
    """

    divides: ClassVar[bool] = False

    def __init__(self, optimizer: Any, network: Network, bound: float | None) -> None:
        self.counter = 0
        self.epoch = 0
        self._bound = bound
        self._parameters = network.parameters.flat
        self.slots: dict[str, FlatTensors] = {slot: network.new_tensors() for slot in optimizer.slots}
        self._spec = optimizer
        self._share_of_gradient = share_of_gradient(optimizer)
        tensors = (network.parameters, network.gradients, *self.slots.values())
        vectors = [each.flat.reshape(-1) for each in tensors]
        size = vectors[0].size
        cuts = [slice(start, min(start + _STRETCH, size)) for start in range(0, size, _STRETCH)]
        work = np.empty((2, min(size, _STRETCH)), vectors[0].dtype)
        self._stretches: list[tuple[Array, ...]] = [
            (*(vector[cut] for vector in vectors), *work[:, : cut.stop - cut.start]) for cut in cuts
        ]

    def update(self) -> None:
        """Update the parameters by the network's gradients, and count it."""
        rate = self._spec.learning_rate.at(self.counter, epoch=self.epoch)
        move = self.prepare(rate)
        kept = kept_share(self._spec, self.counter, epoch=self.epoch)
        self.counter += 1
        for stretch in self._stretches:
            if kept is not None:
                stretch[0][...] *= kept
            move(*stretch)

    def decay_gradients(self) -> float:
        """Add to each gradient the share of its parameter that the weight decay asks for; return that share, or 0."""
        share = self._share_of_gradient
        for parameter, gradient, *_, work, _ in self._stretches if share else ():
            np.multiply(parameter, share, out=work)
            np.add(gradient, work, out=gradient)
        return share

    def clip(self) -> None:
        """Hold the parameters to [-bound, bound] where there is one; what an update ends with."""
        if self._bound is not None:
            np.clip(self._parameters, -self._bound, self._bound, out=self._parameters)

    def update_with_rounding(self, rounding: RandomRounding, /) -> None:
        """Update, and disturb what moved: a parameter as the difference of two numbers that it is.

        What an update leaves as it was is the same in every program, and may stay so for a whole training.
        """
        parameters = self._parameters
        step = parameters.copy()
        self.update()
        np.subtract(parameters, step, out=step)
        scale = np.abs(step)
        np.add(scale, np.abs(parameters), out=scale, where=scale != 0.0)
        rounding.disturb(parameters, scale=scale)
        # Backends take powers in float64 whatever they train in.
        of_step, of_largest = self.power_roundings() if parameters.dtype == np.float64 else (0.0, 0.0)
        if of_step:
            share = np.zeros((*parameters.shape[:-1], 1))  # one power for all parameters of a copy
            rounding.disturb(share, scale=np.full_like(share, of_step))
            parameters += share * step
        for name, tensors in self.slots.items():
            rounding.disturb(tensors.flat)
            if of_largest and name == "largest":
                rounding.disturb(tensors.flat, scale=of_largest * tensors.flat)

    def power_roundings(self) -> tuple[float, float]:
        """Return how often what rounding there is in powers of β was in the last step, and in the largest v kept.

        A power near 1 has hardly any digits of what it lacks of 1. Both are 0 where no power is taken.
        """
        return 0.0, 0.0

    def prepare(self, rate: float, /) -> Callable[..., None]:
        """Return what updates one stretch in place: (parameter, gradient, *slots, and two arrays to work in)."""
        raise NotImplementedError


class GradientDescent(Optimizer):
    """p ← p - lr · g, or with momentum, of directions or of steps, and Nesterov's look ahead."""

    def prepare(self, rate: float, /) -> Callable[..., None]:
        descent: spec.GradientDescent = self._spec
        if descent.momentum > 0.0:
            return self._prepare_momentum(rate, descent)

        def move(parameter: Array, gradient: Array, step: Array, _: Array, /) -> None:
            np.multiply(gradient, rate, out=step)
            parameter -= step

        return move

    @staticmethod
    def _prepare_momentum(rate: float, descent: spec.GradientDescent) -> Callable[..., None]:
        # Of steps: what comes in is lr · g, and what is kept is taken as it is.
        incoming, outgoing = (rate, 1.0) if descent.momentum_of == "step" else (1.0, rate)
        momentum = float(descent.momentum)

        def move(parameter: Array, gradient: Array, buffer: Array, step: Array, ahead: Array, /) -> None:
            np.multiply(gradient, incoming, out=step)
            buffer *= momentum
            buffer += step
            if descent.nesterov:
                np.multiply(buffer, momentum, out=ahead)
                step += ahead
            else:
                np.copyto(step, buffer)
            step *= outgoing
            parameter -= step

        return move


class Adam(Optimizer):
    """Adam, with ε outside the bias-corrected root or in the "hat" form. Kingma and Ba 2015, Algorithm 1.

    "outside": p ← p - lr / (1 - β1ᵗ) · m / (√v / √(1 - β2ᵗ) + ε);
    "hat": p ← p - lr · √(1 - β2ᵗ) / (1 - β1ᵗ) · m / (√v + ε). t = counter + 1.
    With amsgrad the largest v so far, or v / (1 - β2ᵗ), in v's place. Reddi et al. 2018.
    """

    divides = True

    def power_roundings(self) -> tuple[float, float]:
        adam: spec.Adam = self._spec
        if not adam.bias_correction or self.counter < 2:  # the first power is β itself
            return 0.0, 0.0
        first, second = (beta**self.counter / (1.0 - beta**self.counter) for beta in (adam.beta1, adam.beta2))
        return first + second / 2, second if adam.amsgrad == "corrected" else 0.0

    def prepare(self, rate: float, /) -> Callable[..., None]:
        adam: spec.Adam = self._spec
        beta1, beta2, epsilon = float(adam.beta1), float(adam.beta2), float(adam.epsilon)
        correction1 = correction2 = 1.0
        if adam.bias_correction:
            correction1 = 1.0 - beta1 ** (self.counter + 1)
            correction2 = math.sqrt(1.0 - beta2 ** (self.counter + 1))
        hat = adam.epsilon_placement == "hat"
        scale = rate * correction2 / correction1 if hat else rate / correction1
        of_corrected = adam.amsgrad == "corrected"
        root_scale = 1.0 if hat or of_corrected else correction2

        def move(parameter: Array, gradient: Array, m: Array, v: Array, *rest: Array) -> None:
            *largest, step, root = rest
            m *= beta1
            np.multiply(gradient, 1.0 - beta1, out=step)
            m += step
            v *= beta2
            np.multiply(gradient, gradient, out=step)
            step *= 1.0 - beta2
            v += step
            if largest:
                np.divide(v, correction2**2 if of_corrected else 1.0, out=step)
                np.maximum(largest[0], step, out=largest[0])
            np.sqrt(largest[0] if largest else v, out=root)
            if root_scale != 1.0:
                root /= root_scale
            root += epsilon
            np.divide(m, root, out=step)
            step *= scale
            parameter -= step

        return move


class Adadelta(Optimizer):
    """square ← ρ square + (1 - ρ) g²; d = √(delta + ε) / √(square + ε) · g; delta likewise of d²; p ← p - lr · d.

    Zeiler 2012, Algorithm 1, with a learning rate.
    """

    divides = True

    def prepare(self, rate: float, /) -> Callable[..., None]:
        rho, epsilon = float(self._spec.rho), float(self._spec.epsilon)

        def move(parameter: Array, gradient: Array, square: Array, delta: Array, step: Array, root: Array, /) -> None:  # noqa: PLR0917
            square *= rho
            np.multiply(gradient, gradient, out=step)
            step *= 1.0 - rho
            square += step
            np.add(delta, epsilon, out=step)
            np.sqrt(step, out=step)
            np.add(square, epsilon, out=root)
            np.sqrt(root, out=root)
            step /= root
            step *= gradient
            delta *= rho
            np.multiply(step, step, out=root)
            root *= 1.0 - rho
            delta += root
            step *= rate
            parameter -= step

        return move


class Adagrad(Optimizer):
    """sum ← sum + g²; p ← p - lr · g / √sum, with ε outside or inside of the root. Duchi et al. 2011."""

    divides = True

    def prepare(self, rate: float, /) -> Callable[..., None]:
        epsilon, inside = float(self._spec.epsilon), self._spec.epsilon_placement == "inside"

        def move(parameter: Array, gradient: Array, total: Array, step: Array, root: Array, /) -> None:
            np.multiply(gradient, gradient, out=step)
            total += step
            if inside:
                np.add(total, epsilon, out=root)
                np.sqrt(root, out=root)
            else:
                np.sqrt(total, out=root)
                root += epsilon
            np.divide(gradient, root, out=step)
            step *= rate
            parameter -= step

        return move


class RMSprop(Optimizer):
    """square ← ρ square + (1 - ρ) g²; d = g / √square, with ε outside or inside of the root, centred or not.

    p ← p - lr · d, or p ← p - momentum's b. Tieleman and Hinton 2012; Graves 2013, equations 38 to 45.
    """

    divides = True

    def prepare(self, rate: float, /) -> Callable[..., None]:
        rms: spec.RMSprop = self._spec
        rho, epsilon, momentum = float(rms.rho), float(rms.epsilon), float(rms.momentum)

        def move(parameter: Array, gradient: Array, square: Array, *rest: Array) -> None:
            *slots, step, root = rest
            kept = iter(slots)
            square *= rho
            np.multiply(gradient, gradient, out=step)
            step *= 1.0 - rho
            square += step
            if rms.centered:
                mean = next(kept)
                mean *= rho
                np.multiply(gradient, 1.0 - rho, out=step)
                mean += step
                np.multiply(mean, mean, out=step)
                np.subtract(square, step, out=root)
            else:
                np.copyto(root, square)
            if rms.epsilon_placement == "inside":
                root += epsilon
                np.sqrt(root, out=root)
            else:
                np.sqrt(root, out=root)
                root += epsilon
            np.divide(gradient, root, out=step)
            if momentum > 0.0 and rms.momentum_of == "direction":
                buffer = next(kept)
                buffer *= momentum
                buffer += step
                np.multiply(buffer, rate, out=step)
            else:
                step *= rate
                if momentum > 0.0:
                    buffer = next(kept)
                    buffer *= momentum
                    buffer += step
                    np.copyto(step, buffer)
            parameter -= step

        return move


OPTIMIZERS: dict[type[spec.Optimizer], Callable[[Any, Network, float | None], Optimizer]] = {
    spec.GradientDescent: GradientDescent,
    spec.Adam: Adam,
    spec.Adadelta: Adadelta,
    spec.RMSprop: RMSprop,
    spec.Adagrad: Adagrad,
}


def build_optimizer(optimizer: spec.Optimizer, network: Network, /, *, bound: float | None = None) -> Optimizer:
    """Build the optimizer of a network, its slots at zero. Raises UnsupportedLayer.

    bound: what each update's parameters are then held to, [-bound, bound].
    """
    builder = OPTIMIZERS.get(type(optimizer))
    if builder is None:
        raise UnsupportedLayer(f"numpy has no optimizer {type(optimizer).__name__}")
    return builder(optimizer, network, bound)
