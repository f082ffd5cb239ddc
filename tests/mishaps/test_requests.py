"""What a person may ask by mistake, or be given: files that are none, numbers without end, text that is markup."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.jobs_on_disk import FORMAT as JOB_FORMAT
from gan_rosetta.shared.spec.toml_file import spec_to_toml, write_spec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.storage.documents import write_document
from tests.mishaps.trial import Mishap
from tests.unit.report.recorded import record_gan
from tests.unit.runs.orders import order_of

LINEAR = find_gan("linear-2d")
TRAIN = ("train", "linear-2d", "--backend", "numpy")


@pytest.mark.parametrize("option", ["--spec", "--initial-state", "--tape", "--mnist", "--python", "--out"])
def test_a_pipe_is_named(mishap: Mishap, option: str) -> None:
    pipe, out = mishap.folder / "pipe", mishap.folder / "runs"
    os.mkfifo(pipe)
    if option == "--spec":
        words = ("train", "--backend", "numpy", "--spec", pipe, "--out", out)
    elif option == "--mnist":
        words = ("train", "mnist-conv", "--backend", "numpy", "--mnist", pipe, "--out", out)
    elif option == "--out":
        words = (*TRAIN, "--out", pipe / "runs")
    else:
        words = (*TRAIN, option, f"numpy={pipe}" if option == "--python" else pipe, "--out", out)
    says = {"--python": "which is no program", "--out": "name another --out"}.get(option, "is a named pipe")
    finished = mishap.refused(*words, says=says)
    assert not out.exists()
    mishap.account(f"a named pipe as `{option}`", finished, mishap.files())


@pytest.mark.parametrize(
    "words", [("report", "FOLDER"), ("bench", "page", "FOLDER/record.json"), ("train", "--resume", "FOLDER")]
)
def test_devices_where_files_should_lie(mishap: Mishap, words: tuple[str, ...]) -> None:
    folder = mishap.folder / "runs"
    (folder / "linear-2d" / "numpy").mkdir(parents=True)
    for name in ("record.json", "linear-2d/numpy/record.json", "linear-2d/numpy.job.json"):
        (folder / name).symlink_to("/dev/zero")
    finished = mishap.run(*(word.replace("FOLDER", str(folder)) for word in words))
    assert finished.status == 2, finished.text
    assert len(finished.text.splitlines()) == 1, finished.text
    mishap.account(f"`{words[0]}` of links to /dev/zero", finished, "the links")


def test_a_report_is_not_written_over_a_device(mishap: Mishap) -> None:
    record_gan(mishap.folder, LINEAR)
    before = Path("/dev/null").lstat()
    finished = mishap.refused("report", mishap.folder, "--out", "/dev/null", says="it is a device, not a file")
    assert Path("/dev/null").lstat() == before
    mishap.account("a report to /dev/null", finished, "the device")


def test_a_name_that_is_not_utf8(mishap: Mishap) -> None:
    name = os.fsdecode(b"gr\xfcn")
    finished = mishap.refused(*TRAIN, "--out", mishap.folder / name, says="gr\\udcfcn")
    assert not list(mishap.folder.iterdir())
    mishap.account("an --out whose name is not UTF-8", finished, "nothing")


def test_a_name_with_a_terminal_s_commands(mishap: Mishap) -> None:
    path = mishap.folder / "\x1b[31m\x1b]0;owned\x07.toml"
    finished = mishap.refused("train", "--backend", "numpy", "--spec", path, says="\\x1b[31m\\x1b]0;owned\\x07.toml")
    assert "\x1b" not in finished.text
    mishap.account("a --spec whose name commands a terminal", finished, "nothing")


NUMBERS = {
    "--steps": ("1000000000000000000", "steps (--steps) fit"),
    "--batch-size": ("1000000000000000", "samples a step (--batch-size) fit"),
    "--checkpoint-every": ("inf", "a year at the most"),
    "--patience": ("nan", "a year at the most"),
    "--seed": ("9223372036854775808", "at the most"),
    "--first-step": ("9223372036854775808", "at the most"),
    "--threads": ("1000000", "1,024 at the most"),
}


@pytest.mark.parametrize("option", list(NUMBERS))
def test_a_number_without_end(mishap: Mishap, option: str) -> None:
    number, says = NUMBERS[option]
    finished = mishap.refused(*TRAIN, option, number, "--out", mishap.folder / "runs", says=says)
    assert not list(mishap.folder.iterdir())
    mishap.account(f"`{option} {number}`", finished, "nothing")


COUNTS = {
    "bench --rounds": ("bench", "--gans", "linear-2d", "--rounds", 10**18),
    "bench --threads": ("bench", "--gans", "linear-2d", "--threads", 10**18),
    "bench --scale batch": ("bench", "--gans", "linear-2d", "--backends", "numpy", "--scale", "batch", "--sizes", 1e15),
    "bench --scale width": ("bench", "--gans", "linear-2d", "--backends", "numpy", "--scale", "width", "--sizes", 1e15),
    "bench gpu --rounds": ("bench", "gpu", "--out", "FOLDER/gpu.json", "--rounds", 10**18),
    "diagnose --steps": ("diagnose", "linear-2d", "--backends", "numpy", "--steps", 10**18),
    "calibrate --seeds": ("calibrate", "linear-2d", "--seeds", 10**18),
    "generate --count": ("generate", "--count", 10**18, "--out", "FOLDER/generated"),
}


@pytest.mark.parametrize("name", list(COUNTS))
def test_a_count_without_end(mishap: Mishap, name: str) -> None:
    words = [str(word).replace("FOLDER", str(mishap.folder)) for word in COUNTS[name]]
    finished = mishap.refused(*words, says="of memory at least" if "--sizes" in words else "at the most")
    assert not list(mishap.folder.iterdir())
    mishap.account(f"`{name} {words[-1]}`", finished, "nothing")


def test_a_run_that_a_stranger_began(mishap: Mishap) -> None:
    path = mishap.folder / "linear-2d" / "numpy.job.json"
    order = order_of("linear-2d", "numpy", path.with_name("numpy")).as_data()
    order["spec"]["training"]["num_steps"] = 10**18
    path.parent.mkdir()
    write_document(path, {"order": order, "position": 0}, number=JOB_FORMAT)
    finished = mishap.refused("train", "--resume", mishap.folder, says="steps (training.num_steps) fit")
    mishap.account("`train --resume` of a job of 10¹⁸ steps", finished, mishap.files())


@pytest.mark.parametrize("line", ["num_points = 1000000000000", "num_steps = 1000000000000000000"])
def test_a_number_without_end_in_a_file(mishap: Mishap, line: str) -> None:
    path, key = mishap.folder / "mine.toml", line.partition(" =")[0]
    text = spec_to_toml(replace(LINEAR, name="mine"))
    path.write_text("\n".join(line if entry.startswith(f"{key} =") else entry for entry in text.splitlines()))
    assert line in path.read_text()
    words = ("train", "--spec", path, "--backend", "numpy", "--out", mishap.folder / "runs")
    finished = mishap.refused(*words, says="at most")
    mishap.account(f"a GAN with `{line}`", finished, mishap.files())


def test_titles_that_are_markup(mishap: Mishap) -> None:
    title = "[/red] $\\frac{$ <script> \x1b[31m `a|b`" + "x" * 200_000
    path, out = mishap.folder / "mine.toml", mishap.folder / "runs"
    write_spec(path, replace(LINEAR, name="mine", title=title, source=title))
    finished = mishap.run("train", "--spec", path, "--backend", "numpy", "--steps", 3, "--verbose", "--out", out)
    assert finished.status == 0, finished.text
    assert "\x1b" not in finished.text
    page = mishap.run("report", out)
    assert page.status == 0, page.text
    assert len((out / "report.html").read_text()) < 8_000_000
    mishap.account("a title of markup and 200 KB", finished, mishap.files(out / "mine" / "numpy"))


def test_a_gan_that_diverges_beyond_all_pictures(mishap: Mishap) -> None:
    path, out = mishap.folder / "mine.toml", mishap.folder / "runs"
    text = spec_to_toml(replace(LINEAR, name="mine"))
    head, found, rest = text.partition("generator_optimizer")
    assert "value = 0.01" in rest
    path.write_text(f"{head}{found}{rest.replace('value = 0.01', 'value = 1e14', 1)}")
    finished = mishap.run("train", "--spec", path, "--backend", "numpy", "--steps", 200, "--out", out)
    assert finished.status == 0, finished.text
    assert (out / "mine" / "numpy" / "samples.png").exists()
    mishap.account("a GAN in two dimensions whose G learns at 1e14", finished, mishap.files(out / "mine"))


def test_two_exports_into_one_file(mishap: Mishap) -> None:
    path = mishap.folder / "both"
    exports = ("--export-tape", path, "--export-initial-state", path)
    finished = mishap.refused(*TRAIN, *exports, "--out", mishap.folder / "runs", says="name two files")
    assert not list(mishap.folder.iterdir())
    mishap.account("`train --export-tape X --export-initial-state X`", finished, "nothing")


@pytest.mark.parametrize("words", [("train", "--backend"), ("compare", "--backends")])
def test_seeds_beyond_the_last(mishap: Mishap, words: tuple[str, str]) -> None:
    command, option = words
    asked = ("--seed", 2**63 - 1, "--seeds", 3, "--steps", 2)
    finished = mishap.refused(
        command, "linear-2d", option, "numpy", *asked, "--out", mishap.folder / "runs", says="earlier --seed"
    )
    assert not list(mishap.folder.iterdir())
    mishap.account(f"`{command} --seed 9223372036854775807 --seeds 3`", finished, "nothing")


MATTERS = {
    "--treatments ,": (("--treatments", ","), "--treatments names none"),
    "--treatments run": (("--treatments", "run"), "nothing to try on 'linear-2d'"),
    "--seeds": (("--seeds", "1000000000000000000"), "would fit"),
    "--picture": (("--picture", "FOLDER/effects.svg"), "pictures are PNG"),
}


@pytest.mark.parametrize("name", list(MATTERS))
def test_matters_of_nothing(mishap: Mishap, name: str) -> None:
    words, says = MATTERS[name]
    finished = mishap.refused(
        "matters", "linear-2d", *(word.replace("FOLDER", str(mishap.folder)) for word in words), says=says
    )
    assert not list(mishap.folder.iterdir())
    mishap.account(f"`matters linear-2d {' '.join(words)}`", finished, "nothing")


def test_generated_gans_are_not_kept_in_a_file(mishap: Mishap) -> None:
    path = mishap.folder / "failed"
    path.touch()
    finished = mishap.run("generate", "--count", "2", "--out", path)
    assert (finished.status, len(finished.text.splitlines())) == (2, 1), finished.text
    assert "is a file; name another" in finished.complaint
    mishap.account("`generate` whose --out is a file", finished, mishap.files())


def test_a_program_is_not_written_over_a_link(mishap: Mishap) -> None:
    path = mishap.folder / "mine.py"
    path.symlink_to("nowhere")
    finished = mishap.refused("translate", "linear-2d", "--to", "torch", "--out", path, says="already exists")
    assert path.is_symlink()
    mishap.account("`translate --out` onto a link that leads nowhere", finished, "the link")


def test_an_out_that_leads_to_itself(mishap: Mishap) -> None:
    out = mishap.folder / "loop"
    out.symlink_to(out)
    finished = mishap.refused(
        *TRAIN, "--out", out, says="Too many levels of symbolic links); make it writable, or take"
    )
    assert out.is_symlink()
    mishap.account("an `--out` that is a link to itself", finished, "the link")


@pytest.mark.parametrize("out", ["absent/mine.py", f"{'a' * 300}.py"])
def test_a_program_that_cannot_be_written(mishap: Mishap, out: str) -> None:
    words = ("translate", "linear-2d", "--to", "torch", "--out", mishap.folder / out)
    finished = mishap.refused(*words, says="cannot be written")
    assert not list(mishap.folder.iterdir())
    mishap.account(f"`translate --out {out if len(out) < 50 else 'a name of 303 letters'}`", finished, "nothing")


CONVERSIONS = {
    "--mapping of 3000 tables in one another": (f"{'a.' * 3000}b = 1", "x.pt", "a key has more than 16 names"),
    "--mapping that is a named pipe": (None, "x.pt", "it is a named pipe, not a file"),
    "onto a name of 303 letters": ("", f"{'a' * 300}.pt", "File name too long"),
    "into a folder that is not there": ("", "absent/x.pt", "there is no such folder"),
}


@pytest.mark.parametrize("what", list(CONVERSIONS))
def test_a_conversion_that_cannot_be(mishap: Mishap, what: str) -> None:
    text, target, says = CONVERSIONS[what]
    state, mapping = mishap.folder / "state.safetensors", mishap.folder / "names.toml"
    write_state(state, initial_state(LINEAR, seed=1), metadata={})
    if text is None:
        os.mkfifo(mapping)
    else:
        mapping.write_text(text)
    words = ("convert", state, mishap.folder / target, "--gan", "linear-2d", "--mapping", mapping)
    finished = mishap.refused(*words, says=says)
    mishap.account(f"`convert` {what}", finished, mishap.files())


NETWORKS = {
    "": ("there is no 'G' in it; it has nothing", 2),
    "import os; os._exit(0)": ("ended with exit status 0 before anything was read", 3),
    "import ctypes; ctypes.string_at(0)": ("ended with signal SIGSEGV before anything was read", 3),
}


@pytest.mark.parametrize("text", list(NETWORKS))
def test_networks_that_are_not_there(mishap: Mishap, text: str) -> None:
    program = mishap.folder / "mine.py"
    program.write_text(text)
    says, status = NETWORKS[text]
    words = ("read", f"{program}:G,D", "--like", "sine", "--out", mishap.folder / "mine.toml")
    finished = mishap.refused(*words, says=says, status=status)
    mishap.account(f"`read` of the program `{text}`", finished, mishap.files())
