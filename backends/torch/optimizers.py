"""The optimizers: torch's own where their mathematics is the spec's, small ones here where it is not.

The `..._update` functions are the same mathematics on plain tensors, with what depends on the counter passed in as
tensors, for the compiled path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from gan_rosetta.backends.torch.averages import Averages
from gan_rosetta.backends.torch.clipping import clipped
from gan_rosetta.backends.torch.rows import Row
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec.optimizers import kept_share, share_of_gradient
from gan_rosetta.shared.state import counter_name, slot_name
from gan_rosetta.shared.state.layouts import TORCH_SLOTS

Slots = Mapping[str, Tensor]
Native: TypeAlias = "torch.optim.Optimizer | PlacedOptimizer"


def gradient_descent(optimizer: spec.GradientDescent, /, *, parameters: Sequence[Tensor]) -> Native:
    """Build p ← p - lr · g, which with momentum is torch's own where that is of the direction."""
    if optimizer.momentum > 0 and optimizer.momentum_of != "direction":
        return PlacedOptimizer(parameters, optimizer)
    return torch.optim.SGD(
        parameters,
        lr=optimizer.learning_rate.at(0),
        momentum=optimizer.momentum,
        nesterov=optimizer.nesterov,
        weight_decay=share_of_gradient(optimizer),
    )


def adam(optimizer: spec.Adam, /, *, parameters: Sequence[Tensor]) -> Native:
    """Build Adam, which is torch's own where ε is outside and the bias corrected. Kingma and Ba 2015, Algorithm 1."""
    placed = optimizer.epsilon_placement != "outside" or not optimizer.bias_correction
    if placed or optimizer.amsgrad == "corrected":
        return PlacedOptimizer(parameters, optimizer)
    return torch.optim.Adam(
        parameters,
        lr=optimizer.learning_rate.at(0),
        betas=(optimizer.beta1, optimizer.beta2),
        eps=optimizer.epsilon,
        amsgrad=optimizer.amsgrad == "as_kept",
        weight_decay=share_of_gradient(optimizer),
    )


def adadelta(optimizer: spec.Adadelta, /, *, parameters: Sequence[Tensor]) -> Native:
    """Build Adadelta with a learning rate. Zeiler 2012, Algorithm 1."""
    return torch.optim.Adadelta(
        parameters,
        lr=optimizer.learning_rate.at(0),
        rho=optimizer.rho,
        eps=optimizer.epsilon,
        weight_decay=share_of_gradient(optimizer),
    )


def rmsprop(optimizer: spec.RMSprop, /, *, parameters: Sequence[Tensor]) -> Native:
    """Build RMSprop, which is torch's own where ε is outside of the root and momentum is of the direction."""
    if optimizer.epsilon_placement != "outside" or (optimizer.momentum > 0 and optimizer.momentum_of != "direction"):
        return PlacedOptimizer(parameters, optimizer)
    return torch.optim.RMSprop(
        parameters,
        lr=optimizer.learning_rate.at(0),
        alpha=optimizer.rho,
        eps=optimizer.epsilon,
        momentum=optimizer.momentum,
        centered=optimizer.centered,
        weight_decay=share_of_gradient(optimizer),
    )


def adagrad(optimizer: spec.Adagrad, /, *, parameters: Sequence[Tensor]) -> Native:
    """Build Adagrad, which is torch's own where ε is outside of the root. Duchi et al. 2011."""
    if optimizer.epsilon_placement != "outside":
        return PlacedOptimizer(parameters, optimizer)
    return torch.optim.Adagrad(
        parameters, lr=optimizer.learning_rate.at(0), eps=optimizer.epsilon, weight_decay=share_of_gradient(optimizer)
    )


OPTIMIZERS: dict[type, Callable[..., Native]] = {
    spec.GradientDescent: gradient_descent,
    spec.Adam: adam,
    spec.Adadelta: adadelta,
    spec.RMSprop: rmsprop,
    spec.Adagrad: adagrad,
}


class PlacedOptimizer:
    """An optimizer in a form that torch has none of, such as with ε elsewhere; updates as compiled steps do.

    It has what is used here of a torch.optim.Optimizer, not what that does around each step for hooks and profilers.
    """

    def __init__(self, parameters: Sequence[Tensor], optimizer: spec.Optimizer) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), "lr": optimizer.learning_rate.at(0)}]
        self.state: dict[Tensor, dict[str, Any]] = {parameter: {} for parameter in parameters}
        self.epoch = 0
        self._optimizer = optimizer
        self._update = UPDATES[type(optimizer)]

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter from its gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                values = step_values(self._optimizer, counter=int(state["step"]), epoch=self.epoch)
                state["step"] += 1
                slots = {slot: state[TORCH_SLOTS[slot]] for slot in self._optimizer.slots}
                gradient = decayed_gradient(self._optimizer, parameter=parameter, gradient=parameter.grad)
                self._update(self._optimizer, parameter=parameter, gradient=gradient, slots=slots, values=values)


class NamedOptimizer:
    """A torch optimizer whose learning rate follows the spec, its slots and counter by their canonical names.

    name: as in the state's schema; parameters: by canonical name, in canonical order; bound: what
    each update's parameters are then held to, [-bound, bound]; epoch: passes over the real data that came before;
    averages: what follows the network after each update, or None; clipping: what gradients are held to before it;
    row: the vector that the parameters lie in, which is then updated in their place.
    Raises UnsupportedLayer for an optimizer that is not in the table.
    """

    def __init__(
        self,
        optimizer: spec.Optimizer,
        /,
        *,
        name: str,
        parameters: Mapping[str, nn.Parameter],
        bound: float | None = None,
        clipping: spec.GradientClipping | None = None,
        row: Row | None = None,
    ) -> None:
        if type(optimizer) not in OPTIMIZERS:
            raise UnsupportedLayer(f"torch has no {type(optimizer).__name__}; add it to OPTIMIZERS in optimizers.py")
        self.spec = optimizer
        self.bound = bound
        self.clipping = clipping
        self.averages: Averages | None = None
        self.counter_name = counter_name(name)
        self.counter = 0
        self.epoch = 0
        self.slots: dict[str, Tensor] = {}
        self.slot_names = {
            canonical: {slot: slot_name(name, canonical, slot) for slot in optimizer.slots} for canonical in parameters
        }
        self.parameters = dict(parameters)
        own = list(parameters.values())
        # What is updated: the parameters, or the one vector that they lie in, in which case all else lies in such too.
        self._moved: list[Tensor] = list(own) if row is None else [row.flat]
        self.native = OPTIMIZERS[type(optimizer)](optimizer, parameters=self._moved)
        states: list[dict[str, Any]] = [self.native.state[moved] for moved in self._moved]
        rows = {} if row is None else {slot: Row(own) for slot in optimizer.slots}
        for place, names in enumerate(self.slot_names.values()):
            for slot, canonical in names.items():
                part = rows[slot].parts[place] if rows else torch.zeros_like(own[place], requires_grad=False)
                self.slots[canonical] = part
                states[0 if rows else place][TORCH_SLOTS[slot]] = rows[slot].flat if rows else part
        self._gradients = None if row is None else Row(own)
        self._steps: list[Tensor] = []
        if optimizer.slots:
            for state in states:
                # On the host, as torch keeps it; float64, since float32 stops counting at 2²⁴.
                state["step"] = torch.zeros((), dtype=torch.float64)
                self._steps.append(state["step"])

    def update(self, gradients: Sequence[Tensor], /) -> None:
        """Move the parameters, in canonical order as the gradients are, and the counter."""
        held = clipped(self.clipping, gradients)
        if self._gradients is not None:
            self._gradients.fill(held)
            held = [self._gradients.flat]
        for moved, gradient in zip(self._moved, held, strict=True):
            moved.grad = gradient  # in each update: another optimizer may move the same
        for group in self.native.param_groups:
            group["lr"] = self.spec.learning_rate.at(self.counter, epoch=self.epoch)
        if isinstance(self.native, PlacedOptimizer):
            self.native.epoch = self.epoch
        shrink_parameters(self._moved, kept=kept_share(self.spec, self.counter, epoch=self.epoch))
        self.native.step()
        clip_parameters(self._moved, bound=self.bound)
        if self.averages is not None:
            self.averages.follow(self.averages.spec.share(self.counter))
        self.counter += 1

    def set_counter(self, counter: int, /) -> None:
        """Say how many updates there have been."""
        self.counter = counter
        for step in self._steps:
            step.fill_(counter)


def shrink_parameters(parameters: Sequence[Tensor], /, *, kept: Any) -> None:
    """Leave parameters a share of themselves, in place, before the optimizer's step; None leaves them whole."""
    if kept is not None:
        with torch.no_grad():
            for parameter in parameters:
                parameter.mul_(kept)


def decayed_gradient(optimizer: spec.Optimizer, /, *, parameter: Tensor, gradient: Tensor) -> Tensor:
    """Return a gradient with the weight decay in it, where that is of the gradient."""
    share = share_of_gradient(optimizer)
    return gradient.add(parameter, alpha=share) if share else gradient


def clip_parameters(parameters: Sequence[Tensor], /, *, bound: float | None) -> None:
    """Hold parameters to [-bound, bound], in place; None leaves them."""
    if bound is not None:
        with torch.no_grad():
            for parameter in parameters:
                parameter.clamp_(-bound, bound)


def step_values(optimizer: spec.Optimizer, /, *, counter: int, epoch: int = 0) -> tuple[float, ...]:
    """Return the numbers of an update that depend on the counter or the epoch, computed on the host in float64."""
    learning_rate = optimizer.learning_rate.at(counter, epoch=epoch)
    if isinstance(optimizer, spec.Adam):
        return _adam_values(optimizer, learning_rate=learning_rate, counter=counter)
    return (learning_rate,)


def gradient_descent_update(
    optimizer: spec.GradientDescent, /, *, parameter: Tensor, gradient: Tensor, slots: Slots, values: Sequence[Any]
) -> None:
    """Update a parameter and its slot in place. values: the learning rate."""
    if optimizer.momentum == 0:
        parameter.sub_(values[0] * gradient)
        return
    is_direction = optimizer.momentum_of == "direction"
    incoming = gradient if is_direction else values[0] * gradient
    buffer = slots["momentum"].mul_(optimizer.momentum).add_(incoming)
    moved = incoming + optimizer.momentum * buffer if optimizer.nesterov else buffer
    parameter.sub_(values[0] * moved if is_direction else moved)


def adam_update(
    optimizer: spec.Adam, /, *, parameter: Tensor, gradient: Tensor, slots: Slots, values: Sequence[Any]
) -> None:
    """Update a parameter and its slots in place. values: the step size, and what √v is divided by before ε."""
    step_size, divisor = values
    slots["m"].mul_(optimizer.beta1).add_(gradient, alpha=1 - optimizer.beta1)
    square = slots["v"].mul_(optimizer.beta2).addcmul_(gradient, gradient, value=1 - optimizer.beta2)
    if optimizer.amsgrad == "corrected":
        square = slots["largest"].copy_(torch.maximum(slots["largest"], square / (divisor * divisor)))
        divisor = 1.0
    elif optimizer.amsgrad == "as_kept":
        square = slots["largest"].copy_(torch.maximum(slots["largest"], square))
    parameter.sub_(step_size * (slots["m"] / (square.sqrt() / divisor + optimizer.epsilon)))


def adadelta_update(
    optimizer: spec.Adadelta, /, *, parameter: Tensor, gradient: Tensor, slots: Slots, values: Sequence[Any]
) -> None:
    """Update a parameter and its slots in place. values: the learning rate."""
    rho, epsilon = optimizer.rho, optimizer.epsilon
    slots["square"].mul_(rho).addcmul_(gradient, gradient, value=1 - rho)
    change = (slots["delta"] + epsilon).sqrt() / (slots["square"] + epsilon).sqrt() * gradient
    slots["delta"].mul_(rho).addcmul_(change, change, value=1 - rho)
    parameter.sub_(values[0] * change)


def rmsprop_update(
    optimizer: spec.RMSprop, /, *, parameter: Tensor, gradient: Tensor, slots: Slots, values: Sequence[Any]
) -> None:
    """Update a parameter and its slots in place. values: the learning rate."""
    slots["square"].mul_(optimizer.rho).addcmul_(gradient, gradient, value=1 - optimizer.rho)
    variance = slots["square"]
    if optimizer.centered:
        slots["mean"].mul_(optimizer.rho).add_(gradient, alpha=1 - optimizer.rho)
        variance = variance - slots["mean"] * slots["mean"]
    inside = optimizer.epsilon_placement == "inside"
    root = (variance + optimizer.epsilon).sqrt() if inside else variance.sqrt() + optimizer.epsilon
    if optimizer.momentum == 0:
        parameter.sub_(values[0] * (gradient / root))
    elif optimizer.momentum_of == "direction":
        parameter.sub_(values[0] * slots["momentum"].mul_(optimizer.momentum).add_(gradient / root))
    else:
        parameter.sub_(slots["momentum"].mul_(optimizer.momentum).add_(values[0] * (gradient / root)))


def adagrad_update(
    optimizer: spec.Adagrad, /, *, parameter: Tensor, gradient: Tensor, slots: Slots, values: Sequence[Any]
) -> None:
    """Update a parameter and its slot in place. values: the learning rate."""
    total = slots["sum"].addcmul_(gradient, gradient, value=1)
    inside = optimizer.epsilon_placement == "inside"
    root = (total + optimizer.epsilon).sqrt() if inside else total.sqrt() + optimizer.epsilon
    parameter.sub_(values[0] * (gradient / root))


UPDATES: dict[type, Callable[..., None]] = {
    spec.GradientDescent: gradient_descent_update,
    spec.Adam: adam_update,
    spec.Adadelta: adadelta_update,
    spec.RMSprop: rmsprop_update,
    spec.Adagrad: adagrad_update,
}


def _adam_values(optimizer: spec.Adam, *, learning_rate: float, counter: int) -> tuple[float, float]:
    if not optimizer.bias_correction:
        return learning_rate, 1.0
    first = 1 - optimizer.beta1 ** (counter + 1)
    second = (1 - optimizer.beta2 ** (counter + 1)) ** 0.5
    if optimizer.epsilon_placement == "hat":
        return learning_rate * second / first, 1.0
    return learning_rate / first, second
