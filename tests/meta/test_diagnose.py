"""A diagnosis finds a planted fault where it is, and nothing where none is: walks in this process, of real backends."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.commands.options import DISAGREEMENT
from gan_rosetta.shared.conformance.frameworks import configure_once
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.diagnose import session
from gan_rosetta.shared.diagnose.job import DiagnosisJob, run_diagnosis_job
from gan_rosetta.shared.diagnose.reference import walk_reference
from gan_rosetta.shared.diagnose.rows import Row, first_offender
from gan_rosetta.shared.diagnose.visits import Visit, plan_visits
from gan_rosetta.shared.diagnose.walk import walk_backend
from gan_rosetta.shared.faults import FAULTS, Location, PlantedTrainer, find_fault
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.registry import find_backend, installed_version, load_trainer

SEED = 3
NUM_STEPS = 2
FAMILIES = {
    "optimizer": ("adam-epsilon-hat", "adam-beta1", "adam-no-bias-correction", "learning-rate-doubled"),
    "layer": ("linear-transposed", "glorot-initialisation", "minibatch-self-distance"),
    "loss": (
        "discriminator-loss-summed",
        "generator-labels-swapped",
        "pretraining-loss-summed",
        "log-clamp",
    ),
    "step": ("fake-not-detached", "latent-redrawn", "latent-shared", "update-order-swapped"),
}
GANS = ("linear-2d", "gaussian-1d-minibatch")
# Free of the reference's state, a diagnosis has no saturated visit, the only one in which a clamp acts.
FORCED_ONLY = {"log-clamp"}


def small(gan: str) -> GanSpec:
    return find_gan(gan).with_steps(pretraining=10, training=10)


def planted_cases() -> list[tuple[str, str]]:
    faults = [fault for family in FAMILIES.values() for fault in family]
    return [(gan, fault) for gan in GANS for fault in faults if FAULTS[fault].plant(small(gan)) is not None]


@pytest.fixture(params=["numpy", pytest.param("torch", marks=pytest.mark.xdist_group("diagnose-torch"))])
def backend(request) -> str:
    entry = BACKENDS[request.param]
    if installed_version(entry) is None:
        pytest.skip(f"{entry.title} is not installed: {entry.install_hint}")
    configure_once(entry.name)
    return str(entry.name)


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Return a function that gives the folder in which the reference left its side of a walk."""

    @cache
    def walk(gan: str, forced: bool) -> Path:
        spec = small(gan)
        folder = Path(tmp_path_factory.mktemp(f"{gan}-{'forced' if forced else 'free'}"))
        walk_reference(
            lambda: load_trainer(BACKENDS["numpy"]).build(spec, device="cpu", dtype="float64", execution="eager"),
            spec,
            initial_state(spec, seed=SEED),
            tape(spec),
            visits=visits(spec, forced),
            folder=folder,
            forced=forced,
            dtype="float64",
            report_progress=lambda _done, _total: None,
        )
        return folder

    return walk


def tape(spec: GanSpec) -> SeededTape:
    return SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))


def visits(spec: GanSpec, forced: bool) -> tuple[Visit, ...]:
    return plan_visits(spec, num_steps=NUM_STEPS, forced=forced)


def diagnosed(backend: str, gan: str, fault: str | None, folder: Path, *, forced: bool) -> list[Row]:
    spec = small(gan)
    plant = None if fault is None else find_fault(fault).plant(spec)
    built = spec if plant is None else plant.spec
    trainer = load_trainer(BACKENDS[backend]).build(built, device="cpu", dtype="float64", execution="eager")
    return walk_backend(
        trainer if plant is None else PlantedTrainer(trainer, plant),
        spec,
        initial_state(spec, seed=SEED),
        tape(spec),
        visits=visits(spec, forced),
        folder=folder,
        forced=forced,
        dtype="float64",
        report_progress=lambda _done, _total: None,
    ).rows


def test_each_family_has_several_faults_here():
    covered = {fault for _, fault in planted_cases()}
    for family, faults in FAMILIES.items():
        assert len(covered & set(faults)) >= 3, family


@pytest.mark.parametrize("forced", [True, False], ids=["forced", "free"])
@pytest.mark.parametrize(("gan", "fault"), planted_cases())
def test_a_planted_fault_is_found_at_its_place(backend, references, gan, fault, forced):
    if fault in FORCED_ONLY and not forced:
        pytest.skip("a free diagnosis has no saturated visit")
    rows = diagnosed(backend, gan, fault, references(gan, forced), forced=forced)
    plant = find_fault(fault).plant(small(gan))
    assert plant is not None
    found = first_offender(rows)
    assert found is not None
    assert plant.expected.matches(found.phase, found.quantity, found.name), found
    expected_visit = "step 0, D saturated" if fault == "log-clamp" else rows[0].visit
    if plant.expected.phase in ("discriminator", "generator") and fault != "log-clamp":
        expected_visit = "step 0"
    assert found.visit == expected_visit


@pytest.mark.parametrize("forced", [True, False], ids=["forced", "free"])
@pytest.mark.parametrize("gan", GANS)
def test_without_a_fault_nothing_alarms(backend, references, gan, forced):
    rows = diagnosed(backend, gan, None, references(gan, forced), forced=forced)
    assert first_offender(rows) is None
    # It looked: at every visit, and at everything that a step computes.
    assert {row.visit for row in rows} == {visit.label for visit in visits(small(gan), forced)}
    assert {row.quantity for row in rows} >= {"output", "loss", "gradient", "parameter", "counter"}
    assert sum(row.is_comparable for row in rows) > 100


def test_a_place_is_matched_by_phase_quantity_and_name():
    place = Location(phase="generator", quantities=("output", "loss"), names=("a", "b"))
    assert place.matches("generator", "loss", "b")
    assert not place.matches("discriminator", "loss", "b")
    assert not place.matches("generator", "gradient", "b")
    assert not place.matches("generator", "loss", "c")
    anywhere = Location(phase="generator", quantities=("order",))
    assert anywhere.matches("generator", "order", "whatever")


@pytest.fixture
def command(monkeypatch, capsys):
    """Return a function that runs `gan-rosetta diagnose` in this process and returns its status and what it printed."""

    def run_jobs_here(jobs, /, *, num_slots, on_progress, on_outcome):
        outcomes = []
        for job in jobs:
            # As a worker gets it.
            request = DiagnosisJob.from_data(json.loads(json.dumps(job.data)))
            run_diagnosis_job(request, find_backend(job.settings.backend), report_progress=lambda *_progress: None)
            outcomes.append(JobOutcome(settings=job.settings, status="finished"))
            on_outcome(outcomes[-1])
        return outcomes

    monkeypatch.setattr(session, "run_jobs", run_jobs_here)
    monkeypatch.setenv("COLUMNS", "200")

    def execute(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", "diagnose", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return execute


def test_the_command_s_status_is_1_with_a_fault_and_0_without(command):
    arguments = ("linear-2d", "--backends", "numpy", "--steps", "1")
    status, output, _ = command(*arguments, "--plant", "adam-beta1")
    assert status == DISAGREEMENT == 1
    assert "numpy is wrong, first in step 0, discriminator phase, slot of" in output
    assert "why: β1 of the discriminator's Adam is 0.5: set it to 0.9." in output
    status, output, _ = command(*arguments)
    assert status == 0
    assert "none beyond rounding" in output
    assert "is wrong" not in output


def test_the_cause_is_named_of_a_run_that_trains_on_its_own_too(command):
    arguments = ("linear-2d", "--backends", "numpy", "--steps", "3", "--free", "--plant", "decay-added")
    status, output, _ = command(*arguments)
    assert status == DISAGREEMENT
    assert "why: The learning rate of the discriminator's Adam is multiplied by 0.98 at each step" in output


def test_initial_values_of_another_framework_are_named(command):
    status, output, _ = command("sine", "--backends", "numpy", "--steps", "1", "--plant", "glorot-initialisation")
    assert status == DISAGREEMENT
    assert "first in step 0, start phase, parameter of discriminator.output.weight" in output
    assert "why: Initial values are not those that were given, but drawn as Keras draws them" in output


def test_the_command_s_json(command):
    status, output, _ = command(
        "linear-2d", "--backends", "numpy", "--steps", "1", "--plant", "numpy:discriminator-loss-summed", "--json"
    )
    assert status == 1
    data = json.loads(output)
    assert data["planted"] == {"numpy": "discriminator-loss-summed"}
    assert data["wrong"] == ["numpy"]
    assert [cause["names"] for cause in data["runs"]["numpy"]["cause"]["causes"]] == [["discriminator-loss-summed"]]
    first = data["runs"]["numpy"]["first_offender"]
    assert (first["visit"], first["phase"], first["quantity"]) == ("step 0", "discriminator", "loss")
    # Summed over a batch of 4 in place of averaged.
    assert first["got"] == pytest.approx(4 * first["expected"], rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--plant", "adam-betta1"), "unknown fault 'adam-betta1': did you mean 'adam-beta1'?"),
        (("--plant", "torch:adam-beta1"), "'torch' is not diagnosed; expected one of numpy"),
        (("--plant", "batch-norm-epsilon"), "fault 'batch-norm-epsilon' has nothing to touch in 'linear-2d'"),
        (("--plant", "adam-beta1", "--plant", "adam-beta2"), "plant one fault a run"),
        (("--steps", "0"), "--steps is 0; expected 1 or more"),
        (("--spec", "mine.toml"), "give one of the two"),
    ],
)
def test_mistakes_are_one_line_and_status_2(command, arguments, words):
    status, output, errors = command("linear-2d", "--backends", "numpy", *arguments)
    assert (status, output) == (2, "")
    assert words in errors
    assert len(errors.splitlines()) == 1
