"""The seeded tape: what each GAN is fed, the same however the steps are cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from gan_rosetta.shared.data.digits import DigitSource, prepare_digits
from gan_rosetta.shared.data.tape import SeededTape, array_shapes, chunks, make_chunk, picture_latent
from gan_rosetta.shared.data.toys import mode_centres, nearest_modes, num_modes
from gan_rosetta.shared.errors import DataError, SpecError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import (
    GanSpec,
    GridReal,
    LinearGaussianReal,
    NormalLatent,
    RingReal,
    SpiralReal,
    StepPattern,
)

PACKAGED = DigitSource.parse(None)
RING = RingReal(num_modes=8, radius=3.0, standard_deviation=0.1)
GRID = GridReal(side=3, spacing=2.0, standard_deviation=0.1)
SPIRAL = SpiralReal(num_arms=3, num_turns=1.5, radius=2.0, standard_deviation=0.05)
TOYS = (RING, GRID, SPIRAL)
# The other form of the penalty is fed the same tape.
# What is left out has the arrays of others, and in its batches of large images some hundred megabytes a step.
TAPES = [
    name for name in CATALOGUE if name not in ("mnist-wgan-gp-sample", "dcgan", "dcgan-keras", "sagan-small", "sgan")
]
NUM_STEPS = 90
PHASES = ("pretraining", "adversarial")


def tape_of(spec: GanSpec, *, seed: int = 4) -> SeededTape:
    return SeededTape(spec, seed=seed, digits=PACKAGED)


def joined(tape, spec, phase, *, size: int, stop: int = NUM_STEPS, first_step: int = 0) -> dict[str, list[np.ndarray]]:
    """Each array as a list of steps, since the steps of one epoch may differ in batch size."""
    result: dict[str, list[np.ndarray]] = {}
    for chunk in chunks(tape, spec, phase, first_step=first_step, stop=stop, size=size):
        for name, array in chunk.arrays.items():
            result.setdefault(name, []).extend(array)
    return result


def assert_same_steps(first: dict[str, list[np.ndarray]], second: dict[str, list[np.ndarray]]) -> None:
    assert list(first) == list(second)
    for name, steps in first.items():
        assert len(steps) == len(second[name])
        for ours, theirs in zip(steps, second[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def phases_of(spec: GanSpec) -> list[str]:
    return [phase for phase in PHASES if array_shapes(spec, phase)]


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


def test_gaussian_samples():
    spec = find_gan("gaussian-1d")
    arrays = tape_of(spec).arrays("adversarial", first_step=0, num_steps=400)
    assert np.all(np.diff(arrays["real"], axis=1) >= 0)
    assert stats.kstest(arrays["real"].ravel(), stats.norm(4.0, 0.5).cdf).pvalue > 0.01
    jitter = arrays["latent_d"][..., 0] - np.linspace(-8, 8, 12)
    assert stats.kstest(jitter.ravel(), stats.uniform(0, 0.01).cdf).pvalue > 0.01
    assert not np.isclose(arrays["latent_d"], arrays["latent_g"]).all()
    unsorted = replace(spec, real=replace(spec.real, sort=False))
    drawn = tape_of(unsorted).arrays("adversarial", first_step=0, num_steps=400)["real"]
    assert np.any(np.diff(drawn, axis=1) < 0)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), arrays["real"])


def test_pretraining_targets_are_scipys_density():
    spec = find_gan("gaussian-1d")
    arrays = tape_of(spec).arrays("pretraining", first_step=0, num_steps=500)
    assert stats.kstest(arrays["pretrain_input"].ravel(), stats.uniform(-5, 10).cdf).pvalue > 0.01
    np.testing.assert_array_equal(arrays["pretrain_target"], stats.norm.pdf(arrays["pretrain_input"], 4.0, 0.5))


def test_linear_points_are_one_cloud_in_a_new_order_each_epoch():
    spec = find_gan("linear-2d")
    real = tape_of(spec).arrays("adversarial", first_step=0, num_steps=500)["real"]
    first, second = real[:250].reshape(1000, 2), real[250:].reshape(1000, 2)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first.view("f8,f8"), axis=0), np.sort(second.view("f8,f8"), axis=0))
    assert len(np.unique(first, axis=0)) == 1000
    matrix = np.array(spec.real.matrix)
    whitened = (first - spec.real.offset) @ np.linalg.inv(matrix)
    assert stats.kstest(whitened.ravel(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(whitened.T)[0, 1]) < 0.1


def test_sine_rows():
    spec = find_gan("sine")
    real = tape_of(spec).arrays("adversarial", first_step=9_000, num_steps=2)["real"]
    np.testing.assert_array_equal(real, np.broadcast_to(np.sin(np.linspace(0, 2 * np.pi, 16)), (2, 64, 16)))


def test_mnist_conv_repeats_after_nine_steps():
    spec = find_gan("mnist-conv")
    tape = tape_of(spec)
    first, again = (tape.arrays("adversarial", first_step=step, num_steps=9) for step in (0, 1791))
    for name in ("real", "latent_d", "latent_g"):
        np.testing.assert_array_equal(first[name], again[name])
    assert len(np.unique(first["real"].reshape(900, -1), axis=0)) == 900
    for name in ("latent_d", "latent_g"):
        assert np.all(first[name] == first[name][:1])
        assert stats.kstest(first[name][0].ravel(), "norm").pvalue > 0.01
    picture = picture_latent(spec, seed=4, num_samples=100)
    assert picture.shape == (100, 100, 1, 1)
    for other in (first["latent_d"][0], first["latent_g"][0]):
        assert not np.isclose(picture, other).any(axis=1).all()


def test_the_selection_of_digits_is_mixed():
    spec = find_gan("mnist-conv")
    real = tape_of(spec).arrays("adversarial", first_step=0, num_steps=9)["real"]
    pool = prepare_digits(PACKAGED.load(), spec.real).reshape(5000, -1)
    places = {image.tobytes(): index // 500 for index, image in enumerate(pool)}
    classes = np.array([[places[image.tobytes()] for image in batch.reshape(100, -1)] for batch in real])
    assert all(len(set(batch)) == 10 for batch in classes)
    assert np.bincount(classes.ravel()).min() > 60


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


def test_mix_is_uniform():
    spec = find_gan("mnist-wgan-gp")
    mix = tape_of(spec).arrays("adversarial", first_step=0, num_steps=70)["mix"]
    assert stats.kstest(mix.ravel(), "uniform").pvalue > 0.01


def test_too_small_a_source_is_named(idx_contents, write_folder):
    source = DigitSource.parse(str(write_folder(idx_contents)))
    with pytest.raises(DataError, match=r"takes 900 digits.* 7 images"):
        SeededTape(find_gan("mnist-conv"), seed=0, digits=source)


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


def test_real_digits_have_their_own_classes_and_asked_ones_are_even():
    spec = find_gan("cgan")
    labels = PACKAGED.load_labels()
    by_image = {
        image.tobytes(): label
        for image, label in zip(prepare_digits(PACKAGED.load(), spec.real), labels.tolist(), strict=True)
    }
    last = joined(tape_of(spec), spec, "adversarial", size=1, stop=81)
    for step in (0, 78, 79, 80):
        found = [by_image[image.tobytes()] for image in last["real"][step]]
        np.testing.assert_array_equal(last["real_label"][step], found)
        assert len(set(found)) > 4
    asked = np.concatenate(last["label_d"])
    counts = np.bincount(asked.astype(int), minlength=10)
    assert len(counts) == 10
    assert counts.min() > 0.8 * len(asked) / 10
    few = replace(spec, real=replace(spec.real, num_images=70, reshuffle=False))
    steps = joined(tape_of(few), few, "adversarial", size=1, stop=4)
    np.testing.assert_array_equal(steps["real_label"][1], steps["real_label"][3])
    found = [by_image[image.tobytes()] for image in steps["real"][1]]
    np.testing.assert_array_equal(steps["real_label"][1], found)


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


def test_digits_that_do_not_fill_a_batch_are_refused():
    spec = find_gan("sngan")
    with pytest.raises(SpecError, match="11 images do not fill one of batch_size 64"):
        replace(spec, real=replace(spec.real, num_images=11))
    with pytest.raises(DataError, match="5000 digits do not fill one of 5001"):
        SeededTape(replace(spec, batch_size=5001), seed=0, digits=PACKAGED)


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


@pytest.mark.parametrize("real", TOYS)
def test_a_toys_points_are_its_own_however_they_are_cut(real):
    spec = replace(find_gan("linear-2d"), real=real, batch_size=3)
    steps = joined(tape_of(spec), spec, "adversarial", size=8, stop=20)["real"]
    alone = joined(tape_of(spec), spec, "adversarial", size=1, first_step=7, stop=8)["real"]
    np.testing.assert_array_equal(steps[7], alone[0])
    assert not np.array_equal(steps[7], steps[8])
    often = replace(spec, training=replace(spec.training, steps_per_batch=2))
    served = joined(tape_of(often), often, "adversarial", size=3, first_step=1, stop=6)["real"]
    for step, batch in enumerate(served, start=1):
        np.testing.assert_array_equal(batch, steps[step // 2])
    assert tape_of(spec).steps_per_epoch() is None


def test_modes_are_as_likely_and_as_wide_as_said():
    count = 20_000
    for real in (RING, GRID):
        spec = replace(find_gan("linear-2d"), real=real, batch_size=count)
        (points,) = tape_of(spec).arrays("adversarial", first_step=0, num_steps=1)["real"]
        modes = nearest_modes(real, points).astype(int)
        assert stats.chisquare(np.bincount(modes, minlength=num_modes(real))).pvalue > 0.01
        beside = (points - mode_centres(real, modes)) / real.standard_deviation
        assert stats.kstest(beside.ravel(), "norm").pvalue > 0.01


def test_a_ring_begins_on_the_axis_and_a_grid_lies_around_0():
    corner = RING.radius / np.sqrt(2)
    np.testing.assert_allclose(mode_centres(RING, np.arange(2.0)), [[RING.radius, 0], [corner, corner]])
    np.testing.assert_array_equal(mode_centres(GRID, np.arange(3.0)), [[-2, -2], [-2, 0], [-2, 2]])
    np.testing.assert_array_equal(mode_centres(GRID, np.arange(3.0, 5)), [[0, -2], [0, 0]])


def test_a_spirals_arms_are_as_likely_and_its_points_even_in_the_square_of_their_distance():
    still = replace(SPIRAL, standard_deviation=1e-9)
    spec = replace(find_gan("linear-2d"), real=still, batch_size=20_000)
    (points,) = tape_of(spec).arrays("adversarial", first_step=0, num_steps=1)["real"]
    out = np.hypot(*points.T) / SPIRAL.radius
    assert stats.kstest(out**2, "uniform").pvalue > 0.01
    turns = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) - SPIRAL.num_turns * out
    arms = np.round(SPIRAL.num_arms * turns)
    assert np.abs(SPIRAL.num_arms * turns - arms)[out > 0.01].max() < 1e-6
    assert stats.chisquare(np.bincount(np.mod(arms, SPIRAL.num_arms).astype(int))).pvalue > 0.01


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
