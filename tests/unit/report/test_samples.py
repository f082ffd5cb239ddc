from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Ellipse

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.curves import draw_curves
from gan_rosetta.shared.report.digit_grid import compose_grid, draw_digit_grid
from gan_rosetta.shared.report.one_dimensional import draw_one_dimensional
from gan_rosetta.shared.report.pictures import draw_samples, write_picture
from gan_rosetta.shared.report.style import GENERATED
from gan_rosetta.shared.report.two_dimensional import covariance_ellipse, draw_two_dimensional, moments
from gan_rosetta.shared.spec import RingReal, SpiralReal
from tests.unit.report.recorded import ellipse_of

GAUSSIAN, LINEAR, SINE = find_gan("gaussian-1d"), find_gan("linear-2d"), find_gan("sine")
CONV, WASSERSTEIN = find_gan("mnist-conv"), find_gan("mnist-wgan-gp")


def draws_without_warning(figure):
    figure.savefig(io.BytesIO(), format="png")


def line(axes, label):
    return next(entry for entry in axes.lines if entry.get_label() == label)


def texts(axes):
    return " ".join([axes.get_title(loc="left"), *(text.get_text() for text in axes.texts)])


def samples_1d(*, generated, boundary=None):
    edges = np.linspace(-8, 8, 101)
    positions = np.linspace(-8, 8, 10_000)
    real = np.random.default_rng(0).normal(4, 0.5, (1000, 1))
    finite = generated[np.isfinite(generated)]
    return {
        "real": real,
        "generated": generated,
        "boundary_x": positions,
        "boundary_y": 1 / (1 + np.exp(-positions)) if boundary is None else boundary,
        "histogram_edges": edges,
        "histogram_real": np.histogram(real, edges)[0] / (1000 * 0.16),
        "histogram_generated": np.histogram(finite, edges)[0] / (max(len(finite), 1) * 0.16),
    }


def test_one_dimensional_panels_show_boundary_and_both_histograms(make_run):
    generated = np.random.default_rng(1).normal(3, 1, (1000, 1))
    runs = [make_run(name, samples=samples_1d(generated=generated)) for name in ("numpy", "torch", "mxnet")]
    figure = draw_one_dimensional(runs, GAUSSIAN)
    boundaries, densities = figure.axes[:3], figure.axes[3:]
    assert [axes.get_title(loc="left") for axes in boundaries] == ["numpy", "torch", "mxnet"]
    assert len({axes.get_ylim() for axes in densities}) == len({axes.get_ylim() for axes in boundaries}) == 1
    drawn = line(boundaries[0], "boundary")
    assert drawn.get_xdata()[0] == -8
    assert drawn.get_ydata()[-1] == pytest.approx(1 / (1 + np.exp(-8)))
    stairs = {patch.get_label(): patch for patch in densities[1].patches}
    np.testing.assert_array_equal(stairs["real"].get_data().values, runs[1].samples["histogram_real"])
    np.testing.assert_array_equal(stairs["generated"].get_data().values, runs[1].samples["histogram_generated"])
    assert densities[0].get_ylim()[1] > max(s.get_data().values.max() for s in stairs.values())
    assert f"mean {generated.mean():.3g}" in texts(boundaries[0])


def test_zero_of_both_one_dimensional_scales_is_at_one_height(make_run):
    figure = draw_one_dimensional([make_run("torch", samples=samples_1d(generated=np.ones((9, 1))))], GAUSSIAN)
    heights = [axes.transData.transform((0, 0))[1] for axes in figure.axes]
    assert heights[0] == pytest.approx(heights[1])


def test_samples_beyond_the_histogram_are_counted(make_run):
    generated = np.concatenate([np.zeros((75, 1)), np.full((25, 1), 1e9)])
    figure = draw_one_dimensional([make_run("torch", samples=samples_1d(generated=generated))], GAUSSIAN)
    assert "25.0% outside" in texts(figure.axes[0])


def test_a_diverged_one_dimensional_gan_is_drawn_and_said(make_run):
    broken = samples_1d(generated=np.full((50, 1), np.nan), boundary=np.full(10_000, np.inf))
    figure = draw_one_dimensional([make_run("torch", samples=broken)], GAUSSIAN)
    draws_without_warning(figure)
    assert "D(x) and G(z) are NaN or infinite" in texts(figure.axes[0])
    assert "100.0% not finite" in texts(figure.axes[0])


def test_the_ellipse_has_the_eigenvalues_for_axes():
    covariance = np.array([[4.0, 0.0], [0.0, 9.0]])
    center, width, height, angle = covariance_ellipse(np.array([1.0, 2.0]), covariance)
    assert (width, height) == (pytest.approx(2 * 2 * 3), pytest.approx(2 * 2 * 2))
    assert angle % 180 == pytest.approx(90)
    np.testing.assert_array_equal(center, [1, 2])


def test_two_dimensional_panels_have_true_and_generated_ellipse(make_run):
    random = np.random.default_rng(2)
    matrix = np.array(LINEAR.real.matrix)
    real = random.normal(size=(1000, 2)) @ matrix + LINEAR.real.offset
    generated = random.normal(size=(1000, 2)) * [0.5, 2.0] + [3.0, -1.0]
    runs = [make_run(name, samples={"real": real, "generated": generated}) for name in ("numpy", "torch")]
    figure = draw_two_dimensional(runs, LINEAR)
    axes = figure.axes[1]
    values = np.linalg.eigvalsh(matrix.T @ matrix)
    center, widths = ellipse_of(line(axes, "true covariance"))
    np.testing.assert_allclose(widths, 4 * np.sqrt(values))
    np.testing.assert_allclose(center, LINEAR.real.offset)
    center, widths = ellipse_of(line(axes, "generated covariance"))
    np.testing.assert_allclose(widths, 4 * np.sqrt(np.linalg.eigvalsh(np.cov(generated.T))))
    np.testing.assert_allclose(center, generated.mean(axis=0))
    np.testing.assert_array_equal(line(axes, "generated").get_xydata(), generated)
    mean_error = np.linalg.norm(generated.mean(axis=0) - LINEAR.real.offset)
    covariance_error = np.sqrt(np.sum((np.cov(generated.T) - matrix.T @ matrix) ** 2))
    assert f"mean off by {mean_error:.3g}, covariance by {covariance_error:.3g}" in texts(axes)
    assert figure.axes[0].get_xlim() == axes.get_xlim()


@pytest.mark.parametrize("size", [1e14, 1e150, 1e300])
def test_a_cloud_far_larger_than_the_panel_is_drawn_in_no_time(make_run, size, tmp_path):
    random = np.random.default_rng(2)
    real, generated = random.normal(size=(64, 2)), random.normal(size=(64, 2)) * size
    figure = draw_two_dimensional([make_run("numpy", samples={"real": real, "generated": generated})], LINEAR)
    write_picture(tmp_path / "samples.png", figure)
    assert "64 outside" in texts(figure.axes[0])


def test_points_of_the_true_distribution_lie_in_its_ellipse_as_often_as_they_should():
    matrix = np.array(LINEAR.real.matrix)
    points = np.random.default_rng(3).normal(size=(20_000, 2)) @ matrix + LINEAR.real.offset
    center, width, height, angle = covariance_ellipse(np.array(LINEAR.real.offset), matrix.T @ matrix)
    patch = Ellipse(center, width, height, angle=angle)
    inside = patch.get_path().contains_points(points, transform=patch.get_patch_transform()).mean()
    assert inside == pytest.approx(1 - np.exp(-2), abs=0.01)


def test_generated_points_far_away_do_not_shrink_the_picture(make_run):
    real = np.random.default_rng(4).normal(size=(100, 2))
    far = np.concatenate([np.zeros((98, 2)), np.full((2, 2), 1e12)])
    figure = draw_two_dimensional([make_run("torch", samples={"real": real, "generated": far})], LINEAR)
    assert figure.axes[0].get_xlim()[1] < 100
    assert "2 outside" in texts(figure.axes[0])
    draws_without_warning(figure)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_diverged_two_dimensional_gan_is_drawn_and_said(make_run, value):
    real = np.random.default_rng(4).normal(size=(100, 2))
    generated = np.full((100, 2), value) * np.tile([[1.0], [-1.0]], (50, 1))
    figure = draw_two_dimensional([make_run("torch", samples={"real": real, "generated": generated})], LINEAR)
    draws_without_warning(figure)
    assert ("100 outside" if value == 1e300 else "NaN or infinite") in texts(figure.axes[0])
    labels = [curve.get_label() for curve in figure.axes[0].lines]
    assert [label for label in labels if "covariance" in label] == ["true covariance"]


def test_a_toys_panel_says_what_modes_are_found(make_run):
    ring = replace(LINEAR, name="ring", real=RingReal(num_modes=4, radius=2.0, standard_deviation=0.1))
    real = np.array([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]])
    points = np.array([[2.0, 0.1], [0.1, 2.0], [0.0, 1.9], [1.0, 1.0], [1e9, 0.0], [np.nan, 0.0]])
    runs = [make_run(name, samples={"real": real, "generated": points}) for name in ("numpy", "torch")]
    figure = draw_samples(runs, ring)
    assert "2 of 4 modes, 60.0% beside one, 1 outside, 1 not finite" in texts(figure.axes[1])
    np.testing.assert_array_equal(line(figure.axes[1], "real").get_xydata(), real)
    assert figure.axes[0].get_xlim()[1] < 4
    spiral = replace(ring, real=SpiralReal(num_arms=1, num_turns=1.0, radius=2.0, standard_deviation=0.1))
    figure = draw_samples(
        [make_run("jax", samples={"real": real, "generated": np.array([[-1.0, 0.0], [9, 9]])})], spiral
    )
    assert "50.0% beside an arm, 1 outside" in texts(figure.axes[0])
    nothing = np.full((5, 2), np.nan)
    figure = draw_samples([make_run("mxnet", samples={"real": real, "generated": nothing})], ring)
    assert "NaN or infinite" in texts(figure.axes[0])
    draws_without_warning(figure)


def test_moments_need_two_finite_points():
    assert moments(np.array([[1.0, 2.0], [np.nan, 1.0]])) is None
    mean, covariance = moments(np.array([[1.0, 2.0], [3.0, 2.0], [np.inf, 1.0]]))
    np.testing.assert_array_equal(mean, [2, 2])
    np.testing.assert_array_equal(covariance, [[2, 0], [0, 0]])


def test_curves_lie_under_the_true_sine(make_run):
    truth = np.sin(np.linspace(0, 2 * np.pi, 16))
    generated = truth + np.random.default_rng(5).normal(0, 0.1, (64, 16))
    runs = [make_run(name, samples={"generated": generated, "real": np.tile(truth, (64, 1))}) for name in ("a", "b")]
    figure = draw_curves(runs, SINE)
    for axes in figure.axes:
        assert len(axes.lines) == 65
        assert axes.lines[-1].get_label() == "sin(x)"
        np.testing.assert_array_equal(axes.lines[-1].get_ydata(), truth)
        np.testing.assert_array_equal(axes.lines[7].get_ydata(), generated[7])
        assert axes.lines[7].get_linewidth() < axes.lines[-1].get_linewidth()
    distance = np.sqrt(np.mean((generated - truth) ** 2))
    assert f"{distance:.3g}" in texts(figure.axes[0])
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


@pytest.mark.parametrize("value", [np.nan, -np.inf, 1e300])
def test_diverged_curves_are_drawn_and_said(make_run, value):
    generated = np.full((64, 16), value)
    figure = draw_curves([make_run("torch", samples={"generated": generated, "real": generated})], SINE)
    draws_without_warning(figure)
    said = texts(figure.axes[0])
    assert "inf" in said if value == 1e300 else "64 of 64 not finite" in said
    assert figure.axes[0].get_ylim()[1] < 3


def test_digits_are_laid_out_row_by_row_and_scaled_from_low_to_high():
    images = np.full((64, 1, 28, 28), -1.0)
    images[9] = 1.0  # second row, second column
    images[10] = 0.0
    images[11] = 99.0
    picture = compose_grid(images, WASSERSTEIN.real)
    assert picture.shape == (8 * 30 - 2, 8 * 30 - 2, 3)
    np.testing.assert_array_equal(picture[30:58, 30:58], 1.0)
    np.testing.assert_array_equal(picture[30:58, 60:88], 0.5)
    np.testing.assert_array_equal(picture[30:58, 90:118], 1.0)
    np.testing.assert_array_equal(picture[:28, :28], 0.0)
    np.testing.assert_array_equal(picture[28:30], 1.0)


def test_three_channels_are_colours():
    images = np.zeros((64, 3, 32, 32))
    images[0, 1] = 0.25
    picture = compose_grid(images, CONV.real)
    np.testing.assert_array_equal(picture[0, 0], [0, 0.25, 0])


def test_fewer_images_leave_white_and_broken_numbers_are_red():
    images = np.zeros((2, 1, 28, 28))
    images[1, 0, 3, 4] = np.nan
    picture = compose_grid(images, replace(WASSERSTEIN.real, low=0.0))
    red, green, blue = picture[3, 30 + 4]
    assert red > blue + 0.2
    assert red > green + 0.2
    np.testing.assert_array_equal(picture[0, 60], [1, 1, 1])


def test_digit_panels_are_the_real_ones_and_each_run(make_run):
    random = np.random.default_rng(6)
    arrays = {"real": random.random((100, 3, 32, 32)), "generated": random.random((100, 3, 32, 32))}
    figure = draw_digit_grid([make_run(name, samples=arrays) for name in ("numpy", "torch")], CONV)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["real", "numpy", "torch"]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), compose_grid(arrays["real"], CONV.real))
    np.testing.assert_array_equal(figure.axes[2].images[0].get_array(), compose_grid(arrays["generated"], CONV.real))


def test_diverged_digits_are_drawn_and_said(make_run):
    arrays = {"real": np.zeros((64, 1, 28, 28)), "generated": np.full((64, 1, 28, 28), np.nan)}
    figure = draw_digit_grid([make_run("torch", samples=arrays)], WASSERSTEIN)
    draws_without_warning(figure)
    assert "NaN or infinite" in texts(figure.axes[1])
    assert "NaN" not in texts(figure.axes[0])


@pytest.mark.parametrize("draw", [draw_two_dimensional, draw_digit_grid])
def test_other_data_is_refused(make_run, draw):
    with pytest.raises(ValueError, match="expected"):
        draw([make_run("torch")], SINE)


def test_generated_is_the_same_blue_everywhere(make_run):
    figure = draw_curves([make_run("torch", samples={"generated": np.zeros((2, 16))})], SINE)
    assert to_rgba(figure.axes[0].lines[0].get_color()) == to_rgba(GENERATED)
