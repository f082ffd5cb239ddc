"""The names of runs: what is read, what is shown, what is refused."""

from __future__ import annotations

import pytest

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.runs.names import RunName, folder_name, parse_runs


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("torch", RunName(backend="torch")),
        ("torch:compiled", RunName(backend="torch", execution="compiled")),
        ("jax:float32:cuda", RunName(backend="jax", dtype="float32", device="cuda")),
        ("torch:cuda:tf32", RunName(backend="torch", dtype="float32", products="tf32", device="cuda")),
        ("numpy:threads=2", RunName(backend="numpy", threads=2)),
        ("jax@envs/new:eager", RunName(backend="jax", environment="envs/new", execution="eager")),
    ],
)
def test_a_name_is_read(text, run):
    assert RunName.parse(text) == run


def test_words_are_shown_in_one_order_and_an_environment_by_its_folder():
    assert str(RunName.parse("torch:threads=2:float32:eager")) == "torch:eager:float32:threads=2"
    assert str(RunName.parse("torch:cuda:tf32:float32")) == "torch:tf32:cuda"
    assert str(RunName.parse("jax@envs/jax-0.12:compiled")) == "jax@jax-0.12:compiled"
    assert str(RunName.parse("jax@envs/jax-0.12/bin/python")) == "jax@jax-0.12"


def test_a_folder_s_name_has_no_colon():
    assert folder_name("torch:compiled:float32") == "torch+compiled+float32"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torhc", "unknown backend 'torhc': did you mean 'torch'"),
        ("torch:compile", "unknown word of a run 'compile': did you mean 'compiled'"),
        ("torch:gpu", "did you mean 'cuda'"),
        ("torch:eager:compiled", "has 'eager' and 'compiled'; expected one word of a kind"),
        ("torch:float64:tf32", "has 'tf32' products of 'float64'; expected float32, or no type"),
        ("torch:threads=0", "expected threads=N with N from 1"),
        ("torch:threads=two", "expected threads=N with N from 1"),
        ("jax@", "names no environment after its @"),
        ("torch:", "unknown word of a run ''"),
    ],
)
def test_what_is_no_run_is_refused(text, message):
    with pytest.raises(UsageError) as caught:
        RunName.parse(text)
    assert message in str(caught.value)


def test_a_run_is_there_once():
    with pytest.raises(UsageError, match="is there twice"):
        parse_runs(["torch:eager:float32", "torch:float32:eager"])
    with pytest.raises(UsageError, match="both shown as jax@new"):
        parse_runs(["jax@a/new", "jax@b/new"])
