"""States in files."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.state import initial_state, state_schema
from gan_rosetta.shared.state.archive import METADATA_KEY, map_tensors, read_state, read_state_and_metadata, write_state

SPEC = find_gan("linear-2d")


def fault(path) -> str:
    with pytest.raises(StateError) as caught:
        read_state(path, SPEC)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "state.safetensors"
    write_state(path, initial_state(SPEC, seed=3), metadata={})
    return path


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name != "mnist-conv"])
def test_reading_back_gives_the_same_bits(name, tmp_path):
    spec = find_gan(name)
    state = initial_state(spec, seed=3)
    state["optimizer.generator.step"] = np.array(2**40)
    path = tmp_path / "state.safetensors"
    write_state(path, state, metadata={"gan": name, "note": "µ"})
    read = read_state(path, spec)
    assert list(read) == list(state_schema(spec))
    for tensor, array in state.items():
        np.testing.assert_array_equal(read[tensor], array, strict=True)
    with safetensors.safe_open(path, "numpy") as archive:
        found = json.loads(archive.metadata()[METADATA_KEY])
    assert found.pop("sha256")
    assert found == {"gan": name, "note": "µ"}
    assert read_state_and_metadata(path, spec)[1] == found
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_layouts_in_memory_do_not_matter(tmp_path):
    state = initial_state(SPEC, seed=3)
    state["discriminator.hidden2.weight"] = np.asfortranarray(state["discriminator.hidden2.weight"])
    state["generator.output.bias"] = np.repeat(state["generator.output.bias"], 2)[::2]
    write_state(tmp_path / "state", state, metadata={})
    for name, array in read_state(tmp_path / "state", SPEC).items():
        np.testing.assert_array_equal(array, state[name], strict=True)


def test_single_precision_and_parameters_alone_are_taken(tmp_path):
    parameters = {
        name: array.astype(np.float32)
        for name, array in initial_state(SPEC, seed=3).items()
        if not name.startswith("optimizer")
    }
    write_state(tmp_path / "state", parameters, metadata={})
    read = read_state(tmp_path / "state", SPEC)
    assert list(read) == list(state_schema(SPEC))
    for name, array in parameters.items():
        np.testing.assert_array_equal(read[name], array, strict=True)


def test_what_is_absent_is_named(tmp_path):
    assert "No such file" in fault(tmp_path / "absent.safetensors")
    assert "it is a folder, not a file" in fault(tmp_path)


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_truncated_file_is_named(path, length):
    path.write_bytes(path.read_bytes()[:length])
    assert ("not a whole .safetensors file" if length else "is empty") in fault(path)


@pytest.mark.parametrize("content", [b"text that is no archive", b"PK\x03\x04" + bytes(100)])
def test_another_kind_of_file_is_named(path, content):
    path.write_bytes(content)
    assert "not a whole .safetensors file" in fault(path)


@pytest.mark.parametrize(("dtype", "num_bytes"), [("BF16", 2), ("F8_E4M3", 1), ("X9", 1)])
def test_a_type_that_numpy_lacks_is_named(path, dtype, num_bytes):
    entry = {"dtype": dtype, "shape": [1], "data_offsets": [0, num_bytes]}
    header = json.dumps({"generator.output.bias": entry}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(num_bytes))
    assert dtype in fault(path)


def test_a_state_of_another_gan_is_named(path):
    write_state(path, initial_state(find_gan("sine"), seed=0), metadata={})
    assert "has 'generator.hidden1.bias' and 11 more" in fault(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_numbers_of_somebody_else_are_named(path, bad):
    tensors = safetensors.numpy.load_file(path)
    tensors["generator.output.bias"] = np.array([bad, 0])
    safetensors.numpy.save_file(tensors, path)
    message = fault(path)
    assert "'generator.output.bias'" in message
    assert "give one of finite numbers" in message


def test_what_a_run_of_ours_came_to_is_read_back_whatever_it_is(path):
    tensors = safetensors.numpy.load_file(path)
    tensors["generator.output.bias"] = np.array([np.nan, -np.inf])
    tensors["optimizer.generator.output.weight.v"][0, 0] = np.nan
    write_state(path, tensors, metadata={})
    np.testing.assert_array_equal(read_state(path, SPEC)["generator.output.bias"], [np.nan, -np.inf])


def test_names_of_another_program_stand_beside_those_that_are_wanted(path):
    state = initial_state(SPEC, seed=3)
    renamed = {f"net.{index}": array for index, array in enumerate(state.values())}
    safetensors.numpy.save_file(renamed, path)
    message = fault(path)
    wanted = [name for name in state_schema(SPEC) if not name.startswith("optimizer")]
    assert f"lacks {', '.join(map(repr, wanted[:3]))} and {len(wanted) - 3} more" in message
    assert f"has 'net.0', 'net.1', 'net.10' and {len(state) - 3} more in their place" in message


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(StateError, match="cannot be written"):
        write_state(tmp_path / "absent" / "state", initial_state(SPEC, seed=0), metadata={})


def test_the_same_state_gives_the_same_bytes(tmp_path):
    contents = set()
    for attempt in range(20):
        path = tmp_path / f"{attempt}.safetensors"
        write_state(path, initial_state(SPEC, seed=3), metadata={"gan": SPEC.name, "backend": "x", "seed": "3"})
        contents.add(path.read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("what", ["a number", "the step", "the seal", "the key"])
def test_a_state_that_was_changed_is_refused(path, what):
    write_state(path, initial_state(SPEC, seed=3), metadata={"done": "1234"})
    content = bytearray(path.read_bytes())
    place = {
        "a number": len(content) - 1,
        "the step": content.index(b"1234"),
        "the seal": content.index(b"sha256") + 12,
        "the key": content.index(METADATA_KEY.encode()),
    }[what]
    content[place] ^= 1
    path.write_bytes(content)
    assert "was changed after it was written" in fault(path)


def test_a_state_that_somebody_else_wrote_needs_no_seal(path):
    safetensors.numpy.save_file(initial_state(SPEC, seed=3), path, metadata={"format": "pt"})
    state, metadata = read_state_and_metadata(path, SPEC)
    assert metadata == {}
    np.testing.assert_array_equal(state["generator.output.bias"], initial_state(SPEC, seed=3)["generator.output.bias"])


def test_mapped_tensors_are_those_that_are_read(path):
    mapped = map_tensors(path)
    read = safetensors.numpy.load_file(path)
    assert sorted(mapped) == sorted(read)
    for name, array in read.items():
        assert (mapped[name].dtype, mapped[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_array_equal(mapped[name], array)


@pytest.mark.parametrize("length", [0, 5, 200, -1])
def test_a_truncated_file_is_not_mapped(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises((ValueError, safetensors.SafetensorError)):
        map_tensors(path)


def test_a_type_of_no_state_is_not_mapped(path):
    safetensors.numpy.save_file({"weight": np.zeros(3, np.float16)}, path)
    with pytest.raises(ValueError, match="F16; expected F64, F32, I64"):
        map_tensors(path)
