"""A case: what a program is fed and records, errors that say what was wrong, and never AGREE for what was not seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import ConstantRate, StepPattern
from gan_rosetta.shared.workers.registry import build_reference

STEPS = 12


class Program:
    """A program from outside that happens to be the reference, rounding in its own way."""

    def __init__(self, case, *, spec=None, dtype="float64", seed=1000):
        self.spec = spec or case.spec
        self.trainer = build_reference(self.spec, dtype=dtype)
        self.trainer.load_state(case.initial_state)
        self.trainer.perturb(seed=seed)

    def train(self, step):
        arrays = {name: np.asarray(array, np.float64)[np.newaxis] for name, array in step.arrays.items()}
        trains = np.array([step.phase == "adversarial" and step.trains_discriminator])
        chunk = Chunk(
            phase=step.phase,
            first_step=step.index,
            arrays=arrays,
            trains_discriminator=trains,
            trains_generator=np.array([step.trains_generator]),
        )
        losses = self.trainer.train(self.trainer.stage(chunk))
        names = ("pretraining",) if step.phase == "pretraining" else self.spec.training.loss_names
        resting = () if step.trains_generator else ("generator",)
        return {name: getattr(losses, name)[0] for name in names if name not in resting}


def run(case, *, stop=None, change=None, **options):
    program = Program(case, **options)
    for done, step in enumerate(case, start=1):
        losses = program.train(step)
        step.record(**(losses if change is None else change(step, losses)))
        if done == stop:
            break
    return case.judge()


def with_rate(spec, rate):
    optimizer = replace(spec.training.discriminator_optimizer, learning_rate=ConstantRate(value=rate))
    return replace(spec, training=replace(spec.training, discriminator_optimizer=optimizer))


@pytest.mark.parametrize("gan", ["linear-2d", "gaussian-1d", "sine"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_program_agrees(gan, dtype):
    judgement = run(gr.case(gan, steps=STEPS, pretrain_steps=5, dtype=dtype), dtype=dtype)
    assert judgement.verdict == "AGREE", judgement.sentence
    assert (judgement.checked_steps, judgement.num_steps, judgement.first) == (STEPS, STEPS, None)
    judgement.assert_agrees()


def test_the_loss_of_a_third_update_is_recorded_and_judged():
    assert run(gr.case(MADE_UP["coded-2d"], steps=4)).verdict == "AGREE"
    case = gr.case(MADE_UP["coded-2d"], steps=4)
    with pytest.raises(UsageError, match="twice a step, by its own optimizer and by the joint one"):
        case.watch(generator=object())
    judgement = run(case, change=lambda step, losses: losses | {"joint": losses["joint"] * (1 + 1e-6 * step.index)})
    assert judgement.verdict == "DISAGREE"
    assert (judgement.step, judgement.first.phase) == ("step 1", "joint")
    with pytest.raises(UsageError, match=r"without step\.record\(joint=…\)"):
        run(gr.case(MADE_UP["coded-2d"], steps=4), change=lambda _, losses: {**losses, "joint": None})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_another_learning_rate_shows_in_the_step_after(dtype):
    case = gr.case("linear-2d", steps=STEPS, dtype=dtype)
    rate = case.spec.training.discriminator_optimizer.learning_rate.value
    judgement = run(case, spec=with_rate(case.spec, 1.01 * rate), dtype=dtype)
    assert judgement.verdict == "DISAGREE"
    # D's loss of step 0 is from before its update, G's from after it.
    assert (judgement.step, judgement.first.phase, judgement.first.quantity) == ("step 0", "generator", "loss")
    assert judgement.first.in_noise > 50
    with pytest.raises(AssertionError, match=r"first in step 0, generator phase, loss: 0.[0-9]* for 0.[0-9]*"):
        judgement.assert_agrees()


def test_the_first_place_is_first_in_order_of_execution():
    def change(step, losses):
        if step.phase == "pretraining":
            return {"pretraining": losses["pretraining"] * (1.5 if step.index == 3 else 1)}
        return {name: loss * 1.5 for name, loss in losses.items()}

    judgement = run(gr.case("gaussian-1d", steps=4, pretrain_steps=5), change=change)
    assert (judgement.step, judgement.first.phase) == ("pretraining step 3", "pretraining")
    later = run(gr.case("gaussian-1d", steps=4, pretrain_steps=0), change=change)
    assert (later.step, later.first.phase) == ("step 0", "discriminator")
    generator_first = run(gr.case("sine", steps=4), change=change)
    assert (generator_first.step, generator_first.first.phase) == ("step 0", "generator")


def test_float32_is_judged_by_float32s_yardstick_and_not_by_float64s():
    judgement = run(gr.case("linear-2d", steps=STEPS), dtype="float32")
    assert judgement.verdict == "DISAGREE"
    assert "the program's losses are of float32, the case is of float64" in judgement.notes[-1]


def test_what_is_fed_is_the_tape_and_the_initial_state_and_copies_of_them():
    case = gr.case("gaussian-1d", steps=2, pretrain_steps=1, dtype="float32")
    run_of_suite = gr.train("gaussian-1d", run="numpy", steps=1, pretrain_steps=1)
    assert set(case.initial_state) == set(run_of_suite.state)
    assert case.initial_state["discriminator.hidden1.weight"].dtype == np.float32
    case.initial_state["discriminator.hidden1.weight"][...] = np.nan
    assert np.isfinite(case.initial_state["discriminator.hidden1.weight"]).all()
    steps = []
    for step in case:
        steps.append(step)
        step.record(**({"pretraining": 1} if step.phase == "pretraining" else {"discriminator": 1, "generator": 1}))
        for array in step.arrays.values():
            array[...] = np.nan
    assert [(step.phase, step.index) for step in steps] == [("pretraining", 0), ("adversarial", 0), ("adversarial", 1)]
    assert list(steps[0].arrays) == ["pretrain_input", "pretrain_target"]
    assert list(steps[1].arrays) == ["real", "latent_d", "latent_g"]
    assert steps[1].real.shape == (12, 1)
    with pytest.raises(AttributeError, match="step 0 is fed no mix, only real, latent_d, latent_g"):
        _ = steps[1].mix
    assert case.judge().first.expected == pytest.approx(run_of_suite.losses["pretraining"][0], rel=1e-6)
    assert len(case) == 3


@pytest.mark.parametrize("stop", [1, 6, STEPS - 1])
def test_a_program_that_stops_early_never_agrees(stop):
    judgement = run(gr.case("linear-2d", steps=STEPS), stop=stop)
    assert judgement.verdict == "NOT COMPARABLE"
    assert judgement.reason.startswith(f"the program recorded {stop} of {STEPS} steps")
    with pytest.raises(AssertionError, match=f"recorded {stop} of {STEPS}"):
        judgement.assert_agrees()


def test_a_program_that_stops_early_and_is_wrong_disagrees():
    judgement = run(gr.case("linear-2d", steps=STEPS), stop=4, change=lambda _, losses: dict.fromkeys(losses, 0.5))
    assert judgement.verdict == "DISAGREE"
    assert judgement.notes == (f"the program recorded 4 of {STEPS} steps",)


def test_nothing_recorded_and_only_pretraining_are_no_agreement():
    assert gr.case("linear-2d", steps=3).judge().reason.startswith("the program recorded 0 of 3 steps")
    only = run(gr.case("gaussian-1d", steps=3, pretrain_steps=5), stop=5)
    assert (only.verdict, only.reason[:37]) == ("NOT COMPARABLE", "the program recorded 0 of 3 steps; no")
    part = run(gr.case("gaussian-1d", steps=3, pretrain_steps=5), stop=4)
    assert part.reason.startswith("the program recorded 4 of 5 pretraining steps")


def test_the_last_step_counts_where_the_program_leaves_the_loop_after_it():
    assert run(gr.case("linear-2d", steps=STEPS), stop=STEPS).verdict == "AGREE"


def test_a_nan_of_the_programs_own_disagrees_there():
    def change(step, losses):
        return {
            "discriminator": losses["discriminator"],
            "generator": np.nan if step.index == 5 else losses["generator"],
        }

    judgement = run(gr.case("linear-2d", steps=STEPS), change=change)
    assert judgement.verdict == "DISAGREE"
    assert (judgement.step, judgement.first.phase) == ("step 5", "generator")
    assert np.isnan(judgement.first.got)


def test_a_step_without_a_record_is_refused():
    case = gr.case("linear-2d", steps=3)
    steps = iter(case)
    next(steps).record(discriminator=1.0)
    with pytest.raises(UsageError, match=r"step 0 ended without step\.record\(generator=…\)"):
        next(steps)


def test_losses_may_come_one_by_one_but_not_twice_nor_late():
    case = gr.case("linear-2d", steps=3)
    steps = iter(case)
    first = next(steps)
    first.record(discriminator=1.0)
    with pytest.raises(UsageError, match="step 0: the discriminator's loss is recorded twice"):
        first.record(discriminator=1.0, generator=1.0)
    first.record(generator=1.0)
    next(steps)
    with pytest.raises(UsageError, match="step 0 has ended"):
        first.record(generator=1.0)
    with pytest.raises(UsageError, match="has been gone through"):
        iter(case)


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ({"pretraining": 1.0}, "step 0 has no loss of pretraining; record discriminator and generator"),
        ({"generator": "0.7"}, "is a str of <U3; expected real numbers"),
        ({"generator": True}, "is a bool"),
        ({"generator": 1j}, "complex"),
        ({"generator": [0.1, 0.2]}, r"is an array of shape \(2,\); expected one number"),
        ({"generator": np.zeros(0)}, r"shape \(0,\)"),
    ],
)
def test_what_is_no_loss_is_refused(losses, message):
    step = next(iter(gr.case("linear-2d", steps=1)))
    with pytest.raises(UsageError, match=message):
        step.record(**losses)


def test_numbers_of_all_kinds_are_taken():
    values = [0.5, 1, np.float32(0.5), np.array([[0.5]]), np.array(0.5, np.float16)]
    case = gr.case("linear-2d", steps=len(values))
    for step, value in zip(case, values, strict=True):
        step.record(discriminator=value, generator=value)
    assert case.judge().losses[0].num_recorded == len(values)


def test_a_discriminator_that_does_not_train_leaves_its_loss_out():
    case = gr.case("mnist-conv", steps=2, batch_size=2)
    steps = iter(case)
    assert next(steps).trains_discriminator
    case = gr.case(replace(gr.spec("linear-2d"), name="every-other", training=_every_other()), steps=4)
    steps = list(_recorded(case))
    assert [step.trains_discriminator for step in steps] == [True, False, True, False]


def test_a_generator_that_rests_by_the_place_in_the_epoch_leaves_its_loss_out():
    spec = gr.spec("linear-2d")
    turns = StepPattern(period=3, offsets=(0,), counted="epoch")
    training = replace(spec.training, fake_batch="regenerated", generator_steps=turns)
    real = replace(spec.real, num_points=4 * spec.batch_size)
    case = gr.case(replace(spec, name="every-third", real=real, training=training), steps=6)
    judgement = run(case, change=lambda step, losses: losses)
    assert judgement.verdict == "AGREE", judgement.sentence
    assert [math.isnan(loss) for loss in case._recording.losses["generator"]] == [False, True, True, False, False, True]


def test_another_programs_update_in_a_step_without_one_is_told():
    case = gr.case(replace(gr.spec("linear-2d"), name="every-other", training=_every_other()), steps=4)
    steps = iter(case)
    next(steps).record(discriminator=1.0, generator=1.0)
    step = next(steps)
    with pytest.raises(UsageError, match="the discriminator does not train in this step"):
        step.record(discriminator=1.0)


def test_a_right_program_with_a_resting_discriminator_agrees():
    spec = replace(gr.spec("linear-2d"), name="every-other", training=_every_other())
    judgement = run(
        gr.case(spec, steps=6),
        change=lambda step, losses: {
            name: loss for name, loss in losses.items() if name != "discriminator" or step.trains_discriminator
        },
    )
    assert judgement.verdict == "AGREE", judgement.sentence


def test_a_judgement_shows_itself_and_as_data():
    judgement = run(gr.case("linear-2d", steps=3))
    assert "<b>linear-2d: AGREE</b>" in judgement._repr_html_()
    data = judgement.as_data()
    assert (data["verdict"], data["first"], data["checked_steps"], data["num_steps"]) == ("AGREE", None, 3, 3)
    assert [loss["name"] for loss in data["losses"]] == ["discriminator", "generator"]
    assert all(loss["largest_relative_difference"] < 1e-12 for loss in data["losses"])


def test_gans_from_files_and_errors_in_pythons_words(tmp_path):
    from gan_rosetta.shared.spec.toml_file import spec_to_toml  # noqa: PLC0415

    path = tmp_path / "mine.toml"
    path.write_text(spec_to_toml(replace(gr.spec("linear-2d"), name="mine")), encoding="utf-8")
    assert gr.case(str(path), steps=3).spec.name == gr.case(path, steps=3).spec.name == "mine"
    with pytest.raises(UsageError, match=r"^steps is 0; expected 1 or more"):
        gr.case("linear-2d", steps=0)
    with pytest.raises(UsageError, match="unknown GAN 'linear'"):
        gr.case("linear")
    with pytest.raises(UsageError, match="unknown backend 'keras'"):
        gr.case("linear-2d", framework="keras")


def _every_other():
    from gan_rosetta.shared.spec import StepPattern  # noqa: PLC0415

    training = gr.spec("linear-2d").training
    pattern = StepPattern(period=2, offsets=(0,))
    return replace(training, discriminator_steps=pattern, fake_batch="regenerated")


def _recorded(case):
    for step in case:
        step.record(generator=1.0, discriminator=1.0 if step.trains_discriminator else None)
        yield step


def test_pictures_of_ones_own_are_fed_in_place_of_digits(tmp_path):
    levels = np.arange(0, 240, 20, dtype=np.uint8)
    np.savez(tmp_path / "flat.npz", images=np.broadcast_to(levels[:, None, None], (12, 28, 28)))
    case = gr.case("mnist-wgan-gp", images=tmp_path / "flat.npz", batch_size=4, steps=1)
    step = next(iter(case))
    images = np.asarray(step.real).reshape(-1, 784)
    assert (images == images[:, :1]).all()
    low, high = case.spec.real.low, case.spec.real.high
    np.testing.assert_allclose(np.isin(np.round((images[:, 0] - low) / (high - low) * 255), levels), True)
    with pytest.raises(UsageError, match="takes no images"):
        gr.case("linear-2d", images=tmp_path / "flat.npz")
