"""Every format to every other and back, bit for bit, for every GAN; and how the command and the library say it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import gan_rosetta as gr
from gan_rosetta.shared.commands.main import app
from gan_rosetta.shared.errors import GanRosettaError, StateError, UsageError
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import state_schema
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.state.native.formats import FORMATS
from gan_rosetta.shared.storage.files import write_npz
from tests.unit.state.native.native_gans import filled, flattening, small, with_root_mean_squares

pytest.importorskip("h5py")
FORMATS_BY_SUFFIX = {found.suffixes[0]: found for found in FORMATS.values()}
SUFFIXES = list(FORMATS_BY_SUFFIX)


def spec_of(name: str) -> GanSpec:
    if name.startswith("rms-"):
        return with_root_mean_squares(small("linear-2d"), momentum_of=name.removeprefix("rms-"))
    if name in MADE_UP:
        return MADE_UP[name]
    return flattening() if name == "flattening" else small(name)


def states_in_all_formats(spec: GanSpec, folder: Path, **options) -> tuple[dict[str, np.ndarray], dict[str, Path]]:
    state = filled(spec, **options)
    write_state(folder / "ours.safetensors", state, metadata={"gan": spec.name})
    has_norms = any(name.endswith(".weight_u") for name in state)
    suffixes = [s for s in SUFFIXES if not has_norms or FORMATS_BY_SUFFIX[s].keeps_spectral_norms]
    files = {suffix: folder / f"first{suffix}" for suffix in suffixes}
    for path in files.values():
        gr.convert(folder / "ours.safetensors", path, gan=spec)
    return state, files


@pytest.mark.parametrize("gan", [*CATALOGUE, *MADE_UP, "flattening", "rms-direction", "rms-step"])
def test_every_pair_of_formats_there_and_back_is_the_same_bit_for_bit(gan: str, tmp_path: Path) -> None:
    spec = spec_of(gan)
    state, files = states_in_all_formats(spec, tmp_path, dtype="float32" if gan == "sine" else "float64")
    schema = state_schema(spec)
    for first, source in files.items():
        for second in files:
            done = gr.convert(source, tmp_path / f"{first[1:]}-to{second}", gan=spec)
            roles = FORMATS_BY_SUFFIX[first].roles
            assert set(done.state) == {name for name, tensor in schema.items() if tensor.role in roles}
            for name, array in done.state.items():
                assert array.tobytes() == state[name].tobytes(), f"{name} from {first}"
                assert array.dtype == state[name].dtype
            kept = FORMATS_BY_SUFFIX[second].roles
            assert done.left_out == tuple(name for name in done.state if schema[name].role not in kept)
            if set(kept) <= set(roles):
                # The very file that the second format's own pairs are read from, so that there and back is the same.
                assert done.files[""].read_bytes() == files[second].read_bytes()


@pytest.mark.parametrize("suffix", [".weights.h5", ".msgpack"])
def test_a_format_without_a_place_for_a_spectral_norm_is_refused(suffix: str, tmp_path: Path) -> None:
    spec = small("sngan")
    write_state(tmp_path / "ours.safetensors", filled(spec), metadata={"gan": spec.name})
    with pytest.raises(UsageError, match=r"no v of a spectral norm.* '?sngan.* \.pt, \.safetensors, \.params"):
        gr.convert(tmp_path / "ours.safetensors", tmp_path / f"other{suffix}", gan=spec)
    assert not (tmp_path / f"other{suffix}").exists()


def test_two_files_are_one_gan_and_one_gan_is_two_files(tmp_path: Path) -> None:
    spec = small("mnist-wgan-gp")
    state, files = states_in_all_formats(spec, tmp_path)
    for suffix in (".pt", ".weights.h5", ".params", ".msgpack"):
        pair = {network: tmp_path / f"{network}{suffix}" for network in ("generator", "discriminator")}
        gr.convert(files[".safetensors"], pair, gan=spec)
        together = gr.convert(pair, tmp_path / f"from{suffix[1:]}.safetensors", gan=spec)
        assert len(together.state) > 10
        assert set(together.state) == {
            n for n in state if state_schema(spec)[n].role in FORMATS_BY_SUFFIX[suffix].roles
        }
        assert all(array.tobytes() == state[name].tobytes() for name, array in together.state.items())


def test_an_archive_of_numpy_is_read_and_nothing_names_a_network_need_be_said(tmp_path: Path) -> None:
    spec = small("sine")
    state = filled(spec)
    names = {"generator": "a", "discriminator": "b"}
    arrays = {
        f"{names[name.split('.')[0]]}.{name.split('.')[1]}.{name.split('.')[2]}": array
        for name, array in state.items()
        if state_schema(spec)[name].role == "parameter"
    }
    write_npz(tmp_path / "weights.npz", arrays)
    done = gr.convert(tmp_path / "weights.npz", tmp_path / "weights.pt", gan=spec)
    assert done.names["generator.hidden1.weight"] == "a.hidden1.weight"
    assert all(array.tobytes() == state[name].tobytes() for name, array in done.state.items())


def test_what_cannot_be_told_is_said_and_a_mapping_tells_it(tmp_path: Path) -> None:
    spec = small("gaussian-1d")
    state = filled(spec)
    words = {"hidden": "in", "hidden1": "in", "hidden2": "ape", "hidden3": "zebra", "output": "out"}
    arrays = {
        ".".join([name.split(".")[0], words[name.split(".")[1]], name.split(".")[2]]): array
        for name, array in state.items()
        if state_schema(spec)[name].role == "parameter"
    }
    source, target = tmp_path / "weights.npz", tmp_path / "weights.pt"
    write_npz(source, arrays)
    with pytest.raises(
        StateError, match=r"'discriminator.ape.weight'.*may each be discriminator.hidden2 and"
    ) as caught:
        gr.convert(source, target, gan=spec)
    assert "in mapping, as in" in str(caught.value)
    assert not target.exists()
    done = gr.convert(source, target, gan=spec, mapping={"discriminator.hidden3": "discriminator.zebra"})
    assert all(array.tobytes() == state[name].tobytes() for name, array in done.state.items())
    (tmp_path / "map.toml").write_text('[discriminator]\nhidden3 = "discriminator/ape"\n', encoding="utf-8")
    crossed = gr.convert(source, tmp_path / "crossed.pt", gan=spec, mapping=tmp_path / "map.toml")
    third = crossed.state["discriminator.hidden3.weight"]
    assert third.tobytes() == state["discriminator.hidden2.weight"].tobytes()


def test_a_program_that_flattens_channels_first_says_so(tmp_path: Path) -> None:
    spec = flattening()
    state, files = states_in_all_formats(spec, tmp_path)
    plain = gr.convert(files[".weights.h5"], tmp_path / "a.pt", gan=spec)
    first = gr.convert(files[".weights.h5"], tmp_path / "b.pt", gan=spec, mapping={"flatten": "channels-first"})
    assert plain.state["discriminator.last.weight"].tobytes() == state["discriminator.last.weight"].tobytes()
    assert first.state["discriminator.last.weight"].tobytes() != state["discriminator.last.weight"].tobytes()
    assert first.state["discriminator.down.weight"].tobytes() == state["discriminator.down.weight"].tobytes()


def test_another_gan_s_optimizer_is_refused(tmp_path: Path) -> None:
    spec, other = small("linear-2d"), small("gaussian-1d")
    write_state(tmp_path / "ours.safetensors", filled(spec), metadata={})
    changed = replace(spec, training=replace(spec.training, generator_optimizer=other.training.generator_optimizer))
    for suffix, words in (
        (".pt", "keeps exp_avg, exp_avg_sq; GradientDescent keeps nothing"),
        (".weights.h5", "has 4 slots"),
    ):
        path = tmp_path / f"theirs{suffix}"
        gr.convert(tmp_path / "ours.safetensors", path, gan=spec)
        with pytest.raises(StateError, match=words):
            gr.convert(path, tmp_path / f"again{suffix}", gan=changed)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("out.bin", "no ending that says its format"),
        ("model.keras", "a program too, which is yours to write"),
        ("ours.safetensors", "already exists"),
        ("absent/out.pt", "cannot be written"),
    ],
)
def test_a_target_that_cannot_be_is_refused(target: str, words: str, tmp_path: Path) -> None:
    spec = small("linear-2d")
    write_state(tmp_path / "ours.safetensors", filled(spec), metadata={})
    before = sorted(tmp_path.iterdir())
    with pytest.raises(GanRosettaError, match=words):
        gr.convert(tmp_path / "ours.safetensors", tmp_path / target, gan=spec)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"layout": "rows"}, "layout is 'rows'"),
        ({"flatten": "rows"}, "flatten is 'rows'"),
        ({"critic.hidden": "a"}, "has 'critic.hidden'"),
        ({"optimizer.critic": "a"}, "has 'critic'"),
    ],
)
def test_a_mapping_that_is_none_is_refused(mapping: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        gr.convert(tmp_path / "a.pt", tmp_path / "b.pt", gan="sine", mapping=mapping)


def run(*arguments: object):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def test_the_command_converts_splits_and_joins(tmp_path: Path) -> None:
    spec = CATALOGUE["linear-2d"]
    state = filled(spec)
    ours = tmp_path / "ours.safetensors"
    write_state(ours, state, metadata={})
    done = run(ours, tmp_path / "a.weights.h5", "--gan", "linear-2d", "--split", "--names")
    assert done.exit_code == 0, done.output
    assert "generator.output.weight (2, 2) <- generator.output.weight" in done.output
    pair = [tmp_path / f"a-{network}.weights.h5" for network in ("generator", "discriminator")]
    assert all(path.exists() for path in pair)
    joined = run(tmp_path / "b.pt", "--generator", pair[0], "--discriminator", pair[1], "--gan", "linear-2d")
    assert joined.exit_code == 0, joined.output
    back = gr.convert(tmp_path / "b.pt", tmp_path / "back.safetensors", gan="linear-2d")
    assert all(back.state[name].tobytes() == array.tobytes() for name, array in state.items())
    quiet = run(ours, tmp_path / "c.pt", "--gan", "linear-2d", "--quiet")
    assert (quiet.exit_code, quiet.output) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.pt", "b.pt"], "expected --gan NAME or --spec FILE.toml"),
        (["a.pt", "--gan", "sine"], "expected IN OUT, or OUT with --generator FILE"),
        (["a.pt", "b.pt", "--gan", "sine", "--generator", "c.pt"], "expected IN OUT"),
        (["a.pt", "b.pt", "--gan", "sine"], "a.pt cannot be read"),
        (["a.pt", "b.pt", "--gan", "sine", "--map", "absent.toml"], "absent.toml cannot be read"),
    ],
)
def test_wrong_usage_is_said(arguments: list[str], words: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code != 0
    assert words in str(done.exception)
