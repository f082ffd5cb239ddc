"""The optimizers: new parameters and slots, for gradients from subnormal to huge, at the first update and later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, read_tensor
from gan_rosetta.shared.accuracy.points import in_type, magnitudes
from gan_rosetta.shared.accuracy.tiny import linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import Adadelta, Adam, ConstantRate, GradientDescent, Optimizer, RMSprop

_RATE = 0.001
_ONE = np.ones((1, 1))
_LATER = 10
_PARAMETER = "generator.weights.weight"
_HOW = {"num_wide": 20, "num_near": 24}
_NUM = len(magnitudes("float32", **_HOW))

Update = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


def _slot(name: str) -> str:
    return f"optimizer.generator.weights.weight.{name}"


def _trials(optimizer: Optimizer) -> Callable[[Dtype], Sequence[Trial]]:
    """The first update of parameters at 0, and the eleventh of parameters at 1 whose slots fit the gradients."""

    def trials(dtype: Dtype) -> Sequence[Trial]:
        gradients = magnitudes(dtype, **_HOW)
        found = []
        for counter in (0, _LATER):
            later = float(counter > 0)
            largest = float(np.finfo(dtype).max)
            slots = {
                slot: later * in_type(np.minimum(_fitting(slot, gradients), largest), dtype) for slot in optimizer.slots
            }
            parameter = np.full(_NUM, later)
            found.append(
                Trial(
                    inputs=tuple(f"{g:.3g}, {counter} before" if counter else g for g in gradients.tolist()),
                    state={_PARAMETER: parameter, "discriminator.score.weight": gradients}
                    | {_slot(slot): array for slot, array in slots.items()},
                    arrays=step_arrays(latent=_ONE, real=np.zeros((1, _NUM))),
                    counter=counter,
                    arguments={"p": parameter, "g": gradients, "counter": np.array(counter), **slots},
                )
            )
        return found

    return trials


def _fitting(slot: str, gradients: np.ndarray) -> np.ndarray:
    """Return what a slot holds after such gradients."""
    if slot == "m":
        return -0.7 * gradients
    if slot == "delta":
        return np.full(len(gradients), 1e-6)
    if slot == "mean":
        return 0.4 * gradients
    if slot == "momentum":
        return np.full(len(gradients), 1.5)
    with np.errstate(over="ignore"):
        return 0.3 * gradients**2


def _operation(name: str, title: str, optimizer: Optimizer, update: Update) -> Operation:
    def truth(quantity: str) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
        def of(arguments: Mapping[str, np.ndarray]) -> np.ndarray:
            counter = int(arguments["counter"])
            rest = {key: exact.extended(array) for key, array in arguments.items() if key != "counter"}
            return update({**rest, "counter": np.array(counter)})[quantity][:, np.newaxis]

        return of

    return Operation(
        name=name,
        group="optimizers",
        title=title,
        spec=tiny_gan(
            name,
            generator=(linear("weights", 1, _NUM),),
            discriminator=(linear("score", _NUM, 1),),
            optimizer=optimizer,
        ),
        trials=_trials(optimizer),
        quantities=(
            Quantity(name="parameter", read=read_tensor(_PARAMETER), truth=truth("p")),
            *(Quantity(name=slot, read=read_tensor(_slot(slot)), truth=truth(slot)) for slot in optimizer.slots),
        ),
        axis="gradient",
    )


def _adam(name: str, title: str, adam: Adam) -> Operation:
    def update(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        beta1, beta2, rate, epsilon = (exact.extended(x) for x in (adam.beta1, adam.beta2, _RATE, adam.epsilon))
        times = int(given["counter"]) + 1
        m = beta1 * given["m"] + (1 - beta1) * given["g"]
        v = beta2 * given["v"] + (1 - beta2) * given["g"] ** 2
        first, second = (1 - beta1**times, np.sqrt(1 - beta2**times)) if adam.bias_correction else (1, 1)
        if adam.epsilon_placement == "hat":
            change = rate * second / first * m / (np.sqrt(v) + epsilon)
        else:
            change = rate / first * m / (np.sqrt(v) / second + epsilon)
        return {"p": given["p"] - change, "m": m, "v": v}

    return _operation(name, title, adam, update)


def _adadelta() -> Operation:
    adadelta = Adadelta(learning_rate=ConstantRate(value=1.0), rho=0.9, epsilon=1e-6)

    def update(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rho, epsilon = exact.extended(adadelta.rho), exact.extended(adadelta.epsilon)
        square = rho * given["square"] + (1 - rho) * given["g"] ** 2
        change = np.sqrt(given["delta"] + epsilon) / np.sqrt(square + epsilon) * given["g"]
        return {"p": given["p"] - change, "square": square, "delta": rho * given["delta"] + (1 - rho) * change**2}

    return _operation("adadelta", "Adadelta", adadelta, update)


def _rmsprop(name: str, title: str, rms: RMSprop) -> Operation:
    def update(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rho, epsilon, rate, momentum = (exact.extended(x) for x in (rms.rho, rms.epsilon, _RATE, rms.momentum))
        found = {"square": rho * given["square"] + (1 - rho) * given["g"] ** 2}
        variance = found["square"]
        if rms.centered:
            found["mean"] = rho * given["mean"] + (1 - rho) * given["g"]
            variance = variance - found["mean"] ** 2
        inside = rms.epsilon_placement == "inside"
        change = given["g"] / (np.sqrt(variance + epsilon) if inside else np.sqrt(variance) + epsilon)
        if rms.momentum == 0:
            return found | {"p": given["p"] - rate * change}
        if rms.momentum_of == "direction":
            found["momentum"] = momentum * given["momentum"] + change
            return found | {"p": given["p"] - rate * found["momentum"]}
        found["momentum"] = momentum * given["momentum"] + rate * change
        return found | {"p": given["p"] - found["momentum"]}

    return _operation(name, title, rms, update)


def _descent() -> Operation:
    descent = GradientDescent(learning_rate=ConstantRate(value=_RATE))
    return _operation(
        "gradient-descent",
        "gradient descent",
        descent,
        lambda given: {"p": given["p"] - exact.extended(_RATE) * given["g"]},
    )


def _adam_of(*, hat: bool, corrected: bool) -> Adam:
    return Adam(
        learning_rate=ConstantRate(value=_RATE),
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        epsilon_placement="hat" if hat else "outside",
        bias_correction=corrected,
    )


def _rmsprop_of(
    *,
    placement: Literal["outside", "inside"],
    centered: bool = False,
    momentum: float = 0.0,
    momentum_of: Literal["direction", "step"] = "direction",
) -> RMSprop:
    return RMSprop(
        learning_rate=ConstantRate(value=_RATE),
        rho=0.9,
        epsilon=1e-8,
        epsilon_placement=placement,
        centered=centered,
        momentum=momentum,
        momentum_of=momentum_of,
    )


OPTIMIZERS = (
    _descent(),
    _adam("adam", "Adam", _adam_of(hat=False, corrected=True)),
    _adam("adam-hat", "Adam, ε-hat", _adam_of(hat=True, corrected=True)),
    _adam("adam-uncorrected", "Adam without bias correction", _adam_of(hat=False, corrected=False)),
    _adadelta(),
    _rmsprop("rmsprop", "RMSprop", _rmsprop_of(placement="outside")),
    _rmsprop("rmsprop-inside", "RMSprop, ε inside the root", _rmsprop_of(placement="inside")),
    _rmsprop("rmsprop-centered", "RMSprop, centred", _rmsprop_of(placement="inside", centered=True)),
    _rmsprop("rmsprop-momentum", "RMSprop, momentum of d", _rmsprop_of(placement="outside", momentum=0.9)),
    _rmsprop(
        "rmsprop-momentum-of-step",
        "RMSprop, momentum of lr · d",
        _rmsprop_of(placement="outside", momentum=0.9, momentum_of="step"),
    ),
)
