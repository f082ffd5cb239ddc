"""`train` over many seeds: what came of each, in the library, in lines and as data."""

from __future__ import annotations

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.report.as_data import as_text, train_as_data
from gan_rosetta.shared.report.seeds_table import seeds_lines
from gan_rosetta.shared.seeds.job import SeedsOfRun


@pytest.fixture(scope="module")
def trained() -> gr.TrainedRun:
    return gr.train("linear-2d", run="numpy", steps=5, seed=20, seeds=4)


def test_the_run_is_the_first_of_its_seeds(trained: gr.TrainedRun) -> None:
    found = trained.across
    assert found is not None
    assert list(found.seeds) == [20, 21, 22, 23]
    assert found.losses["generator"].shape == (4, 5)
    np.testing.assert_array_equal(found.losses["generator"][0], trained.losses["generator"])
    alone = gr.train("linear-2d", run="numpy", steps=5, seed=22)
    assert alone.across is None
    np.testing.assert_array_equal(found.losses["generator"][2], alone.losses["generator"])


def test_it_is_said_in_quartiles_and_counts() -> None:
    nan, inf = float("nan"), float("inf")
    found = SeedsOfRun(
        run="torch:compiled",
        seeds=np.arange(5),
        numbers={"error": np.array([4.0, 1.0, nan, 2.0, 3.0]), "score": np.array([nan, inf, nan, nan, nan])},
        units={"error": "unit of x", "score": "D's own"},
        happened={"collapsed": np.array([True, False, True, False, False])},
        losses={},
    )
    assert seeds_lines(found) == [
        "torch:compiled over 5 seeds: 2 collapsed",
        "  outcome  median   middle half  unit",
        "  error       2.5  1.75 to 3.25  unit of x",
        "  score       nan    nan to nan  D's own",
    ]
    (data,) = train_as_data([], [found])["seeds"]
    assert data["outcomes"]["error"] == {"unit": "unit of x", "quartiles": [1.75, 2.5, 3.25]}
    assert data["outcomes"]["score"]["quartiles"] is None
    assert data["happened"] == {"collapsed": 2}
    as_text(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"seeds": 0}, "seeds is 0; expected 1"), ({"seeds": 2, "first_step": 1}, "seeds 2 draws a state and a tape")],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        gr.train("linear-2d", run="numpy", steps=5, **options)
