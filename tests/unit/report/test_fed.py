"""What a run was fed is what its pictures, titles and numbers are of, where that is not what the spec says."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.report.curves import draw_curves
from gan_rosetta.shared.report.fed import about, fed_from, real_curves, title_of
from gan_rosetta.shared.report.film import draw_frames
from gan_rosetta.shared.report.film_panels import legend_of
from gan_rosetta.shared.report.looks import looks_of
from gan_rosetta.shared.report.page.collect import collect
from gan_rosetta.shared.report.page.sample_figures import sample_figures
from gan_rosetta.shared.report.pictures import draw_samples
from gan_rosetta.shared.report.two_dimensional import draw_two_dimensional
from tests.unit.report.recorded import ellipse_of, record_gan

LINEAR, SINE, GAUSSIAN = find_gan("linear-2d"), find_gan("sine"), find_gan("gaussian-1d")
DIGITS = find_gan("mnist-wgan-gp")
TAPE = {"tape": "/somewhere/my-$data.npz"}


def fed(make_run, name: str, real: np.ndarray, asked: dict[str, object], **more: np.ndarray):
    return make_run("torch", gan=name, samples={"real": real, "generated": real + 0.1, **more}, asked=asked)


@pytest.mark.parametrize(
    ("spec", "asked", "words"),
    [
        (SINE, {}, None),
        (SINE, {"tape": None, "mnist": None}, None),
        (SINE, TAPE, "a tape from the file my-$data.npz"),
        (SINE, {"mnist": "/somewhere/clothes"}, None),
        (DIGITS, {"mnist": "/somewhere/clothes"}, "the images in the folder clothes"),
        (DIGITS, {"mnist": "download"}, None),
        (DIGITS, {"mnist": "packaged"}, None),
    ],
)
def test_what_was_fed_is_said_where_it_is_not_the_spec_s(make_run, spec, asked, words):
    runs = [make_run("torch", gan=spec.name, asked=asked)]
    assert fed_from(runs, spec) == words
    title, line = title_of(runs, spec), about(runs, spec)
    assert (spec.title in title) == (spec.title in line) == (words is None)
    if words is not None:
        assert words in title.replace(r"\$", "$")
        assert words in line


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_picture_is_called_by_the_spec_s_data(make_run, name):
    spec = CATALOGUE[name]
    more = {}
    if spec.discriminator.input_shape == (1,):
        edges = np.linspace(-8, 8, 101)
        more = {"boundary_x": np.zeros(9), "boundary_y": np.zeros(9), "histogram_edges": edges}
        more |= {f"histogram_{kind}": np.ones(100) for kind in ("real", "generated")}
    run = fed(make_run, name, np.random.default_rng(1).normal(size=(64, *spec.real.sample_shape)), TAPE, **more)
    figure = draw_samples([run], spec)
    figure.draw_without_rendering()
    assert " ".join(figure.get_suptitle().split()) == f"{name}, fed a tape from the file my-$data.npz"
    assert next(iter(draw_frames([run], spec))).ndim == 3


def test_the_fed_cloud_s_own_ellipse_is_drawn(make_run):
    real = np.random.default_rng(2).normal(size=(500, 2)) * [3.0, 0.5] + [100.0, -7.0]
    figure = draw_two_dimensional([fed(make_run, "linear-2d", real, TAPE)], LINEAR)
    (axes,) = figure.axes
    center, widths = ellipse_of(next(line for line in axes.lines if line.get_label() == "true covariance"))
    np.testing.assert_allclose(center, real.mean(axis=0))
    np.testing.assert_allclose(widths, 4 * np.sqrt(np.linalg.eigvalsh(np.cov(real.T))))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "covariance of the real points, 2σ" in labels
    assert "mean off by 0.141" in axes.get_title(loc="left") + " ".join(text.get_text() for text in axes.texts)
    declared = draw_two_dimensional([make_run("jax", samples={"real": real, "generated": real})], LINEAR)
    assert "true covariance, 2σ" in [text.get_text() for text in declared.legends[0].get_texts()]


def test_the_fed_curves_are_drawn_each_once(make_run):
    positions = np.linspace(0, 2 * np.pi, 16)
    two = np.stack([5 * np.cos(positions), np.full(16, -3.0)])
    run = fed(make_run, "sine", np.tile(two, (32, 1)), TAPE)
    np.testing.assert_array_equal(real_curves([run], SINE), two)
    figure = draw_curves([run], SINE)
    (axes,) = figure.axes
    np.testing.assert_array_equal([line.get_ydata() for line in axes.lines[-2:]], two)
    assert axes.get_ylim()[1] > 5
    assert next(text.get_text() for text in figure.legends[0].get_texts()) == "real curves that were fed"
    said = axes.get_title(loc="left") + " ".join(text.get_text() for text in axes.texts)
    assert "root-mean-square distance from the nearest fed curve: 0.1" in said
    assert legend_of([run], SINE)[0].get_label() == "real curves that were fed"
    (shown,) = [shown for shown in sample_figures([run], SINE).shown if shown.figure is not None]
    real = next(trace for trace in shown.figure.data if trace.name == "real")
    np.testing.assert_allclose(real.y[:16], two[0], rtol=1e-6)
    np.testing.assert_allclose(real.y[17:33], two[1], rtol=1e-6)
    assert looks_of(run)


def test_real_samples_beyond_the_histogram_are_said(make_run):
    edges = np.linspace(-8, 8, 101)
    more = {"boundary_x": np.zeros(9), "boundary_y": np.zeros(9), "histogram_edges": edges}
    more |= {f"histogram_{kind}": np.zeros(100) for kind in ("real", "generated")}
    real = np.concatenate([np.zeros((3, 1)), np.full((1, 1), 50.0)])
    figure = draw_samples([fed(make_run, "gaussian-1d", real, TAPE, **more)], GAUSSIAN)
    assert "25.0% of the real samples outside" in " ".join(text.get_text() for text in figure.axes[0].texts)


def test_a_folder_of_runs_says_what_they_were_fed(tmp_path):
    folder = record_gan(tmp_path, LINEAR, asked=TAPE)
    (gan,) = collect(folder)
    assert "Fed a tape from the file my-$data.npz, not the spec's own real data" in gan.about
    assert f"Batches of {LINEAR.batch_size}." in gan.about
