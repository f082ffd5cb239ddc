"""Whatever is shown is text: no letter of it is a command to a terminal, a page or a picture, and no text is endless.

Names, titles and messages come from files, backends and machines that anybody may have written. Each thing that shows
text has one place that text goes through on its way there: `Terminal` here, `Plain` of matplotlib's figures in
style.py, the `finalize` of the page's template in page/render.py, `as_markdown` here, and `as_html` for notebooks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from html import escape
from typing import Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

# What moves a cursor, rings, turns writing round, ends a line, or is no letter in UTF-8; \t and \n are let through.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_MARKDOWN = re.compile(r"[\\`*<\[|$]")
MOST_LETTERS = 2000
_MOST_LINES = 400

_Part = TypeVar("_Part")


def shown(text: str, /, *, most_letters: int = MOST_LETTERS) -> str:
    """Return a text as it can be shown: control letters as Python writes them, and each line cut where it is too long.

    Lines past some hundreds are left out, and said to be.
    """
    if len(text) <= most_letters and _UNSHOWN.search(text) is None:
        return text
    lines, more = _first_lines(text)
    cut = [line if len(line) <= most_letters else f"{line[:most_letters]}… ({len(line):,} letters)" for line in lines]
    return _UNSHOWN.sub(_escaped, "\n".join(cut)) + more


def shown_in_line(text: str, /, *, most_letters: int = MOST_LETTERS) -> str:
    """Return a text as it can be shown within a line."""
    return shown(text.replace("\n", " "), most_letters=most_letters)


def as_json(text: str, /) -> str:
    """Return JSON of which no letter outside of ASCII commands a terminal; it says the same."""
    return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_markdown(text: str, /) -> str:
    """Return a text for a line of Markdown, in which it is no markup."""
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", shown_in_line(text))


def as_html(text: str, /) -> str:
    """Return a text for a page, in which it is no markup."""
    return escape(shown(text))


def map_texts(part: _Part, change: Callable[[str], str], /) -> _Part:
    """Return a copy of a dataclass, or of a part of one, in which every text is changed."""
    if isinstance(part, str):
        return change(part)  # type: ignore[return-value]
    if isinstance(part, tuple):
        return tuple(map_texts(entry, change) for entry in part)  # type: ignore[return-value]
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{field.name: map_texts(getattr(part, field.name), change) for field in fields(part)})
    return part


class Terminal(Console):
    """A console for which every text is text: rich's own markup is written as `Text`, and nothing else commands it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text as it is shown, whatever stands in brackets or between colons in it."""
        return super().render_str(shown(text), **{**options, "markup": False, "emoji": False})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is written of something, its texts as they are shown."""
        if isinstance(renderable, Text):
            plain = shown(renderable.plain)
            if plain != renderable.plain:
                renderable = Text(plain, style=renderable.style, justify=renderable.justify, end=renderable.end)
        return super().render(renderable, options)


def _first_lines(text: str) -> tuple[list[str], str]:
    lines = text.split("\n", _MOST_LINES)
    if len(lines) <= _MOST_LINES:
        return lines, ""
    num_more = 1 + lines[-1].count("\n")
    return lines[:_MOST_LINES], f"\n… ({num_more:,} more lines)"


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
