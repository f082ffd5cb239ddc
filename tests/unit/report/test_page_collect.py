"""What a report reads: inside its folder only, and refused by name where it is not what it should be."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.page.collect import collect
from gan_rosetta.shared.report.page.render import write_report
from gan_rosetta.shared.storage.files import write_npz
from tests.unit.report.recorded import change, record_gan, relist

LINEAR = find_gan("linear-2d")


def test_gans_come_in_the_catalogues_order_with_all_that_is_there(tmp_path):
    for name in ("sine", "gaussian-1d"):
        record_gan(tmp_path, find_gan(name), failures={"mxnet": "it broke"})
    (tmp_path / "linear-2d").mkdir()
    for job in ("linear-2d/torch", "sine/jax", "sine/mxnet"):
        (tmp_path / f"{job}.job.json").write_text("{}")
    first, second, third = collect(tmp_path)
    assert [gan.name for gan in (first, second, third)] == ["gaussian-1d", "linear-2d", "sine"]
    assert second.spec is None
    assert second.missing == ("torch",)
    assert third.missing == ("jax",)
    assert third.spec == find_gan("sine").with_steps(training=30)
    assert [run.backend for run in third.runs] == ["numpy", "torch"]
    assert third.judgement.failures == {"mxnet": "it broke"}
    assert third.yardstick.horizon == 30
    write_report(tmp_path)


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(RecordError, match="no finished run"):
        collect(tmp_path)
    with pytest.raises(UsageError, match="is not there; expected a folder of runs"):
        write_report(tmp_path / "absent")


@pytest.mark.parametrize(
    "part", ["torch", "torch/record.json", "torch/samples.npz", "numpy/yardstick.npz", "comparison.json"]
)
def test_nothing_is_read_outside_the_folder(tmp_path, part):
    outside = record_gan(tmp_path / "outside", LINEAR)
    inside = record_gan(tmp_path / "inside", LINEAR)
    (inside / part).rename(tmp_path / "moved")
    (inside / part).symlink_to(outside / part)
    with pytest.raises(RecordError, match="leads out of"):
        collect(tmp_path / "inside")
    (inside / part).unlink()
    (tmp_path / "moved").rename(inside / part)
    assert len(collect(tmp_path / "inside")) == 1


@pytest.mark.parametrize(
    ("name", "entries", "message"),
    [
        ("numpy/record.json", {"format": 3}, "has format 3; this version reads format 4; move that folder away"),
        ("numpy/record.json", {"spec": {"name": 3}}, "does not say what was run .*name is 3"),
        ("numpy/record.json", {"spec": None}, "record.spec is None"),
        ("numpy/record.json", {"settings": []}, "record.settings is"),
        ("numpy/record.json", {"settings": {"run": {"dtype": "int8"}}}, "does not say what was run"),
        ("numpy/record.json", {"gan": "sine"}, "holds runs of linear-2d, sine"),
        ("numpy/record.json", {"backend": None}, "record.backend is None"),
        ("comparison.json", {"format": 1}, "has format 1"),
        ("numpy/record.json", {"format": 5}, "written by a newer gan-rosetta"),
        ("comparison.json", {"format": 5}, "written by a newer gan-rosetta"),
        ("comparison.json", {"verdict": "<b>"}, "can be shown"),
        ("comparison.json", {"pairs": [{}]}, "can be shown"),
        ("comparison.json", {"pairs": 3}, "can be shown"),
        ("comparison.json", {"failures": 3}, "can be shown"),
    ],
)
def test_a_record_that_is_not_as_expected_is_refused(tmp_path, name, entries, message):
    folder = record_gan(tmp_path, LINEAR)
    change(folder / name, **entries)
    with pytest.raises(RecordError, match=message):
        collect(tmp_path)


@pytest.mark.parametrize("file", ["losses.npz", "samples.npz", "yardstick.npz"])
def test_arrays_that_are_not_as_expected_are_refused(tmp_path, file):
    path = record_gan(tmp_path, LINEAR) / "numpy" / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordError, match="was changed after the run ended"):
        collect(tmp_path)
    relist(path.parent)
    with pytest.raises(RecordError, match="cannot be read"):
        collect(tmp_path)
    write_npz(path, {"other": np.zeros(3)})
    relist(path.parent)
    with pytest.raises(RecordError, match=r"lacks|cannot be read"):
        collect(tmp_path)


@pytest.mark.parametrize(
    ("gan", "name", "wrong"),
    [
        ("linear-2d", "generated", np.zeros((2, 5, 2))),
        ("linear-2d", "generated", np.array("a")),
        ("linear-2d", "pretraining_steps", np.zeros(2)),
        ("linear-2d", "adversarial_steps", np.zeros(0)),
        ("gaussian-1d", "boundary_y", np.zeros((3, 4))),
        ("gaussian-1d", "histogram_generated", np.array(["a", "b", "c"])),
    ],
)
def test_moments_of_another_shape_are_refused(tmp_path, gan, name, wrong):
    run = record_gan(tmp_path, find_gan(gan)) / "numpy"
    with np.load(run / "moments.npz") as file:
        arrays = dict(file)
    write_npz(run / "moments.npz", arrays | {name: wrong})
    relist(run)
    with pytest.raises(RecordError, match=rf"{name} is|no moment"):
        collect(tmp_path)


@pytest.mark.parametrize("wrong", [np.zeros((3, 3)), np.array(["a", "b"]), np.array(3.0)])
def test_samples_of_another_shape_are_refused(tmp_path, wrong):
    path = record_gan(tmp_path, LINEAR) / "numpy" / "samples.npz"
    write_npz(path, {"real": np.zeros((3, 2)), "latent": np.zeros((3, 2)), "generated": wrong})
    relist(path.parent)
    with pytest.raises(RecordError, match="generated is"):
        collect(tmp_path)
