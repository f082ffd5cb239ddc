"""The optimizers in PyTorch: torch's own where their mathematics is the spec's, written out where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.layouts import torch_slots
from gan_rosetta.shared.translate.in_torch.model import name_in_state
from gan_rosetta.shared.translate.parts import (
    OptimizerUse,
    begun_uses,
    decays,
    forms_of,
    optimizer_uses,
    rate_at,
    rate_expression,
    rate_functions,
)
from gan_rosetta.shared.translate.writing import call, indented, number, numbers


def optimizers_section(gan: GanSpec, /) -> str:
    """Return the optimizers that torch has none of, and those of both players."""
    classes = [_OPTIMIZERS[type(form)](form, name) for form, name in forms_of(gan, is_own_optimizer).items()]
    classes = [*rate_functions(gan), *classes]
    lines = []
    for use in optimizer_uses(gan):
        optimizer = use.optimizer
        name, settings = _native(optimizer) if is_own_optimizer(optimizer) else _written(gan, optimizer)
        parameters = f"{use.network}.parameters()"
        lines.append(call(f"optimizer_{use.short} = {name}(", [parameters, *settings]))
        rate: Any = optimizer.learning_rate
        if not isinstance(rate, spec.ConstantRate):
            lines.append(_schedule(rate, use.short))
    begun = begun_uses(gan)
    if not begun:
        return "\n\n\n".join([*classes, "\n".join(lines)])
    resumed = "\n".join(line for use in begun for line in _resumed(use))
    return "\n\n\n".join([*classes, "\n".join(lines), _RESUME.replace("{name}", f"{{{name_in_state(gan)}}}"), resumed])


_RESUME = '''\
def resume(
    optimizer: torch.optim.Optimizer, network: nn.Module, of: str, slots: dict[str, str]
) -> int:
    """Give an optimizer what a state has kept of it; return how many steps it had taken."""
    count = int(state.get(f"optimizer.{of}.step", 0))
    for name, parameter in network.named_parameters() if count and slots else ():
        optimizer.state[parameter] = {"step": torch.tensor(float(count))}
        for slot, own in slots.items():
            kept = state[f"optimizer.{of}.{name}.{slot}"]
            optimizer.state[parameter][own] = torch.tensor(kept, dtype=dtype)
    return count'''


def _resumed(use: OptimizerUse) -> list[str]:
    """Return the lines that have an optimizer go on where a state's was."""
    slots = ", ".join(f'"{slot}": "{own}"' for slot, own in torch_slots(use.optimizer).items())
    arguments = [f"optimizer_{use.short}", use.network, f'"{use.name}"', f"{{{slots}}}"]
    if not decays(use.optimizer, "updates"):
        return [call("resume(", arguments)]
    return [
        call("count = resume(", arguments),
        f"schedule_{use.short}.last_epoch = count",
        f'optimizer_{use.short}.param_groups[0]["lr"] = {rate_at(use.optimizer, "count")}',
    ]


def is_own_optimizer(optimizer: spec.Optimizer, /) -> bool:
    """Whether torch's own optimizer has the spec's mathematics."""
    if isinstance(optimizer, spec.Adam):
        return optimizer.epsilon_placement == "outside" and optimizer.bias_correction
    if isinstance(optimizer, spec.RMSprop):
        is_direction = optimizer.momentum == 0 or optimizer.momentum_of == "direction"
        return optimizer.epsilon_placement == "outside" and is_direction
    return True


def _native(optimizer: Any) -> tuple[str, list[str]]:
    rate = f"lr={number(optimizer.learning_rate.at(0))}"
    if isinstance(optimizer, spec.GradientDescent):
        return "torch.optim.SGD", [rate]
    eps = f"eps={number(optimizer.epsilon)}"
    if isinstance(optimizer, spec.Adam):
        betas = f"betas={numbers((optimizer.beta1, optimizer.beta2))}"
        return "torch.optim.Adam", [rate, betas, eps]
    if isinstance(optimizer, spec.Adadelta):
        return "torch.optim.Adadelta", [rate, f"rho={number(optimizer.rho)}", eps]
    more = [f"momentum={number(optimizer.momentum)}"] if optimizer.momentum else []
    more += ["centered=True"] if optimizer.centered else []
    return "torch.optim.RMSprop", [rate, f"alpha={number(optimizer.rho)}", eps, *more]


def _written(gan: GanSpec, optimizer: Any) -> tuple[str, list[str]]:
    name = next(name for form, name in forms_of(gan, is_own_optimizer).items() if form == optimizer)
    return name, []


def _schedule(rate: Any, short: str) -> str:
    if not isinstance(rate, spec.ExponentialDecay):
        settings = [f"optimizer_{short}", f"lambda count: {rate_expression(rate, 'count')} / {number(rate.initial)}"]
        return call(f"schedule_{short} = torch.optim.lr_scheduler.LambdaLR(", settings)
    every, factor = number(rate.every), number(rate.factor)
    if rate.staircase:
        settings = [f"optimizer_{short}", f"step_size={every}", f"gamma={factor}"]
        return call(f"schedule_{short} = torch.optim.lr_scheduler.StepLR(", settings)
    settings = [f"optimizer_{short}", f"lambda count: {factor} ** (count / {every})"]
    return call(f"schedule_{short} = torch.optim.lr_scheduler.LambdaLR(", settings)


def _adam(optimizer: spec.Adam, name: str) -> str:
    if optimizer.bias_correction:
        said = "Adam that adds ε before the bias correction; torch.optim.Adam adds it after"
        first, second = number(optimizer.beta1), number(optimizer.beta2)
        scale = f'rate = group["lr"] * (1 - {second}**step) ** 0.5 / (1 - {first}**step)'
    else:
        said = "Adam without the bias correction, which torch.optim.Adam always has"
        scale = 'rate = group["lr"]'
    beta1, beta2 = number(optimizer.beta1), number(optimizer.beta2)
    lines = [
        f"m.lerp_(gradient, 1 - {beta1})",
        f"v.mul_({beta2}).addcmul_(gradient, gradient, value=1 - {beta2})",
        scale,
        f"parameter.sub_(rate * m / (v.sqrt() + {number(optimizer.epsilon)}))",
    ]
    return _optimizer_class(name, said, optimizer, {"exp_avg": "m", "exp_avg_sq": "v"}, lines)


def _rmsprop(optimizer: spec.RMSprop, name: str) -> str:
    inside = optimizer.epsilon_placement == "inside"
    said = f"RMSprop with ε {'under the root' if inside else 'beside the root'}"
    if optimizer.momentum:
        said += f", momentum of the {optimizer.momentum_of}"
    said += "; torch's own has another form"
    slots = {"square_avg": "square"}
    slots |= {"grad_avg": "mean"} if optimizer.centered else {}
    slots |= {"momentum_buffer": "momentum"} if optimizer.momentum else {}
    rest, epsilon = f"1 - {number(optimizer.rho)}", number(optimizer.epsilon)
    lines = [f"square.mul_({number(optimizer.rho)}).addcmul_(gradient, gradient, value={rest})"]
    variance = "square"
    if optimizer.centered:
        lines.append(f"mean.lerp_(gradient, {rest})")
        variance = "(square - mean**2)"
    under = variance.removeprefix("(").removesuffix(")")
    root = f"({under} + {epsilon}).sqrt()" if inside else f"({variance}.sqrt() + {epsilon})"
    if not optimizer.momentum:
        lines.append(f'parameter.sub_(group["lr"] * gradient / {root})')
    elif optimizer.momentum_of == "direction":
        lines.append(f"momentum.mul_({number(optimizer.momentum)}).add_(gradient / {root})")
        lines.append('parameter.sub_(group["lr"] * momentum)')
    else:
        lines.append(f'momentum.mul_({number(optimizer.momentum)}).add_(group["lr"] * gradient / {root})')
        lines.append("parameter.sub_(momentum)")
    return _optimizer_class(name, said, optimizer, slots, lines)


_OPTIMIZERS: dict[type, Callable[..., str]] = {spec.Adam: _adam, spec.RMSprop: _rmsprop}


def _optimizer_class(name: str, said: str, optimizer: Any, slots: dict[str, str], lines: list[str]) -> str:
    rate = number(optimizer.learning_rate.at(0))
    kept = ", ".join(f'"{slot}"' for slot in slots)
    kept = f"({kept},)" if len(slots) == 1 else f"({kept})"
    names = ", ".join(slots.values()) if len(slots) > 1 else f"({next(iter(slots.values()))},)"
    counts = any("step" in line for line in lines)
    return f'''\
class {name}(torch.optim.Optimizer):
    """{said}."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        super().__init__(parameters, {{"lr": {rate}}})

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter by its gradient."""
        group = self.param_groups[0]
        for parameter in group["params"]:
            state, gradient = self.state[parameter], parameter.grad
            names = {kept}
            if not state:
                state["step"] = 0
                for name in names:
                    state[name] = torch.zeros_like(parameter)
            {names} = (state[name] for name in names)
            state["step"] {'= step = int(state["step"]) + 1' if counts else "+= 1"}
{indented(chr(10).join(lines), by=12)}'''
