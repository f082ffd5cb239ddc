"""Generated GANs must show a fault: found, kept in a file, found again from the file, and shrunk."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.reach import check_reach
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.diagnose.session import diagnose
from gan_rosetta.shared.faults import PlantedTrainer, find_fault
from gan_rosetta.shared.generate.check import find_disagreement, write_reference
from gan_rosetta.shared.generate.coverage import count_vocabulary
from gan_rosetta.shared.generate.session import GenerationPlan, draw_specs, run_generated
from gan_rosetta.shared.generate.shrink import shrink, smaller
from gan_rosetta.shared.generate.trainings import NUM_STEPS
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.spec import Adam, DigitsReal, GanSpec, GroupNorm, LeakyReLU
from gan_rosetta.shared.spec.toml_file import read_spec, spec_from_toml, spec_to_toml
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import build_reference
from gan_rosetta.shared.workers.watching import calling

_FAULTS = [
    "adam-beta2",
    "leaky-relu-slope",
    "batch-norm-momentum",
    "linear-transposed",
    "generator-loss-summed",
    "shortcut-missing",
    "shortcut-after-activation",
    "concatenation-order",
]


@pytest.fixture(scope="module")
def specs():
    return draw_specs(160, seed=5)


def _groups(layer) -> int:
    return layer.num_groups if isinstance(layer, GroupNorm) else 0


def _num_layers(spec: GanSpec) -> int:
    return len(spec.generator.placed) + len(spec.discriminator.placed)


def _touched(specs, fault):
    return [s for s in specs if find_fault(fault).plant(s) is not None and s.batch_size > 1]


def _state_after(spec, phase, *, plant=None):
    """Return the state that the reference comes to in a phase's first step, or one with a fault planted in it."""
    trainer = build_reference(spec if plant is None else plant.spec, dtype="float64")
    trainer = trainer if plant is None else PlantedTrainer(trainer, plant)
    # From where the faults are looked for.
    trainer.load_state(initial_state(spec, seed=DEFAULT_SEED))
    tape = SeededTape(spec, seed=DEFAULT_SEED, digits=DigitSource.parse(None))
    trainer.train(trainer.stage(make_chunk(tape, spec, phase, first_step=0, num_steps=1)))
    return trainer.export_state()


def _changes(spec, plant):
    """Whether a fault changes a single bit where it is to be found: one of a slope below 0 only where numbers are."""
    phase = "pretraining" if plant.expected.phase == "pretraining" else "adversarial"
    right, wrong = _state_after(spec, phase), _state_after(spec, phase, plant=plant)
    return any(not np.array_equal(right[name], wrong[name]) for name in right)


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_planted_fault_is_found(specs, fault, tmp_path):
    spec = next(spec for spec in _touched(specs, fault) if _changes(spec, find_fault(fault).plant(spec)))
    write_reference(spec, tmp_path / "reference")
    assert find_disagreement(spec, tmp_path / "reference", backend="numpy") is None
    finding = find_disagreement(spec, tmp_path / "reference", backend="numpy", fault=fault)
    expected = find_fault(fault).plant(spec).expected
    assert expected.matches(finding.row.phase, finding.row.quantity, finding.row.name), str(finding)


def test_an_error_of_a_backend_is_a_finding(specs, tmp_path):
    spec = specs[0]
    write_reference(spec, tmp_path / "reference")
    assert "cannot be read" in find_disagreement(spec, tmp_path / "elsewhere", backend="numpy").error


def test_a_failing_gan_is_shrunk_kept_and_found_again(specs, tmp_path):
    large = next(
        s
        for s in specs
        if _num_layers(s) > 8
        and s.training.num_steps == NUM_STEPS
        and isinstance(s.training.discriminator_optimizer, Adam)
        and find_fault("adam-beta2").plant(s) is not None
    )
    said: list[str] = []
    plan = GenerationPlan(specs=(large,), backends=("numpy",), fault="adam-beta2")
    (failure,) = run_generated(plan, say=said.append, out=tmp_path).failures
    assert "1 of 1 GANs, 1 disagreements" in said[-1]
    assert re.fullmatch(r"failing-[0-9a-f]{12}\.toml", failure.path.name)
    kept = read_spec(failure.path)
    assert kept == failure.spec
    assert _num_layers(kept) < _num_layers(large) / 2
    assert failure.finding.row.quantity == "slot"
    diagnosis = diagnose(
        make_request(failure.path, execution="eager"),
        [RunName(backend="numpy")],
        {"numpy": "adam-beta2"},
        forced=True,
        num_steps=3,
        watch=calling(None),
    )
    assert diagnosis.offender("numpy").name == failure.finding.row.name


def test_shrinking_keeps_what_fails_and_nothing_else(specs):
    def fails(candidates):
        return [any(isinstance(layer, LeakyReLU) for layer in s.discriminator.layers) for s in candidates]

    large = next(s for s in specs if fails([s])[0] and _num_layers(s) > 8)
    small = shrink(large, fails)
    assert fails([small]) == [True]
    # An image needs a Reshape beside the one Linear.
    assert len(small.generator.layers) == (2 if isinstance(small.real, DigitsReal) else 1)
    assert len(small.discriminator.layers) <= 3
    assert small.batch_size == 1


def test_smaller_gans_are_valid_and_differ(specs):
    in_groups = next(
        s for s in specs if any(_groups(layer) > 1 for network in s.networks().values() for layer in network.layers)
    )
    for spec in [*specs[:10], in_groups]:
        candidates = list(smaller(spec))
        assert spec not in candidates
        assert all(_num_layers(candidate) <= _num_layers(spec) + 2 for candidate in candidates)


def test_drawn_and_smaller_gans_can_be_fed(specs):
    for spec in [*specs, *(candidate for large in specs[:15] for candidate in smaller(large))]:
        check_reach(SeededTape(spec, seed=0, digits=DigitSource.parse(None)), spec)


def test_drawn_gans_are_always_the_same_and_survive_a_file(specs):
    assert draw_specs(160, seed=5) == specs
    assert draw_specs(10, seed=5) == specs[:10]
    assert draw_specs(10, seed=6) != specs[:10]
    for spec in specs:
        assert spec_from_toml(spec_to_toml(spec), where="a drawn GAN") == spec


def test_the_whole_vocabulary_is_drawn_but_codes_and_a_softmax_over_both_batches(specs):
    missing = [
        name for counts in count_vocabulary(draw_specs(300, seed=2)).values() for name, n in counts.items() if n == 0
    ]
    assert missing == [
        *("CodeError", "SoftmaxDiscriminatorLoss", "SoftmaxGeneratorLoss"),
        *("UniformLatent", "CategoryLatent", "JoinedLatent"),
    ]
