"""Blocks that public GANs are made of, as Branches: what their parts are called, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gan_rosetta.shared.spec.attention import Scale
from gan_rosetta.shared.spec.branches import Branch, Branches, Layer
from gan_rosetta.shared.spec.convolution import Conv2d
from gan_rosetta.shared.spec.embedding import ClassEmbedding
from gan_rosetta.shared.spec.initializers import Initializer
from gan_rosetta.shared.spec.layers import BatchNorm, Linear
from gan_rosetta.shared.spec.recall import Recall
from gan_rosetta.shared.spec.resampling import Pool2d
from gan_rosetta.shared.spec.spectral import SpectralNorm


def conditional_batch_norm(
    norm: BatchNorm,
    /,
    *,
    num_classes: int,
    gain: Literal["affine", "modulate"],
    gain_init: Initializer,
    bias_init: Initializer,
    spectral_norm: SpectralNorm | None = None,
) -> Branches:
    """Return a BatchNorm whose gain and bias are those of the sample's class. Dumoulin et al. 2017.

    norm: without a weight (affine=False); the block has its name, and its parts are `norm1.x.norm`,
    `norm1.gain.embedding` and `norm1.bias.embedding`. gain: whether a class's row is the gain itself, "affine", or what
    is added to 1, "modulate". gain_init, bias_init: how the rows start. spectral_norm: of both tables.
    """

    def table(initializer: Initializer) -> tuple[Layer, ...]:
        return (
            ClassEmbedding(
                name="embedding",
                num_classes=num_classes,
                num_features=norm.num_features,
                joined="alone",
                weight_init=initializer,
                spectral_norm=spectral_norm,
            ),
        )

    return Branches(
        name=norm.name,
        join=gain,
        branches=(
            Branch(name="x", layers=(_named(norm),)),
            Branch(name="gain", layers=table(gain_init)),
            Branch(name="bias", layers=table(bias_init)),
        ),
    )


def recalled_batch_norm(
    norm: BatchNorm,
    recall: Recall,
    /,
    *,
    weight_init: Initializer,
    spectral_norm: SpectralNorm | None = None,
) -> Branches:
    """Return (1 + W x) · BatchNorm + V x, with x recalled: a class's shared embedding and noise. Brock et al. 2019.

    norm: without a weight (affine=False); the block has its name, and its parts are `norm1.x.norm`,
    `norm1.gain.linear` and `norm1.bias.linear`. weight_init, spectral_norm: of W and V, both without a bias.
    """

    def of_recalled() -> tuple[Layer, ...]:
        return (
            recall,
            Linear(
                name="linear",
                in_features=recall.output_shape(())[0],
                out_features=norm.num_features,
                weight_init=weight_init,
                bias_init=None,
                spectral_norm=spectral_norm,
            ),
        )

    return Branches(
        name=norm.name,
        join="modulate",
        branches=(
            Branch(name="x", layers=(_named(norm),)),
            Branch(name="gain", layers=of_recalled()),
            Branch(name="bias", layers=of_recalled()),
        ),
    )


def class_projection(name: str, embedding: ClassEmbedding, score: Layer, /) -> Branches:
    """Return what scores features by themselves and by their class: score(h) + ⟨W[c], h⟩. Miyato and Koyama 2018.

    embedding: of as many features as h has, alone; score: a Linear to one number. Their names are `name.score.…` and
    `name.class.product.row.…`.
    """
    product = Branches(
        name="product",
        join="dot",
        branches=(Branch(name="features"), Branch(name="row", layers=(embedding,))),
    )
    return Branches(
        name=name,
        join="add",
        branches=(Branch(name="score", layers=(score,)), Branch(name="class", layers=(product,))),
    )


def self_attention(
    name: str,
    /,
    *,
    channels: int,
    query_channels: int,
    value_channels: int,
    pool: Pool2d | None,
    weight_init: Initializer,
    bias_init: Initializer | None,
    gamma_init: Initializer,
    spectral_norm: SpectralNorm | None = None,
) -> Branches:
    """Return x + γ · output(attention), of which all are 1 × 1 convolutions. Zhang et al. 2018.

    channels: of x; query_channels and value_channels: an eighth and a half of them in public programs. pool: of the key
    and the value, a maximum of 2 × 2 there, None for none. bias_init: of every convolution, None for no biases.
    gamma_init: how γ starts, at 0 there. The parts are `name.main.places.query.conv`, `….key.conv`, `….value.conv`,
    `name.main.output` and `name.main.gamma`.
    """

    def conv(own: str, inputs: int, outputs: int) -> Conv2d:
        return Conv2d(
            name=own,
            in_channels=inputs,
            out_channels=outputs,
            kernel_size=1,
            stride=1,
            padding=0,
            weight_init=weight_init,
            bias_init=bias_init,
            spectral_norm=spectral_norm,
        )

    pools = () if pool is None else (pool,)
    places = Branches(
        name="places",
        join="attend",
        branches=(
            Branch(name="query", layers=(conv("conv", channels, query_channels),)),
            Branch(name="key", layers=(conv("conv", channels, query_channels), *pools)),
            Branch(name="value", layers=(conv("conv", channels, value_channels), *pools)),
        ),
    )
    main = (places, conv("output", value_channels, channels), Scale(name="gamma", weight_init=gamma_init))
    return Branches(name=name, join="add", branches=(Branch(name="main", layers=main), Branch(name="shortcut")))


def _named(norm: BatchNorm) -> BatchNorm:
    return replace(norm, name="norm")
