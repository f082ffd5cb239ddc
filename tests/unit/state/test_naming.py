"""A stranger's names: mapped by name, kind, shape and order, and never guessed."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import state_schema
from gan_rosetta.shared.state.found_names import FoundTensor, network_of, numeric_order
from gan_rosetta.shared.state.layouts import Layout, tensor_to_layout
from gan_rosetta.shared.state.naming import match_networks

PAIRED = "gaussian-1d"  # D has two layers of one shape, 8 x 8


def tensors_of(spec: GanSpec, network: str, *, layout: Layout, has_buffers: bool = True) -> dict[str, tuple[int, ...]]:
    """The canonical names of a network's tensors, with the shapes that a layout gives them."""
    return {
        name: tensor_to_layout(spec, name, np.zeros(tensor.shape), layout=layout).shape
        for name, tensor in state_schema(spec).items()
        if tensor.network == network and (tensor.role == "parameter" or (has_buffers and tensor.role == "buffer"))
    }


def as_torch(spec: GanSpec, network: str) -> list[tuple[str, FoundTensor]]:
    """As nn.Sequential has them, numbered by the places of the layers; each with its canonical name."""
    places = {f"{network}.{placed.name}": place for place, placed in enumerate(spec.networks()[network].placed)}
    parted = [(*name.rpartition("."), shape) for name, shape in tensors_of(spec, network, layout="canonical").items()]
    return [
        (f"{layer}.{short}", FoundTensor(name=f"main.{places[layer]}.{short}", shape=shape))
        for layer, _, short, shape in parted
    ]


KERAS_CLASSES = {
    "linear": "dense",
    "conv": "conv2d",
    "conv_transpose": "conv2d_transpose",
    "batch_norm": "batch_normalization",
    "minibatch": "minibatch_discrimination",
    "class_embedding": "embedding",
    "scale": "scale",
}
ORDER = ("weight", "bias", "running_mean", "running_var")


def as_keras(spec: GanSpec, network: str) -> list[tuple[str, FoundTensor]]:
    """As a .weights.h5 of a Sequential has them, numbered within each class, in the order of the alphabet."""
    seen: dict[str, int] = {}
    found = []
    for placed in spec.networks()[network].placed:
        # Keras keeps no vectors of a spectral norm as we do.
        names = [*placed.layer.parameters(), *(b for b in placed.layer.buffers() if b in ORDER)]
        if not names:
            continue
        kind = placed.layer.kind
        number = seen[kind] = seen.get(kind, -1) + 1
        stem = KERAS_CLASSES[kind] + (f"_{number}" if number else "")
        for short in names:
            canonical = f"{network}.{placed.name}.{short}"
            shape = tensors_of(spec, network, layout="keras")[canonical]
            path = f"layers/{stem}/vars/{names.index(short)}"
            found.append((canonical, FoundTensor(name=path, shape=shape, kind=kind)))
    return sorted(found, key=lambda pair: pair[1].name)


def match(spec: GanSpec, network: str, found: Sequence[FoundTensor], **options):
    options = {"layout": "canonical", "is_ordered": True} | options
    return match_networks(spec, {network: found}, **options)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("gan", CATALOGUE)
@pytest.mark.parametrize("write", [as_torch, as_keras])
def test_every_gan_is_recognised_in_torch_s_and_keras_names(gan: str, network: str, write) -> None:
    spec = CATALOGUE[gan]
    pairs = write(spec, network)
    is_torch = write is as_torch
    found = match(
        spec, network, [tensor for _, tensor in pairs], layout="canonical" if is_torch else "keras", is_ordered=is_torch
    )
    assert dict(found.names) == {name: tensor.name for name, tensor in pairs}


@pytest.mark.parametrize("gan", ["gaussian-1d-minibatch", "sine", "mnist-conv"])
def test_shuffled_words_are_recognised_by_shape_or_refused(gan: str) -> None:
    spec = CATALOGUE[gan]
    words = random.Random(1)  # noqa: S311
    num_right = 0
    for network in spec.networks():
        layers = list(dict.fromkeys(name.split(".")[1] for name, _ in as_torch(spec, network)))
        for _ in range(10):
            names = {layer: "".join(words.choices("abcdefghij", k=6)) for layer in layers}
            pairs = [
                (name, FoundTensor(name=f"{names[name.split('.')[1]]}.{name.split('.')[2]}", shape=tensor.shape))
                for name, tensor in as_torch(spec, network)
            ]
            words.shuffle(pairs)
            try:
                found = match(spec, network, [tensor for _, tensor in pairs], is_ordered=False)
            except StateError as error:
                assert "--mapping FILE.toml" in str(error)  # noqa: PT017
                continue
            num_right += 1
            assert dict(found.names) == {name: tensor.name for name, tensor in pairs}
    assert num_right >= 10


def test_layers_that_fit_alike_are_told_by_numbers_by_a_trusted_order_or_not_at_all() -> None:
    spec = CATALOGUE[PAIRED]
    shapes = tensors_of(spec, "discriminator", layout="canonical")

    def named(second: str, third: str) -> list[FoundTensor]:
        names = {"hidden1": "first", "hidden2": second, "hidden3": third, "output": "last"}
        return [
            FoundTensor(name=f"{names[name.split('.')[1]]}.{name.split('.')[2]}", shape=shape)
            for name, shape in shapes.items()
        ]

    by_number = match(spec, "discriminator", named("fc2", "fc10"), is_ordered=False)
    assert by_number.names["discriminator.hidden3.weight"] == "fc10.weight"
    by_order = match(spec, "discriminator", named("zebra", "ape"), is_ordered=True)
    assert by_order.names["discriminator.hidden2.weight"] == "zebra.weight"
    with pytest.raises(StateError, match=r"'zebra.weight' \(8, 8\).* may each be discriminator.hidden2 and"):
        match(spec, "discriminator", named("zebra", "ape"), is_ordered=False)
    with pytest.raises(StateError, match="neither their names nor their order tells"):
        match(spec, "discriminator", named("fc3", "fc2"), is_ordered=True)


def test_a_mapping_settles_it_by_layers_or_by_tensors() -> None:
    spec = CATALOGUE[PAIRED]
    found = [
        FoundTensor(name=f"{ {'hidden2': 'ape', 'hidden3': 'zebra'}.get(name.split('.')[1], name.split('.')[1])}."
                    f"{name.split('.')[2]}", shape=shape)
        for name, shape in tensors_of(spec, "discriminator", layout="canonical").items()
    ]  # fmt: skip
    for mapping in (
        {"discriminator.hidden2": "zebra"},
        {"discriminator.hidden2.weight": "zebra.weight"},
        {"discriminator.hidden2.weight": "zebra.weight", "discriminator.hidden2.bias": "zebra.bias"},
    ):
        names = match(spec, "discriminator", found, is_ordered=False, mapping=mapping).names
        assert names["discriminator.hidden2.bias"] == "zebra.bias"
        assert names["discriminator.hidden3.weight"] == "ape.weight"
    crossed = {"discriminator.hidden2.weight": "zebra.weight", "discriminator.hidden2.bias": "ape.bias"}
    both = crossed | {"discriminator.hidden3.weight": "ape.weight", "discriminator.hidden3.bias": "zebra.bias"}
    names = match(spec, "discriminator", found, is_ordered=False, mapping=both).names
    assert {name: names[name] for name in both} == both


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"discriminator.hidden7": "a"}, "'discriminator.hidden7', which the GAN has not"),
        ({"discriminator.hidden1.gamma": "a"}, "'discriminator.hidden1.gamma', which the GAN has not"),
        ({"discriminator.hidden1": "absent"}, "'absent' for 'discriminator.hidden1'"),
        ({"discriminator.hidden1": "main.2"}, r"expected discriminator.hidden1.weight \(8, 1\)"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(mapping: dict[str, str], words: str) -> None:
    spec = CATALOGUE[PAIRED]
    found = [tensor for _, tensor in as_torch(spec, "discriminator")]
    with pytest.raises(StateError, match=words):
        match(spec, "discriminator", found, mapping=mapping)


def test_canonical_names_win_over_any_order() -> None:
    spec = CATALOGUE[PAIRED]
    found = [
        FoundTensor(name=name, shape=shape)
        for name, shape in reversed(tensors_of(spec, "discriminator", layout="canonical").items())
    ]
    assert all(name == own for name, own in match(spec, "discriminator", found).names.items())


@pytest.mark.parametrize("flat", [True, False])
def test_trees_of_bare_arrays_are_taken_by_their_order(flat: bool) -> None:
    spec = CATALOGUE["sine"]
    shapes = list(tensors_of(spec, "generator", layout="keras").values())
    names = [str(place) for place in range(6)] if flat else [f"{place // 2}.{place % 2}" for place in range(6)]
    found = [FoundTensor(name=name, shape=shape) for name, shape in zip(names, shapes, strict=True)]
    result = match(spec, "generator", found, layout=None)
    assert result.layout == "keras"
    assert list(result.names.values()) == names


def test_numbered_letters_are_layers() -> None:
    spec = CATALOGUE["sine"]
    shapes = list(tensors_of(spec, "generator", layout="canonical").values())
    names = ["W1", "b1", "W2", "b2", "W3", "b3"]
    found = [FoundTensor(name=name, shape=shape) for name, shape in zip(names, shapes, strict=True)]
    assert list(match(spec, "generator", found, layout=None).names.values()) == names


def test_the_layout_of_square_matrices_is_asked_for_and_a_name_may_tell_it() -> None:
    spec = CATALOGUE["linear-2d"]
    bare = [FoundTensor(name="0", shape=(2, 2)), FoundTensor(name="1", shape=(2,))]
    with pytest.raises(StateError, match=r'square.*layout = "canonical" or "keras"'):
        match(spec, "generator", bare, layout=None)
    dense = [FoundTensor(name="Dense_0/kernel", shape=(2, 2)), FoundTensor(name="Dense_0/bias", shape=(2,))]
    assert match(spec, "generator", dense, layout=None).layout == "keras"
    torch = [FoundTensor(name="0.weight", shape=(2, 2)), FoundTensor(name="0.bias", shape=(2,))]
    assert match(spec, "generator", torch, layout=None).layout == "canonical"


def test_what_fits_nowhere_and_what_nothing_fits_is_named() -> None:
    spec = CATALOGUE["sine"]
    found = [tensor for _, tensor in as_torch(spec, "generator")]
    with pytest.raises(StateError, match=r"nothing fits generator.output.weight \(16, 128\)"):
        match(spec, "generator", found[:-2])
    extra = [*found, FoundTensor(name="head.weight", shape=(3, 3))]
    with pytest.raises(StateError, match=r"'head.weight' \(3, 3\) fits none of its layers"):
        match(spec, "generator", extra)
    again = [FoundTensor(name=f"main.9.{tensor.name.split('.')[2]}", shape=tensor.shape) for tensor in found[-2:]]
    with pytest.raises(StateError, match="has 3 layers with tensors, and there are 4"):
        match(spec, "generator", [*found, *again])


def test_buffers_may_be_missing_and_counts_of_batches_are_none() -> None:
    spec = CATALOGUE["mnist-wgan-gp"]
    pairs = as_torch(spec, "generator")
    bare = [tensor for name, tensor in pairs if "running" not in name]
    assert not [name for name in match(spec, "generator", bare).names if "running" in name]
    counted = [*(tensor for _, tensor in pairs), FoundTensor(name="main.3.num_batches_tracked", shape=())]
    assert len(match(spec, "generator", counted).names) == len(pairs)


@pytest.mark.parametrize(
    ("beginning", "names"),
    [
        ("", {"weight": "weight_orig", "weight_u": "weight_u", "weight_v": "weight_v", "bias": "bias"}),
        ("module.", {"weight": "weight_bar", "weight_u": "weight_u", "weight_v": "weight_v", "bias": "bias"}),
        (
            "",
            {
                "weight": "parametrizations.weight.original",
                "weight_u": "parametrizations.weight.0._u",
                "weight_v": "parametrizations.weight.0._v",
                "bias": "bias",
            },
        ),
    ],
)
def test_torch_s_names_of_a_spectral_norm_are_known(beginning: str, names: dict[str, str]) -> None:
    spec = CATALOGUE["sngan"]
    found = {
        name: FoundTensor(name=f"main.{place // 4}.{beginning}{names[name.split('.')[2]]}", shape=shape)
        for place, (name, shape) in enumerate(tensors_of(spec, "discriminator", layout="canonical").items())
    }
    matched = match(spec, "discriminator", list(found.values())).names
    assert dict(matched) == {name: tensor.name for name, tensor in found.items()}


def test_a_minibatch_layer_may_be_built_on_a_linear_one() -> None:
    spec = CATALOGUE["gaussian-1d-minibatch"]
    tensors = [FoundTensor(name=t.name, shape=t.shape, kind="linear") for _, t in as_torch(spec, "discriminator")]
    expected = {name: tensor.name for name, tensor in as_torch(spec, "discriminator")}
    assert dict(match(spec, "discriminator", tensors).names) == expected


def test_the_kind_that_a_program_gives_is_held_to() -> None:
    spec = CATALOGUE["sine"]
    wrong = [FoundTensor(name=t.name, shape=t.shape, kind="conv") for _, t in as_torch(spec, "generator")]
    with pytest.raises(StateError, match="nothing fits"):
        match(spec, "generator", wrong)


def test_numbers_order_names_that_differ_in_nothing_else() -> None:
    assert numeric_order(["fc10", "fc9"]) == ["fc9", "fc10"]
    assert numeric_order(["layers.dense_1", "layers.dense", "layers.dense_10"]) == [
        "layers.dense",
        "layers.dense_1",
        "layers.dense_10",
    ]
    assert numeric_order(["one", "two"]) is None
    assert numeric_order(["fc1", "head1"]) is None


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("netG.main.0.weight", "generator"),
        ("D_state.0.weight", "discriminator"),
        ("d_optimizer", "discriminator"),
        ("generatorOptimizer", "generator"),
        ("module/critic/dense/vars/0", "discriminator"),
        ("params/Dense_0/kernel", None),
        ("gamma", None),
    ],
)
def test_a_name_speaks_of_a_network(name: str, network: str | None) -> None:
    assert network_of(name) == network


@pytest.mark.parametrize(
    "called",
    [
        lambda layer: layer,  # modules in modules
        lambda layer: layer.replace(".", "_"),  # attributes of one
        lambda layer: layer.replace("main", "conv_branch"),  # blocks of another name
    ],
)
def test_layers_inside_of_branches_are_recognised(called) -> None:
    spec = MADE_UP["smooth-2d"]
    layers = {placed.name: called(placed.name) for placed in spec.discriminator.placed}
    found = [
        FoundTensor(name=f"{layers[tensor.layer]}.{name.rpartition('.')[2]}", shape=tensor.shape)
        for name, tensor in state_schema(spec).items()
        if tensor.network == "discriminator" and tensor.role == "parameter"
    ]
    # Last first, so that their order says nothing.
    match = match_networks(spec, {"discriminator": found[::-1]}, layout="canonical", is_ordered=False)
    assert match.names["discriminator.block1.main.hidden5.weight"] == f"{called('block1.main.hidden5')}.weight"
    assert match.names["discriminator.hidden1.bias"] == "hidden1.bias"


@pytest.mark.parametrize("part", ["", ".weight"])
def test_a_mapping_names_layers_inside_of_branches(part: str) -> None:
    spec = MADE_UP["smooth-2d"]
    words = {"block1.main.hidden4": "zebra", "block1.main.hidden5": "ape"}
    found = [
        FoundTensor(name=f"{words.get(tensor.layer, tensor.layer)}.{name.rpartition('.')[2]}", shape=tensor.shape)
        for name, tensor in state_schema(spec).items()
        if tensor.network == "discriminator" and tensor.role == "parameter"
    ]
    mapping = {f"discriminator.block1.main.hidden4{part}": f"zebra{part}"}
    names = match(spec, "discriminator", found, is_ordered=False, mapping=mapping).names
    assert names["discriminator.block1.main.hidden4.bias"] == "zebra.bias"
    assert names["discriminator.block1.main.hidden5.weight"] == "ape.weight"
