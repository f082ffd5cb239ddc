"""Files that the frameworks themselves write are read, and what is written they load: their networks compute the same.

Weights and inputs are small whole numbers, in which no forward pass rounds, so that outputs are the same bit for bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared import spec as vocabulary
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import complete_state, initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.state.native.message_pack import unpack
from tests.unit.state.native.native_gans import filled, flattening, small, with_root_mean_squares

SPEC = flattening()
STATE = filled(SPEC, whole=True)
LATENT = np.arange(10.0).reshape(5, 2) - 4
IMAGES = np.arange(160.0).reshape(5, 2, 4, 4) % 7 - 3


def reference(state: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    trainer = NumpyTrainer.build(SPEC, device="cpu", dtype="float64", execution="eager")
    trainer.load_state(complete_state(state, SPEC))
    return trainer.generate(LATENT), trainer.discriminate(IMAGES)


def ours(folder: Path, spec: GanSpec = SPEC, state: dict[str, np.ndarray] | None = None) -> Path:
    path = folder / "ours.safetensors"
    write_state(path, STATE if state is None else state, metadata={})
    return path


def torch_network(torch: Any, network: vocabulary.Network) -> Any:
    nn = torch.nn
    layers = []
    for layer in network.layers:
        if isinstance(layer, vocabulary.Linear):
            layers.append(nn.Linear(layer.in_features, layer.out_features))
        elif isinstance(layer, vocabulary.Conv2d):
            layers.append(nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, stride=layer.stride))
        elif isinstance(layer, vocabulary.ConvTranspose2d):
            shape = (layer.in_channels, layer.out_channels, layer.kernel_size)
            layers.append(nn.ConvTranspose2d(*shape, stride=layer.stride))
        elif isinstance(layer, vocabulary.Reshape):
            layers.append(nn.Unflatten(1, layer.shape) if len(layer.shape) > 1 else nn.Flatten())
        else:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers).double()


def keras_network(keras: Any, network: vocabulary.Network) -> Any:
    """Build Keras's own layers: images with channels last, flattened as Flatten does it."""
    made: list[Any] = []
    shape = network.input_shape
    made.append(keras.Input(shape if len(shape) == 1 else (*shape[1:], shape[0])))
    for layer in network.layers:
        if isinstance(layer, vocabulary.Linear):
            made.append(keras.layers.Dense(layer.out_features, dtype="float64"))
        elif isinstance(layer, vocabulary.Conv2d | vocabulary.ConvTranspose2d):
            is_turned = isinstance(layer, vocabulary.ConvTranspose2d)
            kind = keras.layers.Conv2DTranspose if is_turned else keras.layers.Conv2D
            made.append(kind(layer.out_channels, layer.kernel_size, strides=layer.stride, dtype="float64"))
        elif isinstance(layer, vocabulary.Reshape):
            image = layer.shape
            is_image = len(image) > 1
            made.append(keras.layers.Reshape((*image[1:], image[0])) if is_image else keras.layers.Flatten())
        else:
            made.append(keras.layers.ReLU(dtype="float64"))
    return keras.Sequential(made)


def test_torch_s_own_files_and_ours_for_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    networks = {name: torch_network(torch, network) for name, network in SPEC.networks().items()}
    adams = {name: torch.optim.Adam(network.parameters()) for name, network in networks.items()}
    inputs = {"generator": torch.from_numpy(LATENT), "discriminator": torch.from_numpy(IMAGES)}
    for name, network in networks.items():
        for _ in range(2):
            network(inputs[name]).square().sum().backward()
            adams[name].step()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.round_()
    for is_old in (False, True):
        path = tmp_path / f"theirs-{is_old}.pt"
        whole = {f"{name}_state": network.state_dict() for name, network in networks.items()}
        whole |= {f"opt_{name}": adam.state_dict() for name, adam in adams.items()} | {"epoch": 3}
        torch.save(whole, path, _use_new_zipfile_serialization=not is_old)
        read = gr.convert(path, tmp_path / f"read-{is_old}.safetensors", gan=SPEC)
        generated, scores = reference(read.state)
        np.testing.assert_array_equal(generated, networks["generator"](inputs["generator"]).detach().numpy())
        np.testing.assert_array_equal(scores, networks["discriminator"](inputs["discriminator"]).detach().numpy())
        assert int(read.state["optimizer.generator.step"]) == 2
        moment = adams["discriminator"].state_dict()["state"][2]["exp_avg"].numpy()
        np.testing.assert_array_equal(read.state["optimizer.discriminator.last.weight.m"], moment)
    gr.convert(tmp_path / "read-False.safetensors", tmp_path / "ours.pt", gan=SPEC)
    loaded = torch.load(tmp_path / "ours.pt", weights_only=True)
    for name, network in networks.items():
        own = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        for parameter in network.parameters():
            parameter.data.zero_()
        names = zip(own, loaded[name].values(), strict=True)
        network.load_state_dict(dict(names))
        assert all(torch.equal(tensor, own[key]) for key, tensor in network.state_dict().items())
        before = adams[name].state_dict()["state"]
        again = torch.optim.Adam(network.parameters())
        again.load_state_dict(loaded[f"{name}_optimizer"])
        after = again.state_dict()["state"]
        assert all(torch.equal(before[i][key], after[i][key]) for i in before for key in before[i])
        network(inputs[name]).sum().backward()
        again.step()


def test_keras_s_own_files_and_ours_for_keras(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    import keras  # noqa: PLC0415

    networks = {name: keras_network(keras, network) for name, network in SPEC.networks().items()}
    inputs = {"generator": LATENT, "discriminator": np.moveaxis(IMAGES, 1, -1)}
    paths = {name: tmp_path / f"{name}.weights.h5" for name in networks}
    gr.convert(ours(tmp_path), paths, gan=SPEC)
    outputs = {}
    for name, network in networks.items():
        network.compile(optimizer=keras.optimizers.Adam(), loss="mse")
        network.optimizer.build(network.trainable_variables)
        network.load_weights(paths[name])
        outputs[name] = np.asarray(network(inputs[name]))
        assert int(network.optimizer.iterations.numpy()) == 37
    generated, scores = reference(STATE)
    np.testing.assert_array_equal(np.moveaxis(outputs["generator"], -1, 1), generated)
    np.testing.assert_array_equal(outputs["discriminator"], scores)
    for ending in (".weights.h5", ".keras"):
        theirs = {name: tmp_path / f"theirs-{name}{ending}" for name in networks}
        for name, network in networks.items():
            network.save_weights(theirs[name]) if ending == ".weights.h5" else network.save(theirs[name])
        read = gr.convert(theirs, tmp_path / f"read{ending[1:]}.safetensors", gan=SPEC)
        for name, array in STATE.items():
            if "optimizer" not in name:
                assert read.state[name].tobytes() == array.tobytes()
        rows = np.asarray(networks["discriminator"].optimizer.variables[2])
        kernel = np.moveaxis(rows, (0, 1, 2, 3), (2, 3, 1, 0))
        np.testing.assert_array_equal(kernel, read.state["optimizer.discriminator.down.weight.m"])


def test_gluon_s_own_files_and_ours_for_gluon(tmp_path: Path) -> None:
    if gr.backends()["mxnet"].version is None:  # Its own import needs what the backend prepares.
        pytest.skip("needs mxnet")
    from gan_rosetta.backends.mxnet.framework import mx  # noqa: PLC0415

    spec = small("mnist-wgan-gp")
    state = filled(spec)
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    for layer in spec.generator.layers:
        if isinstance(layer, vocabulary.Linear):
            net.add(nn.Dense(layer.out_features, in_units=layer.in_features, dtype="float64"))
        elif isinstance(layer, vocabulary.BatchNorm):
            net.add(nn.BatchNorm(in_channels=layer.num_features))
    net.initialize()
    net.cast("float64")
    pair = {name: tmp_path / f"{name}.params" for name in spec.networks()}
    gr.convert(ours(tmp_path, spec, state), pair, gan=spec)
    loaded = mx.nd.load(str(pair["generator"]))
    own = net._collect_params_with_prefix()
    for (name, array), (key, parameter) in zip(loaded.items(), own.items(), strict=True):
        assert name.rpartition(".")[2] == key.rpartition(".")[2]
        parameter.set_data(array)
    net.save_parameters(str(tmp_path / "theirs.params"))
    sources = {"generator": tmp_path / "theirs.params", "discriminator": pair["discriminator"]}
    read = gr.convert(sources, tmp_path / "read.safetensors", gan=spec)
    assert any("running_var" in name for name in read.state)
    assert all(array.tobytes() == state[name].tobytes() for name, array in read.state.items())


def test_flax_s_transposed_convolution_and_optax_s_states(tmp_path: Path) -> None:
    jax = pytest.importorskip("jax")
    optax = pytest.importorskip("optax")
    gr.convert(ours(tmp_path), tmp_path / "ours.msgpack", gan=SPEC)
    tree = unpack((tmp_path / "ours.msgpack").read_bytes())
    with jax.enable_x64() if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        params = tree["generator"]["params"]
        features = jax.nn.relu(LATENT @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"])
        images = features.reshape(5, 2, 2, 3)
        # As flax.linen.ConvTranspose calls it.
        up = jax.lax.conv_transpose(images, params["ConvTranspose_0"]["kernel"], (2, 2), "VALID")
        generated = np.moveaxis(np.asarray(up + params["ConvTranspose_0"]["bias"]), -1, 1)
    np.testing.assert_array_equal(generated, reference(STATE)[0])
    empty = optax.adam(0.01).init(params)
    state = tree["generator"]["opt_state"]["0"]
    assert set(empty[0]._fields) == set(state)
    assert jax.tree.structure(empty[0].mu) == jax.tree.structure(state["mu"])
    assert tree["generator"]["opt_state"]["1"] == {}
    assert initial_state(SPEC, seed=1).keys() == STATE.keys()


@pytest.mark.parametrize("momentum_of", ["direction", "step"])
def test_torch_s_rmsprop_takes_its_slots_by_name(momentum_of: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    spec = with_root_mean_squares(SPEC, momentum_of=momentum_of)
    state = filled(spec)
    gr.convert(ours(tmp_path, spec, state), tmp_path / "ours.pt", gan=spec)
    network = torch_network(torch, spec.generator)
    optimizer = torch.optim.RMSprop(network.parameters(), centered=True, momentum=0.5)
    optimizer.load_state_dict(torch.load(tmp_path / "ours.pt", weights_only=True)["generator_optimizer"])
    network(torch.from_numpy(LATENT)).sum().backward()
    first = optimizer.state[next(network.parameters())]
    for slot, own in {"square": "square_avg", "mean": "grad_avg", "momentum": "momentum_buffer"}.items():
        np.testing.assert_array_equal(first[own].numpy(), state[f"optimizer.generator.first.weight.{slot}"])
    assert (optimizer.param_groups[0]["alpha"], optimizer.param_groups[0]["momentum"]) == (0.75, 0.5)
    optimizer.step()


def test_keras_s_rmsprop_takes_its_slots_in_its_own_order(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    import keras  # noqa: PLC0415

    spec = with_root_mean_squares(SPEC, momentum_of="step")
    state = filled(spec)
    paths = {name: tmp_path / f"{name}.weights.h5" for name in spec.networks()}
    gr.convert(ours(tmp_path, spec, state), paths, gan=spec)
    network = keras_network(keras, spec.generator)
    network.compile(optimizer=keras.optimizers.RMSprop(centered=True, momentum=0.5), loss="mse")
    network.optimizer.build(network.trainable_variables)
    network.load_weights(paths["generator"])
    found = network.optimizer
    kept = {"square": found._velocities, "momentum": found._momentums, "mean": found._average_gradients}
    for slot, variables in kept.items():
        weight = state[f"optimizer.generator.up.bias.{slot}"]
        np.testing.assert_array_equal(np.asarray(variables[3]), weight.astype(variables[3].dtype))
    network.save_weights(tmp_path / "theirs.weights.h5")
    theirs = {"generator": tmp_path / "theirs.weights.h5", "discriminator": paths["discriminator"]}
    read = gr.convert(theirs, tmp_path / "read.safetensors", gan=spec)
    for name, array in read.state.items():
        np.testing.assert_array_equal(array, state[name].astype(array.dtype))


@pytest.mark.parametrize("momentum_of", ["direction", "step"])
def test_optax_s_states_have_the_form_of_ours(momentum_of: str, tmp_path: Path) -> None:
    jax = pytest.importorskip("jax")
    pytest.importorskip("optax")
    from gan_rosetta.backends.jax.optimizers import build_optimizer  # noqa: PLC0415

    for spec in (with_root_mean_squares(SPEC, momentum_of=momentum_of), small("mnist-conv"), small("gaussian-1d")):
        path = tmp_path / f"{spec.name}.msgpack"
        folder = tmp_path / spec.name
        folder.mkdir()
        gr.convert(ours(folder, spec, filled(spec)), path, gan=spec)
        tree = unpack(path.read_bytes())["generator"]
        parts = build_optimizer(spec.training.generator_optimizer).init(tree["params"])
        for place, part in enumerate(jax.tree.leaves(parts, is_leaf=lambda value: hasattr(value, "_fields"))):
            kept = tree["opt_state"][str(place)]
            # Our own optimizers count for the rate's sake, as optax does where the rate is no constant.
            assert {*kept, "count"} >= set(part._fields) >= set(kept)
            for name in set(kept) - {"count"}:
                assert jax.tree.structure(getattr(part, name)) == jax.tree.structure(kept[name])
