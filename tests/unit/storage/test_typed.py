"""Plain data is held to its writer's type, and the place where it is not is named."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

import pytest

from gan_rosetta.shared.storage.typed import Count, Positive, require_typed


class Inner(TypedDict):
    word: Literal["a", "b"]
    number: NotRequired[float]


class Outer(TypedDict):
    count: Count
    size: NotRequired[Positive | None]
    inner: list[Inner]
    table: dict[str, int | None]
    pair: tuple[str, str]
    rest: NotRequired[Any]


GOOD = {"count": 0, "inner": [{"word": "a"}], "table": {"x": None}, "pair": ["p", "q"]}


def test_what_fits_is_taken():
    require_typed(Outer, GOOD, name="it")
    require_typed(Outer, {**GOOD, "size": None, "rest": [1, {}], "more": 3}, name="it")
    require_typed(Outer, {**GOOD, "inner": [{"word": "b", "number": 1}], "size": 1}, name="it")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"count": -1}, "it.count is -1; expected a number from 0"),
        ({"count": True}, "it.count is True; expected a whole number"),
        ({"count": 2**63}, "expected a whole number of 64 bits"),
        ({"count": 1.0}, r"it.count is 1.0"),
        ({"size": 0}, "it.size is 0; expected a number from 1"),
        ({"inner": [{"word": "c"}]}, r"it.inner\[0\].word is 'c'; expected one of 'a', 'b'"),
        ({"inner": [{}]}, r"it.inner\[0\] lacks word"),
        ({"inner": [{"word": "a", "number": float("inf")}]}, "number is inf; expected a finite number"),
        ({"inner": {}}, "it.inner is {}; expected a list"),
        ({"table": {"x": "y"}}, "it.table.x is 'y'"),
        ({"table": []}, "expected a table"),
        ({"pair": ["p"]}, "expected a list of 2"),
        ({"pair": ["p", None]}, r"it.pair\[1\] is None; expected a text"),
    ],
)
def test_what_does_not_is_named(entry, says):
    with pytest.raises(ValueError, match=says):
        require_typed(Outer, {**GOOD, **entry}, name="it")


def test_what_is_absent_is_named():
    with pytest.raises(ValueError, match="it lacks count"):
        require_typed(Outer, {key: value for key, value in GOOD.items() if key != "count"}, name="it")
