"""Networks of well-known programs in flax.nnx, in the form in which such programs are written."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

WIDTH = 8


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
        self.blocks = [Block(6, rngs), Block(6, rngs)]
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


# Of each: the GAN of the catalogue that has its data and losses, and what makes both networks.
PROGRAMS = {"images": ("wgan", images), "residual rows": ("sine", rows)}
