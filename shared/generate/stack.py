"""A network that is built layer by layer, and the layers that any may have, each drawn to fit the one before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.generate.draws import ACTIVATIONS, BIASES, SPECTRAL_NORMS, WEIGHTS, decimals
from gan_rosetta.shared.spec import (
    ONES,
    BatchNorm,
    Constant,
    Conv2d,
    Dropout,
    GroupNorm,
    Layer,
    Linear,
    MinibatchDiscrimination,
    Network,
    Normal,
    PReLU,
    Reshape,
    Shape,
    Sigmoid,
    Softmax,
    SpectralNorm,
    Tanh,
)

Draw = Callable[..., Any]


class Stack:
    """Layers so far. normalised: a BatchNorm may be added; plain: only layers that a gradient penalty allows.

    classes: samples have classes, whose embedding may be added. shape: what a sample has become behind the layers.
    """

    def __init__(self, draw: Draw, shape: Shape, /, *, plain: bool, normalised: bool, classes: bool = False) -> None:
        self.draw = draw
        self.input_shape = self.shape = shape
        self.plain, self.normalised, self.classes = plain, normalised, classes
        self._layers: list[Layer] = []
        self._names = 0

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers so far."""
        return tuple(self._layers)

    def network(self) -> Network:
        """Return the network built so far."""
        return Network(input_shape=self.input_shape, layers=self.layers)

    def inner(self) -> Stack:
        """Return a stack that begins with what this one has come to, for a branch."""
        return Stack(self.draw, self.shape, plain=self.plain, normalised=self.normalised)

    def add(self, layer: Layer, /) -> None:
        """Add a layer."""
        self._layers.append(layer)
        self.shape = layer.output_shape(self.shape)

    def new_name(self, kind: str, /) -> str:
        """Return a name that no layer has had."""
        self._names += 1
        return f"{kind}{self._names}"

    def perhaps_spectral(self) -> SpectralNorm | None:
        """Return a spectral norm now and then, for a weight that may have one."""
        if self.plain or self.draw(st.integers(0, 4)) != 4:
            return None
        norm: SpectralNorm = self.draw(SPECTRAL_NORMS)
        return norm

    def linear(self, width: int, /) -> None:
        """Add a Linear."""
        self.add(
            Linear(
                name=self.new_name("linear"),
                in_features=self.shape[0],
                out_features=width,
                weight_init=self.draw(WEIGHTS),
                bias_init=self.draw(BIASES),
                spectral_norm=self.perhaps_spectral(),
            )
        )

    def convolution(self, kind: type, channels: int, /, *, kernel: int, stride: int, padding: int) -> None:
        """Add a Conv2d or a ConvTranspose2d."""
        self.add(
            kind(
                name=self.new_name("conv"),
                in_channels=self.shape[0],
                out_channels=channels,
                kernel_size=kernel,
                stride=stride,
                padding=padding,
                weight_init=self.draw(WEIGHTS),
                bias_init=self.draw(BIASES),
                spectral_norm=self.perhaps_spectral(),
            )
        )

    def same_size(self, width: int, /) -> None:
        """Add a Linear to so many features, or a convolution to so many channels that keeps the images' size."""
        if len(self.shape) == 1:
            self.linear(width)
        else:
            kernel = self.draw(st.sampled_from([1, 3]))
            self.convolution(Conv2d, width, kernel=kernel, stride=1, padding=kernel // 2)

    def reshape(self, shape: Shape, /) -> None:
        """Add a Reshape where the shape is another."""
        if shape != self.shape:
            self.add(Reshape(shape=shape))

    def flatten(self) -> None:
        """Add a Reshape to a vector where the shape is none."""
        self.reshape((math.prod(self.shape),))

    def minibatch(self) -> None:
        """Add a MinibatchDiscrimination."""
        self.add(
            MinibatchDiscrimination(
                name=self.new_name("minibatch"),
                in_features=self.shape[0],
                num_kernels=self.draw(st.integers(1, 3)),
                kernel_dims=self.draw(st.integers(1, 3)),
                self_distance=self.draw(st.booleans()),
                weight_init=self.draw(WEIGHTS),
                bias_init=self.draw(BIASES),
            )
        )

    def after(self) -> None:
        """Add what may follow a weighted layer: a BatchNorm, an activation, both or nothing."""
        if self.normalised and self.draw(st.integers(0, 2)) == 2:
            self.batch_norm(affine=self.draw(st.integers(0, 3)) != 3)
        elif self.draw(st.integers(0, 4)) == 4:
            self.group_norm()
        if self.draw(st.integers(0, 4)) != 0:
            self.activation()
        self.perhaps_softmax()
        # A penalty that dropout may stand in the way of is one that a BatchNorm may.
        if (self.normalised or not self.plain) and self.draw(st.integers(0, 4)) == 4:
            self.dropout()

    def batch_norm(self, *, affine: bool) -> None:
        """Add a BatchNorm."""
        self.add(
            BatchNorm(
                name=self.new_name("norm"),
                num_features=self.shape[0],
                epsilon=self.draw(st.sampled_from([1e-5, 1e-3, 0.1, 1e-8])),
                momentum=self.draw(decimals(0.0, 1.0, digits=2)),
                running_variance=self.draw(st.sampled_from(["unbiased", "biased"])),
                statistics=self.draw(st.sampled_from(["batch"] if self.plain else ["batch", "batch", "running"])),
                weight_init=self.draw(st.sampled_from([ONES, Normal(standard_deviation=0.3, mean=1.0)])),
                affine=affine,
            )
        )

    def group_norm(self) -> None:
        """Add a GroupNorm whose groups have two numbers at least, where there are so many."""
        groups = [n for n in range(1, self.shape[0] + 1) if self.shape[0] % n == 0 and math.prod(self.shape) > n]
        if groups:
            self.add(
                GroupNorm(
                    name=self.new_name("norm"),
                    num_features=self.shape[0],
                    num_groups=self.draw(st.sampled_from(groups)),
                    epsilon=self.draw(st.sampled_from([1e-5, 1e-3, 0.1])),
                    affine=self.draw(st.booleans()),
                    weight_init=self.draw(st.sampled_from([ONES, Normal(standard_deviation=0.3, mean=1.0)])),
                )
            )

    def dropout(self) -> None:
        """Add a Dropout, of channels where there are any."""
        units = ["channel", "entry"] if len(self.shape) == 3 else ["entry"]
        probability = self.draw(decimals(0.0, 0.7, digits=2))
        self.add(Dropout(name=self.new_name("drop"), probability=probability, unit=self.draw(st.sampled_from(units))))

    def activation(self) -> None:
        """Add any activation, which may be one whose slopes are learned."""
        drawn = self.draw(ACTIVATIONS)
        self.add(self._learned() if drawn is None else drawn)

    def _learned(self) -> PReLU:
        return PReLU(
            name=self.new_name("slopes"),
            num_parameters=self.draw(st.sampled_from([1, self.shape[0]])),
            weight_init=self.draw(st.sampled_from([Constant(value=0.25), Normal(standard_deviation=0.3)])),
        )

    def sigmoid(self) -> None:
        """Add the Sigmoid that makes a probability."""
        self.add(Sigmoid())

    def bounded(self) -> None:
        """Add an activation that is between two bounds."""
        self.add(self.draw(st.sampled_from([Sigmoid(), Tanh()])))

    def perhaps_softmax(self) -> None:
        """Add a Softmax now and then, along an axis that has more than one number."""
        axes = [axis for axis, size in enumerate(self.shape) if size > 1]
        if axes and not self.plain and self.draw(st.integers(0, 7)) == 7:
            self.add(Softmax(axis=self.draw(st.sampled_from(axes))))
