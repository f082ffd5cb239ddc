"""Line numbers in TOML: documents in which every whole number is that of the line on which it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_rosetta.shared.spec.toml_lines import Place, line_numbers, line_of

# @ becomes the number of its line, § a number that no other block has.
BLOCKS = (
    "k§ = @",
    "\t k§\t=@   ",
    '"quoted §" = @  # [comment] a = 1',
    "'single.§' . dotted.\"d§\" = @",
    "dotted§.a.b = @\ndotted§.a.c = @",
    '"escaped\\n\\" \\u00e9 §" = @',
    'text§ = """\n[header]\nk = 1 # ] """\nk§ = @',
    "text§ = '''\n[[header]]\nk = {'''\nk§ = @",
    'text§ = """ends in a quote\\""""\nk§ = @',
    'text§ = """ends in quotes"""""\nk§ = @',
    'text§ = """joined \\\n   lines"""\nk§ = @',
    'text§ = "a # b [c] \\" = {"\nk§ = @',
    "# a comment = [\n",
    "list§ = [@, @, # comment ]\n  @,\n\n  [@, [\n@]],\n]",
    "tables§ = [\n  {a = @, b.c = @},\n  # {\n  {a = @}, # {\n]",
    "inline§ = {a = @, 'b.c' = {d = [\n@]}}",
    "empty§ = []\nnone§ = {}\nk§ = @",
    "[table§]\nk = @",
    '[ table§ . "sub.é§" ]  # [x]\nk = @',
    "[table§.sub]\nk = @\n[table§]\nk = @",
    "[[many]]\nk = @",
    "[many.sub§]\nk = @",
    "[[many.deep]]\nk = @",
    "[[many.deep]]\n[many.deep.sub]\nk = @\n[[many.deep.more]]\nk = @\n[[many.deep.more]]\nk = @",
    'unicode§ = "é — 🦆 \u2028"\r\nk§ = @',
    "date§ = 1979-05-27T07:32:00Z\ntime§ = 07:32:00\nfloat§ = 1_0.5e-3\nlarge§ = inf\nflag§ = true\nk§ = @",
)


def document(choices: list[int]) -> str:
    blocks = ["# first\n[[many]]\nk = @\n[[many.deep]]\nk = @"]
    blocks += [BLOCKS[choice].replace("§", str(index)) for index, choice in enumerate(choices)]
    lines = "\n".join(blocks).split("\n")
    return "\n".join(line.replace("@", str(number)) for number, line in enumerate(lines, start=1))


def whole_numbers(value: object, place: Place = ()) -> Iterator[tuple[Place, int]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from whole_numbers(entry, (*place, key))
    if type(value) is int:
        yield place, value


@settings(deadline=None)
@given(st.lists(st.integers(0, len(BLOCKS) - 1), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_every_number_is_found_on_its_line(choices, line_end):
    text = document(choices).replace("\r\n", "\n").replace("\n", line_end)
    lines = line_numbers(text)
    for place, number in whole_numbers(tomllib.loads(text)):
        assert lines[place] == number, (place, text)


@pytest.mark.parametrize("choice", range(len(BLOCKS)))
def test_every_kind_of_block(choice):
    text = document([choice, choice])
    found = dict(whole_numbers(tomllib.loads(text)))
    assert len(found) > 2 or BLOCKS[choice].startswith("#")
    assert {place: line_numbers(text).get(place) for place in found} == found


def test_tables_stand_on_the_line_of_their_header():
    text = "a = 1\n\n[b.c] # x\nk = 1\n[b]\n[[d]]\n[[d]]\nk = [\n{m.n = 1}]\n[d.e]\n"
    lines = line_numbers(text)
    assert lines == {
        (): 1,
        ("a",): 1,
        ("b",): 5,
        ("b", "c"): 3,
        ("b", "c", "k"): 4,
        ("d",): 6,
        ("d", 0): 6,
        ("d", 1): 7,
        ("d", 1, "k"): 8,
        ("d", 1, "k", 0): 9,
        ("d", 1, "k", 0, "m"): 9,
        ("d", 1, "k", 0, "m", "n"): 9,
        ("d", 1, "e"): 10,
    }
    assert line_of(lines, ("b", "c", "missing", 3, "x")) == 3
    assert line_of(lines, ("missing",)) == 1
    assert line_of(lines, ("d", 1, "e")) == 10
