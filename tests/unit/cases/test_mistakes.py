"""The page on mistakes has each that the tests plant; `GAN_ROSETTA_LONG=1 … --mistakes-page` makes it anew."""

from __future__ import annotations

from tests.unit.cases.mistakes import FRAMEWORKS, MISTAKES, PAGE


def test_the_page_has_every_mistake_and_no_other():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    found = [tuple(row.strip("| ").split(" | ")[:3]) for row in rows]
    expected = [(FRAMEWORKS[name], words) for name, own in MISTAKES.items() for words in own.values()]
    assert [(framework, words) for framework, _, words in found] == expected
