"""The optimizers in PyTorch: torch's own where their mathematics is the spec's, written out where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.layouts import torch_slots
from gan_rosetta.shared.translate.in_torch.model import name_in_state
from gan_rosetta.shared.translate.parts import OptimizerUse, begun_uses, decays, forms_of, optimizer_uses
from gan_rosetta.shared.translate.rates import first_rate, rate_expression, rate_functions, rate_line
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
    is_kept = slots and f"optimizer.{of}.step" in state
    for name, parameter in network.named_parameters() if is_kept else ():
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
        rate_line(f'optimizer_{use.short}.param_groups[0]["lr"]', use.optimizer, "count"),
    ]


def is_own_optimizer(optimizer: spec.Optimizer, /) -> bool:
    """Whether torch's own optimizer has the spec's mathematics."""
    decay = optimizer.weight_decay
    if decay is not None and decay.by != "gradient" and not _is_adamw(optimizer):
        return False
    if isinstance(optimizer, spec.Adam):
        is_placed = optimizer.epsilon_placement == "outside" and optimizer.bias_correction
        return is_placed and optimizer.amsgrad != "corrected"
    if isinstance(optimizer, spec.Adagrad):
        return optimizer.epsilon_placement == "outside"
    if isinstance(optimizer, spec.RMSprop | spec.GradientDescent):
        is_direction = optimizer.momentum == 0 or optimizer.momentum_of == "direction"
        return is_direction and getattr(optimizer, "epsilon_placement", "outside") == "outside"
    return True


def _is_adamw(optimizer: spec.Optimizer) -> bool:
    decay = optimizer.weight_decay
    return isinstance(optimizer, spec.Adam) and decay is not None and decay.by == "parameter"


def _native(optimizer: Any) -> tuple[str, list[str]]:
    more = [f"momentum={number(optimizer.momentum)}"] if getattr(optimizer, "momentum", 0) else []
    more += ["nesterov=True"] if getattr(optimizer, "nesterov", False) else []
    more += ["centered=True"] if getattr(optimizer, "centered", False) else []
    more += ["amsgrad=True"] if getattr(optimizer, "amsgrad", "no") != "no" else []
    if optimizer.weight_decay is not None:
        more.append(f"weight_decay={number(optimizer.weight_decay.share)}")
    rate = f"lr={number(first_rate(optimizer.learning_rate))}"
    if isinstance(optimizer, spec.GradientDescent):
        return "torch.optim.SGD", [rate, *more]
    eps = f"eps={number(optimizer.epsilon)}"
    if isinstance(optimizer, spec.Adam):
        betas = f"betas={numbers((optimizer.beta1, optimizer.beta2))}"
        return f"torch.optim.Adam{'W' if _is_adamw(optimizer) else ''}", [rate, betas, eps, *more]
    if isinstance(optimizer, spec.Adadelta):
        return "torch.optim.Adadelta", [rate, f"rho={number(optimizer.rho)}", eps, *more]
    if isinstance(optimizer, spec.Adagrad):
        begins = f"initial_accumulator_value={number(optimizer.initial_sum)}"
        return "torch.optim.Adagrad", [rate, eps, *([begins] if optimizer.initial_sum else []), *more]
    return "torch.optim.RMSprop", [rate, f"alpha={number(optimizer.rho)}", eps, *more]


def _written(gan: GanSpec, optimizer: Any) -> tuple[str, list[str]]:
    name = next(name for form, name in forms_of(gan, is_own_optimizer).items() if form == optimizer)
    return name, []


def _schedule(rate: Any, short: str) -> str:
    if not isinstance(rate, spec.ExponentialDecay):
        settings = [f"optimizer_{short}", f"lambda count: {rate_expression(rate, 'count')}"]
        return call(f"schedule_{short} = torch.optim.lr_scheduler.LambdaLR(", settings)
    every, factor = number(rate.every), number(rate.factor)
    if rate.staircase:
        settings = [f"optimizer_{short}", f"step_size={every}", f"gamma={factor}"]
        return call(f"schedule_{short} = torch.optim.lr_scheduler.StepLR(", settings)
    settings = [f"optimizer_{short}", f"lambda count: {factor} ** (count / {every})"]
    return call(f"schedule_{short} = torch.optim.lr_scheduler.LambdaLR(", settings)


def _descent(optimizer: spec.GradientDescent, name: str) -> str:
    if not optimizer.momentum:
        said = "Gradient descent whose weights shrink beside the step, not in the gradient as torch's"
        return _optimizer_class(name, said, optimizer, {}, ['parameter.sub_(group["lr"] * gradient)'])
    said = f"Gradient descent with momentum of the {optimizer.momentum_of}; torch's own has another form"
    momentum, is_step = number(optimizer.momentum), optimizer.momentum_of == "step"
    rate = 'group["lr"] * '
    lines = [f"change = {rate if is_step else ''}gradient", f"momentum.mul_({momentum}).add_(change)"]
    moved = f"(change + {momentum} * momentum)" if optimizer.nesterov else "momentum"
    lines.append(f"parameter.sub_({moved.strip('()') if is_step else rate + moved})")
    return _optimizer_class(name, said, optimizer, {"momentum_buffer": "momentum"}, lines)


def _adam(optimizer: spec.Adam, name: str) -> str:
    first, second, epsilon = (number(each) for each in (optimizer.beta1, optimizer.beta2, optimizer.epsilon))
    is_outside = optimizer.epsilon_placement == "outside"
    scale = ['rate = group["lr"]']
    root = "v.sqrt()"
    if not optimizer.bias_correction:
        said = "Adam without the bias correction, which torch.optim.Adam always has"
    elif not is_outside:
        said = "Adam that adds ε before the bias correction; torch.optim.Adam adds it after"
        scale = [f'rate = group["lr"] * (1 - {second}**step) ** 0.5 / (1 - {first}**step)']
    else:
        said = "Adam with a weight decay that torch.optim.Adam has not"
        scale = [f'rate = group["lr"] / (1 - {first}**step)']
        root = f"(v / (1 - {second}**step)).sqrt()"
    slots = {"exp_avg": "m", "exp_avg_sq": "v"}
    lines = [f"m.lerp_(gradient, 1 - {first})", f"v.mul_({second}).addcmul_(gradient, gradient, value=1 - {second})"]
    if optimizer.amsgrad != "no":
        slots["max_exp_avg_sq"] = "largest"
        of_corrected = optimizer.amsgrad == "corrected"
        said = (
            "Adam with the largest corrected v so far; torch's amsgrad is of v as it is kept" if of_corrected else said
        )
        lines.append(f"largest.copy_(torch.maximum(largest, {f'v / (1 - {second}**step)' if of_corrected else 'v'}))")
        root = "largest.sqrt()" if of_corrected else root.replace("v", "largest", 1)
    lines += [*scale, f"parameter.sub_(rate * m / ({root} + {epsilon}))"]
    return _optimizer_class(name, said, optimizer, slots, lines)


def _adadelta(optimizer: spec.Adadelta, name: str) -> str:
    said = "Adadelta whose weights shrink beside the step, not in the gradient as torch's"
    rho, epsilon = number(optimizer.rho), number(optimizer.epsilon)
    lines = [
        f"square.mul_({rho}).addcmul_(gradient, gradient, value=1 - {rho})",
        f"change = (delta + {epsilon}).sqrt() / (square + {epsilon}).sqrt() * gradient",
        f"delta.mul_({rho}).addcmul_(change, change, value=1 - {rho})",
        'parameter.sub_(group["lr"] * change)',
    ]
    return _optimizer_class(name, said, optimizer, {"square_avg": "square", "acc_delta": "delta"}, lines)


def _adagrad(optimizer: spec.Adagrad, name: str) -> str:
    inside = optimizer.epsilon_placement == "inside"
    said = f"Adagrad with ε {'under the root' if inside else 'beside the root'}; torch's own has another form"
    epsilon = number(optimizer.epsilon)
    root = f"(total + {epsilon}).sqrt()" if inside else f"(total.sqrt() + {epsilon})"
    lines = ["total.addcmul_(gradient, gradient)", f'parameter.sub_(group["lr"] * gradient / {root})']
    return _optimizer_class(name, said, optimizer, {"sum": "total"}, lines)


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


_OPTIMIZERS: dict[type, Callable[..., str]] = {
    spec.GradientDescent: _descent,
    spec.Adam: _adam,
    spec.Adadelta: _adadelta,
    spec.Adagrad: _adagrad,
    spec.RMSprop: _rmsprop,
}


def _decay_lines(optimizer: spec.Optimizer) -> list[str]:
    decay = optimizer.weight_decay
    if decay is None:
        return []
    share = number(decay.share)
    if decay.by == "gradient":
        return [f"gradient = gradient + {share} * parameter"]
    return [
        f"parameter.mul_(1 - {share})"
        if decay.by == "parameter_alone"
        else f'parameter.mul_(1 - {share} * group["lr"])'
    ]


def _optimizer_class(name: str, said: str, optimizer: Any, slots: dict[str, str], lines: list[str]) -> str:
    rate = number(first_rate(optimizer.learning_rate))
    kept = ", ".join(f'"{slot}"' for slot in slots)
    kept = f"({kept},)" if len(slots) == 1 else f"({kept})"
    names = ", ".join(slots.values()) if len(slots) > 1 else "".join(f"({own},)" for own in slots.values())
    counts = any("**step" in line for line in lines)
    begins = getattr(optimizer, "initial_sum", 0.0)
    made = f"torch.full_like(parameter, {number(begins)})" if begins else "torch.zeros_like(parameter)"
    count = 'state["step"] ' + ('= step = int(state["step"]) + 1' if counts else "+= 1")
    body = [
        "state, gradient = self.state[parameter], parameter.grad",
        f"names = {kept}",
        "if not state:",
        '    state["step"] = 0',
        "    for name in names:",
        f"        state[name] = {made}",
        f"{names} = (state[name] for name in names)",
        count,
    ]
    if not slots:
        body = ["gradient = parameter.grad"]
    body += [*_decay_lines(optimizer), *lines]
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
{indented(chr(10).join(body), by=12)}'''
