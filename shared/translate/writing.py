"""How a program's text is written: what of a spec may stand in it, and lines that fit.

Nothing of a spec becomes code. Numbers are written by their own type, names are those that the spec checked, and free
text, which is anybody's, stands in docstrings alone, without a character that could end one.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Collection, Iterable, Sequence

from gan_rosetta.shared.errors import UsageError

WIDTH = 100
_LONGEST_NAME = 40
# But an f-string, which may speak of something.
_QUOTED = re.compile(r'(?<!f)"[^"\n]*"')
_IN_DOCSTRINGS = str.maketrans({"\\": "/", '"': "'"})


def plain(text: str, /) -> str:
    """Return free text as it may stand in a docstring: on one line, of characters that print, none of which ends it."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.translate(_IN_DOCSTRINGS).split())


def docstring(summary: str, paragraphs: Iterable[str], /) -> str:
    """Return a docstring: a sentence that fits its first line, and paragraphs, broken into lines."""
    filled = (textwrap.fill(part, WIDTH, break_on_hyphens=False) for part in paragraphs)
    return '"""' + "\n\n".join([summary, *filled]) + '\n"""'


def speaks_of(code: str, name: str, /) -> bool:
    """Whether code speaks of a name by itself, and not only a text or something's attribute is called so."""
    return re.search(rf"(?<!\.)\b{name}\b", _QUOTED.sub('""', code)) is not None


def number(value: float, /) -> str:
    """Return a number as Python reads it back; a subclass's own repr is not asked."""
    if isinstance(value, int):
        return int.__repr__(value)
    return float.__repr__(float(value)).replace("e-0", "e-")


def numbers(values: Sequence[float], /) -> str:
    """Return a tuple of numbers."""
    return f"({', '.join(map(number, values))}{',' if len(values) == 1 else ''})"


def attribute(name: str, reserved: Collection[str], /) -> str:
    """Return a layer's name as an attribute: with a `_` behind it where Python or the framework has that name.

    The dots of a layer inside of branches become `_`, which no name of the spec has but those that it gives itself, of
    a name and a kind, to layers without one; of these lines have room, since they are hardly ever written.
    """
    if len(name.partition("_")[0]) > _LONGEST_NAME:
        raise UsageError(
            f"the layer {name!r} has a name of {len(name)} letters; a program's lines have room for {_LONGEST_NAME}: "
            "shorten it"
        )
    name = name.replace(".", "_")
    return f"{name}_" if keyword.iskeyword(name) or name in reserved else name


def call(before: str, arguments: Sequence[str], after: str = ")", /, *, indent: int = 0, later: int = 0) -> str:
    """Return a call, in one line where it fits, or as ruff breaks it.

    before: as far as the bracket. later: by how much it will be indented besides.
    """
    space = " " * indent
    whole = f"{space}{before}{', '.join(arguments)}{after}"
    if len(whole) + later <= WIDTH:
        return whole
    inner = f"{space}    {', '.join(arguments)}"
    if len(inner) + later <= WIDTH:
        return f"{space}{before}\n{inner}\n{space}{after}"
    lines = "".join(f"{fitted(argument, indent=indent + 4, later=later + 1)},\n" for argument in arguments)
    return f"{space}{before}\n{lines}{space}{after}"


def fitted(statement: str, /, *, indent: int, later: int = 0) -> str:
    """Return a statement that ends in a call, in one line where it fits, or with the arguments of that call below.

    A list has an entry a line where it does not fit.
    """
    opening = _opening_of_last_call(statement)
    if len(statement) + indent + later <= WIDTH:
        return " " * indent + statement
    if opening is None:
        is_list = statement.startswith("[")
        return literal("[", _arguments(statement[1:-1]), "]", indent=indent) if is_list else " " * indent + statement
    is_long = indent + later + opening + 1 > WIDTH
    end = statement.rfind(")", 0, opening)
    is_method = statement.endswith("()") or re.search(r"\)\.\w+\(\d+\)$", statement) is not None
    if end >= 0 and (is_method or (is_long and end == opening - 1)):
        # Of f(a, b).flatten(), f(a, b).unsqueeze(1) and f(a, b)(x) the first call is broken.
        first = _opening_of_last_call(statement[: end + 1]) or 0
        arguments = _arguments(statement[first + 1 : end])
        return call(statement[: first + 1], arguments, statement[end:], indent=indent, later=later)
    return call(statement[: opening + 1], _arguments(statement[opening + 1 : -1]), indent=indent, later=later)


def _opening_of_last_call(statement: str) -> int | None:
    depth = 0
    for place in range(len(statement) - 1, -1, -1):
        depth += (statement[place] in ")]}") - (statement[place] in "([{")
        if depth == 0:
            return place if statement[place] == "(" else None
    return None


def _arguments(text: str) -> list[str]:
    arguments, depth, start = list[str](), 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            arguments.append(text[start:place].strip())
            start = place + 1
    return [*arguments, text[start:].strip()]


def literal(before: str, entries: Sequence[str], after: str, /, *, indent: int = 0, later: int = 0) -> str:
    """Return a dictionary or a list, in one line where it fits, or an entry a line; arguments as of call."""
    space = " " * indent
    whole = f"{space}{before}{', '.join(entries)}{after}"
    if len(whole) + later <= WIDTH:
        return whole
    return f"{space}{before}\n" + "".join(f"{space}    {entry},\n" for entry in entries) + f"{space}{after}"


def indented(text: str, /, *, by: int) -> str:
    """Return lines further in; empty ones stay empty."""
    return textwrap.indent(text, " " * by)
