"""Both networks in PyTorch, as modules with a forward of their own, and the layers that torch has none of."""

from __future__ import annotations

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import ERRORS, GanSpec, Initializer
from gan_rosetta.shared.state.initial import uniform_bound
from gan_rosetta.shared.state.schema import TensorSpec, parameter_name, state_schema
from gan_rosetta.shared.translate.calls import given_beside
from gan_rosetta.shared.translate.chain import chain
from gan_rosetta.shared.translate.data import uses_masks
from gan_rosetta.shared.translate.in_torch import augmenting, contrast
from gan_rosetta.shared.translate.in_torch.layers import LAYERS, is_own_norm
from gan_rosetta.shared.translate.in_torch.spectral import spectral_classes, with_spectral_norm
from gan_rosetta.shared.translate.parts import IN_STATE, what_it_says
from gan_rosetta.shared.translate.writing import attribute, call, fitted, literal, number

# What torch.nn.Module has names for, of those that a layer may have.
RESERVED = frozenset(
    (
        *("apply", "bfloat16", "buffers", "children", "compile", "cpu", "cuda", "double", "eval", "float", "forward"),
        *("half", "ipu", "modules", "mtia", "parameters", "to", "train", "training", "type", "xpu"),
    )
)


def model_section(gan: GanSpec, /) -> str:
    """Return the layers that torch has none of, both networks as modules, and how their parameters are loaded."""
    layers = [layer for network in gan.networks().values() for layer in network.all_layers]
    parts = []
    if any(isinstance(layer, spec.BatchNorm) and not is_own_norm(layer) for layer in layers):
        parts.append(_BATCH_NORM)
    if any(isinstance(layer, spec.MinibatchDiscrimination) for layer in layers):
        parts.append(_MINIBATCH)
    if any(isinstance(layer, spec.Dropout) for layer in layers):
        parts.append(_DROPOUT)
    policies = {layer.policy for layer in layers if isinstance(layer, spec.Augment)}
    parts += [text for kind, text in augmenting.FUNCTIONS.items() if kind.removeprefix("augment_") in policies]
    if any(layer.fed == "mask" for layer in layers):
        parts.append(_MASKS_OF)
    joins = {layer.join for layer in layers if isinstance(layer, spec.Branches)}
    parts += dict.fromkeys(text for join, text in _JOINS.items() if join in joins)
    if any(isinstance(layer, spec.Scale) for layer in layers):
        parts.append(_SCALE)
    if any(isinstance(layer, spec.ClassEmbedding) and layer.rows_per_class > 1 for layer in layers):
        parts.append(_ROWS_OF)
    if any(isinstance(layer, spec.PullAway) for layer in layers):
        parts.append(_PULL_AWAY)
    forms = {layer.form for layer in layers if isinstance(layer, spec.ClassContrast)}
    parts += [text for kind, text in contrast.FUNCTIONS.items() if forms & _CONTRASTS[kind]]
    found = {layer.form for layer in layers if isinstance(layer, spec.CodeError)}
    parts += [text for form, text in _CODE_ERRORS.items() if form in found]
    parts += spectral_classes(gan)
    parts += [_network(gan, name) for name in gan.networks()]
    named = name_in_state(gan)
    parts += [IN_STATE] if "in_state" in named else []
    parts.append(_LOAD.replace("{name}", f"{{{named}}}"))
    return "\n\n\n".join(parts) + "\n\n\n" + _MADE


def name_in_state(gan: GanSpec, /) -> str:
    """Return the expression of a tensor's name in a state, where `name` is what the network calls it."""
    placed = [each for network in gan.networks().values() for each in network.placed]
    if any("." in each.name for each in placed):
        return "in_state(name)"
    renamed = any(attribute(each.name, RESERVED) != each.name for each in placed)
    return "name.replace('_.', '.')" if renamed else "name"


_MADE = """\
generator, discriminator = Generator(), Discriminator()
state = read_state(options.state) if options.state is not None else {}
if state:
    load(generator, state, "generator")
    load(discriminator, state, "discriminator")"""

_LOAD = '''\
def load(network: nn.Module, state: dict[str, np.ndarray], prefix: str) -> None:
    """Give a network the parameters and buffers of a state."""
    tensors = network.state_dict()
    # BatchNorm also counts its passes, in num_batches_tracked, which changes nothing.
    for name in (name for name in tensors if not name.endswith("num_batches_tracked")):
        tensors[name] = torch.tensor(state[f"{prefix}.{name}"], dtype=dtype)
    network.load_state_dict(tensors)'''

_BATCH_NORM = '''\
class BatchNorm(nn.Module):
    """Batch normalisation that keeps another running variance, or uses it, than nn.BatchNorm2d."""

    def __init__(
        self,
        num_features: int,
        *,
        eps: float,
        momentum: float,
        affine: bool = True,
        correction: int,
        by_running: bool,
    ) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.correction, self.by_running = correction, by_running
        self.weight = nn.Parameter(torch.ones(num_features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_features)) if affine else None
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, and move the running averages."""
        axes = [axis for axis in range(x.dim()) if axis != 1]
        variance, mean = torch.var_mean(x.detach(), dim=axes, correction=self.correction)
        # Copies: the averages move in place, and backward() still needs what was normalised with.
        averages = self.running_mean.clone(), self.running_var.clone()
        used = averages if self.by_running else (None, None)
        y = functional.batch_norm(
            x, *used, self.weight, self.bias, training=not self.by_running, eps=self.eps
        )
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        return y'''

# Which forms of a ClassContrast take a function.
_CONTRASTS = {"halves": {"conditional", "data-to-data"}, "contrast": {"conditional"}, "data_to_data": {"data-to-data"}}

_CODE_ERRORS = {
    "cross-entropy": '''\
def code_entropy(logits: Tensor, code: Tensor) -> Tensor:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    return functional.cross_entropy(logits, code, reduction="none").unsqueeze(1)''',
    "squared-error": '''\
def code_distance(found: Tensor, code: Tensor) -> Tensor:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return (found - code).square().mean(dim=1, keepdim=True)''',
}

_DROPOUT = '''\
def dropout(x: Tensor, mask: Tensor | None, probability: float) -> Tensor:
    """Keep what the mask says, scaled as nn.Dropout does; all where there is none."""
    return x if mask is None else x * mask / (1 - probability)'''

_MASKS_OF = '''\
def masks_of(batch: Batch, place: str) -> Batch:
    """Return what is drawn for one pass, by the layers' names."""
    return {n.split(f".{place}.")[1]: drawn for n, drawn in batch.items() if f".{place}." in n}'''

_ROWS_OF = '''\
def rows_of(classes: Tensor, count: int) -> Tensor:
    """Return the numbers of each class's rows, (batch, count)."""
    return count * classes[:, None] + torch.arange(count, device=classes.device)'''

_JOINS = {
    **dict.fromkeys(
        ERRORS,
        '''\
def error(first: Tensor, second: Tensor, *, squared: bool = False, held: bool = False) -> Tensor:
    """Return how far a sample's numbers are apart in the mean; held: second is a constant."""
    apart = first - (second.detach() if held else second)
    terms = apart**2 if squared else apart.abs()
    return terms.flatten(1).mean(dim=1, keepdim=True)''',
    ),
    "affine": '''\
def affine(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return gain · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.dim() - 2))
    return gain.reshape(shape) * x + bias.reshape(shape)''',
    "modulate": '''\
def modulate(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.dim() - 2))
    return (1 + gain.reshape(shape)) * x + bias.reshape(shape)''',
    **dict.fromkeys(
        ("attend", "attend_scaled"),
        '''\
def attend(query: Tensor, key: Tensor, value: Tensor, *, scaled: bool = False) -> Tensor:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.flatten(2) for x in (query, key, value))  # (batch, channels, places)
    scores = q.transpose(1, 2) @ k
    if scaled:
        scores = scores / math.sqrt(q.shape[1])
    means = v @ torch.softmax(scores, dim=2).transpose(1, 2)
    return means.unflatten(2, query.shape[2:])''',
    ),
}

_PULL_AWAY = '''\
def pull_away(x: Tensor) -> Tensor:
    """Return the mean cosine of each sample's features and the batch's others', (batch, 1)."""
    units = x / (x**2).sum(dim=1, keepdim=True).sqrt()
    return ((units @ units.T).sum(dim=1, keepdim=True) - 1) / (len(x) - 1)'''

_SCALE = '''\
class Scale(nn.Module):
    """A gain for all that comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the gain times x."""
        return self.weight * x'''

_MINIBATCH = '''\
class MinibatchDiscrimination(nn.Linear):
    """Appends to each sample how like it is to the others of its batch (Salimans et al. 2016)."""

    def __init__(
        self, in_features: int, num_kernels: int, size: int, *, bias: bool, self_distance: bool
    ) -> None:
        super().__init__(in_features, num_kernels * size, bias=bias)
        self.num_kernels, self.self_distance = num_kernels, self_distance

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, in_features + num_kernels)."""
        rows = super().forward(x).reshape(len(x), self.num_kernels, -1)
        distances = (rows[:, None] - rows[None]).abs().sum(dim=3)  # (batch, batch, num_kernels)
        if self.self_distance:
            distances = distances + torch.eye(len(x))[:, :, None]
        return torch.cat([x, torch.exp(-distances).sum(dim=1)], dim=1)'''


def _network(gan: GanSpec, network_name: str) -> str:
    network = gan.networks()[network_name]
    names = {placed.name: attribute(placed.name, RESERVED) for placed in network.placed}
    written = [
        with_spectral_norm(LAYERS[type(placed.layer)](placed, names[placed.name]), placed.layer, gan)
        for placed in network.placed
    ]
    made = [
        call(f"self.{names[placed.name]} = {part.made[0]}", part.made[1], indent=8)
        for placed, part in zip(network.placed, written, strict=True)
        if part.made is not None
    ]
    x = "z" if network_name == "generator" else "x"
    arguments = [f"{x}: Tensor"]
    arguments += [f"{given}: Tensor" for given in given_beside(gan, network_name)]
    arguments += ["masks: Batch"] if uses_masks(gan, network_name) else []
    head = call("def forward(", ["self", *arguments], ") -> Tensor:", indent=4)
    what = "Makes samples of noise" if network_name == "generator" else what_it_says(gan)
    returned = "a batch of samples" if network_name == "generator" else "what it says of each sample"
    lines = [
        f"class {network_name.capitalize()}(nn.Module):",
        f'    """{what}."""',
        "",
        *(
            [
                "    def __init__(self) -> None:",
                "        super().__init__()",
                *made,
                *_initial_values(gan, network_name, names),
                "",
            ]
            if made
            else []
        ),
        head,
        f'        """Return {returned}, (batch, {", ".join(map(number, network.output_shape))})."""',
        *chain(network, written, x, indent=8),
    ]
    return "\n".join(lines)


def _initial_values(gan: GanSpec, network_name: str, names: dict[str, str]) -> list[str]:
    """Return the lines that give parameters their first values, where torch's own are others."""
    groups: dict[tuple[str, ...], list[str]] = {}
    schema = state_schema(gan)
    for placed in gan.networks()[network_name].placed:
        own = tuple(
            line
            for short in placed.layer.parameters()
            if (line := _initial(placed.layer, short, schema[parameter_name(network_name, placed.name, short)]))
        )
        if own:
            groups.setdefault(own, []).append(names[placed.name])
    lines = []
    for own, members in groups.items():
        if len(members) == 1:
            lines += [fitted(line.replace("{layer}", f"self.{members[0]}"), indent=8) for line in own]
        else:
            lines.append(literal("for layer in (", [f"self.{name}" for name in members], "):", indent=8))
            lines += [f"            {line.replace('{layer}', 'layer')}" for line in own]
    return lines


def _initial(layer: spec.Layer, short: str, tensor: TensorSpec) -> str:
    """Return the line for one parameter, "" where torch begins with the same."""
    initializer: Initializer | None = tensor.initializer
    if initializer is None or _begins_as_torch(layer, short, initializer):
        return ""
    value = f"{{layer}}.{short}"
    if isinstance(initializer, spec.Normal):
        settings = [value]
        settings += [f"mean={number(initializer.mean)}"] if initializer.mean else []
        settings += [f"std={number(initializer.standard_deviation)}"] if initializer.standard_deviation != 1 else []
        return f"nn.init.normal_({', '.join(settings)})"
    if isinstance(initializer, spec.Constant):
        known = {0.0: f"zeros_({value})", 1.0: f"ones_({value})"}
        return "nn.init." + known.get(float(initializer.value), f"constant_({value}, {number(initializer.value)})")
    if isinstance(initializer, spec.GlorotUniform) and len(tensor.shape) > 1:
        return f"nn.init.xavier_uniform_({value})"
    bound = number(uniform_bound(tensor, initializer))
    return f"nn.init.uniform_({value}, -{bound}, {bound})"


def _begins_as_torch(layer: spec.Layer, short: str, initializer: Initializer) -> bool:
    if isinstance(layer, spec.ClassEmbedding):
        return initializer == spec.Normal(standard_deviation=1.0)
    if isinstance(layer, spec.PReLU):
        return initializer == spec.Constant(value=0.25)
    if isinstance(layer, spec.Scale):
        return initializer == spec.ZEROS
    if isinstance(layer, spec.BatchNorm):
        return initializer == (spec.ONES if short == "weight" else spec.ZEROS)
    return isinstance(initializer, spec.UniformFanIn)
