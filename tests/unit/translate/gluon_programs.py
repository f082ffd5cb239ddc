"""Networks of well-known programs in Gluon, in the form in which their authors have them."""

from __future__ import annotations

from gan_rosetta.backends.mxnet.framework import mx

nn = mx.gluon.nn
WIDTH, CHANNELS = 8, 3


def strided():
    """A generator and a discriminator of images, each a row of blocks that are added in a scope of names."""
    generator = nn.HybridSequential(prefix="generator_")
    with generator.name_scope():
        generator.add(nn.Conv2DTranspose(WIDTH * 2, 4, 1, 0, use_bias=False))
        generator.add(nn.BatchNorm())
        generator.add(nn.Activation("relu"))
        generator.add(nn.Conv2DTranspose(WIDTH, 4, 2, 1, use_bias=False))
        generator.add(nn.BatchNorm())
        generator.add(nn.Activation("relu"))
        generator.add(nn.Conv2DTranspose(WIDTH, 4, 2, 1, use_bias=False))
        generator.add(nn.BatchNorm())
        generator.add(nn.Activation("relu"))
        generator.add(nn.Conv2DTranspose(CHANNELS, 4, 2, 1, use_bias=False))
        generator.add(nn.Activation("tanh"))
    discriminator = nn.HybridSequential(prefix="discriminator_")
    with discriminator.name_scope():
        discriminator.add(nn.Conv2D(WIDTH, 4, 2, 1, use_bias=False))
        discriminator.add(nn.LeakyReLU(0.2))
        discriminator.add(nn.Conv2D(WIDTH * 2, 4, 2, 1, use_bias=False))
        discriminator.add(nn.BatchNorm())
        discriminator.add(nn.LeakyReLU(0.2))
        discriminator.add(nn.Conv2D(WIDTH * 4, 4, 2, 1, use_bias=False))
        discriminator.add(nn.BatchNorm())
        discriminator.add(nn.LeakyReLU(0.2))
        discriminator.add(nn.Conv2D(1, 4, 1, 0, use_bias=False))
        discriminator.add(nn.Activation("sigmoid"))
    generator.hybridize()
    discriminator.hybridize()
    return made(generator, (100, 1, 1)), made(discriminator, (CHANNELS, 32, 32))


def points():
    """Of points in the plane: sequences that are not hybrid, a Dense each with its activation."""
    generator = nn.Sequential()
    generator.add(nn.Dense(2))
    discriminator = nn.Sequential()
    discriminator.add(nn.Dense(5, activation="tanh"), nn.Dense(3, activation="tanh"), nn.Dense(2))
    return made(generator, (2,)), made(discriminator, (2,))


class GeneratorBlock(nn.Block):
    def __init__(self, channels, kernel_size=4, strides=2, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.conv2d_trans = nn.Conv2DTranspose(channels, kernel_size, strides, padding, use_bias=False)
        self.batch_norm = nn.BatchNorm()
        self.activation = nn.Activation("relu")

    def forward(self, X):  # noqa: N803 (the program's)
        return self.activation(self.batch_norm(self.conv2d_trans(X)))


class DiscriminatorBlock(nn.Block):
    def __init__(self, channels, kernel_size=4, strides=2, padding=1, alpha=0.2, **kwargs):
        super().__init__(**kwargs)
        self.conv2d = nn.Conv2D(channels, kernel_size, strides, padding, use_bias=False)
        self.batch_norm = nn.BatchNorm()
        self.activation = nn.LeakyReLU(alpha)

    def forward(self, X):  # noqa: N803 (the program's)
        return self.activation(self.batch_norm(self.conv2d(X)))


def blocks():
    """Of blocks of one's own, with a forward of layers alone."""
    generator = nn.Sequential()
    generator.add(
        GeneratorBlock(WIDTH * 2, strides=1, padding=0),
        GeneratorBlock(WIDTH),
        GeneratorBlock(WIDTH),
        nn.Conv2DTranspose(CHANNELS, kernel_size=4, strides=2, padding=1, use_bias=False, activation="tanh"),
    )
    discriminator = nn.Sequential()
    discriminator.add(
        DiscriminatorBlock(WIDTH),
        DiscriminatorBlock(WIDTH * 2),
        DiscriminatorBlock(WIDTH * 4),
        nn.Conv2D(1, kernel_size=4, use_bias=False),
    )
    return made(generator, (100, 1, 1)), made(discriminator, (CHANNELS, 32, 32))


class Residual(nn.HybridBlock):
    """Ways that part and come together, by operators of F."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.hidden, self.first, self.second = nn.Dense(8), nn.Dense(6), nn.Dense(8)
            self.left, self.gate, self.drop = nn.Dense(3), nn.Dense(3), nn.Dropout(0.3)
            self.norm, self.output = nn.LayerNorm(), nn.Dense(1)

    def hybrid_forward(self, F, x):  # noqa: N803 (Gluon's name)
        x = F.LeakyReLU(self.hidden(x), act_type="leaky", slope=0.2)
        x = x + self.second(F.tanh(self.first(self.drop(x))))
        x = F.concat(self.left(x) * F.sigmoid(self.gate(x)), x, dim=1)
        return F.sigmoid(self.output(self.norm(x)))


def made(network, shape):
    """Give a network its parameters, as a program's first batch does."""
    network.initialize(mx.init.Normal(0.3))
    network(mx.nd.ones((2, *shape)))
    return network


# Of each: the GAN of the catalogue that has its data and losses, and what makes both networks.
PROGRAMS = {
    "rows of blocks in scopes": ("mnist-conv", strided),
    "points in the plane": ("linear-2d", points),
    "blocks of its own": ("sngan", blocks),
}
