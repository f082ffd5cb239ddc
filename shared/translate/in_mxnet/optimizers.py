"""The optimizers in MXNet, written out: its own round their settings to float32, and most have another form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gan_rosetta.shared import spec
from gan_rosetta.shared.faults.own_optimizers import HeldRate, as_mxnet_holds_adam, with_float32_rate
from gan_rosetta.shared.spec import ConstantRate, GanSpec, Optimizer
from gan_rosetta.shared.translate.forms import OwnForm, decays_weights
from gan_rosetta.shared.translate.parts import begun_uses, counts_generator, decays, optimizer_uses
from gan_rosetta.shared.translate.rates import rate_at, rate_functions
from gan_rosetta.shared.translate.writing import call, indented, number

_SAID = "; MXNet's own rounds its settings to float32"


def optimizers_section(gan: GanSpec, /) -> str:
    """Return the optimizers, and the trainers of both players."""
    forms = _forms(gan)
    classes = rate_functions(gan) + [_optimizer_class(form, name) for form, name in forms.items()]
    uses = optimizer_uses(gan)
    classes += [_REMEMBERING] if any(is_own_optimizer(use.optimizer) and use.optimizer.slots for use in uses) else []
    lines = []
    for use in uses:
        is_own = is_own_optimizer(use.optimizer)
        made = _own(use.optimizer) if is_own else f"{forms[_form(use.optimizer)]}({_rate(use.optimizer)})"
        tensors = f"list(tensors_of({use.network}).values())"
        lines.append(call(f"trainer_{use.short} = gluon.Trainer(", [tensors, made]))
    if begun_uses(gan) or counts_generator(gan):
        lines.append("state = read_state(options.state) if options.state is not None else {}")
    if not begun_uses(gan):
        return "\n\n\n".join([*classes, "\n".join(lines)])
    resumed = [f'resume(trainer_{use.short}, {use.network}, "{use.name}")' for use in begun_uses(gan)]
    return "\n\n\n".join([*classes, "\n".join(lines), _RESUME, "\n".join(resumed)])


_RESUME = '''\
def resume(trainer: gluon.Trainer, network: gluon.Block, prefix: str) -> None:
    """Give an optimizer what a state has kept of it, and how many steps it had taken."""
    optimizer, count = trainer.optimizer, int(state.get(f"optimizer.{prefix}.step", 0))
    optimizer.begin_num_update = optimizer.num_update = count
    for index, name in enumerate(tensors_of(network) if count else ()):
        names = {slot: f"optimizer.{prefix}.{name}.{slot}" for slot in optimizer.slots}
        if any(own in state for own in names.values()):  # of buffers nothing is kept
            optimizer.kept[index] = {
                slot: mx.nd.array(state[own], dtype=options.dtype) for slot, own in names.items()
            }'''


def is_own_optimizer(optimizer: spec.Optimizer, /) -> bool:
    """Whether MXNet's own optimizer has the spec's mathematics, which holds all its numbers in float32."""
    return isinstance(optimizer.learning_rate, HeldRate)


def _descent_held(descent: spec.GradientDescent) -> spec.GradientDescent:
    return descent if is_own_optimizer(descent) else with_float32_rate(descent)


def _adam_held(adam: spec.Adam) -> spec.Adam:
    hat = replace(adam, epsilon_placement="hat", amsgrad="no")
    return adam if is_own_optimizer(adam) else as_mxnet_holds_adam(hat)


def _stays(optimizer: Any) -> bool:
    """Whether an optimizer is written out all the same: its rate falls, or MXNet has none that keeps what it does."""
    falls = not isinstance(optimizer.learning_rate, ConstantRate)
    keeps = getattr(optimizer, "momentum", 0) > 0 or getattr(optimizer, "amsgrad", "no") != "no"
    return falls or keeps or decays_weights(optimizer)


# Of what MXNet has in another form than a description may: its own, which --native takes. What others keep is float32.
OWN_FORMS = (
    OwnForm(
        kind=spec.GradientDescent,
        part="mx.optimizer.SGD",
        fields={},
        holds={"learning_rate": lambda descent: _descent_held(descent).learning_rate},
        words={"learning_rate": "its rate in float32"},
        keeps_form=_stays,
    ),
    OwnForm(
        kind=spec.Adam,
        part="mx.optimizer.Adam",
        fields={"epsilon_placement": "hat", "bias_correction": True},
        holds={
            "learning_rate": lambda adam: _adam_held(adam).learning_rate,
            "beta1": lambda adam: _adam_held(adam).beta1,
            "beta2": lambda adam: _adam_held(adam).beta2,
            "epsilon": lambda adam: _adam_held(adam).epsilon,
        },
        words={
            "learning_rate": "its corrected rate in float32",
            "beta1": "β₁ in float32",
            "beta2": "β₂ in float32",
            "epsilon": "ε in float32",
        },
        keeps_form=_stays,
    ),
)
_REMEMBERING = '''\
class OwnAdam(mx.optimizer.Adam):
    """MXNet's own, which remembers what it keeps of each parameter."""

    slots = ("m", "v")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.kept: dict[int, Batch] = {}

    def create_state(self, index: int, weight: NDArray) -> tuple[NDArray, ...]:
        """Return both moments of a parameter, zeros where training has not begun."""
        if index not in self.kept:
            self.kept[index] = dict(zip(self.slots, super().create_state(index, weight), strict=True))
        return tuple(self.kept[index].values())'''


def _own(optimizer: Any) -> str:
    """Return the expression of MXNet's own optimizer, with its numbers as somebody writes them."""
    rate = f"learning_rate={number(optimizer.learning_rate.value)}"
    if isinstance(optimizer, spec.GradientDescent):
        return f"mx.optimizer.SGD({rate})"
    held = {"beta1": optimizer.beta1, "beta2": optimizer.beta2, "epsilon": optimizer.epsilon}
    settings = [f"{name}={number(float(str(np.float32(value))))}" for name, value in held.items()]
    return f"OwnAdam({', '.join([rate, *settings])})"


def _form(optimizer: Optimizer) -> Optimizer:
    """Return an optimizer without its rate, which a trainer is given."""
    return replace(optimizer, learning_rate=ConstantRate(value=0.0))


def _forms(gan: GanSpec) -> dict[Optimizer, str]:
    forms: dict[Optimizer, str] = {}
    for use in optimizer_uses(gan):
        if is_own_optimizer(use.optimizer):
            continue
        form = _form(use.optimizer)
        if form not in forms:
            kind = type(form).__name__
            same = sum(type(other) is type(form) for other in forms)
            forms[form] = f"{kind}{same + 1}" if same else kind
    return forms


def _rate(optimizer: Optimizer) -> str:
    if decays(optimizer, "updates"):
        return f"lr_scheduler=lambda count: {rate_at(optimizer, '(count - 1)')}"
    return f"learning_rate={number(optimizer.learning_rate.at(0))}"


def _optimizer_class(optimizer: Any, name: str) -> str:
    lines = [*_decay_lines(optimizer), *_LINES[type(optimizer)](optimizer)]
    slots = optimizer.slots
    kept = ", ".join(f'"{slot}"' for slot in slots)
    own = ["total" if slot == "sum" else slot for slot in slots]
    names = ", ".join(own) if len(own) > 1 else f"({own[0]},)" if own else ""
    unpacked = [f"{names} = state.values()" if slots else "del state"]
    body = indented("\n".join([*unpacked, *lines]), by=8)
    begins = getattr(optimizer, "initial_sum", 0.0)
    begun = f"mx.nd.zeros_like(weight) + {number(begins)}" if begins else "mx.nd.zeros_like(weight)"
    return f'''\
class {name}(mx.optimizer.Optimizer):
    """{_TITLES[type(optimizer)]}{_SAID}."""

    slots = ({kept}{"," if len(slots) == 1 else ""})

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.kept: dict[int, Batch] = {{}}

    def create_state(self, index: int, weight: NDArray) -> Batch:
        """Return what is kept of a parameter, zeros where training has not begun."""
        zeros = {{name: {begun} for name in self.slots}}
        return self.kept.setdefault(index, zeros)

    def update(self, index: int, weight: NDArray, gradient: NDArray, state: Batch) -> None:
        """Move a parameter by its gradient."""
        self._update_count(index)
        rate = self._get_lr(index)
        gradient = gradient * self.rescale_grad  # 1 / the number that Trainer.step is given
{body}'''


def _decay_lines(optimizer: Any) -> list[str]:
    decay = optimizer.weight_decay
    if decay is None:
        return []
    share = number(decay.share)
    if decay.by == "gradient":
        return [f"gradient = gradient + {share} * weight"]
    return [f"weight[:] *= 1 - {share if decay.by == 'parameter_alone' else f'{share} * rate'}"]


def _descent(optimizer: spec.GradientDescent) -> list[str]:
    if not optimizer.momentum:
        return ["weight[:] -= rate * gradient"]
    momentum, is_step = number(optimizer.momentum), optimizer.momentum_of == "step"
    lines = [f"change = {'rate * ' if is_step else ''}gradient", f"momentum[:] = {momentum} * momentum + change"]
    moved = f"(change + {momentum} * momentum)" if optimizer.nesterov else "momentum"
    return [*lines, f"weight[:] -= {moved.strip('()') if is_step else f'rate * {moved}'}"]


def _adam(optimizer: spec.Adam) -> list[str]:
    beta1, beta2, epsilon = number(optimizer.beta1), number(optimizer.beta2), number(optimizer.epsilon)
    lines = [
        f"m[:] = {beta1} * m + (1 - {beta1}) * gradient",
        f"v[:] = {beta2} * v + (1 - {beta2}) * gradient**2",
    ]
    lines += ["t = self._index_update_count[index]"] if optimizer.bias_correction else []
    kept, of_corrected = "v", optimizer.amsgrad == "corrected"
    if optimizer.amsgrad != "no":
        kept = "largest"
        lines.append(f"largest[:] = mx.nd.maximum(largest, v{f' / (1 - {beta2}**t)' if of_corrected else ''})")
    if not optimizer.bias_correction:
        return [*lines, f"weight[:] -= rate * m / (mx.nd.sqrt({kept}) + {epsilon})"]
    if optimizer.epsilon_placement == "outside":
        lines.append(f"root = mx.nd.sqrt({kept if of_corrected else f'{kept} / (1 - {beta2}**t)'})")
        return [*lines, f"weight[:] -= rate * (m / (1 - {beta1}**t)) / (root + {epsilon})"]
    lines.append(f"rate *= (1 - {beta2}**t) ** 0.5 / (1 - {beta1}**t)")
    return [*lines, f"weight[:] -= rate * m / (mx.nd.sqrt({kept}) + {epsilon})"]


def _adagrad(optimizer: spec.Adagrad) -> list[str]:
    epsilon, inside = number(optimizer.epsilon), optimizer.epsilon_placement == "inside"
    root = f"mx.nd.sqrt(total + {epsilon})" if inside else f"(mx.nd.sqrt(total) + {epsilon})"
    return ["total[:] += gradient**2", f"weight[:] -= rate * gradient / {root}"]


def _adadelta(optimizer: spec.Adadelta) -> list[str]:
    rho, epsilon = number(optimizer.rho), number(optimizer.epsilon)
    return [
        f"square[:] = {rho} * square + (1 - {rho}) * gradient**2",
        f"change = mx.nd.sqrt(delta + {epsilon}) / mx.nd.sqrt(square + {epsilon}) * gradient",
        f"delta[:] = {rho} * delta + (1 - {rho}) * change**2",
        "weight[:] -= rate * change",
    ]


def _rmsprop(optimizer: spec.RMSprop) -> list[str]:
    rho, epsilon = number(optimizer.rho), number(optimizer.epsilon)
    lines = [f"square[:] = {rho} * square + (1 - {rho}) * gradient**2"]
    variance = "square"
    if optimizer.centered:
        lines.append(f"mean[:] = {rho} * mean + (1 - {rho}) * gradient")
        variance = "square - mean**2"
    inside = optimizer.epsilon_placement == "inside"
    root = f"mx.nd.sqrt({variance} + {epsilon})" if inside else f"(mx.nd.sqrt({variance}) + {epsilon})"
    if not optimizer.momentum:
        return [*lines, f"weight[:] -= rate * gradient / {root}"]
    momentum = number(optimizer.momentum)
    if optimizer.momentum_of == "direction":
        return [*lines, f"momentum[:] = {momentum} * momentum + gradient / {root}", "weight[:] -= rate * momentum"]
    return [*lines, f"momentum[:] = {momentum} * momentum + rate * gradient / {root}", "weight[:] -= momentum"]


_TITLES: dict[type, str] = {
    spec.GradientDescent: "Gradient descent",
    spec.Adam: "Adam",
    spec.Adadelta: "Adadelta",
    spec.RMSprop: "RMSprop",
    spec.Adagrad: "Adagrad",
}
_LINES: dict[type, Any] = {
    spec.GradientDescent: _descent,
    spec.Adam: _adam,
    spec.Adadelta: _adadelta,
    spec.RMSprop: _rmsprop,
    spec.Adagrad: _adagrad,
}
