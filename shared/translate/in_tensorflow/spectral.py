"""Layers in TensorFlow whose kernel is under a spectral norm."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec, Layer, SpectralNorm
from gan_rosetta.shared.spec.spectral import V
from gan_rosetta.shared.translate.parts import Part, spectral_forms
from gan_rosetta.shared.translate.writing import indented, number

# Of each kind of layer: Keras's name, the kernel's axes with a row for each output, and what it does with a kernel.
_KINDS: dict[type, tuple[str, str, str]] = {
    spec.Linear: ("Dense", "(1, 0)", "y = x @ self.divided_kernel()"),
    spec.Conv2d: (
        "Conv2D",
        "(3, 2, 0, 1)",
        'y = tf.nn.conv2d(x, self.divided_kernel(), self.strides, "VALID")',
    ),
    spec.ConvTranspose2d: (
        "Conv2DTranspose",
        "(2, 3, 0, 1)",
        "shape = self.compute_output_shape(x.shape)\n"
        '        y = tf.nn.conv2d_transpose(x, self.divided_kernel(), shape, self.strides, "VALID")',
    ),
}

_EMBEDDING = '''\
class Spectral{suffix}Embedding(SpectralNorm{suffix}, keras.layers.Embedding):
    """keras.layers.Embedding of a table divided by its largest singular value."""

    axes = (0, 1)

    @property
    def kernel(self) -> keras.Variable:
        """The table, a row for each class."""
        return self.embeddings

    def call(self, classes: tf.Tensor) -> tf.Tensor:
        """Return what keras.layers.Embedding does."""
        return tf.gather(self.divided_kernel(), classes)'''


def with_spectral_norm(part: Part, layer: Layer, gan: GanSpec, /) -> Part:
    """Return a layer as it is made with the norm that its kernel has, or as it was where it has none."""
    norm = getattr(layer, "spectral_norm", None)
    if norm is None or part.made is None:
        return part
    kind, settings = part.made
    return replace(part, made=(kind.replace("keras.layers.", f"Spectral{spectral_forms(gan)[norm]}", 1), settings))


def spectral_classes(gan: GanSpec, /) -> list[str]:
    """Return the classes of layers whose kernel is divided by its largest singular value."""
    layers = [layer for network in gan.networks().values() for layer in network.all_layers]
    classes = []
    for norm, suffix in spectral_forms(gan).items():
        own = {type(layer) for layer in layers if getattr(layer, "spectral_norm", None) == norm}
        classes.append(_norm_class(norm, suffix))
        classes += [_EMBEDDING.replace("{suffix}", suffix)] if spec.ClassEmbedding in own else []
        classes += [_layer_class(kind, suffix) for kind in _KINDS if kind in own]
    return classes


def _layer_class(kind: type, suffix: str) -> str:
    name, axes, applied = _KINDS[kind]
    return f'''\
class Spectral{suffix}{name}(SpectralNorm{suffix}, keras.layers.{name}):
    """keras.layers.{name} of a kernel divided by its largest singular value."""

    axes = {axes}

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return what keras.layers.{name} does."""
        {applied}
        return y if self.bias is None else y + self.bias'''


def _norm_class(norm: SpectralNorm, suffix: str) -> str:
    moves = [line for short in norm.updates[:2] for line in _move(norm, short)]
    if norm.num_iterations > 1:
        moves = [f"for _ in range({number(norm.num_iterations)}):", *(f"    {line}" for line in moves)]
    followed = "matrix" if norm.sigma_gradient == "followed" else "constant"
    return f'''\
class SpectralNorm{suffix}(keras.layers.Layer):
    """What layers share that divide their kernel by its largest singular value (Miyato 2018).

    keras.layers.SpectralNormalization keeps the divided kernel in place of its own.
    """

    axes: tuple[int, ...]  # of the kernel, a row for each output

    def build(self, input_shape: Any) -> None:
        """Make the kernel, and a vector for its outputs and one for its inputs."""
        super().build(input_shape)
        for name, size in zip(("weight_u", "weight_v"), self.matrix().shape, strict=True):
            setattr(self, name, self.add_weight(shape=(size,), name=name, trainable=False))

    def matrix(self) -> tf.Tensor:
        """Return the kernel, a row for each output."""
        turned = tf.transpose(self.kernel, self.axes)
        return tf.reshape(turned, (turned.shape[0], -1))

    def divided_kernel(self) -> tf.Tensor:
        """Return the kernel divided, after u and v have moved."""
        matrix = self.matrix()
        u, v = tf.convert_to_tensor(self.weight_u), tf.convert_to_tensor(self.weight_v)
        constant = tf.stop_gradient(matrix)  # u and v are constants for the gradient
{indented(chr(10).join(moves), by=8)}
        self.weight_u.assign(u)
        self.weight_v.assign(v)
        return self.kernel / tf.reduce_sum(u * tf.linalg.matvec({followed}, v))'''


def _move(norm: SpectralNorm, short: str) -> list[str]:
    is_v = short == V
    name, moved = ("v", "constant, u, transpose_a=True") if is_v else ("u", "constant, v")
    epsilon = number(norm.epsilon)
    length = {
        "outside": f"(tf.norm({name}) + {epsilon})",
        "floor": f"tf.maximum(tf.norm({name}), {epsilon})",
        "inside": f"tf.sqrt(tf.reduce_sum({name}**2) + {epsilon})",
    }[norm.epsilon_placement]
    return [f"{name} = tf.linalg.matvec({moved})", f"{name} = {name} / {length}"]
