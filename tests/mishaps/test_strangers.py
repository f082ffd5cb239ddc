"""Files from somebody else, or from another version: nothing in them is run, nothing elsewhere is read or written."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.benchmarks import record as benchmark
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs import checkpoint, comparison, jobs_on_disk, record
from gan_rosetta.shared.runs.checkpoint import Checkpoint, Place, Position, write_checkpoint
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.storage.documents import write_document
from tests.mishaps.trial import Mishap
from tests.unit.report.recorded import change, record_gan, relist
from tests.unit.runs.orders import changed, order_of

LINEAR = find_gan("linear-2d")
TRAIN = ("train", "linear-2d", "--backend", "numpy", "--steps", "3")
HOSTILE = "</script><script>alert('here')</script>"


class Payload:
    """Touches a file where it is unpickled."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self):
        return Path.touch, (self._target,)


@pytest.mark.parametrize("what", ["tape", "checkpoint"])
def test_a_pickled_array(mishap: Mishap, what: str) -> None:
    proof = mishap.folder / "unpickled"
    path = mishap.folder / "file.npz"
    np.savez(path, real=np.array([Payload(proof)], dtype=object), header=np.array([Payload(proof)], dtype=object))
    with np.load(path, allow_pickle=True) as archive:
        assert len(archive["real"]) == 1
    assert proof.exists(), "the payload is harmless"
    proof.unlink()
    option = "--tape" if what == "tape" else "--initial-state"
    finished = mishap.refused(*TRAIN, option, path, "--out", mishap.folder / "runs", says="Python objects")
    assert not proof.exists()
    mishap.account(f"a {what} with a pickled object that touches a file", finished, mishap.files())


def archive_with(path: Path, header: dict[str, object], data: bytes) -> None:
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, header)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("real", "latent_d"):
            archive.writestr(f"{name}.npy", array.getvalue() + data)


def test_an_array_that_says_it_is_huge(mishap: Mishap) -> None:
    path = mishap.folder / "tape.npz"
    archive_with(path, {"descr": "<f8", "fortran_order": False, "shape": (10**13, 4, 2)}, bytes(640))
    finished = mishap.refused(*TRAIN, "--tape", path, "--out", mishap.folder / "runs", says="640 bytes for an array")
    mishap.account("a tape whose array claims 640 terabytes", finished, mishap.files())


@pytest.mark.parametrize("shape", ["nan", "(" * 200 + ")" * 200, "__import__('os').abort()"])
def test_a_header_that_is_none(mishap: Mishap, shape: str) -> None:
    path = mishap.folder / "tape.npz"
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("real", "latent_d"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64))
    says = "real: its header is none that NumPy writes"
    finished = mishap.refused(*TRAIN, "--tape", path, "--out", mishap.folder / "runs", says=says)
    mishap.account(f"a tape whose array's shape is `{shape[:30]}`", finished, mishap.files())


def test_an_archive_that_unpacks_to_more_than_memory(mishap: Mishap) -> None:
    path = mishap.folder / "tape.npz"
    with zipfile.ZipFile(path, "w") as archive:
        header = io.BytesIO()
        about = {"descr": "<f8", "fortran_order": False, "shape": (1 << 54, 4, 2)}
        np.lib.format.write_array_header_1_0(header, about)
        for name in ("real", "latent_d"):
            archive.writestr(f"{name}.npy", header.getvalue() + bytes(640))
        for member in archive.filelist:
            member.file_size = len(header.getvalue()) + (1 << 60)  # what its directory will say
    finished = mishap.refused(*TRAIN, "--tape", path, "--out", mishap.folder / "runs", says="are free")
    mishap.account("a tape whose archive claims to unpack to an exabyte", finished, mishap.files())


@pytest.fixture
def begun(mishap: Mishap) -> Order:
    """A run with a checkpoint, as one that was killed leaves it."""
    job = order_of("linear-2d", "numpy", mishap.folder / "linear-2d" / "numpy", steps=20)
    jobs_on_disk.write_jobs([job])
    losses = {"pretraining": np.zeros(0), "discriminator": np.ones(5), "generator": np.ones(5)}
    position = Position(place=Place(phase="adversarial", done=5), losses=losses)
    state = initial_state(LINEAR, seed=job.feed.seed)
    write_checkpoint(job.keeping.checkpoint_path, Checkpoint(position=position, state=state, order=job))
    return job


def test_an_order_that_leads_out_of_its_folder(mishap: Mishap, begun: Order) -> None:
    outside = mishap.folder.parent / "outside"
    path, data = begun.keeping.job_path, changed(begun, folder=str(outside), name="../numpy").as_data()
    write_document(path, {"order": data}, number=jobs_on_disk.FORMAT)
    finished = mishap.refused("train", "--resume", mishap.folder, says="was moved there from another run")
    data = changed(begun, folder=str(outside)).as_data()
    write_document(path, {"order": data}, number=jobs_on_disk.FORMAT)
    begun.keeping.checkpoint_path.unlink()
    assert mishap.run("train", "--resume", mishap.folder).status == 0
    assert not outside.exists()
    kept = "the folder's own run; `folder` of such a file is not followed"
    mishap.account("a job.json whose run is `../numpy`, and whose folder lies elsewhere", finished, kept)


def test_a_record_that_lists_a_file_elsewhere(mishap: Mishap) -> None:
    run = record_gan(mishap.folder, LINEAR) / "numpy"
    files = json.loads((run / "record.json").read_text())["files"]
    change(run / "record.json", files=files | {"../torch/samples.npz": files["samples.npz"]})
    finished = mishap.refused("report", mishap.folder, says="does not list the run's files by name")
    mishap.account("a record that lists `../torch/samples.npz` among its files", finished, "the runs")


def test_a_link_out_of_the_folder(mishap: Mishap) -> None:
    runs = mishap.folder / "runs"
    run = record_gan(runs, LINEAR) / "numpy"
    (run / "samples.npz").rename(mishap.folder / "samples.npz")
    (run / "samples.npz").symlink_to(mishap.folder / "samples.npz")
    finished = mishap.refused("report", runs, says="leads out of")
    mishap.account("a run whose samples are a link out of the folder", finished, "the runs")


def test_a_script_in_what_is_shown(mishap: Mishap) -> None:
    path = mishap.folder / "mine.toml"
    text = spec_to_toml(LINEAR).replace('"linear-2d"', '"mine"')
    title = next(line for line in text.splitlines() if line.startswith("title"))
    path.write_text(text.replace(title, f'title = "{HOSTILE}"'))
    runs = mishap.folder / "runs"
    assert mishap.run("train", "--spec", path, "--backend", "numpy", "--steps", 3, "--out", runs).status == 0
    finished = mishap.run("report", runs)
    assert finished.status == 0, finished.text
    page = (runs / "report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(" in page
    mishap.account(f"a GAN's title with `{HOSTILE}`", finished, "a page that shows it and does not run it")


def test_a_name_with_a_script(mishap: Mishap) -> None:
    path = mishap.folder / "mine.toml"
    path.write_text(spec_to_toml(LINEAR).replace('"linear-2d"', '"../<script>"'))
    finished = mishap.refused(
        "train", "--spec", path, "--backend", "numpy", "--out", mishap.folder / "runs", says="name is '../<script>'"
    )
    mishap.account("a GAN whose name is `../<script>`", finished, mishap.files())


@pytest.mark.parametrize("name", ["losses.npz", "state.safetensors", "record.json", "../comparison.json"])
def test_one_bit_of_a_run_flipped(mishap: Mishap, name: str) -> None:
    run = record_gan(mishap.folder, LINEAR) / "numpy"
    write_state(run / "state.safetensors", initial_state(LINEAR, seed=1), metadata={})
    relist(run)
    content = bytearray((run / name).read_bytes())
    # In JSON a digit, so that it stays JSON; in the others a number.
    digits = (place for place in range(len(content) // 2, len(content)) if chr(content[place]).isdigit())
    content[next(digits) if name.endswith(".json") else -1] ^= 1
    (run / name).write_bytes(content)
    if name == "state.safetensors":
        words = (*TRAIN, "--initial-state", run / name, "--out", mishap.folder / "runs")
    else:
        words = ("report", mishap.folder)
    finished = mishap.refused(*words, says="was changed after")
    mishap.account(f"one bit of `{Path(name).name}` flipped", finished, "the files as they are; nothing is shown")


@pytest.mark.parametrize("kind", ["record", "comparison", "job", "checkpoint", "benchmark"])
def test_a_file_of_a_newer_version(mishap: Mishap, begun: Order, kind: str) -> None:
    resume, words = ("train", "--resume", mishap.folder), ("report", mishap.folder / "shown")
    shown = record_gan(mishap.folder / "shown", LINEAR)
    if kind == "record":
        change(shown / "numpy" / "record.json", format=record.FORMAT + 1)
    elif kind == "comparison":
        change(shown / "comparison.json", format=comparison.FORMAT + 1)
    elif kind == "job":
        write_document(begun.keeping.job_path, {"order": {}, "more": 1}, number=jobs_on_disk.FORMAT + 1)
        words = resume
    elif kind == "checkpoint":
        with np.load(begun.keeping.checkpoint_path) as archive:
            arrays = dict(archive)
        arrays["header"] = np.array(json.dumps({"format": checkpoint.FORMAT + 1}))
        np.savez(begun.keeping.checkpoint_path, **arrays)
        words = resume
    else:
        path = mishap.folder / "benchmark.json"
        write_document(path, {"kind": "gan-rosetta benchmark"}, number=benchmark.FORMAT + 1)
        words = ("bench", "compare", path, path)
    finished = mishap.run(*words)
    assert finished.status == 2, finished.text
    assert "newer gan-rosetta" in finished.complaint
    mishap.account(f"a {kind} that a newer version wrote", finished, "the file as it is")
