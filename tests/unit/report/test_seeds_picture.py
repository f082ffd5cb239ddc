"""The bands over seeds: what is drawn of the losses, what of two runs, and of seeds without numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.report.seeds_picture import draw_seeds
from gan_rosetta.shared.seeds.job import SeedsOfRun

STEPS = 12


def run_of(name: str, *, above: float = 0.0) -> SeedsOfRun:
    """A run of five seeds: G's loss in step t of seed s is t + s, D's is measured in every other step."""
    generator = np.arange(STEPS) + np.arange(5.0)[:, None] + above
    discriminator = np.where(np.arange(STEPS) % 2 == 0, generator, np.nan)
    losses = {"pretraining": np.zeros((5, 0)), "discriminator": discriminator, "generator": generator}
    return SeedsOfRun(run=name, seeds=np.arange(5), numbers={}, units={}, happened={}, losses=losses)


def test_one_run_is_its_median_and_a_band_in_a_panel_a_loss() -> None:
    figure = draw_seeds("sine", [run_of("torch")])
    first, second = figure.axes
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("Discriminator", "Generator")
    np.testing.assert_allclose(second.lines[0].get_ydata(), np.arange(STEPS) + 2)
    np.testing.assert_array_equal(first.lines[0].get_xdata(), np.arange(0, STEPS, 2))
    (band,) = second.collections
    corners = band.get_paths()[0].vertices
    assert {1.0, 3.0} <= set(corners[corners[:, 0] == 0][:, 1])


def test_two_runs_are_also_drawn_seed_by_seed() -> None:
    figure = draw_seeds("sine", [run_of("torch"), run_of("jax", above=0.5)])
    assert len(figure.axes) == 4
    apart = figure.axes[3]
    np.testing.assert_allclose(apart.lines[0].get_ydata(), np.full(STEPS, 0.5))
    assert "less that of torch" in figure.axes[2].get_ylabel()


def test_seeds_without_numbers_are_left_out_and_said_where_all_are() -> None:
    run = run_of("torch")
    losses = {name: values.copy() for name, values in run.losses.items()}
    losses["generator"][0] = np.inf
    losses["discriminator"][:] = np.nan
    figure = draw_seeds("sine", [replace(run, losses=losses)])
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), np.arange(STEPS) + 2.5)
    assert "no number in any seed" in {text.get_text() for text in figure.axes[0].texts}
    figure.canvas.draw()


def test_a_third_update_has_a_panel_of_its_own() -> None:
    run = run_of("torch")
    figure = draw_seeds("infogan", [replace(run, losses={**run.losses, "joint": run.losses["generator"] + 1})])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Discriminator", "Generator", "Both, jointly"]


def test_no_run_is_refused() -> None:
    with pytest.raises(ValueError, match="no run to draw"):
        draw_seeds("sine", [])
