"""The page of mishaps: a file's section is made anew as a whole, and the others stay as they are."""

from __future__ import annotations

from pathlib import Path

from tests.mishaps.page import Account, write_page

ONE, OTHER = "tests/mishaps/test_fed.py", "tests/mishaps/test_workers.py"


def account(file: str, line: int, done: str) -> Account:
    return Account(file=file, place=(line, done), row=(done, "gan-rosetta: a | b\ngan-rosetta: `c`", "2", "nothing"))


def rows(path: Path) -> list[str]:
    return [line.split(" | ")[0].removeprefix("| ") for line in path.read_text().splitlines() if " | 2 | " in line]


def test_sections_are_made_anew_file_by_file(tmp_path: Path) -> None:
    path = tmp_path / "mishaps.md"
    first = [account(OTHER, 1, "d"), account(ONE, 9, "b"), account(ONE, 2, "a")]
    assert write_page(path, first) == 3
    assert rows(path) == ["a", "b", "d"]
    assert "`gan-rosetta: a ¦ b`<br>`gan-rosetta: 'c'`" in path.read_text()
    before = path.read_text()
    assert write_page(path, [account(ONE, 2, "a"), account(ONE, 9, "b")]) == 3
    assert path.read_text() == before
    assert write_page(path, [account(OTHER, 5, "e"), account(OTHER, 3, "f")]) == 4
    assert rows(path) == ["a", "b", "f", "e"]
    assert path.read_text().count("## ") == 2


def test_a_file_that_is_no_more_has_no_section(tmp_path: Path) -> None:
    path = tmp_path / "mishaps.md"
    write_page(path, [account(ONE, 1, "a")])
    path.write_text(path.read_text().replace("test_fed.py", "test_gone.py"))
    assert write_page(path, [account(OTHER, 1, "d")]) == 1
    assert rows(path) == ["d"]
