"""Blocks that public GANs have: their parts, their names, and what does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.spec import (
    ONES,
    ZEROS,
    BatchNorm,
    Branch,
    Branches,
    ClassEmbedding,
    Conv2d,
    GanSpec,
    Linear,
    Network,
    Pool2d,
    Recall,
    Reshape,
    Softmax,
    Tanh,
    class_projection,
    conditional_batch_norm,
    recalled_batch_norm,
    self_attention,
)
from gan_rosetta.shared.spec.cost import forward_flops
from gan_rosetta.shared.spec.network import NETWORK_INPUT
from gan_rosetta.shared.state import state_schema

ROW = ClassEmbedding(name="row", num_classes=10, num_features=3, joined="alone", weight_init=ZEROS)
NORM = BatchNorm(
    name="norm1",
    num_features=3,
    epsilon=1e-5,
    momentum=0.1,
    running_variance="unbiased",
    statistics="batch",
    affine=False,
)
SCORE = Linear(name="linear", in_features=3, out_features=1, weight_init=ZEROS, bias_init=None)


def test_a_conditional_norm_has_its_buffers_and_a_table_each_of_gains_and_biases():
    block = conditional_batch_norm(NORM, num_classes=10, gain="affine", gain_init=ONES, bias_init=ZEROS)
    network = Network(input_shape=(3, 4, 4), layers=(block,))
    assert network.output_shape == (3, 4, 4)
    tensors = {
        f"{placed.name}.{short}": tensor.shape
        for placed in network.placed
        for short, tensor in (placed.layer.parameters() | placed.layer.buffers()).items()
    }
    assert tensors == {
        "norm1.x.norm.running_mean": (3,),
        "norm1.x.norm.running_var": (3,),
        "norm1.gain.embedding.weight": (10, 3),
        "norm1.bias.embedding.weight": (10, 3),
    }
    assert [placed.name for placed in network.fed_layers] == ["norm1.gain.embedding", "norm1.bias.embedding"]


def test_a_projection_is_a_score_and_an_inner_product():
    network = Network(input_shape=(3,), layers=(class_projection("output", ROW, SCORE),))
    names = [placed.name for placed in network.placed]
    assert names == ["output.score.linear", "output.class.product.row.row", "output.class.product", "output"]
    assert network.output_shape == (1,)
    named = "discriminator.h.score.s.class.product.row.rows.weight_u"
    assert named in state_schema(MADE_UP["pooled-digits"])


def test_self_attention_has_its_parts_by_name_and_costs_its_products():
    block = attention()
    network = Network(input_shape=(3, 4, 4), layers=(block,))
    assert network.output_shape == (3, 4, 4)
    assert [placed.name for placed in network.placed if placed.layer.parameters()] == [
        "attention.main.places.query.conv",
        "attention.main.places.key.conv",
        "attention.main.places.value.conv",
        "attention.main.output",
        "attention.main.gamma",
    ]
    convolutions = 16 * (3 * 2 + 3 * 2 + 3 * 5 + 5 * 3)
    assert forward_flops(network) == 2 * (convolutions + 16 * 4 * (2 + 5))


def attention() -> Branches:
    return self_attention(
        "attention",
        channels=3,
        query_channels=2,
        value_channels=5,
        pool=Pool2d(kernel_size=2, stride=2, mode="maximum"),
        weight_init=ZEROS,
        bias_init=None,
        gamma_init=ZEROS,
    )


def test_attention_s_ends_fit_each_other():
    pool = Pool2d(kernel_size=2, stride=2, mode="maximum")
    with pytest.raises(SpecError, match=r"attends with ends of shapes \(3, 4, 4\), \(3, 2, 2\) and \(3, 4, 4\)"):
        Network(input_shape=(3, 4, 4), layers=(ways("attend", (), (pool,), (Tanh(),)),))
    with pytest.raises(SpecError, match=r"Softmax along axis 3, .* expected an axis below 3"):
        Network(input_shape=(3, 4, 4), layers=(Softmax(axis=3),))
    with pytest.raises(SpecError, match="axis is -1; expected a whole number from 0"):
        Softmax(axis=-1)


def ways(join: str, *layers: tuple) -> Branches:
    branches = tuple(Branch(name=f"way{index}", layers=own) for index, own in enumerate(layers))
    return Branches(name="block", join=join, branches=branches)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ROW, "ClassEmbedding 'row' leaves out what comes before it; expected it first in a branch"),
        (lambda: ways("dot", (), (Tanh(), ROW)), "'block.way1.row' leaves out what comes before it"),
        (lambda: ways("dot", (ROW,), (ROW,)), "has no branch that takes what it is given"),
        (lambda: ways("dot", (Tanh(),)), "has 1 branches; join='dot' takes 2: first, second"),
        (lambda: ways("modulate", (), (ROW,)), "has 2 branches; join='modulate' takes 3: x, gain, bias"),
        (
            lambda: ways("affine", (), (ROW,), (replace(ROW, num_features=2),)),
            r"takes 'way2' as the bias of 'way0', which ends in \(3,\), and it ends in \(2,\); expected \(3,\)",
        ),
    ],
)
def test_what_does_not_fit_is_told(wrong, message):
    with pytest.raises(SpecError, match=message):
        Network(input_shape=(3,), layers=(wrong(),))


SHARED = ClassEmbedding(name="shared", num_classes=10, num_features=3, joined="after", weight_init=ZEROS)


def linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=ZEROS, bias_init=None)


def test_noise_is_split_among_layers_and_an_embedding_shared_by_them():
    recall = Recall(of="shared", parts=((5, 8), (3, 5)))
    network = Network(
        input_shape=(5,),
        layers=(
            SHARED,
            Recall(of="shared", parts=((0, 3),)),
            linear("first", 3, 3),
            recalled_batch_norm(NORM, recall, weight_init=ZEROS),
        ),
    )
    assert [(placed.name, placed.input_shape, placed.output_shape, placed.sources) for placed in network.placed] == [
        ("shared", (5,), (8,), (NETWORK_INPUT,)),
        ("shared_recall", (8,), (3,), (0,)),
        ("first", (3,), (3,), (1,)),
        ("norm1.x.norm", (3,), (3,), (2,)),
        ("norm1.gain.input_recall", (8,), (5,), (0,)),
        ("norm1.gain.linear", (5,), (3,), (4,)),
        ("norm1.bias.input_recall", (8,), (5,), (0,)),
        ("norm1.bias.linear", (5,), (3,), (6,)),
        ("norm1", (3,), (3,), (3, 5, 7)),
    ]
    # The first Linear, and those of gain and bias.
    assert forward_flops(network) == 2 * (3 * 3 + 2 * 5 * 3)
    with pytest.raises(SpecError, match="unknown layer before it 'shared': did you mean 'share'") as found:
        network.replaced(0, replace(SHARED, name="share"))
    assert found.value.path == ("layers", 1, "of")


@pytest.mark.parametrize(
    ("of", "parts", "message"),
    [
        ("end", ((0, 1),), "unknown layer before it 'end'"),
        ("block", ((0, 1),), "unknown layer before it 'block'"),
        ("images", ((0, 1),), r"takes features, and images gives \(1, 2, 2\); expected a vector"),
        (None, ((3, 4), (0, 5)), "the part .3, 4. begins before another stops, at 5; expected each feature once"),
        (None, ((2, 5),), "takes the features 2 to 5 of the network's input, which gives 4; expected at most"),
        ("first", (), "parts is empty; expected one pair"),
        ("first", ((2, 2),), "a part is .2, 2.; expected two integers, where it starts, 0 or more, and where it stops"),
        ("first", ((0, 1, 2),), "a part is .0, 1, 2.; expected two integers"),
    ],
)
def test_what_cannot_be_recalled_is_told(of, parts, message):
    image = Conv2d(
        name="images",
        in_channels=1,
        out_channels=1,
        kernel_size=1,
        stride=1,
        padding=0,
        weight_init=ZEROS,
        bias_init=None,
    )
    with pytest.raises(SpecError, match=message):
        Network(
            input_shape=(4,),
            layers=(
                linear("first", 4, 4),
                Reshape(shape=(1, 2, 2)),
                image,
                Reshape(shape=(4,)),
                ways("concatenate", (), (Recall(of=of, parts=parts),)),
                linear("end", 4, 1),
            ),
        )


def test_what_is_recalled_in_a_row_leaves_nothing_out():
    first = Recall(of=None, parts=((0, 1),))
    assert Network(input_shape=(4,), layers=(first,)).output_shape == (1,)
    with pytest.raises(
        SpecError, match="'first_recall' leaves out what comes before it; expected it first in a branch"
    ):
        Network(input_shape=(4,), layers=(linear("first", 4, 4), first))


def test_an_inner_product_is_of_vectors():
    with pytest.raises(SpecError, match="takes the inner product of ends of shape"):
        Network(input_shape=(3, 2, 2), layers=(ways("dot", (), (Tanh(),)),))


def test_a_penalty_does_not_go_through_an_inner_product():
    spec: GanSpec = MADE_UP["smooth-2d"]
    place = next(i for i, placed in enumerate(spec.discriminator.placed) if placed.name == "output")
    layer = replace(SCORE, in_features=6)
    block = ways("dot", (layer,), (replace(layer, name="other"),))
    with pytest.raises(SpecError, match="needs branches that are joined by add, concatenate, multiply; 'block' has"):
        replace(spec, discriminator=spec.discriminator.replaced(place, block))


def test_classes_are_as_many_as_the_data_has():
    spec = MADE_UP["pooled-digits"]
    place = next(i for i, placed in enumerate(spec.discriminator.placed) if isinstance(placed.layer, ClassEmbedding))
    wrong = replace(ROW, num_classes=7, num_features=4)
    with pytest.raises(SpecError, match="row' has num_classes=7, and digits are of 10"):
        replace(spec, discriminator=spec.discriminator.replaced(place, wrong))
