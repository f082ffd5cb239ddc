"""`gan-rosetta defaults`, run in this process on a GAN of few steps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import gan_rosetta as gr
from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.defaults import session
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.gans.affordable import AffordableGan
from gan_rosetta.shared.matters import session as matters_session
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.seeds import job as seeds_job
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from gan_rosetta.shared.workers.jobs import JobOutcome


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command in an empty folder and returns its status and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(
        session, "make_affordable", lambda spec: AffordableGan(spec=spec.with_steps(training=4), differs="4 steps")
    )

    def run_jobs_here(jobs, /, *, num_slots, on_progress, on_outcome):
        outcomes = []
        for job in jobs:
            order = Order.from_data(job.data)
            if order.gan == "sine":
                outcomes.append(JobOutcome(settings=order, status="crash", message="out of memory"))
            else:
                session.run_defaults_job(order, report_progress=lambda *_progress: None)
                outcomes.append(JobOutcome(settings=order, status="finished"))
            on_outcome(outcomes[-1])
        return outcomes

    monkeypatch.setattr(session, "run_jobs", run_jobs_here)

    def execute(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", "defaults", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return execute


def test_a_table_a_gan_and_nothing_written(command):
    status, output, _ = command("linear-2d")
    assert status == 0
    assert "linear-2d: the frameworks' defaults (4 steps)" in output
    for framework in ("torch", "tensorflow", "mxnet"):
        assert framework in output
    assert "same" in output
    assert not list(Path().iterdir())


def test_the_page_and_its_pictures(command):
    status, output, _ = command("linear-2d", "--seed", "3", "--markdown", "page.md")
    assert status == 0
    assert output.count("Written: ") == 2
    assert {str(path) for path in Path().rglob("*.*")} == {"page.md", "pictures/defaults-linear-2d.png"}
    assert "(seed 3, float64)" in Path("page.md").read_text(encoding="utf-8")


def test_a_gan_from_a_file(command):
    text = spec_to_toml(find_gan("linear-2d")).replace('"linear-2d"', '"my-linear"')
    Path("mine.toml").write_text(text, encoding="utf-8")
    status, output, errors = command("--spec", "mine.toml")
    assert (status, errors) == (0, "")
    assert "my-linear: the frameworks' defaults (4 steps)" in output
    assert "torch, the same as the GAN's: " in output


def test_a_file_and_names_exclude_each_other(command):
    status, _, errors = command("linear-2d", "--spec", "mine.toml")
    assert (status, len(errors.splitlines())) == (2, 1)
    assert "not both; found linear-2d and mine.toml" in errors


def test_a_gan_that_fails_is_said_and_the_others_are_shown(command):
    status, output, errors = command("sine", "linear-2d")
    assert status == 3
    assert "linear-2d: the frameworks' defaults" in output
    assert "gan-rosetta: sine: out of memory" in errors


def test_no_name_is_cut_or_folded_on_a_narrow_terminal(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    _, output, _ = command("linear-2d")
    assert "…" not in output
    assert "first difference: step 0, discriminator: parameter discriminator.hidden1.weight, " in output
    assert "torch, the same as the GAN's: Adam's β1, β2; Adam's ε; where Adam's ε stands" in output


def test_over_seeds_it_says_which_defaults_change_what_comes_out(command, monkeypatch, tmp_path):
    def train_here(jobs, /, **_options):
        for job in jobs:
            seeds_job.serve(dict(job.data), BACKENDS[job.settings.backend], report_progress=lambda *_: None, kept={})
        return [JobOutcome(settings=job.settings, status="finished") for job in jobs]

    monkeypatch.setattr(matters_session, "run_jobs", train_here)
    file = tmp_path / "short.toml"
    file.write_text(spec_to_toml(find_gan("linear-2d").with_steps(training=4)), encoding="utf-8")
    status, output, _ = command("--spec", str(file), "--seeds", "36", "--markdown", "page.md")
    assert status == 0
    # Keras's initial values are spread otherwise, in every seed; where ε stands is nothing beside the gradients.
    assert "does it change what comes out over seeds? yes: " in output
    page = Path("page.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| tensorflow |")]
    answers = {row.split(" | ")[1]: row.rstrip(" |").split(" | ")[-1] for row in rows}
    assert answers["where Adam's ε stands"] == "no"
    assert answers["initial values of Linear and convolutions"].startswith("yes: ")
    assert "over 36 seeds" in page
    measured = gr.defaults(file, seeds=36)
    assert measured.changes["tensorflow", "adam-epsilon-placement"].verdict == "EQUIVALENT"
    assert "Does it change what comes out" in measured._repr_html_()
    with pytest.raises(gr.GanRosettaError, match="seeds is 36, and a step of sine is too large for many; leave it out"):
        gr.defaults("sine", seeds=36)
