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
from gan_rosetta.shared.spec import (
    Adadelta,
    Adagrad,
    Adam,
    ConstantRate,
    GradientDescent,
    Optimizer,
    RMSprop,
    WeightDecay,
)

_RATE = 0.001
_CONSTANT = ConstantRate(value=_RATE)
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
        found, kept = {"m": m, "v": v}, v
        if adam.amsgrad != "no":
            kept = np.maximum(given["largest"], v if adam.amsgrad == "as_kept" else v / second**2)
            found["largest"] = kept
        if adam.epsilon_placement == "hat":
            change = rate * second / first * m / (np.sqrt(kept) + epsilon)
        else:
            root = np.sqrt(kept) if adam.amsgrad == "corrected" else np.sqrt(kept) / second
            change = rate / first * m / (root + epsilon)
        return found | {"p": given["p"] - change}

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


def _adagrad() -> Operation:
    adagrad = Adagrad(
        learning_rate=ConstantRate(value=_RATE), epsilon=1e-7, epsilon_placement="inside", initial_sum=0.1
    )

    def update(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        total = given["sum"] + given["g"] ** 2
        change = given["g"] / np.sqrt(total + exact.extended(adagrad.epsilon))
        return {"p": given["p"] - exact.extended(_RATE) * change, "sum": total}

    return _operation("adagrad", "Adagrad, ε inside the root", adagrad, update)


def _descent(name: str, title: str, descent: GradientDescent) -> Operation:
    def update(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rate, momentum, p = exact.extended(_RATE), exact.extended(descent.momentum), given["p"]
        decay, gradient = descent.weight_decay, given["g"]
        if decay is not None:
            gradient = gradient + exact.extended(decay.share) * p
        if descent.momentum == 0:
            return {"p": p - rate * gradient}
        incoming, outgoing = (gradient, rate) if descent.momentum_of == "direction" else (rate * gradient, 1)
        kept = momentum * given["momentum"] + incoming
        moved = incoming + momentum * kept if descent.nesterov else kept
        return {"p": p - outgoing * moved, "momentum": kept}

    return _operation(name, title, descent, update)


def _adam_of(*, hat: bool, corrected: bool, amsgrad: Literal["no", "as_kept", "corrected"] = "no") -> Adam:
    return Adam(
        learning_rate=ConstantRate(value=_RATE),
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        epsilon_placement="hat" if hat else "outside",
        bias_correction=corrected,
        amsgrad=amsgrad,
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
    _descent("gradient-descent", "gradient descent", GradientDescent(learning_rate=_CONSTANT)),
    _descent("momentum", "momentum", GradientDescent(learning_rate=_CONSTANT, momentum=0.9)),
    _descent(
        "nesterov",
        "Nesterov's momentum of lr · g",
        GradientDescent(learning_rate=_CONSTANT, momentum=0.9, momentum_of="step", nesterov=True),
    ),
    _descent(
        "weight-decay",
        "gradient descent, weight decay in the gradient",
        GradientDescent(learning_rate=_CONSTANT, weight_decay=WeightDecay(share=0.01, by="gradient")),
    ),
    _adam("adam", "Adam", _adam_of(hat=False, corrected=True)),
    _adam("adam-hat", "Adam, ε-hat", _adam_of(hat=True, corrected=True)),
    _adam("adam-uncorrected", "Adam without bias correction", _adam_of(hat=False, corrected=False)),
    _adam("amsgrad", "AMSGrad", _adam_of(hat=False, corrected=True, amsgrad="as_kept")),
    _adam("amsgrad-corrected", "AMSGrad of v̂", _adam_of(hat=False, corrected=True, amsgrad="corrected")),
    _adadelta(),
    _adagrad(),
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
