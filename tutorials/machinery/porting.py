"""The page that takes a port with three mistakes and finds them one by one, which is one of docs/."""

from __future__ import annotations

import re

from tutorials.machinery.lessons import HOME
from tutorials.machinery.library import NAME as LIBRARY

NAME = "port-a-gan"

# In brackets, nothing but links.
_ASIDE = re.compile(r"\s\((?:\[[^\]]+\]\([^)]+\)(?:,\s)?)+\)")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def porting_page() -> str:
    """Return the page, in MyST's Markdown; of links to pages that the site has not their words alone are left."""
    text = (HOME.parent / "docs" / f"{NAME}.md").read_text(encoding="utf-8")
    return _LINK.sub(lambda found: found[0] if found[2] == f"{LIBRARY}.md" else found[1], _ASIDE.sub("", text))
