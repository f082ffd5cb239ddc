"""Whether a TOML text is one that its parser reads in little memory, found without parsing it.

For a key of n names tomllib keeps each way there, n² / 2 names, so that 40 KB of them take gigabytes.
"""

from __future__ import annotations

import re

_MOST_NAMES = 16
_MOST_DEPTH = 32
# Texts and comments are skipped, whole or cut off; what else there is parts names, keys and tables.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""["]{0,2}|\Z)'
    r"|'''.*?(?:'''[']{0,2}|\Z)"
    r'|"(?:\\[^\n]|[^"\\\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+"
    r"|[.\[\]{}=,\n]",
    re.DOTALL,
)


def find_too_deep(text: str, /) -> tuple[int, str] | None:
    """Return the line at which tables, lists or a key's names lie too deep in one another, and what does; or None."""
    num_names, depth, line, last = 1, 0, 1, 0
    for match in _TOKEN.finditer(text):
        sign = match[0]
        line += text.count("\n", last, match.start())
        last = match.start()
        if sign == ".":
            num_names += 1
        elif sign in "[]{}=,\n":
            num_names = 1
            depth += (sign in "[{") - (sign in "]}")
        if num_names > _MOST_NAMES:
            return line, f"a key has more than {_MOST_NAMES} names"
        if depth > _MOST_DEPTH:
            return line, f"lists or tables lie more than {_MOST_DEPTH} deep in one another"
    return None
