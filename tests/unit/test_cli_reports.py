"""What train and compare say and write besides the records: JSON, quiet, films, TensorBoard's event files."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.film import draw_frames
from gan_rosetta.shared.runs.record import read_run
from gan_rosetta.shared.workers.child import WorkerLost

GANS = ("linear-2d", "gaussian-1d")
SMALL = ("--steps", "12", "--pretrain-steps", "3")


@pytest.fixture
def gan_rosetta(monkeypatch, capfd):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capfd.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


def scalars(folder, tag):
    # With this module there, TensorBoard does without TensorFlow, which takes half a minute to import.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415

    events = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    return {event.step: event.value for event in events.Scalars(tag)}, events


def test_a_comparison_as_data_with_films_and_events(gan_rosetta, tmp_path):
    out, film, board = tmp_path / "runs", tmp_path / "film.gif", tmp_path / "board"
    arguments = ("compare", *GANS, "--backends", "torch", *SMALL, "--json", "--out", out)
    status, said, errors = gan_rosetta(*arguments, "--animate", film, "--tensorboard", board)
    assert (status, errors) == (0, "")
    data = json.loads(said)
    assert (data["format"], data["command"], data["status"], data["failures"]) == (1, "compare", 0, [])
    assert data["folder"] == str(out)
    assert {entry["gan"]: entry["verdict"] for entry in data["comparisons"]} == dict.fromkeys(GANS, "AGREE")
    for entry in data["comparisons"]:
        assert [run["backend"] for run in entry["runs"]] == ["numpy", "torch"]
        assert [run["steps"] for run in entry["runs"]] == [12, 12]
        assert entry["runs"][0]["last_losses"]["generator"] > 0

    films = {name: tmp_path / f"film-{name}.gif" for name in GANS}
    assert sorted(data["films"]) == sorted(map(str, films.values()))
    for path in films.values():
        with Image.open(path) as picture:
            assert picture.n_frames >= 4
            assert picture.width > picture.height
            first = np.asarray(picture.convert("RGB"))
            picture.seek(picture.n_frames - 1)
            assert (np.asarray(picture.convert("RGB")) != first).any()

    for name in GANS:
        run = read_run(out / name / "torch")
        found, events = scalars(board / name / "torch", f"{name}/generator_loss")
        assert list(found) == list(range(12))
        np.testing.assert_allclose(list(found.values()), run.losses["generator"], rtol=1e-6)
        images = events.Images(f"{name}/samples")
        steps = run.moments["adversarial_steps"].tolist()
        before = [-3] if name == "gaussian-1d" else []
        assert [image.step for image in images] == before + steps[len(before) :]
        assert len({image.encoded_image_string for image in images}) > 3
    assert len(scalars(board / "gaussian-1d" / "numpy", "gaussian-1d/pretraining_loss")[0]) == 3


def test_a_run_as_data_and_one_that_goes_on_later(gan_rosetta, tmp_path):
    out, board = tmp_path / "runs", tmp_path / "board"
    status, said, errors = gan_rosetta("train", "linear-2d", "--backend", "numpy", *SMALL[:2], "--json", "--out", out)
    assert (status, errors) == (0, "")
    (run,) = json.loads(said)["runs"]
    assert (run["gan"], run["backend"], run["steps"]) == ("linear-2d", "numpy", 12)
    film = tmp_path / "film.mp4"
    again = gan_rosetta("train", "--resume", out, "--json", "--tensorboard", board, "--animate", film)
    assert again[0] == 0, again
    assert json.loads(again[1])["runs"] == [run]
    for _ in range(2):
        assert len(scalars(board / "linear-2d" / "numpy", "linear-2d/discriminator_loss")[0]) == 12
        assert len(list((board / "linear-2d" / "numpy").iterdir())) == 1
        gan_rosetta("train", "--resume", out, "--quiet", "--tensorboard", board)
    frames = imageio_ffmpeg.read_frames(str(film))
    facts = next(frames)
    spec = find_gan("linear-2d")
    expected = list(draw_frames([read_run(out / "linear-2d" / "numpy")], spec))
    assert facts["codec"].startswith("h264")
    assert facts["source_size"] == expected[0].shape[1::-1]
    first = np.frombuffer(next(frames), dtype=np.uint8).reshape(expected[0].shape)
    assert np.abs(first.astype(int) - expected[0]).mean() < 5
    frames.close()


def test_quiet_says_verdicts_alone(gan_rosetta, tmp_path):
    quiet = gan_rosetta(
        "compare", "linear-2d", "--backends", "torch", "--steps", "2", "--quiet", "--out", tmp_path / "a"
    )
    assert quiet == (0, "linear-2d: AGREE\n", "")
    # They run in another order; the catalogue's is what is shown.
    alone = gan_rosetta(
        "compare", "sine", "linear-2d", "--backends", "numpy", "--steps", "2", "--quiet", "--out", tmp_path / "b"
    )
    assert alone == (4, "linear-2d: NOT COMPARABLE\nsine: NOT COMPARABLE\n", "")
    assert gan_rosetta(
        "train", "linear-2d", "--backend", "numpy", "--steps", "2", "--quiet", "--out", tmp_path / "c"
    ) == (0, "", "")


def test_a_verdict_is_said_as_soon_as_there_is_one(gan_rosetta, tmp_path):
    _, printed, said = gan_rosetta(
        "compare", "sine", "linear-2d", "--backends", "numpy", "--steps", "2", "--out", tmp_path / "a"
    )
    verdicts = [line for line in said.splitlines() if line.endswith("NOT COMPARABLE")]
    assert verdicts == ["linear-2d: NOT COMPARABLE", "sine: NOT COMPARABLE"]
    assert "linear-2d" in printed


def test_verbose_says_a_line_a_run_where_there_is_no_terminal(gan_rosetta, tmp_path):
    arguments = ("compare", "linear-2d", "--backends", "torch", "--steps", "2", "--out")
    assert "[2/2]" in gan_rosetta(*arguments, tmp_path / "a", "--verbose")[2]
    assert gan_rosetta(*arguments, tmp_path / "b")[2] == ""


def test_a_run_that_fails_is_in_the_document(gan_rosetta, tmp_path, monkeypatch):
    def start(self, **_options):
        raise WorkerLost("m", status="unavailable")

    monkeypatch.setattr("gan_rosetta.shared.workers.child.WorkerProcess.start", start)
    status, said, errors = gan_rosetta("train", "linear-2d", "--backend", "numpy", "--json", "--out", tmp_path / "a")
    data = json.loads(said)
    assert (status, data["status"], data["runs"]) == (3, 3, [])
    assert [(entry["backend"], entry["status"]) for entry in data["failures"]] == [("numpy", "unavailable")]
    assert "linear-2d on numpy" in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--animate", "film.avi"), "expected .gif or .mp4"),
        (("--animate", "absent/film.gif"), "a folder that exists"),
        (("--tensorboard", "file/board"), "--tensorboard"),
        (("--quiet", "--verbose"), "exclude each other"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_runs(gan_rosetta, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    status, said, errors = gan_rosetta("compare", "linear-2d", *arguments, "--out", tmp_path / "out")
    assert (status, said) == (2, "")
    assert words in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_mp4_without_its_extra_is_refused_with_what_to_install(gan_rosetta, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    film, board = tmp_path / "film.mp4", tmp_path / "board"
    assert "gan-rosetta[film]" in gan_rosetta("compare", "linear-2d", "--animate", film, "--out", tmp_path / "a")[2]
    assert (
        "gan-rosetta[tensorboard]" in gan_rosetta("compare", "sine", "--tensorboard", board, "--out", tmp_path / "a")[2]
    )


def test_a_report_makes_a_film_of_what_there_is(gan_rosetta, tmp_path):
    out, film = tmp_path / "runs", tmp_path / "film.gif"
    assert gan_rosetta("train", "sine", "--backend", "numpy", "--steps", "3", "--quiet", "--out", out)[0] == 0
    told = gan_rosetta("report", out, "--animate", film)
    assert f"Film: {film}" in told[1]
    with Image.open(film) as picture:
        assert picture.n_frames == 4
