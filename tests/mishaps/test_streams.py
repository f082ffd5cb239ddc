"""Standard streams that are closed, full, or cannot show what is said: the work is done, and the status says how."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gan_rosetta.shared.runs.record import read_run
from tests.mishaps.trial import Mishap

TRAIN = ("train", "linear-2d", "--backend", "numpy", "--steps", "3")


def shell(redirections: str) -> tuple[str, ...]:
    return ("sh", "-c", f'exec "$0" "$@" {redirections}')


def test_all_streams_closed(mishap: Mishap) -> None:
    finished = mishap.run(*TRAIN, "--out", mishap.folder, prefix=shell("<&- >&- 2>&-"))
    assert (finished.status, finished.text) == (0, "")
    run = read_run(mishap.folder / "linear-2d" / "numpy")
    run.check_files()
    assert np.isfinite(run.losses["generator"]).all()
    mishap.account("`train` with all three standard streams closed", finished, mishap.files())


def test_a_refusal_with_a_closed_output(mishap: Mishap) -> None:
    finished = mishap.run("show", "nosuch", prefix=shell(">&-"))
    assert finished.status == 2, finished.text
    assert "unknown GAN 'nosuch'; known: gaussian-1d," in finished.complaint
    mishap.account("an unknown GAN with standard output closed", finished, "nothing")


def test_a_refusal_that_nobody_can_be_told(mishap: Mishap) -> None:
    finished = mishap.run("show", "nosuch", prefix=shell("2>/dev/full"))
    assert (finished.status, finished.text) == (2, "")
    mishap.account("an unknown GAN with standard error on a full disk", finished, "nothing")


def test_an_output_on_a_full_disk(mishap: Mishap) -> None:
    finished = mishap.run(*TRAIN, "--json", "--out", mishap.folder, prefix=shell(">/dev/full"))
    assert finished.status == 3, finished.text
    assert "No space left on device; what is done is kept" in finished.complaint
    read_run(mishap.folder / "linear-2d" / "numpy").check_files()
    mishap.account("`train --json` to a full disk", finished, mishap.files())


@pytest.mark.parametrize("json_too", [False, True])
def test_an_output_that_is_ascii_alone(mishap: Mishap, json_too: bool) -> None:
    out = mishap.folder / "grün"
    options = ("--json",) if json_too else ()
    finished = mishap.run(*TRAIN, *options, "--out", out, PYTHONIOENCODING="ascii:strict")
    assert finished.status == 0, finished.text
    if json_too:
        assert json.loads(finished.text)["folder"] == str(out)
    else:
        assert "gr\\xfcn" in finished.text
        mishap.account("an `--out` with an umlaut, where the output takes ASCII alone", finished, mishap.files())


def test_a_limit_on_the_size_of_files(mishap: Mishap) -> None:
    finished = mishap.run(*TRAIN, "--out", mishap.folder, prefix=("bash", "-c", 'ulimit -f 1; exec "$0" "$@"'))
    assert finished.status == 3, finished.text
    assert "File too large" in finished.complaint
    assert "defect" not in finished.complaint
    mishap.account("`train` where no file may have more than 1 KiB (`ulimit -f`)", finished, mishap.files())


# What the reference leaves of a step, and what workers are told, are of these sizes.
@pytest.mark.parametrize("kilobytes", [4, 8, 12])
def test_generated_gans_where_files_have_a_limit(mishap: Mishap, kilobytes: int) -> None:
    words = ("generate", "--count", "2", "--backends", "numpy", "--out", mishap.folder / "failed")
    finished = mishap.run(*words, prefix=("bash", "-c", f'ulimit -f {kilobytes}; exec "$0" "$@"'))
    assert finished.status == 3, finished.text
    assert "File too large" in finished.complaint
    assert "disagreements" not in finished.text
    mishap.account(
        f"`generate` where no file may have more than {kilobytes} KiB (`ulimit -f`)", finished, mishap.files()
    )


@pytest.mark.parametrize(("words", "megabytes"), [(("list",), 100), (TRAIN, 400)])
def test_too_little_memory_to_start(mishap: Mishap, words: tuple[str, ...], megabytes: int) -> None:
    prefix = ("bash", "-c", f'ulimit -v {megabytes}000; exec "$0" "$@"')
    finished = mishap.run(*words, prefix=prefix)
    assert finished.status == 3, finished.text
    assert "cannot start" in finished.complaint
    mishap.account(f"`{words[0]}` with {megabytes} MB of address space (`ulimit -v`)", finished, mishap.files())


def test_a_home_that_is_no_folder(mishap: Mishap) -> None:
    finished = mishap.run(*TRAIN, "--quiet", "--out", mishap.folder, HOME="/dev/null")
    assert (finished.status, finished.text) == (0, ""), finished.text
    assert (mishap.folder / "linear-2d" / "numpy" / "losses.png").exists()
    mishap.account("`HOME` is `/dev/null`", finished, mishap.files())


def test_a_name_in_utf8_where_the_locale_is_ascii(mishap: Mishap) -> None:
    ascii_alone = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    finished = mishap.run(*TRAIN, "--out", mishap.folder / "grün", **ascii_alone)
    assert (finished.status, len(finished.text.splitlines())) == (2, 1), finished.text
    assert "set PYTHONUTF8=1" in finished.complaint
    mishap.account("an `--out` with an umlaut, where `LC_ALL=C` and Python is kept from UTF-8", finished, "nothing")
