"""Both networks in flax, as modules of nnx, as functions of their parameters, and what those start from."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec, Network
from gan_rosetta.shared.translate.calls import given_beside
from gan_rosetta.shared.translate.chain import chain
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.first_values import first_values
from gan_rosetta.shared.translate.in_flax.layers import FUNCTIONS, LAYERS
from gan_rosetta.shared.translate.in_flax.spectral import spectral_classes, with_spectral_norm
from gan_rosetta.shared.translate.in_jax.model import VERBS, has_buffers
from gan_rosetta.shared.translate.parts import Part, what_it_says
from gan_rosetta.shared.translate.writing import attribute, call, number

# What nnx.Module has names for, of those that a layer may have.
RESERVED = frozenset(("eval", "perturb", "rngs", "set_attributes", "sow", "train"))
_IMAGE_RANK = 3


def model_section(gan: GanSpec, /) -> str:
    """Return the layers that nnx has none of, both networks, and what they start from."""
    written = {name: _written(gan, network) for name, network in gan.networks().items()}
    needed = {name for parts in written.values() for part in parts for name in part.needs}
    if any(uses_masks(gan, name) for name in gan.networks()):
        needed.add("masks_of")
    parts = [text for name, text in FUNCTIONS.items() if name in needed]
    parts += spectral_classes(gan)
    parts += [_network(gan, name, written[name]) for name in gan.networks()]
    parts += [f"{_GRAPHS}\n\n\n{_TENSORS}", _FILLED]
    parts += [_function(gan, name) for name in gan.networks()]
    parts += [_in_state(gan), _TURNED]
    parts.append(first_values(gan, kind="dict[str, np.ndarray]", made="np.asarray({array}, options.dtype)"))
    return "\n\n\n".join(parts)


def _written(gan: GanSpec, network: Network) -> list[Part]:
    return [
        with_spectral_norm(LAYERS[type(placed.layer)](placed, attribute(placed.name, RESERVED)), placed.layer, gan)
        for placed in network.placed
    ]


def native_shape(shape: tuple[int, ...], /) -> tuple[int, ...]:
    """Return a sample's shape as flax has it, an image's channels last."""
    return (*shape[1:], shape[0]) if len(shape) == _IMAGE_RANK else shape


def _network(gan: GanSpec, network_name: str, written: list[Part]) -> str:
    network = gan.networks()[network_name]
    made = [
        call(f"self.{attribute(placed.name, RESERVED)} = {part.made[0]}", part.made[1], indent=8)
        for placed, part in zip(network.placed, written, strict=True)
        if part.made is not None
    ]
    unused = [] if any("rngs=rngs" in line for line in made) else ["        del rngs"]
    x = "z" if network_name == "generator" else "x"
    arguments = [f"{x}: Array"]
    arguments += [f"{given}: Array" for given in given_beside(gan, network_name)]
    arguments += ["masks: Tensors"] if uses_masks(gan, network_name) else []
    what = "Makes samples of noise" if network_name == "generator" else what_it_says(gan)
    returned = "a batch of samples" if network_name == "generator" else "what it says of each sample"
    shape = ", ".join(map(number, native_shape(network.output_shape)))
    return "\n".join(
        [
            f"class {network_name.capitalize()}(nnx.Module):",
            f'    """{what}."""',
            "",
            "    def __init__(self, rngs: nnx.Rngs) -> None:",
            *unused,
            *made,
            "",
            call("def __call__(", ["self", *arguments], ") -> Array:", indent=4),
            f'        """Return {returned}, (batch, {shape})."""',
            *chain(network, written, x, indent=8),
        ]
    )


_GRAPHS = """\
# Of these the layers and names are taken; parameters and buffers go in and out of each pass.
generator, discriminator = Generator(nnx.Rngs(0)), Discriminator(nnx.Rngs(0))
graph_g, graph_d = nnx.graphdef(generator), nnx.graphdef(discriminator)"""

_TENSORS = '''\
def tensors_of(network: nnx.Module, kind: type[nnx.Variable]) -> Tensors:
    """Return a network's parameters or buffers, by names such as "hidden.kernel"."""
    found = nnx.to_flat_state(nnx.state(network, kind))
    return {".".join(path): variable[...] for path, variable in found}'''

_FILLED = '''\
def filled(graph: nnx.GraphDef, tensors: Tensors) -> nnx.Module:
    """Return a network with these parameters and buffers."""
    flat = [(tuple(name.split(".")), tensor) for name, tensor in tensors.items()]
    return nnx.merge(graph, nnx.from_flat_state(flat))'''

_TURNED = '''\
def as_flax(name: str, array: np.ndarray) -> Array:
    """Return an array of a state as flax has it: a kernel's inputs, then its outputs, last."""
    is_kernel = name.endswith(".kernel")
    return jnp.asarray(np.moveaxis(array, (0, 1), (-1, -2)) if is_kernel else array, dtype)


def as_state(name: str, tensor: Array) -> Array:
    """Return what flax has of a tensor, or optax keeps of it, as a state has it."""
    return jnp.moveaxis(tensor, (-1, -2), (0, 1)) if name.endswith(".kernel") else tensor'''


def _function(gan: GanSpec, name: str) -> str:
    """Return the function that in JAX is the network itself."""
    moves = has_buffers(gan, name)
    x = "z" if name == "generator" else "x"
    given = [x, *given_beside(gan, name), *(["masks"] if uses_masks(gan, name) else [])]
    arguments = ["parameters: Tensors", *(["buffers: Tensors"] if moves else [])]
    arguments += [f"{each}: {'Tensors' if each == 'masks' else 'Array'}" for each in given]
    result = "tuple[Array, Tensors]" if moves else "Array"
    said = "what G makes" if name == "generator" else "what D says"
    lines = [
        call(f"def {VERBS[name]}(", arguments, f") -> {result}:"),
        f'    """Return {said} with these parameters{", and the buffers moved" if moves else ""}."""',
    ]
    graph = f"graph_{name[0]}"
    if moves:
        lines.append(f"    network = filled({graph}, parameters | buffers)")
        lines.append(f"    y = network({', '.join(given)})")
        return "\n".join([*lines, "    return y, tensors_of(network, nnx.BatchStat)"])
    return "\n".join([*lines, f"    return filled({graph}, parameters)({', '.join(given)})"])


def _in_state(gan: GanSpec) -> str:
    placed = [each for network in gan.networks().values() for each in network.placed]
    layer = "layer"
    if any("." in each.name for each in placed):
        layer = "layer.rstrip('_').replace('_', '.')"
    elif any(attribute(each.name, RESERVED) != each.name for each in placed):
        layer = "layer.rstrip('_')"
    return f'''\
def in_state(name: str) -> str:
    """Return the name that a state has for a tensor."""
    layer, _, own = name.rpartition(".")
    names = {{"mean": "running_mean", "var": "running_var"}}
    names |= dict.fromkeys(("kernel", "embedding", "scale"), "weight")
    return f"{{{layer}}}.{{names.get(own, own)}}"'''
