"""Both networks in PyTorch, as modules with a forward of their own, and what they start from."""

from __future__ import annotations

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec, Initializer, Network
from gan_rosetta.shared.state.initial import uniform_bound
from gan_rosetta.shared.state.schema import TensorSpec, parameter_name, state_schema
from gan_rosetta.shared.translate.calls import given_beside
from gan_rosetta.shared.translate.chain import chain
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.in_torch.layers import FUNCTIONS, LAYERS
from gan_rosetta.shared.translate.in_torch.spectral import spectral_classes, with_spectral_norm
from gan_rosetta.shared.translate.parts import IN_STATE, Part, what_it_says
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
    written = {name: _written(gan, network) for name, network in gan.networks().items()}
    needed = {name for parts in written.values() for part in parts for name in part.needs}
    parts = [text for name, text in FUNCTIONS.items() if name in needed]
    parts += spectral_classes(gan)
    parts += [_network(gan, name, written[name]) for name in gan.networks()]
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


def _written(gan: GanSpec, network: Network) -> list[Part]:
    return [
        with_spectral_norm(LAYERS[type(placed.layer)](placed, attribute(placed.name, RESERVED)), placed.layer, gan)
        for placed in network.placed
    ]


def _network(gan: GanSpec, network_name: str, written: list[Part]) -> str:
    network = gan.networks()[network_name]
    names = {placed.name: attribute(placed.name, RESERVED) for placed in network.placed}
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
