"""Builds a network layer by layer, each drawn so that it fits the one before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.spec import (
    ELU,
    ERRORS,
    GELU,
    ONES,
    SELU,
    ZEROS,
    Augment,
    BatchNorm,
    Branch,
    Branches,
    ClassContrast,
    ClassCrossEntropy,
    ClassEmbedding,
    Constant,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    Dropout,
    GlobalPool,
    GroupNorm,
    Initializer,
    Layer,
    LeakyReLU,
    Linear,
    MinibatchDiscrimination,
    Network,
    Normal,
    PixelShuffle,
    Pool2d,
    PReLU,
    PullAway,
    Recall,
    ReLU,
    Reshape,
    Shape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    SpectralNorm,
    Tanh,
    UniformFanIn,
    Upsample,
    class_projection,
    self_attention,
)

Draw = Callable[..., Any]

MAX_SIZE = 8
MAX_WIDTH = 6
_MAX_CHANNELS = 3
_MAX_KERNEL = 4
_IMAGE_RANK = 3


def decimals(low: float, high: float, /, *, digits: int) -> st.SearchStrategy[float]:
    """Return numbers from low to high with so many decimals: they read well in a file, and shrink towards low."""
    scale = 10**digits
    return st.integers(round(low * scale), round(high * scale)).map(lambda number: number / scale)


# No constant weights: they make units alike, whose distances sit on the kink of |x| at exactly 0, where a rounding
# decides the sign.
_WEIGHTS: st.SearchStrategy[Initializer] = st.one_of(
    st.just(UniformFanIn()), decimals(0.1, 0.8, digits=2).map(lambda size: Normal(standard_deviation=size))
)
_BIASES: st.SearchStrategy[Initializer | None] = st.one_of(
    st.none(),
    st.just(UniformFanIn()),
    decimals(-0.5, 0.5, digits=1).map(lambda value: Constant(value=value)),
    decimals(0.1, 0.5, digits=1).map(lambda size: Normal(standard_deviation=size)),
)
# None stands for a PReLU, whose slopes have to fit.
_ACTIVATIONS: st.SearchStrategy[Layer | None] = st.one_of(
    st.just(Tanh()),
    st.just(Sigmoid()),
    st.just(Softplus()),
    st.just(ReLU()),
    decimals(0.0, 1.2, digits=2).map(lambda slope: LeakyReLU(slope=slope)),
    decimals(0.1, 2.0, digits=1).map(lambda alpha: ELU(alpha=alpha)),
    st.just(SELU()),
    st.sampled_from([GELU(form="erf"), GELU(form="tanh")]),
    st.just(SiLU()),
    st.none(),
)

_POOLS = st.sampled_from(["average", "maximum"])
# A class's own logit, one of more, one of two, and one that all classes share.
_LOGITS_OF_CLASSES = tuple(
    ClassCrossEntropy(num_classes=DigitsReal.num_classes, num_logits=logits, stride=stride, offset=offset)
    for logits, stride, offset in ((None, 1, 0), (11, 1, 0), (20, 2, 1), (11, 0, 10))
)
_SPECTRAL_NORMS: st.SearchStrategy[SpectralNorm] = st.builds(
    SpectralNorm,
    num_iterations=st.sampled_from([1, 1, 2]),
    first=st.sampled_from(["v", "u"]),
    epsilon=st.sampled_from([1e-12, 1e-4, 0.1]),
    epsilon_placement=st.sampled_from(["outside", "floor", "inside"]),
    sigma_gradient=st.sampled_from(["followed", "constant"]),
)


def convolutions_to(size: int, /) -> list[tuple[type, int, int, int, int]]:
    """Return all (class, input size, kernel, stride, padding) that give images of this size from small ones."""
    found: list[tuple[type, int, int, int, int]] = []
    for kernel in range(1, _MAX_KERNEL + 1):
        for stride in (1, 2, 3):
            # A padding beyond the kernel would be legal, and would make rows that see no input at all.
            for padding in range(min(3, kernel)):
                for given in range(1, MAX_SIZE + 1):
                    if given + 2 * padding >= kernel and (given + 2 * padding - kernel) // stride + 1 == size:
                        found.append((Conv2d, given, kernel, stride, padding))
                    if (given - 1) * stride - 2 * padding + kernel == size:
                        found.append((ConvTranspose2d, given, kernel, stride, padding))
    return found


class Stack:
    """Layers so far. normalised: a BatchNorm may be added; plain: only layers that a gradient penalty allows.

    classes: samples have classes, whose embedding may be added.
    """

    def __init__(self, draw: Draw, shape: Shape, /, *, plain: bool, normalised: bool, classes: bool = False) -> None:
        self._draw = draw
        self._input_shape = self.shape = shape
        self._plain, self._normalised, self._classes = plain, normalised, classes
        self._layers: list[Layer] = []
        self._names = 0

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers so far."""
        return tuple(self._layers)

    def network(self) -> Network:
        """Return the network built so far."""
        return Network(input_shape=self._input_shape, layers=self.layers)

    def linear(self, width: int, /) -> None:
        """Add a Linear."""
        self._add(
            Linear(
                name=self._name("linear"),
                in_features=self.shape[0],
                out_features=width,
                weight_init=self._draw(_WEIGHTS),
                bias_init=self._draw(_BIASES),
                spectral_norm=self._perhaps_spectral(),
            )
        )

    def convolution(self, kind: type, channels: int, /, *, kernel: int, stride: int, padding: int) -> None:
        """Add a Conv2d or a ConvTranspose2d."""
        self._add(
            kind(
                name=self._name("conv"),
                in_channels=self.shape[0],
                out_channels=channels,
                kernel_size=kernel,
                stride=stride,
                padding=padding,
                weight_init=self._draw(_WEIGHTS),
                bias_init=self._draw(_BIASES),
                spectral_norm=self._perhaps_spectral(),
            )
        )

    def any_convolution(self) -> None:
        """Add a Conv2d of any kernel that fits, or now and then a ConvTranspose2d of one that keeps images small."""
        channels = self._draw(st.integers(1, _MAX_CHANNELS))
        kernel = self._draw(st.integers(1, _MAX_KERNEL))
        stride = self._draw(st.integers(1, 3))
        least = max(0, math.ceil((kernel - min(self.shape[1:])) / 2))
        padding = self._draw(st.integers(least, max(least, min(2, kernel - 1))))
        grown = [(size - 1) * stride - 2 * padding + kernel for size in self.shape[1:]]
        fits = min(grown) >= 1 and max(grown) <= MAX_SIZE
        kind = ConvTranspose2d if fits and self._draw(st.integers(0, 3)) == 3 else Conv2d
        odd = self._odd_convolution(kind, channels, kernel, stride) if self._draw(st.integers(0, 2)) == 2 else None
        if odd is None:
            self.convolution(kind, channels, kernel=kernel, stride=stride, padding=padding)
        else:
            self._add(odd)

    def _odd_convolution(self, kind: type, channels: int, kernel: int, stride: int) -> Layer | None:
        """Draw a convolution with gaps, groups, sides and a width of its own, None where it does not fit."""
        draw, width = self._draw, self._draw(st.integers(1, _MAX_KERNEL))
        dilation = draw(st.integers(1, 2))
        most = [min(2, dilation * (length - 1)) for length in (kernel, kernel, width, width)]
        sides = tuple(draw(st.integers(0, side)) for side in most)
        common = math.gcd(self.shape[0], channels)
        groups = draw(st.sampled_from([size for size in range(1, common + 1) if common % size == 0]))
        more = {"output_padding": draw(st.integers(0, stride - 1))} if kind is ConvTranspose2d else {}
        plain = dilation == groups == 1 and not more.get("output_padding")
        try:
            layer: Layer = kind(
                name=f"conv{self._names + 1}",
                in_channels=self.shape[0],
                out_channels=channels,
                kernel_size=kernel,
                stride=stride,
                padding=sides[0] if len(set(sides)) == 1 else 0,
                weight_init=draw(_WEIGHTS),
                bias_init=draw(_BIASES),
                # Not every dialect writes both.
                spectral_norm=self._perhaps_spectral() if plain else None,
                kernel_width=width if width != kernel else None,
                sides=sides if len(set(sides)) > 1 else None,
                dilation=dilation,
                groups=groups,
                **more,
            )
            _, *sizes = layer.output_shape(self.shape)
        except SpecError:
            return None
        if max(sizes) > MAX_SIZE:
            return None
        self._names += 1
        return layer

    def reshape(self, shape: Shape, /) -> None:
        """Add a Reshape where the shape is another."""
        if shape != self.shape:
            self._add(Reshape(shape=shape))

    def flatten(self) -> None:
        """Add a Reshape to a vector where the shape is none."""
        self.reshape((math.prod(self.shape),))

    def minibatch(self) -> None:
        """Add a MinibatchDiscrimination."""
        self._add(
            MinibatchDiscrimination(
                name=self._name("minibatch"),
                in_features=self.shape[0],
                num_kernels=self._draw(st.integers(1, 3)),
                kernel_dims=self._draw(st.integers(1, 3)),
                self_distance=self._draw(st.booleans()),
                weight_init=self._draw(_WEIGHTS),
                bias_init=self._draw(_BIASES),
            )
        )

    def after(self) -> None:
        """Add what may follow a weighted layer: a BatchNorm, an activation, both or nothing."""
        if self._normalised and self._draw(st.integers(0, 2)) == 2:
            self.batch_norm(affine=self._draw(st.integers(0, 3)) != 3)
        elif self._draw(st.integers(0, 4)) == 4:
            self.group_norm()
        if self._draw(st.integers(0, 4)) != 0:
            self.activation()
        self.perhaps_softmax()
        # A penalty that dropout may stand in the way of is one that a BatchNorm may.
        if (self._normalised or not self._plain) and self._draw(st.integers(0, 4)) == 4:
            self.dropout()

    def batch_norm(self, *, affine: bool) -> None:
        """Add a BatchNorm."""
        self._add(
            BatchNorm(
                name=self._name("norm"),
                num_features=self.shape[0],
                epsilon=self._draw(st.sampled_from([1e-5, 1e-3, 0.1, 1e-8])),
                momentum=self._draw(decimals(0.0, 1.0, digits=2)),
                running_variance=self._draw(st.sampled_from(["unbiased", "biased"])),
                statistics=self._draw(st.sampled_from(["batch"] if self._plain else ["batch", "batch", "running"])),
                weight_init=self._draw(st.sampled_from([ONES, Normal(standard_deviation=0.3, mean=1.0)])),
                affine=affine,
            )
        )

    def perhaps_block(self) -> None:
        """Add branches now and then: a residual block, a gate, or ways that are put together, which keep images' size.

        A gate is bounded: a product of numbers without bound runs away in the few steps of a GAN that goes badly.
        """
        if self._draw(st.integers(0, 3)) != 3:
            return
        join = self._draw(st.sampled_from(["add", "concatenate", "multiply"]))
        width = self._draw(st.integers(1, MAX_WIDTH if len(self.shape) == 1 else _MAX_CHANNELS))
        hands_on = self._draw(st.booleans())
        width = self.shape[0] if hands_on and join != "concatenate" else width
        main = self._inner()
        if self._draw(st.booleans()):
            main.activation()
        if self._draw(st.booleans()):
            main.same_size(self._draw(st.integers(1, 3)))
            main.after()
        main.same_size(width)
        if join == "multiply":
            main.bounded()
        other = self._inner()
        if not hands_on:
            other.same_size(width)
        branches = (
            Branch(name="main", layers=main.layers),
            Branch(name="shortcut", layers=other.layers),
        )
        self._add(Branches(name=self._name("block"), join=join, branches=branches))

    def same_size(self, width: int, /) -> None:
        """Add a Linear to so many features, or a convolution to so many channels that keeps the images' size."""
        if len(self.shape) == 1:
            self.linear(width)
        else:
            kernel = self._draw(st.sampled_from([1, 3]))
            self.convolution(Conv2d, width, kernel=kernel, stride=1, padding=kernel // 2)

    def bounded(self) -> None:
        """Add an activation that is between two bounds."""
        self._add(self._draw(st.sampled_from([Sigmoid(), Tanh()])))

    def _inner(self) -> Stack:
        """Return a stack that begins with what this one has come to, for a branch."""
        return Stack(self._draw, self.shape, plain=self._plain, normalised=self._normalised)

    def group_norm(self) -> None:
        """Add a GroupNorm whose groups have two numbers at least, where there are so many."""
        groups = [n for n in range(1, self.shape[0] + 1) if self.shape[0] % n == 0 and math.prod(self.shape) > n]
        if groups:
            self._add(
                GroupNorm(
                    name=self._name("norm"),
                    num_features=self.shape[0],
                    num_groups=self._draw(st.sampled_from(groups)),
                    epsilon=self._draw(st.sampled_from([1e-5, 1e-3, 0.1])),
                    affine=self._draw(st.booleans()),
                    weight_init=self._draw(st.sampled_from([ONES, Normal(standard_deviation=0.3, mean=1.0)])),
                )
            )

    def dropout(self) -> None:
        """Add a Dropout, of channels where there are any."""
        units = ["channel", "entry"] if len(self.shape) == 3 else ["entry"]
        probability = self._draw(decimals(0.0, 0.7, digits=2))
        self._add(Dropout(name=self._name("drop"), probability=probability, unit=self._draw(st.sampled_from(units))))

    def perhaps_augmented(self) -> None:
        """Add an augmentation of images now and then."""
        if self._plain or self._draw(st.integers(0, 4)) != 4:
            return
        policy = self._draw(st.sampled_from(["colour", "translation", "cutout"]))
        ratio = None if policy == "colour" else self._draw(st.sampled_from([0.125, 0.5, 1.0]))
        self._add(Augment(name=self._name("augment"), policy=policy, ratio=ratio))

    def perhaps_class(self) -> None:
        """Add a ClassEmbedding now and then, where samples have classes."""
        if self._classes and not self._plain and self._draw(st.booleans()):
            self._add(
                ClassEmbedding(
                    name=self._name("class"),
                    num_classes=DigitsReal.num_classes,
                    num_features=self._draw(st.integers(1, 3)),
                    joined=self._draw(st.sampled_from(["before", "after"])),
                    weight_init=self._draw(_WEIGHTS),
                    spectral_norm=self._perhaps_spectral(),
                    rows_per_class=self._draw(st.sampled_from([1, 1, 2])),
                )
            )

    def perhaps_attention(self) -> None:
        """Add self-attention now and then, where samples are images."""
        if self._plain or len(self.shape) != _IMAGE_RANK or self._draw(st.integers(0, 5)) != 5:
            return
        kernel = self._draw(st.integers(1, min(2, *self.shape[1:])))
        pool = Pool2d(kernel_size=kernel, stride=kernel, mode=self._draw(_POOLS))
        name = self._name("attention")
        self._add(
            self_attention(
                name,
                channels=self.shape[0],
                query_channels=self._draw(st.integers(1, _MAX_CHANNELS)),
                value_channels=self._draw(st.integers(1, _MAX_CHANNELS)),
                pool=pool if self._draw(st.booleans()) else None,
                weight_init=self._draw(_WEIGHTS),
                bias_init=self._draw(_BIASES),
                gamma_init=self._draw(st.sampled_from([ZEROS, ONES, Normal(standard_deviation=0.5)])),
                spectral_norm=self._perhaps_spectral(),
            )
        )

    def perhaps_softmax(self) -> None:
        """Add a Softmax now and then, along an axis that has more than one number."""
        axes = [axis for axis, size in enumerate(self.shape) if size > 1]
        if axes and not self._plain and self._draw(st.integers(0, 7)) == 7:
            self._add(Softmax(axis=self._draw(st.sampled_from(axes))))

    def perhaps_modulated(self) -> None:
        """Add a norm now and then whose gain and bias are of the class, where samples have any, or of the sample."""
        if self._plain or not self._normalised or self._draw(st.integers(0, 2)) != 2:
            return
        x = self._inner()
        x.batch_norm(affine=False)
        branches = (
            Branch(name="x", layers=x.layers),
            Branch(name="gain", layers=self._bounded_by_channel()),
            Branch(name="bias", layers=self._bounded_by_channel()),
        )
        join = self._draw(st.sampled_from(["affine", "modulate"]))
        self._add(Branches(name=self._name("modulated"), join=join, branches=branches))

    def _bounded_by_channel(self) -> tuple[Layer, ...]:
        """Return the layers of a branch that ends in a number for each channel."""
        inner = self._inner()
        if len(self._input_shape) == 1 and self._draw(st.booleans()):
            inner.recall(of=None, num_features=self._input_shape[0])
            inner.linear(self.shape[0])
        elif self._classes and self._draw(st.booleans()):
            inner.class_row(self.shape[0])
        else:
            inner.flatten()
            inner.linear(self.shape[0])
        inner.bounded()
        return inner.layers

    def recall(self, *, of: str | None, num_features: int) -> None:
        """Add a Recall of some neighbours among the features of an earlier layer, or of what the network is given."""
        start = self._draw(st.integers(0, num_features - 1))
        stop = self._draw(st.integers(start + 1, num_features))
        self._add(Recall(of=of, parts=((start, stop),)))

    def projected(self) -> None:
        """Add a score of features by themselves and by their class."""
        row, score = self._inner(), self._inner()
        row.class_row(self.shape[0])
        score.linear(1)
        (embedding,), (linear,) = row.layers, score.layers
        if isinstance(embedding, ClassEmbedding):
            self._add(class_projection(self._name("score"), embedding, linear))

    def heads(self, *, is_probability: bool) -> None:
        """Add a score of features, and beside it how wrong the classes are that are told from them, once or twice."""
        score = self._inner()
        score.linear(1)
        if is_probability:
            score.sigmoid()
        names = self._draw(st.sampled_from([("class",), ("class", "twin")]))
        told = (Branch(name=name, layers=self._told().layers) for name in names)
        branches = (Branch(name="score", layers=score.layers), *told)
        self._add(Branches(name=self._name("heads"), join="concatenate", branches=branches))

    def _told(self) -> Stack:
        of_class = self._inner()
        kinds = ["class", "contrast", "alike"] if self._normalised else ["class", "contrast"]
        kind = self._draw(st.sampled_from(kinds))
        if kind == "contrast":
            of_class.contrast()
            return of_class
        if kind == "alike":
            of_class.alike()
            return of_class
        places = self._draw(st.sampled_from(_LOGITS_OF_CLASSES))
        of_class.linear(places.logits)
        of_class.perhaps_softmax()
        of_class._add(places)
        return of_class

    def alike(self) -> None:
        """Add how alike samples are, of features that are never all 0."""
        self.linear(self._draw(st.integers(2, MAX_WIDTH)))
        self.sigmoid()
        self._add(PullAway())

    def energy(self) -> None:
        """Add how far features are from what a Linear gives back of them."""
        back = self._inner()
        back.linear(self.shape[0])
        join = self._draw(st.sampled_from(ERRORS))
        branches = (Branch(name="back", layers=back.layers), Branch(name="given"))
        self._add(Branches(name=self._name("energy"), join=join, branches=branches))

    def contrast(self) -> None:
        """Add a contrast of an embedding with those of the batch and the class's proxy."""
        self.linear(self._draw(st.integers(2, MAX_WIDTH)))
        self._add(
            ClassEmbedding(
                name=self._name("proxy"),
                num_classes=DigitsReal.num_classes,
                num_features=self.shape[0],
                joined="after",
                weight_init=Normal(standard_deviation=1.0),
            )
        )
        self._add(
            ClassContrast(
                num_classes=DigitsReal.num_classes,
                form="conditional",
                temperature=self._draw(st.sampled_from([0.5, 1.0])),
                epsilon=1e-12,
            )
        )

    def class_row(self, width: int, /) -> None:
        """Add a ClassEmbedding alone."""
        self._add(
            ClassEmbedding(
                name=self._name("class"),
                num_classes=DigitsReal.num_classes,
                num_features=width,
                joined="alone",
                weight_init=self._draw(_WEIGHTS),
                spectral_norm=self._perhaps_spectral(),
            )
        )

    def upsample(self, factor: int, /) -> None:
        """Add an Upsample."""
        self._add(Upsample(factor=factor, mode=self._draw(st.sampled_from(["nearest", "bilinear"]))))

    def perhaps_upsample(self) -> None:
        """Add an Upsample by 2 now and then, where images stay small."""
        if 2 * max(self.shape[1:]) <= MAX_SIZE and self._draw(st.integers(0, 4)) == 4:
            self.upsample(2)

    def perhaps_pool(self) -> None:
        """Add a Pool2d now and then."""
        if self._draw(st.integers(0, 4)) == 4:
            kernel = self._draw(st.integers(1, min(3, *self.shape[1:])))
            self._add(Pool2d(kernel_size=kernel, stride=self._draw(st.integers(1, 3)), mode=self._draw(_POOLS)))

    def perhaps_shuffle(self) -> None:
        """Add a convolution to four times some channels, and a PixelShuffle of those, where images stay small."""
        if 2 * max(self.shape[1:]) <= MAX_SIZE and self._draw(st.integers(0, 4)) == 4:
            self.convolution(Conv2d, 4 * self._draw(st.integers(1, 2)), kernel=1, stride=1, padding=0)
            self._add(PixelShuffle(factor=2, order=self._draw(st.sampled_from(["channel", "pixel"]))))

    def perhaps_global_pool(self) -> None:
        """Add a GlobalPool now and then, where samples are images."""
        if len(self.shape) == _IMAGE_RANK and self._draw(st.integers(0, 4)) == 4:
            self._add(GlobalPool(mode=self._draw(st.sampled_from(["average", "sum", "maximum"]))))

    def activation(self) -> None:
        """Add any activation, which may be one whose slopes are learned."""
        drawn = self._draw(_ACTIVATIONS)
        self._add(self._learned() if drawn is None else drawn)

    def _learned(self) -> PReLU:
        return PReLU(
            name=self._name("slopes"),
            num_parameters=self._draw(st.sampled_from([1, self.shape[0]])),
            weight_init=self._draw(st.sampled_from([Constant(value=0.25), Normal(standard_deviation=0.3)])),
        )

    def sigmoid(self) -> None:
        """Add the Sigmoid that makes a probability."""
        self._add(Sigmoid())

    def hidden(self, *, minibatch: bool) -> None:
        """Add a Linear and what follows it, or a Linear seen as a small image by a convolution."""
        self.linear(self._draw(st.integers(1, MAX_WIDTH)))
        self.after()
        self.perhaps_block()
        choice = self._draw(st.integers(0, 9))
        if choice in (6, 7, 8) and minibatch and not self._plain:
            self.minibatch()
            if self._draw(st.booleans()):
                self.activation()
        elif choice == 9:
            self.reshape(self._draw(st.sampled_from(_foldings(self.shape[0]))))
            self.any_convolution()
            self.after()
            self.flatten()

    def _perhaps_spectral(self) -> SpectralNorm | None:
        if self._plain or self._draw(st.integers(0, 4)) != 4:
            return None
        norm: SpectralNorm = self._draw(_SPECTRAL_NORMS)
        return norm

    def _add(self, layer: Layer) -> None:
        self._layers.append(layer)
        self.shape = layer.output_shape(self.shape)

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"


def _foldings(width: int) -> list[Shape]:
    """Return the image shapes of so many numbers."""
    shapes: list[Shape] = []
    for channels in range(1, min(_MAX_CHANNELS, width) + 1):
        rest, left = divmod(width, channels)
        shapes += [(channels, h, rest // h) for h in range(1, rest + 1) if not left and rest % h == 0]
    return shapes
