"""What matters: treatments of a GAN, trained from the same seeds in this process, on the reference alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.errors import RunFailed, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.matters import session
from gan_rosetta.shared.matters.treatments import plan_treatments
from gan_rosetta.shared.report.matters_picture import draw_matters
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.plan import plan_train
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.seeds import job as seeds_job
from gan_rosetta.shared.workers.jobs import JobOutcome


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Train in this process; return the folders' names of what was trained. A run whose name has "fail" fails."""
    trained: list[str] = []

    def run_jobs_here(jobs, /, *, num_slots, on_progress, on_outcome):
        outcomes = []
        for job in jobs:
            order = job.settings
            trained.append(Path(order.folder).name)
            backend = BACKENDS[order.backend]
            before = len(trained)
            status, message = "finished", ""
            if "swapped" in order.folder:
                status, message = "error", "it failed"
            else:
                seeds_job.serve(dict(job.data), backend, report_progress=lambda *_: None, kept={})
            assert len(trained) == before
            outcomes.append(JobOutcome(settings=order, status=status, message=message))
            on_outcome(outcomes[-1])
        return outcomes

    monkeypatch.setattr(session, "run_jobs", run_jobs_here)
    return trained


def treatments_of(*words: str, runs: tuple[str, ...] = ("numpy",)) -> dict[str, str]:
    """Return the kind of each treatment of linear-2d, by name."""
    request = make_request("linear-2d", steps=4)
    plan = plan_train(parse_runs(runs), request, Path("nowhere"), num_seeds=2)
    base, found = plan_treatments(plan, kinds=words)
    assert len({treatment.order.folder for treatment in found} | {base.folder}) == len(found) + 1
    assert all(treatment.order.spec != base.spec for treatment in found if treatment.kind != "run")
    return {treatment.name: treatment.kind for treatment in found}


def test_treatments_are_what_somebody_might_have_done_otherwise() -> None:
    defaults = treatments_of("default")
    assert "Adam's ε 1e-07 (tensorflow)" in defaults
    # torch's and MXNet's ε are the GAN's own; where Keras and Gluon have it is one treatment.
    assert not any("ε 1e-08" in name for name in defaults)
    assert "where Adam's ε stands hat (tensorflow, mxnet)" in defaults
    assert {"all defaults (tensorflow)", "all defaults (mxnet)"} <= set(defaults)
    assert treatments_of("run", runs=("numpy", "numpy:float32")) == {"numpy:float32": "run"}
    faults = treatments_of("fault")
    assert {"learning-rate-doubled", "generator-labels-swapped"} <= set(faults)
    assert "linear-transposed" not in faults  # its tensors are held otherwise, which no description says


def test_what_changes_much_matters_and_what_rounds_does_not(in_this_process: list[str], tmp_path: Path) -> None:
    spec = find_gan("linear-2d").with_steps(training=8)
    options = {"runs": ["numpy", "numpy:float32"], "treatments": ["default", "run"], "seeds": 36, "out": tmp_path}
    found = gr.matters(spec, **options)
    verdicts = {matter.treatment: matter.verdict for matter in found.found}
    assert verdicts["numpy:float32"] == "EQUIVALENT"
    assert verdicts["Adam's ε 1e-07 (tensorflow)"] == "EQUIVALENT"
    glorot = next(name for name in verdicts if name.startswith("initial values") and "tensorflow" in name)
    assert verdicts[glorot] == "DIFFERENT"
    by_name = {matter.treatment: matter for matter in found.found}
    assert by_name[glorot].largest.verdict == "DIFFERENT"
    sizes = [abs(matter.largest.difference) / matter.largest.margin for matter in found.found if matter.largest.margin]
    assert sizes == sorted(sizes, reverse=True)
    assert "matters" in found.lines()[0]
    assert "float32" in found._repr_html_()
    figure = draw_matters(found)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][-1] == found.found[0].treatment
    # What is there is read again, and says the same.
    trained = len(in_this_process)
    again = gr.matters(spec, **options)
    assert len(in_this_process) == 2 * trained
    assert again.as_data() == found.as_data()


def test_a_treatment_that_fails_is_told_and_the_others_stand(tmp_path: Path) -> None:
    found = gr.matters("linear-2d", steps=3, seeds=2, treatments=["fault"])
    assert found.failures["generator-labels-swapped"] == "it failed"
    assert {"learning-rate-doubled"} <= {matter.treatment for matter in found.found}
    assert "  generator-labels-swapped failed: it failed" in found.lines()
    with pytest.raises(RunFailed, match="it failed"):
        gr.matters("linear-2d", steps=3, seeds=2, treatments=["fault"], out=tmp_path / "swapped")


def test_an_outcome_without_numbers_is_drawn_as_none() -> None:
    found = gr.matters("linear-2d", runs=["numpy", "numpy:float32"], steps=2, seeds=2, treatments=["run"])
    broken = {name: np.full(2, np.nan) for name in found.untreated.numbers}
    (pair,) = session.compare_runs_of_seeds(
        [found.untreated, session.replace(found.untreated, run="broken", numbers=broken)], dtype="float64"
    )
    matter = session.Matter(treatment="broken", kind="run", effects=pair.effects)
    figure = draw_matters(session.replace(found, found=(matter,)))
    assert "no number" in {text.get_text() for text in figure.axes[0].texts}
    json.dumps(matter.as_data(), allow_nan=False)


def test_the_command_says_a_row_a_treatment_and_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def execute(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", "matters", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    words = ("linear-2d", "--steps", "3", "--seeds", "3", "--runs", "numpy,numpy:float32", "--treatments", "run")
    picture = tmp_path / "matters.png"
    status, printed, _ = execute(*words, "--picture", str(picture))
    assert status == 0
    assert printed.startswith("linear-2d in numpy over 3 seeds, 1 treatment: ")
    assert picture.read_bytes().startswith(b"\x89PNG")
    status, printed, _ = execute(*words, "--json")
    assert json.loads(printed)["treatments"][0]["treatment"] == "numpy:float32"
    status, _, said = execute("linear-2d", "--treatments", "defalt")
    assert status == 2
    assert "unknown treatment 'defalt'" in said
    assert "default" in said


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(UsageError, match="seeds is 0; expected 1"):
        gr.matters("linear-2d", seeds=0)
