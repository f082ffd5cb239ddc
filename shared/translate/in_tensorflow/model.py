"""Both networks in TensorFlow, as Keras models with a call of their own, and what they start from."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.calls import given_beside
from gan_rosetta.shared.translate.chain import chain
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.first_values import first_values
from gan_rosetta.shared.translate.in_tensorflow.layers import FUNCTIONS, LAYERS
from gan_rosetta.shared.translate.in_tensorflow.spectral import spectral_classes, with_spectral_norm
from gan_rosetta.shared.translate.parts import Part, what_it_says
from gan_rosetta.shared.translate.writing import attribute, call, number

# What keras.Model has names for, of those that a layer may have.
RESERVED = frozenset(
    [
        "autocast",
        "build",
        "built",
        "call",
        "compile",
        "compiled",
        "dtype",
        "evaluate",
        "export",
        "fit",
        "input",
        "layers",
        "loss",
        "losses",
        "metrics",
        "name",
        "optimizer",
        "output",
        "path",
        "predict",
        "quantize",
        "save",
        "stateless",
        "submodules",
        "summary",
        "trainable",
        "variables",
        "weights",
    ]
)
_IMAGE_RANK = 3


def model_section(gan: GanSpec, /) -> str:
    """Return the layers that Keras has none of, both networks, and what they start from."""
    written = {
        name: [
            with_spectral_norm(LAYERS[type(placed.layer)](placed, attribute(placed.name, RESERVED)), placed.layer, gan)
            for placed in network.placed
        ]
        for name, network in gan.networks().items()
    }
    needed = {name for parts in written.values() for part in parts for name in part.needs}
    parts = [text for name, text in FUNCTIONS.items() if name in needed]
    parts += spectral_classes(gan)
    parts += [_network(gan, name, written[name]) for name in gan.networks()]
    parts.append(TENSORS)
    parts.append(first_values(gan, kind="dict[str, np.ndarray]", made="np.asarray({array}, options.dtype)"))
    return "\n\n\n".join(parts) + "\n\n\n" + _made(gan)


TENSORS = '''\
def tensors_of(network: keras.Model) -> dict[str, keras.Variable]:
    """Return parameters and buffers by the names that a state has for them."""
    names = {"kernel": "weight", "embeddings": "weight"}
    return {
        f"{layer.name}.{names.get(tensor.name, tensor.name)}": tensor
        for layer in network.layers
        for tensor in layer.variables
    }


def trained(network: keras.Model) -> dict[str, keras.Variable]:
    """Return the parameters alone, without the buffers."""
    return {name: tensor for name, tensor in tensors_of(network).items() if tensor.trainable}


def as_keras(tensor: keras.Variable, array: np.ndarray) -> np.ndarray:
    """Return an array of a state as Keras has it: a kernel's inputs, then its outputs, last."""
    return np.moveaxis(array, (0, 1), (-1, -2)) if tensor.name == "kernel" else array


def as_state(tensor: keras.Variable, values: keras.Variable) -> np.ndarray:
    """Return what Keras has of a tensor, or keeps of it, as a state has it."""
    array = keras.ops.convert_to_numpy(values)
    return np.moveaxis(array, (-1, -2), (0, 1)) if tensor.name == "kernel" else array'''


def _made(gan: GanSpec) -> str:
    lines = [
        "generator, discriminator = Generator(), Discriminator()",
        "# Keras makes a layer's tensors when it is first given something.",
    ]
    lines += [first_call(gan, name, name) for name in gan.networks()]
    lines += [
        'for prefix, network in (("generator", generator), ("discriminator", discriminator)):',
        "    tensors = first_tensors(prefix, options.seed)",
        "    for name, tensor in tensors_of(network).items():",
        "        tensor.assign(as_keras(tensor, tensors[name]))",
    ]
    return "\n".join(lines)


def first_call(gan: GanSpec, name: str, called: str, /) -> str:
    """Return the call of a network, by whatever name, at which Keras makes its tensors."""
    shape = gan.networks()[name].input_shape
    native = (*shape[1:], shape[0]) if len(shape) == _IMAGE_RANK else shape
    arguments = [f"tf.zeros((2, {', '.join(map(number, native))}))"]
    codes = f"tf.zeros((2, {number(gan.latent.sample_shape[0])}))"
    firsts = {"classes": "tf.zeros(2, tf.int64)", "codes": codes}
    arguments += [firsts[given] for given in given_beside(gan, name)]
    arguments += ["{}"] if uses_masks(gan, name) else []
    return call(f"{called}(", arguments)


def _network(gan: GanSpec, network_name: str, written: list[Part]) -> str:
    network = gan.networks()[network_name]
    made = [
        call(f"self.{attribute(placed.name, RESERVED)} = {part.made[0]}", part.made[1], indent=8)
        for placed, part in zip(network.placed, written, strict=True)
        if part.made is not None
    ]
    x = "z" if network_name == "generator" else "x"
    arguments = [f"{x}: tf.Tensor"]
    arguments += [f"{given}: tf.Tensor" for given in given_beside(gan, network_name)]
    arguments += ["masks: Batch"] if uses_masks(gan, network_name) else []
    what = "Makes samples of noise" if network_name == "generator" else what_it_says(gan)
    returned = "a batch of samples" if network_name == "generator" else "what it says of each sample"
    shape = network.output_shape
    native = (*shape[1:], shape[0]) if len(shape) == _IMAGE_RANK else shape
    begins = ["    def __init__(self) -> None:", "        super().__init__()", *made, ""] if made else []
    return "\n".join(
        [
            f"class {network_name.capitalize()}(keras.Model):",
            f'    """{what}."""',
            "",
            *begins,
            call("def call(", ["self", *arguments], ") -> tf.Tensor:", indent=4),
            f'        """Return {returned}, (batch, {", ".join(map(number, native))})."""',
            *chain(network, written, x, indent=8),
        ]
    )
