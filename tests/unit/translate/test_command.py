"""`gan-rosetta translate`: what agrees is handed over, what does not is named and not written."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import gan_rosetta as gr
from gan_rosetta.shared.commands.main import app, main
from gan_rosetta.shared.errors import BackendUnavailable, RunFailed, UsageError
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.translate import proof as proving
from gan_rosetta.shared.translate import translation
from gan_rosetta.shared.translate.program import DIALECTS
from gan_rosetta.shared.translate.proof import Proof, ReferenceOnce
from gan_rosetta.shared.translate.translation import Translation


def translated(verdict="AGREE", text='"""Head."""\n\noptions = parser.parse_args()\n'):
    proof = Proof(
        verdict=verdict,
        reason="generator's loss at step 3: 1.0e+00 apart, rounding explains 1.0e-15",
        place="",
        pretraining=0,
        adversarial=3,
        batch_size=4,
        losses=float("inf") if verdict == "DISAGREE" else 1e-15,
        state=None,
        num_tensors=26,
        versions={"PyTorch": "2"},
    )
    return Translation(gan="linear-2d", to="torch", text=text if verdict == "AGREE" else "", proof=proof)


@pytest.mark.parametrize(("verdict", "status"), [("AGREE", 0), ("DISAGREE", 1), ("NOT COMPARABLE", 4)])
def test_only_what_agrees_is_written(monkeypatch, tmp_path, verdict, status):
    monkeypatch.setattr(translation, "translate", lambda *_, **__: translated(verdict))
    out = tmp_path / "program.py"
    done = CliRunner().invoke(app, ["translate", "linear-2d", "--to", "torch", "--out", str(out)])
    assert done.exit_code == status
    assert out.exists() == (status == 0)
    notebook = tmp_path / "program.ipynb"
    again = CliRunner().invoke(app, ["translate", "linear-2d", "--to", "torch", "--out", str(notebook)])
    assert (again.exit_code, notebook.exists()) == (status, status == 0)
    if status:
        assert "generator's loss at step 3" in done.output
    document = CliRunner().invoke(app, ["translate", "--table", "--to", "torch", "--json"])
    found = json.loads(document.stdout)
    assert (found["status"], len(found["translations"])) == (status, len(CATALOGUE))
    table = CliRunner().invoke(app, ["translate", "--table", "--to", "torch"])
    assert table.stdout.count(f"| linear-2d | torch | {verdict}") == len(CATALOGUE)
    of_each = CliRunner().invoke(app, ["translate", "sine", "--table"])
    assert of_each.stdout.count(f"| {verdict}") == len(DIALECTS)


def test_a_table_may_be_of_drawn_gans_and_goes_on_after_one_that_fails(monkeypatch):
    asked = []

    def fails_once(gan, /, **_):
        asked.append(gan.name)
        if len(asked) == 1:
            raise RunFailed("the program ended with exit status 1")
        return replace(translated(), gan=gan.name)

    monkeypatch.setattr(translation, "translate", fails_once)
    done = CliRunner().invoke(app, ["translate", "--drawn", "3", "--to", "torch"])
    assert asked == ["generated-0", "generated-1", "generated-2"]
    assert done.exit_code == 3
    assert "generated-0 to torch: the program ended with exit status 1" in done.stderr
    assert done.stdout.count("torch | AGREE") == 2


def test_the_reference_of_programs_that_are_fed_the_same_is_measured_once(monkeypatch):
    measured = []
    monkeypatch.setattr(proving, "measure_reference", lambda *fed, **_: measured.append(fed) or (object(), object()))
    spec = gr.spec("linear-2d")
    state, once = initial_state(spec, seed=3), ReferenceOnce()
    found = [once.measure(spec, dict(state), None, seed=3) for _ in DIALECTS]
    assert (len(measured), len(set(found))) == (1, 1)
    others = [
        (spec, {**state, "generator.output.weight": state["generator.output.weight"] + 1}, 3),
        (spec.with_steps(training=3), state, 3),
        (spec, state, 4),
    ]
    for number, (gan, begun, seed) in enumerate(others, start=2):
        once.measure(gan, begun, None, seed=seed)
        assert len(measured) == number


def test_a_proof_may_start_from_a_state_with_its_optimizers_begun(monkeypatch, tmp_path):
    spec = gr.spec("linear-2d")
    given = {name: array + (1 if array.ndim else 5) for name, array in initial_state(spec, seed=3).items()}
    write_state(tmp_path / "given.safetensors", given, metadata={"gan": spec.name})
    fed = []

    def keep(text, spec, dialect, state, *_, **__):
        fed.append(state)
        return translated().proof

    monkeypatch.setattr(translation, "prove", keep)
    translation.translate("linear-2d", to="torch", steps=1, initial_state=tmp_path / "given.safetensors")
    for name, expected in given.items():
        assert np.array_equal(fed[0][name], expected), name


def test_a_program_that_fails_is_a_failure(monkeypatch, capsys):
    def fails(*_, **__):
        raise RunFailed("the program ended with exit status 1")

    monkeypatch.setattr(translation, "translate", fails)
    monkeypatch.setattr(sys, "argv", ["gan-rosetta", "translate", "linear-2d", "--to", "torch"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    said = "gan-rosetta: linear-2d to torch: the program ended with exit status 1\n"
    assert capsys.readouterr().err == said


def test_a_whole_translation_is_handed_over(tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "program.py"
    command = [sys.executable, "-m", "gan_rosetta", "translate", "linear-2d", "--to", "torch", "--steps", "2"]
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=False)
    text = out.read_text(encoding="utf-8")
    assert (done.returncode, done.stdout) == (0, f"Written: {out}, {len(text.splitlines())} lines\n")
    assert "linear-2d to torch: AGREE" in done.stderr
    assert "fed the same 2 steps of 4 samples" in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["linear-2d"], "translate needs --to"),
        (["linear-2d", "--to", "pytorch"], "did you mean 'torch'"),
        (["--to", "torch"], "expected a GAN's name or --spec"),
        (["sine", "--to", "torch", "--drawn", "2"], "leave out sine"),
        (["sine", "--table", "--out", "x.py"], "leave out --out x.py"),
        (
            ["sine", "--to", "torch", "--like", "sine"],
            "--like is of networks that are read",
        ),
        (["g.py:G,D", "--to", "torch"], "g.py:G,D needs --like"),
        (["g.py:G,D", "--to", "torch", "--like", "sine", "--out", "x.py"], "g.py is no file"),
        (
            ["g.py:G,D", "--to", "torch", "--like", "sine", "--out", "x.py", "--initial-state", "s.safetensors"],
            "leave out --initial-state",
        ),
        (["sine", "--to", "torch", "--drawn", "2"], "--drawn is of GANs drawn at random, and prints no program"),
        (["--table", "--to", "torch", "--drawn", "2"], "leave out --drawn 2"),
        (["--to", "torch", "--drawn", "0"], "--drawn is 0"),
        (["sine", "--to", "torch", "--out", "program.txt"], "expected a program's name"),
        (["sine", "--to", "torch", "--out", "taken.py"], "already exists"),
    ],
)
def test_what_cannot_be_asked_is_refused(monkeypatch, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.py").touch()
    refused = CliRunner().invoke(app, ["translate", *words])
    assert isinstance(refused.exception, UsageError)
    assert message in str(refused.exception)


def test_an_environment_that_is_named_needs_the_framework_alone(monkeypatch):
    class Reached(Exception):
        pass

    def reached(*_, **__):
        raise Reached

    monkeypatch.setattr(translation, "read_gan", reached)
    versions = {"torch": "2.13.0"}
    monkeypatch.setattr(translation, "version_in", lambda python, name: versions.get(name) if python else None)
    with pytest.raises(Reached):  # without a word on this package, which is not there
        translation.translate("linear-2d", to="torch", python="/env/bin/python")
    versions.clear()
    with pytest.raises(BackendUnavailable, match="not installed in the environment of /env/bin/python: pip install"):
        translation.translate("linear-2d", to="torch", python="/env/bin/python")
