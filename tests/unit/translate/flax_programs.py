"""Networks of two public programs in flax.nnx, in our words, and forms in which such programs are written.

Each of PROGRAMS is of the program that its key names, a repository and the program in it: its architecture, with fewer
features, as was read there.
"""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from tests.unit.translate.public_programs import of_logits

WIDTH = 8
NORMAL = nnx.initializers.normal(0.02)
# From 0.12 on a module keeps others in a list of flax's own.
LIST = getattr(nnx, "List", list)


class Generator(nnx.Module):
    """Of images of 28 by 28, by transposed convolutions that are padded as they come."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.project = nnx.Linear(20, 7 * 7 * WIDTH, use_bias=False, rngs=rngs)
        self.bn1 = nnx.BatchNorm(7 * 7 * WIDTH, momentum=0.9, rngs=rngs)
        self.deconv1 = nnx.ConvTranspose(WIDTH, 4, (5, 5), strides=(2, 2), padding="SAME", use_bias=False, rngs=rngs)
        self.bn2 = nnx.BatchNorm(4, momentum=0.9, rngs=rngs)
        self.deconv2 = nnx.ConvTranspose(4, 1, (4, 4), strides=(2, 2), padding="SAME", rngs=rngs)

    def __call__(self, z):
        x = nnx.relu(self.bn1(self.project(z)))
        x = x.reshape(-1, 7, 7, WIDTH)
        x = nnx.relu(self.bn2(self.deconv1(x)))
        return jnp.tanh(self.deconv2(x))


class Discriminator(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 4, (5, 5), strides=(2, 2), rngs=rngs)
        self.conv2 = nnx.Conv(4, WIDTH, (5, 5), strides=(2, 2), rngs=rngs)
        self.dropout = nnx.Dropout(0.3, rngs=rngs)
        self.dense = nnx.Linear(7 * 7 * WIDTH, 1, rngs=rngs)

    def __call__(self, x):
        x = self.dropout(nnx.leaky_relu(self.conv1(x), 0.2))
        x = nnx.leaky_relu(self.conv2(x), negative_slope=0.2)
        return self.dense(x.reshape(x.shape[0], -1))


class Block(nnx.Module):
    """A residual block of rows."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        self.norm, self.inner = nnx.LayerNorm(width, rngs=rngs), nnx.Linear(width, 2 * width, rngs=rngs)
        self.outer = nnx.Linear(2 * width, width, rngs=rngs)

    def __call__(self, x):
        return x + self.outer(nnx.silu(self.inner(self.norm(x))))


class RowGenerator(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(5, 6, rngs=rngs)
        self.widen = nnx.Linear(6, 6, rngs=rngs)
        self.blocks = LIST([Block(6, rngs), Block(6, rngs)])
        self.last = nnx.Linear(6, 16, rngs=rngs)

    def __call__(self, z):
        x = nnx.elu(self.widen(self.first(z)))
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def images():
    return Generator(nnx.Rngs(0)), Discriminator(nnx.Rngs(1))


def rows():
    rngs = nnx.Rngs(2)
    judge = nnx.Sequential(
        nnx.Linear(16, 8, rngs=rngs), nnx.relu, nnx.Linear(8, 4, rngs=rngs), nnx.softplus, nnx.Linear(4, 1, rngs=rngs),
        nnx.sigmoid,
    )  # fmt: skip
    return RowGenerator(rngs), judge


class BookGenerator(nnx.Module):
    """Of points in the plane, by one layer."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.out = nnx.Linear(2, 2, kernel_init=NORMAL, bias_init=NORMAL, rngs=rngs)

    def __call__(self, x):
        return self.out(x)


class BookDiscriminator(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.h1 = nnx.Linear(2, 5, kernel_init=NORMAL, bias_init=NORMAL, rngs=rngs)
        self.h2 = nnx.Linear(5, 3, kernel_init=NORMAL, bias_init=NORMAL, rngs=rngs)
        self.out = nnx.Linear(3, 1, kernel_init=NORMAL, bias_init=NORMAL, rngs=rngs)

    def __call__(self, x):
        return self.out(nnx.tanh(self.h2(nnx.tanh(self.h1(x)))))


class Dense(nnx.Module):
    """Hidden layers, each with a norm and a dropout where they are asked for, by lists of them."""

    def __init__(
        self, size: int, widths: tuple[int, ...], out: int, *, norm: bool, rate: float, rngs: nnx.Rngs
    ) -> None:
        self.layers = LIST([nnx.Linear(*pair, rngs=rngs) for pair in zip((size, *widths), widths, strict=False)])
        self.output_layer = nnx.Linear(widths[-1], out, rngs=rngs)
        self.bn_layers = LIST([nnx.BatchNorm(width, rngs=rngs) for width in widths]) if norm else None
        self.dropout = nnx.Dropout(rate, rngs=rngs) if rate > 0 else None

    def hidden(self, x, activation):
        for place, layer in enumerate(self.layers):
            x = layer(x)
            x = x if self.bn_layers is None else self.bn_layers[place](x)
            x = activation(x)
            x = x if self.dropout is None else self.dropout(x)
        return self.output_layer(x)


class DenseGenerator(Dense):
    def __call__(self, z):
        return jnp.tanh(jnp.reshape(self.hidden(z, nnx.relu), (-1, 28, 28, 1)))


class DenseDiscriminator(Dense):
    def __call__(self, x):
        flat = jnp.reshape(x, (x.shape[0], -1))
        return nnx.sigmoid(self.hidden(flat, lambda each: nnx.leaky_relu(each, negative_slope=0.2)))


def dense():
    generator = DenseGenerator(100, (4, 8), 784, norm=True, rate=0, rngs=nnx.Rngs(0))
    return generator, DenseDiscriminator(784, (8, 4), 1, norm=False, rate=0.3, rngs=nnx.Rngs(1))


# Of each program: a GAN with its data, or others of the same shapes, and what makes both networks.
PROGRAMS = {
    "smolix/d2l-neu, gan": (
        of_logits("linear-2d", 1),
        lambda: (BookGenerator(nnx.Rngs(7)), BookDiscriminator(nnx.Rngs(8))),
    ),
    "avitai/artifex, gan": ("wgan", dense),
}
# Forms that are of no program above.
FORMS = {"images": ("wgan", images), "residual rows": ("sine", rows)}
