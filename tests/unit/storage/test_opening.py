"""What a person names is read as a regular file, or refused at once."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from gan_rosetta.benchmarks.gpu.record import read_gpu_record
from gan_rosetta.benchmarks.record import read_record
from gan_rosetta.shared.data.idx import read_folder
from gan_rosetta.shared.data.tape_file import FileTape
from gan_rosetta.shared.errors import GanRosettaError, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.jobs_on_disk import read_jobs
from gan_rosetta.shared.runs.record import file_digest, read_run
from gan_rosetta.shared.runs.saved import read_saved
from gan_rosetta.shared.spec.toml_file import read_spec, write_spec
from gan_rosetta.shared.state.archive import map_tensors
from gan_rosetta.shared.state.strangers import describe_stranger
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.storage.opening import (
    open_regular,
    read_regular,
    require_place,
    require_readable_name,
    what_is,
)
from gan_rosetta.shared.workers.environments import find_python

SPEC = find_gan("linear-2d")


class Hangs(BaseException):
    """No reader catches this one."""


@pytest.fixture(autouse=True)
def _not_for_ever():
    def give_up(number, frame):
        raise Hangs("it waits")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 10)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def place_pipe(path: Path) -> str:
    os.mkfifo(path)
    return "a named pipe"


def place_socket(path: Path) -> str:
    # Its name may be 107 bytes long, and pytest's folders are longer.
    here = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)
    os.chdir(here)
    return "a socket"


def place_folder(path: Path) -> str:
    path.mkdir()
    return "a folder"


def place_device(path: Path) -> str:
    path.symlink_to("/dev/zero")
    return "a device"


PLACES = [place_pipe, place_socket, place_folder, place_device]

READERS = {
    "spec": read_spec,
    "state": lambda path: read_saved(path, SPEC),
    "tape": lambda path: FileTape.read(path, SPEC),
    "bench record": read_record,
    "record of a GPU": read_gpu_record,
    "python": lambda path: find_python(str(path), said="--python names it"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reader", list(READERS))
def test_what_is_named_must_be_a_file(tmp_path, reader, place):
    path = tmp_path / "file"
    what = place(path)
    with pytest.raises(GanRosettaError) as caught:
        READERS[reader](path)
    assert what in str(caught.value) or reader == "python", str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", PLACES)
def test_so_must_what_lies_in_a_folder_that_is_named(tmp_path, place):
    for name in ("record.json", "losses.npz", "linear-2d/numpy.job.json", "train-images-idx3-ubyte"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        place(tmp_path / name)
    for read in (read_run, read_jobs, read_folder):
        with pytest.raises(GanRosettaError):
            read(tmp_path)
    for read in (file_digest, read_npz, map_tensors):
        with pytest.raises(OSError, match="not a file"):
            read(tmp_path / "losses.npz")
    assert describe_stranger(tmp_path / "losses.npz") is None


@pytest.mark.parametrize("reader", list(READERS))
@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "no/such\x1b[31m"])
def test_names_that_no_file_has(tmp_path, reader, name):
    with pytest.raises(GanRosettaError):
        READERS[reader](tmp_path / name)


@pytest.mark.parametrize("place", [place_pipe, place_socket, place_device])
def test_what_is_written_replaces_files_alone(tmp_path, place):
    path = tmp_path / "out"
    place(path)
    if place is place_device:
        path = Path("/dev/null")
    before = path.lstat()
    with pytest.raises(OSError, match="not a file"):
        write_bytes(path, b"content")
    with pytest.raises(GanRosettaError, match="not a file"):
        write_spec(path, SPEC)
    with pytest.raises(UsageError, match=r"--out .* cannot be written .*not a file"):
        require_place(path, said="--out")
    assert path.lstat() == before
    assert what_is(path) != "a file"


def test_a_file_is_read_as_far_as_its_kind_may_be_long(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(path, most_bytes=5) == b"12345"
    with pytest.raises(OSError, match="5 bytes, and one of its kind has 4 at the most"):
        read_regular(path, most_bytes=4)
    with open_regular(path) as file:
        assert file.read() == b"12345"
    # The system makes this one up as it is read, and says that it has no bytes.
    assert Path("/proc/self/stat").stat().st_size == 0
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(Path("/proc/self/stat"), most_bytes=4)


def test_a_spec_has_a_size(tmp_path):
    path = tmp_path / "gan.toml"
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(GanRosettaError, match="1,048,577 bytes"):
        read_spec(path)


def test_a_name_that_is_not_utf8():
    require_readable_name("grün\x1b", said="an argument")
    with pytest.raises(UsageError, match=r"an argument is 'gr\\udcfcn', which is not UTF-8"):
        require_readable_name(os.fsdecode(b"gr\xfcn"), said="an argument")
