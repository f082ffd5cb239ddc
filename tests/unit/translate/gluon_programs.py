"""Networks of three public programs in Gluon, in our words: their architecture, with fewer features, as was read there.

Each is of the program that its key names: a repository, or a site, and the program in it. The book's switch MXNet to
its arrays of mx.np, which is left out here.
"""

from __future__ import annotations

from gan_rosetta.backends.mxnet.framework import mx
from tests.unit.translate.public_programs import of_logits

nn = mx.gluon.nn
WIDTH, CHANNELS = 4, 3


def _example_dcgan():
    """Rows of blocks that are added in a scope of names; D's last gives two numbers, of which a softmax is taken."""
    generator = nn.Sequential()
    with generator.name_scope():
        for width, strides, padding in ((WIDTH * 8, 1, 0), (WIDTH * 4, 2, 1), (WIDTH * 2, 2, 1), (WIDTH, 2, 1)):
            generator.add(nn.Conv2DTranspose(width, 4, strides, padding, use_bias=False))
            generator.add(nn.BatchNorm())
            generator.add(nn.Activation("relu"))
        generator.add(nn.Conv2DTranspose(CHANNELS, 4, 2, 1, use_bias=False))
        generator.add(nn.Activation("tanh"))
    discriminator = nn.Sequential()
    with discriminator.name_scope():
        discriminator.add(nn.Conv2D(WIDTH, 4, 2, 1, use_bias=False))
        discriminator.add(nn.LeakyReLU(0.2))
        for width in (WIDTH * 2, WIDTH * 4, WIDTH * 8):
            discriminator.add(nn.Conv2D(width, 4, 2, 1, use_bias=False))
            discriminator.add(nn.BatchNorm())
            discriminator.add(nn.LeakyReLU(0.2))
        discriminator.add(nn.Conv2D(2, 4, 1, 0, use_bias=False))
        discriminator.add(nn.Flatten())  # as the program reshapes what D gives
    return made(generator, (100, 1, 1)), made(discriminator, (CHANNELS, 64, 64))


def _book_points():
    """Of points in the plane: sequences that are not hybrid, a Dense each with its activation."""
    generator = nn.Sequential()
    generator.add(nn.Dense(2))
    discriminator = nn.Sequential()
    discriminator.add(nn.Dense(5, activation="tanh"), nn.Dense(3, activation="tanh"), nn.Dense(1))
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


def _book_dcgan():
    """Of blocks of one's own, with a forward of layers alone."""
    generator = nn.Sequential()
    generator.add(
        GeneratorBlock(WIDTH * 8, strides=1, padding=0),
        *(GeneratorBlock(WIDTH * factor) for factor in (4, 2, 1)),
        nn.Conv2DTranspose(CHANNELS, kernel_size=4, strides=2, padding=1, use_bias=False, activation="tanh"),
    )
    discriminator = nn.Sequential()
    discriminator.add(
        *(DiscriminatorBlock(WIDTH * factor) for factor in (1, 2, 4, 8)), nn.Conv2D(1, kernel_size=4, use_bias=False)
    )
    return made(generator, (100, 1, 1)), made(discriminator, (CHANNELS, 64, 64))


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


# Of each program: a GAN with its data, or others of the same shapes, and what makes both networks.
PROGRAMS = {
    "apache/mxnet, dc_gan": (of_logits("dcgan", 2), _example_dcgan),
    "d2l.ai, gan": (of_logits("linear-2d", 1), _book_points),
    "d2l.ai, dcgan": (of_logits("dcgan", 1), _book_dcgan),
}
