"""Layers of images, drawn: convolutions of any kernel that fits, what changes sizes, and augmentations."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import strategies as st

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.generate.draws import BIASES, IMAGE_RANK, MAX_CHANNELS, MAX_KERNEL, MAX_SIZE, POOLS, WEIGHTS
from gan_rosetta.shared.generate.stack import Stack
from gan_rosetta.shared.spec import (
    Augment,
    Conv2d,
    ConvTranspose2d,
    GlobalPool,
    Layer,
    PixelShuffle,
    Pool2d,
    Shape,
    Upsample,
)


def convolutions_to(size: int, /) -> list[tuple[type, int, int, int, int]]:
    """Return all (class, input size, kernel, stride, padding) that give images of this size from small ones."""
    found: list[tuple[type, int, int, int, int]] = []
    for kernel in range(1, MAX_KERNEL + 1):
        for stride in (1, 2, 3):
            # A padding beyond the kernel would be legal, and would make rows that see no input at all.
            for padding in range(min(3, kernel)):
                for given in range(1, MAX_SIZE + 1):
                    if given + 2 * padding >= kernel and (given + 2 * padding - kernel) // stride + 1 == size:
                        found.append((Conv2d, given, kernel, stride, padding))
                    if (given - 1) * stride - 2 * padding + kernel == size:
                        found.append((ConvTranspose2d, given, kernel, stride, padding))
    return found


def foldings(width: int) -> list[Shape]:
    """Return the image shapes of so many numbers."""
    shapes: list[Shape] = []
    for channels in range(1, min(MAX_CHANNELS, width) + 1):
        rest, left = divmod(width, channels)
        shapes += [(channels, h, rest // h) for h in range(1, rest + 1) if not left and rest % h == 0]
    return shapes


def any_convolution(stack: Stack, /) -> None:
    """Add a Conv2d of any kernel that fits, or now and then a ConvTranspose2d of one that keeps images small."""
    channels = stack.draw(st.integers(1, MAX_CHANNELS))
    kernel = stack.draw(st.integers(1, MAX_KERNEL))
    stride = stack.draw(st.integers(1, 3))
    least = max(0, math.ceil((kernel - min(stack.shape[1:])) / 2))
    padding = stack.draw(st.integers(least, max(least, min(2, kernel - 1))))
    grown = [(size - 1) * stride - 2 * padding + kernel for size in stack.shape[1:]]
    fits = min(grown) >= 1 and max(grown) <= MAX_SIZE
    kind = ConvTranspose2d if fits and stack.draw(st.integers(0, 3)) == 3 else Conv2d
    odd = _odd_convolution(stack, kind, channels, kernel, stride) if stack.draw(st.integers(0, 2)) == 2 else None
    if odd is None:
        stack.convolution(kind, channels, kernel=kernel, stride=stride, padding=padding)
    else:
        stack.add(odd)


def _odd_convolution(stack: Stack, kind: type, channels: int, kernel: int, stride: int, /) -> Layer | None:
    """Draw a convolution with gaps, groups, sides and a width of its own, None where it does not fit."""
    draw, width = stack.draw, stack.draw(st.integers(1, MAX_KERNEL))
    dilation = draw(st.integers(1, 2))
    most = [min(2, dilation * (length - 1)) for length in (kernel, kernel, width, width)]
    sides = tuple(draw(st.integers(0, side)) for side in most)
    common = math.gcd(stack.shape[0], channels)
    groups = draw(st.sampled_from([size for size in range(1, common + 1) if common % size == 0]))
    more = {"output_padding": draw(st.integers(0, stride - 1))} if kind is ConvTranspose2d else {}
    plain = dilation == groups == 1 and not more.get("output_padding")
    try:
        layer: Conv2d | ConvTranspose2d = kind(
            name="conv",
            in_channels=stack.shape[0],
            out_channels=channels,
            kernel_size=kernel,
            stride=stride,
            padding=sides[0] if len(set(sides)) == 1 else 0,
            weight_init=draw(WEIGHTS),
            bias_init=draw(BIASES),
            # Not every dialect writes both.
            spectral_norm=stack.perhaps_spectral() if plain else None,
            kernel_width=width if width != kernel else None,
            sides=sides if len(set(sides)) > 1 else None,
            dilation=dilation,
            groups=groups,
            **more,
        )
        _, *sizes = layer.output_shape(stack.shape)
    except SpecError:
        return None
    if max(sizes) > MAX_SIZE:
        return None
    return replace(layer, name=stack.new_name("conv"))


def upsample(stack: Stack, factor: int, /) -> None:
    """Add an Upsample."""
    stack.add(Upsample(factor=factor, mode=stack.draw(st.sampled_from(["nearest", "bilinear"]))))


def perhaps_upsample(stack: Stack, /) -> None:
    """Add an Upsample by 2 now and then, where images stay small."""
    if 2 * max(stack.shape[1:]) <= MAX_SIZE and stack.draw(st.integers(0, 4)) == 4:
        upsample(stack, 2)


def perhaps_pool(stack: Stack, /) -> None:
    """Add a Pool2d now and then."""
    if stack.draw(st.integers(0, 4)) == 4:
        kernel = stack.draw(st.integers(1, min(3, *stack.shape[1:])))
        stack.add(Pool2d(kernel_size=kernel, stride=stack.draw(st.integers(1, 3)), mode=stack.draw(POOLS)))


def perhaps_shuffle(stack: Stack, /) -> None:
    """Add a convolution to four times some channels, and a PixelShuffle of those, where images stay small."""
    if 2 * max(stack.shape[1:]) <= MAX_SIZE and stack.draw(st.integers(0, 4)) == 4:
        stack.convolution(Conv2d, 4 * stack.draw(st.integers(1, 2)), kernel=1, stride=1, padding=0)
        stack.add(PixelShuffle(factor=2, order=stack.draw(st.sampled_from(["channel", "pixel"]))))


def perhaps_global_pool(stack: Stack, /) -> None:
    """Add a GlobalPool now and then, where samples are images."""
    if len(stack.shape) == IMAGE_RANK and stack.draw(st.integers(0, 4)) == 4:
        stack.add(GlobalPool(mode=stack.draw(st.sampled_from(["average", "sum", "maximum"]))))


def perhaps_augmented(stack: Stack, /) -> None:
    """Add an augmentation of images now and then."""
    if stack.plain or stack.draw(st.integers(0, 4)) != 4:
        return
    policy = stack.draw(st.sampled_from(["colour", "translation", "cutout"]))
    ratio = None if policy == "colour" else stack.draw(st.sampled_from([0.125, 0.5, 1.0]))
    stack.add(Augment(name=stack.new_name("augment"), policy=policy, ratio=ratio))
