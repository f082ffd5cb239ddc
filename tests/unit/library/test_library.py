"""The library: its examples, quiet, without a folder unless one is given, errors in Python's words."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.calibrate.plan import plan_calibration
from gan_rosetta.shared.diagnose.trials import Trial
from gan_rosetta.shared.faults.fault import Location
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.workers.child import WorkerLost
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.wording import in_python_words

MODULES = (
    "aligning",
    "catalogue",
    "training",
    "comparing",
    "converting",
    "diagnosing",
    "judging",
    "checking",
    "assessing",
    "tracing",
)


@pytest.fixture(scope="module")
def comparison():
    return gr.compare("linear-2d", runs=["numpy:eager", "numpy:float32"], steps=12, seed=3)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings(name):
    module = importlib.import_module(f"gan_rosetta.{name}")
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_importing_it_imports_no_framework_and_no_picture():
    program = (
        "import sys, gan_rosetta; gan_rosetta.compare; heavy = {'torch', 'tensorflow', 'mxnet', 'jax', 'matplotlib', "
        "'plotly', 'sklearn', 'rich', 'typer'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there_and_no_other():
    assert all(getattr(gr, name) is not None for name in gr.__all__)
    assert set(gr.__all__) <= set(dir(gr))
    with pytest.raises(AttributeError, match="has no attribute 'comapre'"):
        _ = gr.comapre


def test_the_version_stands_in_one_place():
    told = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert gr.__version__ == told["project"]["version"]


def test_runs_have_names_losses_states_and_samples(comparison):
    assert list(comparison.runs) == ["numpy:eager", "numpy:float32"]
    run = comparison.runs["numpy:float32"]
    assert run.losses["generator"].shape == (12,)
    assert run.state["generator.output.weight"].dtype == np.float32
    assert run.samples["generated"].shape == run.samples["real"].shape


def test_two_types_are_judged_by_the_coarser_ones_yardstick(comparison):
    (pair,) = comparison.pairs
    assert comparison.verdict == pair.verdict == "AGREE"
    assert pair.notes[0] == "float32 beside float64: by float32's yardstick"
    assert 1e-9 < pair.largest < 1e-4
    comparison.assert_agrees()


def test_a_result_shows_itself_in_a_notebook(comparison):
    page = comparison._repr_html_()
    assert "<b>linear-2d: AGREE</b>" in page
    assert "data:image/png;base64," in page
    assert "numpy:float32" in comparison.runs["numpy:float32"]._repr_html_()


def test_without_a_folder_nothing_stays(comparison, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    run = gr.train("linear-2d", run="numpy", steps=2)
    folder = run.folder
    assert folder.exists()
    del run
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_with_a_folder_records_and_pictures_are_in_it(tmp_path):
    gr.compare("linear-2d", runs=["numpy"], steps=2, out=tmp_path)
    assert {"comparison.json", "losses.png", "samples.png", "numpy"} <= {
        path.name for path in (tmp_path / "linear-2d").iterdir()
    }
    (again,) = gr.resume(tmp_path)
    assert list(again.runs) == ["numpy"]
    assert gr.report(tmp_path) == tmp_path / "report.html"


def test_a_spec_stands_wherever_a_name_does():
    mine = replace(gr.spec("linear-2d"), name="mine", batch_size=3)
    found = gr.compare(mine, runs=["numpy"], steps=2)
    assert (found.spec.name, found.spec.batch_size) == ("mine", 3)
    assert gr.train(mine, run="numpy", steps=2).spec.batch_size == 3


def test_progress_is_a_callback():
    seen: list[gr.Progress] = []
    gr.train("linear-2d", run="numpy", steps=5, on_progress=seen.append)
    assert seen[-1].done == seen[-1].total == 5
    assert seen[-1].settings.run_name == "numpy"


def test_a_planted_fault_is_found_and_an_assertion_names_the_place():
    found = gr.diagnose("linear-2d", runs=["numpy"], steps=1, plant={"numpy": "adam-beta2"})
    offender = found.offender("numpy")
    assert offender is not None
    assert offender.name.endswith(".v")
    assert "is wrong, first in step 0" in found._repr_html_()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: gr.compare("linear-2d", runs=["numpy"], pretrain_steps=-1),
            "pretrain_steps is -1; expected 0",
        ),
        (lambda: gr.compare("linear-3d"), "did you mean 'linear-2d'"),
        (lambda: gr.train("sine", run="numpy:fast"), "unknown word of a run 'fast'"),
        (lambda: gr.diagnose("sine", runs=["numpy"], steps=0), "steps is 0; expected 1 or more"),
        (lambda: gr.spec("sinus"), "did you mean 'sine'"),
        (lambda: gr.read_spec(Path("absent.toml")), "absent.toml cannot be read"),
        (lambda: gr.bench(rounds=0), "rounds is 0; expected 1 or more"),
        (lambda: gr.generate(0), "count is 0; expected 1"),
        (lambda: gr.generate(1, backends=["numpy"], plant="adam-beta3"), "did you mean 'adam-beta2'"),
        (lambda: gr.generate(1, backends=["numpy"], device="gpu"), "device"),
        (lambda: gr.calibrate(["linear-3d"]), "unknown regime 'linear-3d': did you mean 'linear-2d'"),
        (lambda: gr.calibrate(seeds=0), "seeds is 0; expected 1"),
        (lambda: gr.accuracy(["tanh"], dtypes=["float16"]), "unknown dtype 'float16'"),
        (lambda: gr.accuracy(["tanhh"]), "did you mean 'tanh'"),
        (lambda: gr.defaults("sinus"), "did you mean 'sine'"),
        (lambda: gr.defaults("sine", seed=-1), "seed is -1; expected 0"),
        (lambda: gr.check_faults("sine", backends=["numpi"]), "did you mean 'numpy'"),
        (lambda: gr.judge("absent.py"), "absent.py is no file"),
        (lambda: gr.translate("sine", to="pytorch"), "did you mean 'torch'"),
        (lambda: gr.translate("sine", to="torch", out="sine.txt"), "out sine.txt ends in .txt"),
        (lambda: gr.bench_gpu(parts=["all"]), "parts has 'all'; expected some of float32"),
        (lambda: gr.compare_benchmarks("absent.json", "absent.json"), "absent.json is not there"),
        (lambda: gr.resume_training("absent"), "absent"),
        (
            lambda: gr.write_page(gr.FaultCheck(trials=()), "absent/page.md"),
            "the page absent/page.md cannot be written",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_in_python_s_words(ask, message):
    with pytest.raises(gr.GanRosettaError) as caught:
        ask()
    assert message in str(caught.value)
    assert "--" not in str(caught.value)


def test_a_reference_that_fails_is_an_error(monkeypatch):
    def start(self, **_options):
        raise WorkerLost("no NumPy today", status="unavailable")

    monkeypatch.setattr("gan_rosetta.shared.workers.child.WorkerProcess.start", start)
    with pytest.raises(gr.RunFailed, match="linear-2d on numpy: no NumPy today"):
        gr.compare("linear-2d", runs=["numpy"], steps=2)


def test_an_option_becomes_an_argument():
    assert in_python_words("--pretrain-steps is -1") == "pretrain_steps is -1"
    assert in_python_words("--patience SECONDS waits longer") == "patience waits longer"
    assert in_python_words("or --spec FILE.toml, one") == "or spec, one"


def test_a_result_that_is_off_says_so_and_its_assertion_names_it():
    trial = Trial(gan="mine", backend="numpy", fault="adam-beta2", expected=None, found=None)
    right = gr.FaultCheck(trials=(trial,))
    right.assert_agrees()
    place = Location(phase="generator", quantities=("slot",))
    wrong = gr.FaultCheck(trials=(trial, replace(trial, expected=place)))
    assert (right.verdict, wrong.verdict) == ("AGREE", "DISAGREE")
    with pytest.raises(AssertionError, match="mine on numpy, adam-beta2: found nowhere"):
        wrong.assert_agrees()
    assert "<b>Planted faults: DISAGREE</b>" in wrong._repr_html_()


def test_a_judge_that_is_wrong_and_a_worker_that_failed_are_no_agreement():
    plan = plan_calibration(["linear-2d"], backends=["numpy"])
    label = Label(gan="linear-2d", backend="numpy", folder="")
    failed = JobOutcome(settings=label, status="crash", message="out of memory")
    calibration = gr.Calibration(plan=plan, failures=[failed])
    assert calibration.verdict == "NOT COMPARABLE"
    with pytest.raises(AssertionError, match="linear-2d on numpy: out of memory"):
        calibration.assert_agrees()
    atlas = gr.Atlas(operations=(), rows=(), measures={}, failures={"numpy tanh float64 eager": "no tanh today"})
    with pytest.raises(AssertionError, match="numpy tanh float64 eager: no tanh today"):
        atlas.assert_agrees()


def test_what_a_fault_is_found_in_is_kept_only_where_a_folder_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr("gan_rosetta.shared.generate.session._MAX_SHRUNK", 0)
    lines: list[str] = []
    without = gr.generate(1, backends=["numpy"], plant="latent-halved", on_line=lines.append)
    (failure,) = without.failures
    assert (without.verdict, failure.path, failure.backend) == ("DISAGREE", None, "numpy")
    assert "1 of 1 GANs, 1 disagreements" in lines[-1]
    assert "--spec" not in "".join(without.lines())
    kept = gr.generate(1, backends=["numpy"], plant="latent-halved", out=tmp_path)
    assert gr.read_spec(kept.failures[0].path) == failure.spec
    assert f"gan-rosetta diagnose --spec {kept.failures[0].path}" in "".join(kept.lines())
