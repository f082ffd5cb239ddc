"""The optimizers in TensorFlow: Keras's own where their mathematics is the spec's, an update written out elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.faults.own_optimizers import KerasAdamRate, in_float32, with_float32_betas
from gan_rosetta.shared.spec import ConstantRate, GanSpec, LearningRate, Optimizer
from gan_rosetta.shared.translate.forms import OwnForm, decays_weights
from gan_rosetta.shared.translate.parts import begun_uses, counts_generator, decays, optimizer_uses
from gan_rosetta.shared.translate.rates import rate_functions, rate_line
from gan_rosetta.shared.translate.writing import WIDTH, call, indented, literal, number

# What Keras's optimizers keep each of the spec's slots under.
_SLOTS: dict[type, dict[str, str]] = {
    spec.GradientDescent: {"momentum": "momentums"},
    spec.Adam: {"m": "_momentums", "v": "_velocities", "largest": "_velocity_hats"},
    spec.Adadelta: {"square": "_accumulated_grads", "delta": "_accumulated_delta_vars"},
    spec.RMSprop: {"square": "_velocities", "mean": "_average_gradients", "momentum": "_momentums"},
    spec.Adagrad: {"sum": "_accumulators"},
}


def optimizers_section(gan: GanSpec, /) -> str:
    """Return the optimizers whose update is written out, and those of both players."""
    names: dict[str, str] = {}
    lines = []
    for use in optimizer_uses(gan):
        optimizer: Any = use.optimizer
        kind = _KERAS[type(optimizer)]
        made = f"keras.optimizers.{kind}"
        if not is_own_optimizer(optimizer):
            text = _update_class(optimizer)
            same = sum(name.startswith(kind) for name in names.values())
            made = names.setdefault(text, f"{kind}{same + 1}" if same else kind)
        lines.append(call(f"optimizer_{use.short} = {made}(", _settings(optimizer)))
        lines.append(f"optimizer_{use.short}.build(list(trained({use.network}).values()))")
        if isinstance(optimizer, spec.Adagrad) and optimizer.initial_sum:
            lines.append(f"for total in optimizer_{use.short}._accumulators:  # Keras rounds the first sum to float32")
            lines.append(f"    total.assign({number(optimizer.initial_sum)} * tf.ones_like(total))")
    classes = rate_functions(gan) + [text.replace("{name}", name) for text, name in names.items()]
    return "\n\n\n".join([*classes, "\n".join([*lines, *_resumed(gan)])])


def _resumed(gan: GanSpec) -> list[str]:
    """Return the lines that have optimizers go on where a state's were; "optimizers" is what they are asked for."""
    begun, counts = begun_uses(gan), counts_generator(gan)
    uses = [use for use in optimizer_uses(gan) if use in begun or (counts and use.name == "generator")]
    if not uses:
        return []
    entries = [
        literal(
            "(",
            [f'"{use.name}"', use.network, f"optimizer_{use.short}", slots_of(use.optimizer)],
            ")",
            indent=4,
            later=1,
        ).lstrip()
        for use in uses
    ]
    alone = f"optimizers = ({entries[0]},)"
    if len(entries) == 1 and len(alone) <= WIDTH:
        return ["", alone, *_RESUMED]
    return ["", "optimizers = (", *(f"    {entry}," for entry in entries), ")", *_RESUMED]


_RESUMED = [
    "state = read_state(options.state) if options.state is not None else {}",
    "for prefix, network, optimizer, slots in optimizers:",
    '    count = int(state.get(f"optimizer.{prefix}.step", 0))',
    "    optimizer.iterations.assign(count)",
    "    for slot, own in slots.items() if count else ():",
    "        kept = getattr(optimizer, own)",
    "        for (name, tensor), values in zip(trained(network).items(), kept, strict=True):",
    '            array = state[f"optimizer.{prefix}.{name}.{slot}"].astype(options.dtype)',
    "            values.assign(as_keras(tensor, array))",
]


def is_own_optimizer(optimizer: Optimizer, /) -> bool:
    """Whether Keras's own optimizer has the spec's mathematics; its Adam has not, to the last digits.

    Nor has what rounds a setting to float32 on its way into the update, unless the setting is such a number, as Adagrad
    its ε. SGD keeps its momentum with the other sign.
    """
    if optimizer.weight_decay is not None:
        return False
    form = next((form for form in OWN_OPTIMIZERS if isinstance(optimizer, form.kind)), None)
    return form is None or (not form.keeps_form(optimizer) and not form.differs(optimizer))


def _as_adam_holds(adam: spec.Adam) -> LearningRate:
    rate = adam.learning_rate
    return rate if isinstance(rate, KerasAdamRate) else with_float32_betas(adam).learning_rate


# Of what Keras has in another form than a description may: its own, which --native takes.
OWN_OPTIMIZERS = (
    OwnForm(
        kind=spec.Adam,
        part="keras.optimizers.Adam",
        fields={"epsilon_placement": "hat", "bias_correction": True, "amsgrad": "as_kept"},
        holds={"learning_rate": _as_adam_holds},
        words={"learning_rate": "β held in float32 where it corrects the bias"},
        # Of a rate that falls no description says what the two together make.
        keeps_form=lambda adam: decays_weights(adam) or not isinstance(adam.learning_rate, ConstantRate),
    ),
    OwnForm(
        kind=spec.RMSprop,
        part="keras.optimizers.RMSprop",
        fields={"epsilon_placement": "inside", "momentum_of": "step"},
        keeps_form=decays_weights,
    ),
    OwnForm(
        kind=spec.GradientDescent,
        part="keras.optimizers.SGD",
        fields={},
        keeps_form=lambda descent: decays_weights(descent) or descent.momentum > 0,
    ),
    OwnForm(
        kind=spec.Adagrad,
        part="keras.optimizers.Adagrad",
        fields={"epsilon_placement": "inside"},
        holds={"epsilon": lambda optimizer: in_float32(optimizer.epsilon)},
        keeps_form=decays_weights,
    ),
)


def slots_of(optimizer: Any, /) -> str:
    """Return the dictionary of the spec's slots, with the names of what Keras's optimizer keeps them under."""
    own = _SLOTS[type(optimizer)]
    return "{" + ", ".join(f'"{slot}": "{own[slot]}"' for slot in optimizer.slots) + "}"


def rate_lines(gan: GanSpec, short: str, /) -> list[str]:
    """Return the line that sets a rate that decays, before a step is taken."""
    (optimizer,) = (use.optimizer for use in optimizer_uses(gan) if use.short == short)
    if isinstance(optimizer.learning_rate, ConstantRate):
        return []
    count = 'int(batch["epoch"])' if decays(optimizer, "epochs") else f"int(optimizer_{short}.iterations)"
    return rate_line(f"optimizer_{short}.learning_rate", optimizer, count, later=4).split("\n")


_KERAS: dict[type, str] = {
    spec.GradientDescent: "SGD",
    spec.Adam: "Adam",
    spec.Adadelta: "Adadelta",
    spec.RMSprop: "RMSprop",
    spec.Adagrad: "Adagrad",
}


def _settings(optimizer: Any) -> list[str]:
    rate = optimizer.learning_rate
    settings = [f"learning_rate={number(rate.value if isinstance(rate, ConstantRate) else rate.at(0))}"]
    if isinstance(optimizer, spec.GradientDescent):
        return [*settings, f"momentum={number(optimizer.momentum)}"] if optimizer.momentum else settings
    if isinstance(optimizer, spec.Adagrad):
        settings.append(f"initial_accumulator_value={number(optimizer.initial_sum)}")
    elif isinstance(optimizer, spec.Adam):
        settings += ["amsgrad=True"] if optimizer.amsgrad != "no" else []
        settings += [f"beta_1={number(optimizer.beta1)}", f"beta_2={number(optimizer.beta2)}"]
    else:
        settings.append(f"rho={number(optimizer.rho)}")
    settings.append(f"epsilon={number(optimizer.epsilon)}")
    if isinstance(optimizer, spec.RMSprop):
        settings += [f"momentum={number(optimizer.momentum)}"] if optimizer.momentum else []
        settings += ["centered=True"] if optimizer.centered else []
    return settings


def _update_class(optimizer: Any) -> str:
    """Return an optimizer with an update of its own, its name left as {name}."""
    said, lines = _UPDATES[type(optimizer)](optimizer)
    lines = [*_decay_lines(optimizer), *lines]
    index = ["index = self._get_variable_index(variable)"] if any("[index]" in line for line in lines) else []
    given = ["self", "gradient: tf.Tensor", "variable: tf.Variable", "learning_rate: tf.Tensor"]
    return f'''\
class {{name}}(keras.optimizers.{_KERAS[type(optimizer)]}):
    """{said}."""

{call("def update_step(", given, ") -> None:", indent=4)}
        """Move a parameter by its gradient."""
{indented(chr(10).join([*index, *lines]), by=8)}'''


def _decay_lines(optimizer: Any) -> list[str]:
    decay = optimizer.weight_decay
    if decay is None:
        return []
    share = number(decay.share)
    if decay.by == "gradient":
        return [f"gradient += {share} * variable"]
    lost = share if decay.by == "parameter_alone" else f"{share} * learning_rate"
    return [f"variable.assign_sub({lost} * variable)"]


def _descent(optimizer: spec.GradientDescent) -> tuple[str, list[str]]:
    if not optimizer.momentum:
        return "Gradient descent with a weight decay of its own", ["variable.assign_sub(learning_rate * gradient)"]
    is_step = optimizer.momentum_of == "step"
    said = f"Gradient descent with momentum of the {optimizer.momentum_of}; Keras's"
    said += " rounds the momentum to float32" if is_step else " is of the step"
    lines = [
        f"change = {'learning_rate * ' if is_step else ''}gradient",
        "momentum = self.momentums[index]",
        "momentum.assign(self.momentum * momentum + change)",
    ]
    moved = "change + self.momentum * momentum" if optimizer.nesterov else "momentum"
    if is_step:
        return said, [*lines, f"variable.assign_sub({moved})"]
    return said, [*lines, f"variable.assign_sub(learning_rate * {f'({moved})' if optimizer.nesterov else moved})"]


def _adadelta(optimizer: spec.Adadelta) -> tuple[str, list[str]]:
    del optimizer
    return "Adadelta with a weight decay of its own", [
        "square, delta = self._accumulated_grads[index], self._accumulated_delta_vars[index]",
        "square.assign(self.rho * square + (1 - self.rho) * gradient**2)",
        "change = tf.sqrt(delta + self.epsilon) / tf.sqrt(square + self.epsilon) * gradient",
        "delta.assign(self.rho * delta + (1 - self.rho) * change**2)",
        "variable.assign_sub(learning_rate * change)",
    ]


def _adagrad(optimizer: spec.Adagrad) -> tuple[str, list[str]]:
    inside = optimizer.epsilon_placement == "inside"
    said = "Adagrad; Keras's rounds ε to float32" if inside else "Adagrad with ε beside the root; Keras's is under it"
    root = "tf.sqrt(total + self.epsilon)" if inside else "(tf.sqrt(total) + self.epsilon)"
    return said, [
        "total = self._accumulators[index]",
        "total.assign_add(gradient**2)",
        f"variable.assign_sub(learning_rate * gradient / {root})",
    ]


def _adam(optimizer: spec.Adam) -> tuple[str, list[str]]:
    lines = [
        "m, v = self._momentums[index], self._velocities[index]",
        "m.assign(self.beta_1 * m + (1 - self.beta_1) * gradient)",
        "v.assign(self.beta_2 * v + (1 - self.beta_2) * gradient**2)",
    ]
    correction = [
        "t = tf.cast(self.iterations + 1, variable.dtype)",
        "of_m, of_v = 1 - self.beta_1**t, 1 - self.beta_2**t  # how much of them has come in so far",
    ]
    lines += correction if optimizer.bias_correction else []
    kept, of_corrected = "v", optimizer.amsgrad == "corrected"
    if optimizer.amsgrad != "no":
        kept = "largest"
        lines += [
            "largest = self._velocity_hats[index]",
            f"largest.assign(tf.maximum(largest, {'v / of_v' if of_corrected else 'v'}))",
        ]
    if not optimizer.bias_correction:
        said = "Adam without the bias correction, which Keras's always has"
        return said, [*lines, f"variable.assign_sub(learning_rate * m / (tf.sqrt({kept}) + self.epsilon))"]
    if optimizer.epsilon_placement == "outside":
        said = "Adam that adds ε after the bias correction; Keras's adds it before"
        root = f"tf.sqrt({kept if of_corrected else f'{kept} / of_v'})"
        return said, [*lines, f"variable.assign_sub(learning_rate * (m / of_m) / ({root} + self.epsilon))"]
    said = "Adam; Keras's rounds β to float32 in its bias correction"
    lines.append("rate = learning_rate * tf.sqrt(of_v) / of_m")
    return said, [*lines, f"variable.assign_sub(rate * m / (tf.sqrt({kept}) + self.epsilon))"]


def _rmsprop(optimizer: spec.RMSprop) -> tuple[str, list[str]]:
    inside = optimizer.epsilon_placement == "inside"
    said = f"RMSprop with ε {'under the root' if inside else 'beside the root'}"
    said += f", momentum of the {optimizer.momentum_of}" if optimizer.momentum else ""
    said += "; Keras's has another form"
    lines = [
        "square = self._velocities[index]",
        "square.assign(self.rho * square + (1 - self.rho) * gradient**2)",
    ]
    variance = "square"
    if optimizer.centered:
        lines += [
            "mean = self._average_gradients[index]",
            "mean.assign(self.rho * mean + (1 - self.rho) * gradient)",
        ]
        variance = "square - mean**2"
    root = f"tf.sqrt({variance} + self.epsilon)" if inside else f"(tf.sqrt({variance}) + self.epsilon)"
    if not optimizer.momentum:
        return said, [*lines, f"variable.assign_sub(learning_rate * gradient / {root})"]
    lines.append("momentum = self._momentums[index]")
    if optimizer.momentum_of == "direction":
        lines += [f"direction = gradient / {root}", "momentum.assign(self.momentum * momentum + direction)"]
        return said, [*lines, "variable.assign_sub(learning_rate * momentum)"]
    lines.append(f"step = learning_rate * gradient / {root}")
    return said, [*lines, "momentum.assign(self.momentum * momentum + step)", "variable.assign_sub(momentum)"]


_UPDATES: dict[type, Callable[..., tuple[str, list[str]]]] = {
    spec.GradientDescent: _descent,
    spec.Adam: _adam,
    spec.Adadelta: _adadelta,
    spec.Adagrad: _adagrad,
    spec.RMSprop: _rmsprop,
}
