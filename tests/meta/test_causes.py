"""Why a program is off is named where the catalogue has it, and never something else: faults planted and explained."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.conformance.frameworks import configure_once
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.diagnose.causes import explain
from gan_rosetta.shared.diagnose.explanation import Explanation
from gan_rosetta.shared.diagnose.replay import ObservedStep
from gan_rosetta.shared.diagnose.starts import find_start
from gan_rosetta.shared.faults import FAULTS, Plant, PlantedTrainer, find_fault
from gan_rosetta.shared.faults.defaults import DEFAULTS
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import ConstantRate, GanSpec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import build_reference, installed_version, load_trainer

SEED = 3
NUM_STEPS = 2
GAN = "linear-2d"
LOSSES = {("discriminator", "loss", "loss"), ("generator", "loss", "loss")}


@cache
def states(gan: str) -> list[dict[str, np.ndarray]]:
    """Return the right state before each of the first steps."""
    spec = find_gan(gan).with_steps(pretraining=0)
    trainer = build_reference(spec, dtype="float64")
    trainer.load_state(initial_state(spec, seed=SEED))
    found = []
    for step in range(NUM_STEPS):
        found.append(trainer.export_state())
        trainer.train(trainer.stage(chunk(spec, step)))
    return found


def chunk(spec: GanSpec, step: int, *, num_steps: int = 1):
    tape = SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))
    return make_chunk(tape, spec, "adversarial", first_step=step, num_steps=num_steps)


def observed(
    spec: GanSpec, plants: list[Plant], *, num_steps: int = NUM_STEPS, backend: str = "numpy"
) -> list[ObservedStep]:
    """Return what a program with faults computes in the first steps, each from the right state."""
    built = plants[-1].spec if plants else spec
    trainer = load_trainer(BACKENDS[backend]).build(built, device="cpu", dtype="float64", execution="eager")
    for plant in plants:
        trainer = PlantedTrainer(trainer, replace(plant, spec=plants[-1].spec))
    steps = []
    for step, state in enumerate(states(spec.name)[:num_steps]):
        trainer.load_state(state)
        probe = trainer.probe(chunk(spec, step))
        steps.append(
            ObservedStep(label=f"step {step}", state=state, chunk=chunk(spec, step), quantities=probe, noise={})
        )
    return steps


def why(spec: GanSpec, plants: list[Plant], **options) -> Explanation | None:
    return explain(spec, observed(spec, plants), dtype="float64", **options)


def planted(spec: GanSpec, fault: str) -> Plant:
    plant = find_fault(fault).plant(spec)
    assert plant is not None
    return plant


def gan() -> GanSpec:
    return find_gan(GAN).with_steps(pretraining=0)


PLANTED = [
    name for name, fault in FAULTS.items() if fault.plant(gan()) is not None and fault.plant(gan()).start is None
]


@pytest.fixture(params=["numpy", pytest.param("torch", marks=pytest.mark.xdist_group("diagnose-torch"))])
def backend(request) -> str:
    entry = BACKENDS[request.param]
    if installed_version(entry) is None:
        pytest.skip(f"{entry.title} is not installed: {entry.install_hint}")
    configure_once(entry.name)
    return str(entry.name)


@pytest.mark.parametrize("fault", PLANTED)
def test_what_was_planted_is_named_and_nothing_else(backend, fault):
    explanation = explain(gan(), observed(gan(), [planted(gan(), fault)], backend=backend), dtype="float64")
    assert [cause.names for cause in explanation.causes if fault in cause.names] != []
    assert len(explanation.causes) == 1, str(explanation)
    assert explanation.is_complete


@pytest.mark.parametrize("fault", ["adam-beta1", "discriminator-loss-summed", "linear-transposed", "fake-not-detached"])
def test_what_the_catalogue_lacks_is_given_no_other_name(fault):
    explanation = why(gan(), [planted(gan(), fault)], without=[fault])
    assert explanation.causes == ()
    assert str(explanation).startswith("No fault or default that is known explains it")


@pytest.mark.parametrize("fault", ["learning-rate-doubled", "adam-epsilon-hat"])
def test_what_explains_the_first_quantity_and_not_the_last_is_no_cause(fault):
    steps = observed(gan(), [planted(gan(), fault)])
    last = next(key for key in reversed(steps[-1].quantities) if key.quantity == "parameter")
    spoilt = {**steps[-1].quantities, last: steps[-1].quantities[last] * (1 + 1e-9)}
    explanation = explain(gan(), [*steps[:-1], replace(steps[-1], quantities=spoilt)], dtype="float64")
    assert explanation.causes == (), str(explanation)


def test_a_step_that_was_right_must_stay_right():
    """A rate that is wrong in the second step alone is no other constant rate, which the first step would show."""
    right = observed(gan(), [])[0]
    wrong = observed(gan(), [planted(gan(), "learning-rate-doubled")])[1]
    explanation = explain(gan(), [right, wrong], dtype="float64")
    assert "learning-rate-doubled" not in explanation.names, str(explanation)


def test_a_right_program_has_no_cause():
    assert why(gan(), []) is None


@pytest.mark.parametrize(
    ("fault", "value", "said"),
    [
        ("learning-rate-doubled", 0.002, "The learning rate of the discriminator's Adam is 0.002: set it to 0.05."),
        ("adam-epsilon-value", 3e-4, "ε of the discriminator's Adam is 0.0003: set it to 1e-08."),
        ("adam-epsilon-value", 1e-7, "ε of the discriminator's Adam is 1e-07, the default of Keras: set it to 1e-08."),
        ("adam-beta1", 0.85, "β1 of the discriminator's Adam is 0.85: set it to 0.9."),
        ("adam-beta2", 0.95, "β2 of the discriminator's Adam is 0.95: set it to 0.999."),
        ("decay-added", 0.995, "The learning rate of the discriminator's Adam is multiplied by 0.995 at each step: "),
    ],
)
def test_a_number_is_solved_for(fault, value, said):
    plant = planted(gan(), fault)
    changed = replace(plant, spec=plant.number.with_value(value))
    explanation = why(gan(), [changed])
    assert str(explanation).startswith(said)
    assert len(explanation.causes) == 1


@pytest.mark.parametrize(
    "faults",
    [
        ("adam-beta1", "generator-loss-summed"),
        ("linear-transposed", "adam-epsilon-hat"),
        ("discriminator-labels-swapped", "learning-rate-doubled"),
    ],
)
def test_two_at_once_are_named_together(faults):
    first = planted(gan(), faults[0])
    second = planted(first.spec, faults[1])
    explanation = why(gan(), [first, second])
    assert [set(cause.names) for cause in explanation.causes] == [set(faults)], str(explanation)
    assert len(explanation.causes[0].sentences) == 2


def test_in_every_place_is_said_where_one_place_does_not_do():
    spec = gan()
    changed = DEFAULTS["tensorflow:adam-epsilon"].apply(spec)
    explanation = why(spec, [Plant(spec=changed, expected=planted(spec, "adam-beta1").expected)])
    assert "ε of every Adam is 1e-07, the default of Keras: set it to 1e-08." in str(explanation)
    assert "tensorflow:adam-epsilon" in explanation.names
    assert len(explanation.causes) == 1


@pytest.mark.parametrize("fault", ["adam-epsilon-hat", "decay-added", "adam-beta1"])
def test_the_fewest_places_are_named_where_more_show_no_more(fault):
    """What G's optimizer does is seen by nobody who looks at D's phase alone."""
    steps = []
    for step in observed(gan(), [planted(gan(), fault)], num_steps=2):
        seen = {key: array for key, array in step.quantities.items() if key.phase == "discriminator"}
        steps.append(replace(step, quantities=seen, is_whole=False))
    explanation = explain(gan(), steps, dtype="float64")
    assert "the discriminator's Adam" in str(explanation)
    assert len(explanation.causes) == 1, str(explanation)


def losses_seen(spec: GanSpec, plant: Plant, last: int) -> ObservedStep:
    """Return what a program's own losses tell of a step: all those before it are trained, and not looked into."""
    state = initial_state(spec, seed=SEED)
    trainer = build_reference(plant.spec, dtype="float64")
    trainer.load_state(state)
    if last:
        trainer.train(trainer.stage(chunk(spec, 0, num_steps=last)))
    probe = trainer.probe(chunk(spec, last))
    return ObservedStep(
        label=f"step {last}",
        state=state,
        chunk=chunk(spec, 0, num_steps=last + 1),
        quantities={key: array for key, array in probe.items() if (key.phase, key.quantity, key.name) in LOSSES},
        noise={},
        is_whole=False,
    )


@pytest.mark.parametrize(("rate", "is_named"), [(0.03, True), (0.0271828182845904, False)])
def test_a_number_that_only_one_step_tells_of_must_be_one_that_somebody_wrote(rate, is_named):
    """Of a loss alone, seen once, any number of many digits could be the cause; one of few digits is no accident."""
    plant = planted(gan(), "learning-rate-doubled")
    changed = replace(plant, spec=plant.number.with_value(rate))
    explanation = explain(gan(), [losses_seen(gan(), changed, 1)], dtype="float64")
    assert explanation.names == (("learning-rate-doubled",) if is_named else ()), str(explanation)


def test_losses_of_several_steps_from_the_start_are_enough():
    plant = planted(gan(), "adam-beta2")
    explanation = explain(gan(), [losses_seen(gan(), plant, last) for last in range(4)], dtype="float64")
    assert explanation.names == ("adam-beta2",), str(explanation)


def test_initial_values_are_known_by_their_spread():
    spec = find_gan("mnist-wgan-gp")
    given = initial_state(spec, seed=SEED)
    for framework in ("tensorflow", "mxnet"):
        default = DEFAULTS[f"{framework}:initial-values"]
        held = initial_state(default.apply(spec), seed=SEED + 1)
        assert find_start(spec, given, held) == default
        said = str(explain(spec, [], dtype="float64", given=given, held=held))
        assert said.startswith(f"Initial values are not those that were given, but drawn as {default.title} draws them")
    # Drawn as the GAN's own are, which are torch's, nobody can be told by them.
    assert find_start(spec, given, initial_state(spec, seed=SEED + 1)) is None
    # Nor of too few values.
    few = {**given, "discriminator.linear3.bias": np.array([0.0])}
    assert find_start(spec, given, few) is None


def test_a_value_that_no_spread_has_is_given_no_cause():
    spec = find_gan("mnist-wgan-gp")
    given = initial_state(spec, seed=SEED)
    held = {**given, "generator.linear1.weight": 3 * given["generator.linear1.weight"]}
    explanation = explain(spec, [], dtype="float64", given=given, held=held)
    assert explanation.causes == ()


def test_a_rate_that_no_single_number_explains_is_not_named():
    """Two optimizers with rates wrong by their own amounts are two faults, and named as two."""
    spec = gan()
    training = replace(
        spec.training,
        discriminator_optimizer=replace(spec.training.discriminator_optimizer, learning_rate=ConstantRate(value=0.04)),
        generator_optimizer=replace(spec.training.generator_optimizer, learning_rate=ConstantRate(value=0.03)),
    )
    plant = Plant(spec=replace(spec, training=training), expected=planted(spec, "adam-beta1").expected)
    explanation = why(spec, [plant])
    assert [len(cause.sentences) for cause in explanation.causes] == [2], str(explanation)
    assert "the discriminator's Adam is 0.04: set it to 0.05." in str(explanation)
    assert "the generator's Adam is 0.03: set it to 0.01." in str(explanation)
