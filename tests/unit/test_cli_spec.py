"""GANs from TOML files on the command line: show, train --spec and compare --spec, run in this process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.commands.options import NOT_COMPARABLE
from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.runs import session
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import plan_train
from gan_rosetta.shared.runs.record import order_of_record
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.runs.run import run
from gan_rosetta.shared.spec.serialise import spec_digest, to_data
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.registry import find_backend

MINE = spec_to_toml(find_gan("linear-2d")).replace('"linear-2d"', '"my-linear"').replace("value = 0.05", "value = 0.03")


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command in an empty folder and returns its status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run_jobs_here(jobs, /, *, on_outcome, **_unused):
        outcomes = []
        for job in jobs:
            # As a worker gets it.
            order = Order.from_data(json.loads(json.dumps(job.data)))
            run(order, find_backend(order.backend), report_progress=lambda *_progress: None)
            outcomes.append(JobOutcome(settings=order, status="finished"))
            on_outcome(outcomes[-1])
        return outcomes

    monkeypatch.setattr(session, "run_jobs", run_jobs_here)

    def execute(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return execute


@pytest.mark.parametrize("gan", CATALOGUE)
def test_show_prints_a_file_to_start_from(command, gan):
    status, output, errors = command("show", gan)
    assert (status, errors) == (0, "")
    assert output == spec_to_toml(find_gan(gan))
    assert spec_from_toml(output, where="mine.toml", reserved=CATALOGUE) == find_gan(gan)


def test_show_highlights_on_a_terminal_only(command, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" not in command("show", "sine")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(cli, "output", Console(force_terminal=True, color_system="standard", width=200))
    _, output, _ = command("show", "sine")
    assert "\x1b[" in output
    assert "SaturatingGeneratorLoss" in output


def test_show_knows_no_other_names(command):
    status, output, errors = command("show", "sinus")
    assert (status, output) == (2, "")
    assert errors.startswith("gan-rosetta: unknown GAN 'sinus': did you mean 'sine'?")


def test_train_takes_a_file(command):
    Path("mine.toml").write_text(MINE, encoding="utf-8")
    status, output, errors = command(
        "train", "--spec", "mine.toml", "--backend", "numpy", "--steps", "3", "--out", "runs"
    )
    assert (status, errors) == (0, "")
    assert "my-linear" in output
    record = json.loads(Path("runs/my-linear/numpy/record.json").read_text(encoding="utf-8"))
    spec = spec_from_toml(MINE, where="mine.toml").with_steps(training=3)
    assert record["gan"] == "my-linear"
    assert record["spec"] == to_data(spec)
    assert record["hashes"]["spec"] == spec_digest(spec) != spec_digest(find_gan("linear-2d"))
    assert record["settings"]["source"] == "mine.toml"
    assert order_of_record(record).spec == spec
    assert Path("runs/my-linear/numpy/samples.png").exists()


def test_compare_takes_a_file(command):
    Path("mine.toml").write_text(MINE, encoding="utf-8")
    status, output, _ = command(
        "compare", "--spec", "mine.toml", "--backends", "numpy", "--steps", "2", "--out", "runs"
    )
    assert status == NOT_COMPARABLE
    assert "my-linear" in output
    assert "NOT COMPARABLE" in output
    assert [path.name for path in Path("runs").iterdir()] == ["my-linear"]
    record = json.loads(Path("runs/my-linear/numpy/record.json").read_text(encoding="utf-8"))
    assert record["outcome"]["training_steps"] == 2
    assert Path("runs/my-linear/comparison.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--backend", "numpy"), "expected a GAN's name or --spec FILE.toml, one of the two; found neither"),
        (("train", "sine", "--spec", "mine.toml", "--backend", "numpy"), "one of the two; found both"),
        (("compare", "sine", "linear-2d", "--spec", "mine.toml"), "not both; found sine, linear-2d and mine.toml"),
        (
            ("train", "--spec", "none.toml", "--backend", "numpy"),
            "none.toml cannot be read (No such file or directory)",
        ),
        (
            ("train", "--spec", "bad.toml", "--backend", "numpy"),
            "bad.toml, line 4: batch_size is 'four'; expected a whole",
        ),
        (("compare", "--spec", "bad.toml"), "bad.toml, line 4: batch_size is 'four'; expected a whole number"),
        (
            ("train", "--spec", "taken.toml", "--backend", "numpy"),
            "taken.toml, line 1: name 'sine' is that of another GAN",
        ),
        (("train", "--spec", "mine.toml", "--backend", "numpi"), "unknown backend 'numpi': did you mean 'numpy'?"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(command, arguments, words):
    Path("mine.toml").write_text(MINE, encoding="utf-8")
    Path("bad.toml").write_text(MINE.replace("batch_size = 4", "batch_size = 'four'"), encoding="utf-8")
    Path("taken.toml").write_text(MINE.replace('"my-linear"', '"sine"'), encoding="utf-8")
    status, output, errors = command(*arguments)
    assert (status, output) == (2, "")
    assert words in errors
    assert len(errors.splitlines()) == 1
    assert not Path("runs").exists()


def test_a_plan_keeps_the_file_as_it_was(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE, encoding="utf-8")
    request = make_request(path)
    path.write_text("no longer a GAN", encoding="utf-8")
    (job,) = plan_train([RunName(backend="numpy")], request, tmp_path / "runs").jobs
    assert job.spec == spec_from_toml(MINE, where="mine.toml")
    with pytest.raises(SpecError, match=r"mine\.toml, line 1: this is not TOML"):
        make_request(path)


def test_numbers_of_steps_are_the_files_own_unless_asked_for(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(spec_to_toml(find_gan("mnist-conv")), encoding="utf-8")
    assert make_request(path).resolve().training.num_steps == 1800
    assert make_request(path, steps=7).resolve().training.num_steps == 7
    assert make_request("mnist-conv").resolve().training.num_steps == 1
