"""The seeded tape: what each GAN is fed, the same however the steps are cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import prepare_digits
from gan_rosetta.shared.data.tape import array_shapes, chunks, make_chunk
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import GanSpec, LinearGaussianReal, NormalLatent, StepPattern
from tests.unit.data.tapes import NUM_STEPS, PACKAGED, TAPES, assert_same_steps, joined, phases_of, tape_of


@pytest.mark.parametrize("name", CATALOGUE)
def test_chunks_hold_what_the_gan_uses(name):
    spec = find_gan(name)
    expected = {"pretraining": ["pretrain_input", "pretrain_target"], "adversarial": ["real", "latent_d"]}
    if name.startswith("gaussian") or name in ("mnist-conv", "sngan", "wgan-gp-conv", "sagan-small"):
        expected["adversarial"].append("latent_g")
    if "wgan-gp" in name or name == "dragan":
        expected["adversarial"].append("mix")
    if name == "dragan":
        expected["adversarial"].append("perturbation")
    if name not in ("gaussian-1d", "gaussian-1d-minibatch"):
        del expected["pretraining"]
    if name in ("acgan", "sgan", "sagan-small"):
        expected["adversarial"] += ["real_label", "label_d"]
    if name == "sagan-small":
        expected["adversarial"].append("label_g")
    if name == "infogan":
        expected["adversarial"].append("latent_j")
    if name in ("lsgan", "relativistic", "acgan", "sgan", "dragan", "infogan"):
        penalised = ("discriminator.mixed",) if name == "dragan" else ()
        joint = ("joint.fake",) if name == "infogan" else ()
        passes = ("discriminator.real", "discriminator.fake", *penalised, "generator.fake", *joint)
        expected["adversarial"] += [f"mask.{at}.discriminator.drop{k}" for at in passes for k in (1, 2, 3, 4)]
    if name == "dcgan-keras":
        passes = ("discriminator.real", "discriminator.fake", "generator.fake")
        expected["adversarial"] += [f"mask.{at}.discriminator.drop{k}" for at in passes for k in (1, 2)]
    if name == "cgan":
        passes = ("discriminator.real", "discriminator.fake", "generator.fake")
        expected["adversarial"] += ["real_label", "label_d"]
        expected["adversarial"] += [f"mask.{at}.discriminator.drop{k}" for at in passes for k in (2, 3)]
    assert {phase: list(array_shapes(spec, phase)) for phase in phases_of(spec)} == expected
    for phase, names in expected.items():
        chunk = make_chunk(tape_of(spec), spec, phase, first_step=3, num_steps=2)
        assert list(chunk.arrays) == names
        for array_name, shape in array_shapes(spec, phase).items():
            array = chunk.arrays[array_name]
            assert array.shape == (2, spec.batch_size, *shape)
            assert array.dtype == np.float64
            assert np.isfinite(array).all()


@pytest.mark.parametrize("name", TAPES)
def test_cuts_do_not_matter(name):
    spec = find_gan(name)
    tape = tape_of(spec)
    stop = 12 if name == "mnist-conv" else NUM_STEPS
    for phase in phases_of(spec):
        whole = joined(tape, spec, phase, size=stop, stop=stop)
        for size in (1, 7):
            assert_same_steps(joined(tape_of(spec), spec, phase, size=size, stop=stop), whole)
        late = joined(tape, spec, phase, size=5, stop=stop, first_step=stop - 6)
        assert_same_steps(late, {array: steps[-6:] for array, steps in whole.items()})


@pytest.mark.parametrize("name", TAPES)
def test_seeds_give_other_numbers(name):
    spec = find_gan(name)
    for phase in phases_of(spec):
        first, second = (
            make_chunk(tape_of(spec, seed=seed), spec, phase, first_step=0, num_steps=1) for seed in (1, 2)
        )
        for array in first.arrays:
            # Sines are what they are, and the selection of digits is the same for every seed.
            same = array == "real" and name in ("sine", "mnist-conv")
            assert np.array_equal(first.arrays[array], second.arrays[array]) == same, array


def test_chunks_are_as_large_as_they_may_be():
    spec = find_gan("gaussian-1d")
    cut = [
        (chunk.first_step, chunk.num_steps)
        for chunk in chunks(tape_of(spec), spec, "adversarial", first_step=5, stop=30, size=10)
    ]
    assert cut == [(5, 10), (15, 10), (25, 5)]


def test_chunks_say_where_the_discriminator_trains():
    spec = find_gan("mnist-conv")
    trains = [make_chunk(tape_of(spec), spec, "adversarial", first_step=4, num_steps=12).trains_discriminator]
    np.testing.assert_array_equal(np.flatnonzero(trains[0]) + 4, [5, 9, 14])
    pretraining = find_gan("gaussian-1d")
    chunk = make_chunk(tape_of(pretraining), pretraining, "pretraining", first_step=0, num_steps=3)
    assert not chunk.trains_discriminator.any()


def test_wgan_gp_keeps_the_short_last_batch():
    spec = find_gan("mnist-wgan-gp")
    tape = tape_of(spec)
    cut = [
        (chunk.first_step, chunk.num_steps, chunk.batch_size)
        for chunk in chunks(tape, spec, "adversarial", first_step=70, stop=100, size=20)
    ]
    assert cut == [(70, 8, 64), (78, 1, 8), (79, 20, 64), (99, 1, 64)]
    steps = joined(tape, spec, "adversarial", size=100, stop=79)
    assert {name: array[-1].shape for name, array in steps.items()} == {
        "real": (8, 1, 28, 28),
        "latent_d": (8, 100),
        "mix": (8, 1, 1, 1),
    }
    epoch = np.concatenate(steps["real"]).reshape(5000, -1)
    pool = prepare_digits(PACKAGED.load(), spec.real).reshape(5000, -1)
    assert sorted(map(bytes, epoch)) == sorted(map(bytes, pool))
    second = np.concatenate(joined(tape, spec, "adversarial", size=100, first_step=79, stop=158)["real"])
    assert not np.array_equal(second.reshape(5000, -1), epoch)


@pytest.mark.parametrize("array", ["latent_d", "mix"])
def test_a_short_batch_draws_numbers_of_its_own(array):
    spec = find_gan("mnist-wgan-gp")
    drawn = np.concatenate(
        [step.ravel() for step in joined(tape_of(spec), spec, "adversarial", size=40, stop=160)[array]]
    )
    assert len(np.unique(drawn)) == len(drawn)


def test_a_pool_smaller_than_a_batch_is_always_short():
    spec = find_gan("linear-2d")
    few = replace(spec, real=replace(spec.real, num_points=3))
    steps = joined(tape_of(few), few, "adversarial", size=4, stop=5)
    assert [len(step) for step in steps["latent_d"]] == [3] * 5
    assert any(not np.array_equal(first, second) for first, second in pairwise(steps["real"]))


@pytest.mark.parametrize("name", CATALOGUE)
def test_periods_are_true(name):
    spec = find_gan(name)
    tape = tape_of(spec)
    expected = {
        "sine": {"real": 1},
        "mnist-conv": {"real": 9, "latent_d": 1, "latent_g": 1},
    }
    periods = {array: tape.period(array) for phase in phases_of(spec) for array in array_shapes(spec, phase)}
    assert {array: period for array, period in periods.items() if period is not None} == expected.get(name, {})
    sizes = [tape.batch_size("adversarial", step) for step in range(2 * 79)]
    period = tape.period("batch_size")
    # Of the 5000 digits 8 are left out, and each of the 78 batches serves five steps.
    special = {"mnist-conv": 9, "sngan": 5 * 78, "wgan-gp-conv": 100, "dcgan-keras": 19, "sagan-small": 78}
    special["context-encoder"] = 625
    of_digits = special.get(name) or (
        79
        if "wgan" in name
        or name in ("lsgan", "cgan", "dcgan", "relativistic", "acgan", "sgan", "dragan", "ebgan", "began", "infogan")
        else None
    )
    assert period == (of_digits or (250 if name == "linear-2d" else 1))
    assert all(size == sizes[step % period] for step, size in enumerate(sizes))


def test_a_batch_serves_several_steps():
    spec = find_gan("sngan")
    few = replace(spec, batch_size=4, real=replace(spec.real, num_images=11))
    steps = joined(tape_of(few), few, "adversarial", size=3, stop=21)
    assert [len(step) for step in steps["real"]] == [4] * 21
    assert tape_of(few).steps_per_epoch() == 10
    served = [step.tobytes() for step in steps["real"]]
    assert [served.index(one) // 5 for one in served[:20]] == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    # The three that are left out are others in each epoch.
    images = prepare_digits(PACKAGED.load(), few.real)
    assert {image.tobytes() for step in steps["real"][:10] for image in step} != {
        image.tobytes() for step in steps["real"][10:20] for image in step
    }
    assert all(image.tobytes() in {own.tobytes() for own in images} for image in steps["real"][0])
    assert len({step.tobytes() for step in steps["latent_d"]}) == 21
    chunk = make_chunk(tape_of(few), few, "adversarial", first_step=8, num_steps=4)
    assert chunk.passes_before == (0, 0, 1, 1)
    assert chunk.steps(slice(2, 3)).passes_before == (1,)
    assert chunk.trains_generator.tolist() == [False, True, False, False]


def test_fresh_samples_serve_several_steps_too():
    spec = find_gan("gaussian-1d")
    often = replace(spec, training=replace(spec.training, steps_per_batch=3))
    once, thrice = (joined(tape_of(each), each, "adversarial", size=4, stop=9)["real"] for each in (spec, often))
    np.testing.assert_array_equal(np.stack(thrice), np.repeat(np.stack(once)[:3], 3, axis=0))


def test_classes_are_drawn_once_where_the_noise_is():
    spec = find_gan("cgan")
    spec = replace(spec, latent=replace(spec.latent, redraw="never"))
    steps = joined(tape_of(spec), spec, "adversarial", size=3, stop=80)["label_d"]
    np.testing.assert_array_equal(steps[0], steps[5])
    np.testing.assert_array_equal(steps[78], steps[0][: len(steps[78])])
    assert tape_of(spec).period("label_d") == 1


def test_fixed_noise_of_a_short_batch_is_the_start_of_a_whole_one():
    spec = find_gan("linear-2d")
    fixed = replace(
        spec,
        latent=NormalLatent(shape=(2,), redraw="never"),
        real=LinearGaussianReal(matrix=((1.0, 0.0), (0.0, 1.0)), offset=(0.0, 0.0), num_points=6),
    )
    steps = joined(tape_of(fixed), fixed, "adversarial", size=9, stop=4)["latent_d"]
    assert [len(step) for step in steps] == [4, 2, 4, 2]
    np.testing.assert_array_equal(steps[0], steps[2])
    np.testing.assert_array_equal(steps[1], steps[0][:2])


def test_pattern_offsets_follow_the_run_not_the_chunk():
    spec = find_gan("gaussian-1d")
    every_third = replace(
        spec, training=replace(spec.training, discriminator_steps=StepPattern(period=3, offsets=(1,)))
    )
    whole = np.concatenate(
        [
            c.trains_discriminator
            for c in chunks(tape_of(spec), every_third, "adversarial", first_step=0, stop=11, size=4)
        ]
    )
    np.testing.assert_array_equal(np.flatnonzero(whole), [1, 4, 7, 10])


def test_masks_are_shared_where_the_batch_is_shown_once():
    spec = replace(find_gan("dcgan-keras"), batch_size=4)
    kept = {
        at: f"mask.{at}.discriminator.drop2" for at in ("generator.fake", "discriminator.fake", "discriminator.real")
    }

    def arrays(spec: GanSpec) -> dict[str, np.ndarray]:
        return tape_of(spec).arrays("adversarial", first_step=5, num_steps=2)

    shared, separate = arrays(spec), arrays(replace(spec, training=replace(spec.training, dropout_masks="separate")))
    np.testing.assert_array_equal(shared[kept["generator.fake"]], shared[kept["discriminator.fake"]])
    assert (shared[kept["discriminator.real"]] != shared[kept["discriminator.fake"]]).any()
    assert (separate[kept["generator.fake"]] != separate[kept["discriminator.fake"]]).any()
    for at in ("discriminator.fake", "discriminator.real"):
        np.testing.assert_array_equal(shared[kept[at]], separate[kept[at]])
