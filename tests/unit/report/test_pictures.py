from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.report.pictures import draw_pictures, draw_samples


def samples_of(spec, generated):
    random = np.random.default_rng(0)
    real = random.normal(size=(64, *spec.real.sample_shape))
    arrays = {"real": real, "generated": np.full_like(real, generated)}
    if spec.discriminator.input_shape == (1,):
        arrays |= {
            "boundary_x": np.linspace(-8, 8, 50),
            "boundary_y": np.full(50, generated),
            "histogram_edges": np.linspace(-8, 8, 101),
            "histogram_real": np.ones(100),
            "histogram_generated": np.zeros(100),
        }
    return arrays


@pytest.mark.parametrize("name", ["gaussian-1d", "linear-2d", "sine", "mnist-conv"])
@pytest.mark.parametrize("generated", [0.5, np.nan])
def test_pictures_of_every_kind_of_data_are_written(make_run, tmp_path, name, generated):
    spec = find_gan(name)
    losses = np.full(7, generated)
    runs = [
        make_run("numpy", gan=name, discriminator=losses, generator=losses, samples=samples_of(spec, generated)),
        make_run(
            "torch", gan=name, discriminator=losses[:4], generator=losses[:4], samples=samples_of(spec, generated)
        ),
    ]
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = draw_pictures(folder, runs, None, spec)
    assert [path.name for path in paths] == ["losses.png", "samples.png"]
    assert sorted(folder.iterdir()) == paths
    for path in paths:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert 600 <= image.width <= 1800


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_gan_has_a_picture_of_its_samples(make_run, name):
    spec = CATALOGUE[name]
    figure = draw_samples([make_run("torch", gan=name, samples=samples_of(spec, 0.5))], spec)
    assert " ".join(figure.get_suptitle().split()) == f"{name}: {spec.title}"
    figure.draw_without_rendering()
    for text in (figure._suptitle, *figure.legends):
        extent = text.get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= figure.bbox.x1


def test_the_same_runs_give_the_same_bytes_and_leave_no_trace(make_run, tmp_path):
    spec = find_gan("sine")
    run = make_run("torch", gan="sine", discriminator=np.ones(3), generator=np.ones(3), samples=samples_of(spec, 0.1))
    before = dict(mpl.rcParams)
    first = [path.read_bytes() for path in draw_pictures(tmp_path, [run], None, spec)]
    second = [path.read_bytes() for path in draw_pictures(tmp_path, [run], None, spec)]
    assert first == second
    assert dict(mpl.rcParams) == before
