from __future__ import annotations

import io

import numpy as np
import pytest

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.differences import IDENTICAL, TITLES
from gan_rosetta.shared.report.loss_curves import draw_loss_curves
from tests.unit.compare.yardsticks import yardstick_of

LINEAR = find_gan("linear-2d")
RANDOM = np.random.default_rng(0)


def panel(figure, title, *, row=0):
    """The panel of a column, found by its title; row 1 is the lower one."""
    top = next(axes for axes in figure.axes if axes.get_title(loc="left") == title)
    if row == 0:
        return top
    return next(
        axes
        for axes in figure.axes
        if axes.get_subplotspec().colspan.start == top.get_subplotspec().colspan.start
        and axes.get_subplotspec().rowspan.start == 1
    )


def line(axes, label):
    found = [entry for entry in axes.lines if entry.get_label() == label]
    assert len(found) == 1, f"{label}: {[entry.get_label() for entry in axes.lines]}"
    return found[0]


def labels(axes):
    return [entry.get_label() for entry in axes.lines]


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def yardstick(*, discriminator, generator, pretraining=()):
    return yardstick_of({"pretraining": pretraining, "discriminator": discriminator, "generator": generator})


def draws_without_warning(figure):
    figure.savefig(io.BytesIO(), format="png")


def test_losses_of_all_runs_lie_in_each_upper_panel(make_run):
    values = RANDOM.random(12)
    runs = [
        make_run(name, discriminator=values, generator=values + k) for k, name in enumerate(("numpy", "torch", "mxnet"))
    ]
    figure = draw_loss_curves(runs, None, LINEAR)
    assert len(figure.axes) == 4
    upper = panel(figure, "Generator")
    assert sorted(labels(upper)) == ["mxnet", "numpy", "torch"]
    np.testing.assert_array_equal(line(upper, "torch").get_xdata(), np.arange(12))
    np.testing.assert_array_equal(line(upper, "mxnet").get_ydata(), values + 2)
    assert line(upper, "numpy").get_zorder() > line(upper, "torch").get_zorder()


def test_pretraining_has_a_column_where_there_was_any(make_run):
    spec = find_gan("gaussian-1d")
    common = {"discriminator": np.ones(5), "generator": np.ones(5), "gan": spec.name}
    with_any = [make_run("torch", pretraining=np.arange(1.0, 8.0), **common)]
    without = [make_run("mxnet", **common)]
    titles = [axes.get_title(loc="left") for axes in draw_loss_curves(with_any, None, spec).axes]
    assert titles == [TITLES[name] for name in spec.loss_names]
    assert [axes.get_title(loc="left") for axes in draw_loss_curves(without, None, spec).axes] == titles[1:]


def test_a_run_alone_has_no_lower_row(make_run):
    figure = draw_loss_curves([make_run("torch", discriminator=np.ones(5), generator=np.ones(5))], None, LINEAR)
    assert len(figure.axes) == 2
    assert legend_texts(figure) == ["torch"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["step", "step"]


def test_differences_are_relative_to_the_numpy_run_on_a_log_axis(make_run):
    reference = np.array([1.0, 2.0, 4.0, 8.0])
    other = reference * np.array([1.0, 1 + 1e-6, 1.0, 1 - 1e-3])
    runs = [make_run("torch", discriminator=reference, generator=other)]
    runs.append(make_run("numpy", discriminator=reference, generator=reference))
    figure = draw_loss_curves(runs, None, LINEAR)
    lower = panel(figure, "Generator", row=1)
    assert lower.get_yscale() == "log"
    drawn = line(lower, "torch")
    np.testing.assert_array_equal(drawn.get_xdata(), [1, 3])
    np.testing.assert_allclose(drawn.get_ydata(), [1e-6, 1e-3], rtol=1e-5)
    assert "numpy" not in labels(lower)
    assert figure.axes[2].get_ylabel() == "relative difference from numpy"
    assert legend_texts(figure) == ["numpy (reference)", "torch"]


def test_steps_without_a_difference_are_drawn_at_the_floor_and_named(make_run):
    reference = np.array([1.0, 2.0, 3.0, 4.0])
    runs = [make_run("numpy", discriminator=reference, generator=reference)]
    runs.append(make_run("torch", discriminator=reference, generator=reference + np.array([0, 1e-9, 0, 0])))
    figure = draw_loss_curves(runs, None, LINEAR)
    lower = panel(figure, "Generator", row=1)
    floor = line(lower, "_torch identical")
    np.testing.assert_array_equal(floor.get_xdata(), [0, 2, 3])
    np.testing.assert_array_equal(floor.get_ydata(), [IDENTICAL] * 3)
    assert lower.get_ylim()[0] < IDENTICAL
    draws_without_warning(figure)
    shown = [text.get_text() for text in lower.get_yticklabels()]
    assert "identical" in shown
    assert lower.get_yticks()[shown.index("identical")] == pytest.approx(IDENTICAL)


def test_the_lower_panels_share_their_limits(make_run):
    reference = np.ones(20)
    runs = [make_run("numpy", discriminator=reference, generator=reference)]
    runs.append(make_run("torch", discriminator=reference * (1 + 1e-4), generator=reference * (1 + 1e-14)))
    figure = draw_loss_curves(runs, None, LINEAR)
    lower = [panel(figure, title, row=1) for title in ("Discriminator", "Generator")]
    assert lower[0].get_ylim() == lower[1].get_ylim()
    assert lower[0].get_ylim()[1] > 1e-4


def test_without_numpy_the_first_run_is_the_reference(make_run):
    runs = [make_run(name, discriminator=np.ones(3), generator=np.ones(3)) for name in ("mxnet", "torch")]
    figure = draw_loss_curves(runs, None, LINEAR)
    assert figure.axes[2].get_ylabel() == "relative difference from mxnet"
    assert labels(panel(figure, "Generator", row=1))[0] == "torch"


def test_rounding_alone_is_shaded_as_far_as_it_was_measured(make_run):
    runs = [make_run(name, discriminator=np.ones(6), generator=np.ones(6)) for name in ("numpy", "torch")]
    measured = yardstick(discriminator=[1e-16, 1e-15, 1e-9, 0.5], generator=[1e-15, 1e-14, 1e-10, 1e-9])
    figure = draw_loss_curves(runs, measured, LINEAR)
    lower = panel(figure, "Generator", row=1)
    area = next(entry for entry in lower.collections if entry.get_label() == "rounding alone")
    corners = area.get_paths()[0].vertices
    assert corners[:, 0].max() == 3
    assert corners[:, 1].max() == pytest.approx(1e-9)
    margin = next(entry for entry in lower.collections if entry.get_label() == "_margin")
    assert margin.get_paths()[0].vertices[:, 0].max() == 2  # up to the horizon, beyond which nothing is judged
    assert margin.get_paths()[0].vertices[:, 1].max() == pytest.approx(measured.tolerance.margin * 1e-10)
    assert "rounding alone" in legend_texts(figure)


@pytest.mark.parametrize("title", ["Discriminator", "Generator"])
@pytest.mark.parametrize("row", [0, 1])
def test_the_horizon_is_marked_in_the_adversarial_columns(make_run, title, row):
    spec = find_gan("gaussian-1d")
    common = {"pretraining": np.ones(9), "discriminator": np.ones(6), "generator": np.ones(6), "gan": spec.name}
    runs = [make_run(name, **common) for name in ("numpy", "torch")]
    measured = yardstick(discriminator=[1e-9, 1e-6, 0.5], generator=[1e-9, 1e-6, 0.5], pretraining=[1e-15] * 9)
    figure = draw_loss_curves(runs, measured, spec)
    assert list(line(panel(figure, title, row=row), "horizon").get_xdata()) == [2, 2]
    assert "horizon" not in labels(panel(figure, TITLES["pretraining"], row=row))
    assert any(text.startswith("chaos") for text in legend_texts(figure))


def test_no_horizon_is_marked_where_every_step_can_be_compared(make_run):
    runs = [make_run(name, discriminator=np.ones(6), generator=np.ones(6)) for name in ("numpy", "torch")]
    figure = draw_loss_curves(runs, yardstick(discriminator=[1e-15] * 6, generator=[1e-15] * 6), LINEAR)
    assert all("horizon" not in labels(axes) for axes in figure.axes)
    assert not any(text.startswith("chaos") for text in legend_texts(figure))


def test_steps_in_which_the_discriminator_rested_are_gaps_with_points_around_them(make_run):
    spec = find_gan("mnist-conv")
    gap = np.nan
    losses = np.array([1.0, gap, gap, gap, gap, 2.0])
    runs = [make_run("numpy", discriminator=losses, generator=np.ones(6), gan=spec.name)]
    runs.append(make_run("torch", discriminator=losses * (1 + 1e-10), generator=np.ones(6), gan=spec.name))
    figure = draw_loss_curves(runs, None, spec)
    upper = panel(figure, "Discriminator")
    drawn = line(upper, "torch")
    np.testing.assert_array_equal(np.isfinite(drawn.get_ydata()), [True, False, False, False, False, True])
    assert drawn.get_marker() not in ("none", "None", "")
    lower = line(panel(figure, "Discriminator", row=1), "torch")
    finite = np.isfinite(lower.get_ydata())
    np.testing.assert_array_equal(lower.get_xdata()[finite], [0, 5])
    assert not any(label.endswith("not finite") for axes in figure.axes for label in labels(axes))


def test_points_stay_visible_in_a_long_run_with_resting_steps(make_run):
    spec = find_gan("mnist-conv")
    steps = np.arange(9000)
    losses = np.where(np.isin(steps % 9, (0, 5)), 1.0, np.nan)
    figure = draw_loss_curves(
        [make_run("torch", discriminator=losses, generator=np.ones(9000), gan=spec.name)], None, spec
    )
    drawn = line(panel(figure, "Discriminator"), "torch")
    assert drawn.get_marker() == "s"
    assert np.count_nonzero(np.isfinite(drawn.get_ydata())) > 500


def test_a_cross_marks_the_step_at_which_a_loss_stops_being_a_number(make_run):
    losses = np.array([1.0, 2.0, 3.0, np.inf, np.nan])
    runs = [make_run("numpy", discriminator=np.ones(5), generator=np.ones(5))]
    runs.append(make_run("torch", discriminator=np.ones(5), generator=losses))
    figure = draw_loss_curves(runs, None, LINEAR)
    cross = line(panel(figure, "Generator"), "_torch not finite")
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (3, 3.0)
    assert cross.get_marker() == "x"
    parted = line(panel(figure, "Generator", row=1), "_torch not finite")
    assert parted.get_xdata()[0] == 3
    assert "NaN or infinite from here" in legend_texts(figure)
    assert "_torch not finite" not in labels(panel(figure, "Discriminator"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_runs_without_a_finite_loss_are_drawn(make_run, value):
    broken = np.full(7, value)
    runs = [make_run(name, discriminator=broken, generator=broken) for name in ("numpy", "torch")]
    figure = draw_loss_curves(runs, yardstick(discriminator=[np.inf] * 7, generator=[np.inf] * 7), LINEAR)
    draws_without_warning(figure)
    upper = panel(figure, "Generator")
    assert line(upper, "_numpy not finite").get_xdata()[0] == 0
    assert line(upper, "_torch not finite").get_ydata()[0] != line(upper, "_numpy not finite").get_ydata()[0]
    assert [text.get_text() for text in upper.texts] == ["not finite"]
    assert [text.get_text() for text in panel(figure, "Generator", row=1).texts] == ["nothing to compare"]


def test_a_run_that_stopped_early_is_compared_as_far_as_it_went(make_run):
    runs = [make_run("numpy", discriminator=np.ones(10), generator=np.ones(10))]
    runs.append(make_run("torch", discriminator=np.full(4, 1.5), generator=np.full(4, 1.5)))
    figure = draw_loss_curves(runs, None, LINEAR)
    np.testing.assert_array_equal(line(panel(figure, "Generator", row=1), "torch").get_xdata(), [0, 1, 2, 3])
    assert panel(figure, "Generator").get_xlim()[1] > 9


def test_a_single_step_is_drawn(make_run):
    runs = [make_run(name, discriminator=[1.0], generator=[2.0]) for name in ("numpy", "torch")]
    figure = draw_loss_curves(runs, yardstick(discriminator=[0.0], generator=[0.0]), LINEAR)
    draws_without_warning(figure)
    assert line(panel(figure, "Generator"), "torch").get_marker() == "s"


def test_long_runs_are_thinned_but_keep_their_peak(make_run):
    losses = 1 + 0.1 * RANDOM.random(10_000)
    losses[7777] = 5.0
    figure = draw_loss_curves([make_run("torch", discriminator=losses, generator=losses)], None, LINEAR)
    drawn = line(panel(figure, "Generator"), "torch")
    assert len(drawn.get_xdata()) < 5000
    assert drawn.get_xdata()[np.argmax(drawn.get_ydata())] == 7777
    assert drawn.get_marker() == "none"


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([1.0, 1.1, 0.9, 1.2], "linear"), ([100.0, 1.0, 1.1, 0.9], "log"), ([-1.0, 1.0, 2.0, -1e300], "symlog")],
)
def test_the_loss_axis_fits_the_losses(make_run, losses, scale):
    figure = draw_loss_curves([make_run("torch", discriminator=losses, generator=losses)], None, LINEAR)
    assert panel(figure, "Generator").get_yscale() == scale
    draws_without_warning(figure)


def test_no_run_is_refused():
    with pytest.raises(ValueError, match="no run to draw"):
        draw_loss_curves([], None, LINEAR)
