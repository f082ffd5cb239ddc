from __future__ import annotations

import itertools

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.report.style import backend_style, run_labels, small_multiples


def test_every_backend_differs_from_every_other_in_colour_and_marker():
    styles = [backend_style(name) for name in BACKENDS]
    for first, second in itertools.combinations(styles, 2):
        assert first.color != second.color
        assert first.marker != second.marker
        assert first.order != second.order


def test_the_reference_is_black_dashed_and_on_top():
    reference = backend_style("numpy")
    assert (reference.color, reference.line_style) == ("#000000", "--")
    assert all(backend_style(name).order < reference.order for name in (*BACKENDS, "other") if name != "numpy")


def test_what_lies_on_top_is_narrower():
    styles = sorted((backend_style(name) for name in (*BACKENDS, "other")), key=lambda style: style.order)
    widths = [style.width for style in styles]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == len(widths)


def test_other_names_have_a_style_of_their_own_that_stays():
    assert backend_style("tinygrad") == backend_style("tinygrad")
    assert backend_style("tinygrad").color not in {backend_style(name).color for name in BACKENDS}


def test_labels_tell_runs_of_one_backend_apart(make_run):
    runs = [
        make_run("numpy"),
        make_run("torch", folder="a", asked={"dtype": "float32"}),
        make_run("torch", folder="b", asked={"dtype": "float64"}),
    ]
    assert run_labels(runs) == ["numpy", "torch float32", "torch float64"]
    assert len(set(run_labels([runs[1], runs[1]]))) == 2


@pytest.mark.parametrize(("num_panels", "grid"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3))])
def test_small_multiples_fill_a_page_and_number_the_outer_panels(num_panels, grid):
    figure, panels = small_multiples("title", num_panels=num_panels, panel_inches=(3.4, 3.0), share=True)
    assert len(panels) == len(figure.axes) == num_panels
    columns = {panel.get_subplotspec().colspan.start for panel in panels}
    rows = {panel.get_subplotspec().rowspan.start for panel in panels}
    assert (len(rows), len(columns)) == grid
    numbered = [panel.xaxis.get_tick_params()["labelbottom"] for panel in panels]
    assert numbered == [index + grid[1] >= num_panels for index in range(num_panels)]
