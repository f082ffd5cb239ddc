"""The page of the library's public names, which Sphinx fills from their docstrings."""

from __future__ import annotations

import inspect

import gan_rosetta
from gan_rosetta.shared.runs.request import FeedOptions, Options

NAME = "library"

_TITLE = "The library"
_LEAD = """`import gan_rosetta as gr` gives what the command `gan-rosetta` does, in Python: it trains GANs on any
installed framework, compares runs, and finds where they part. Frameworks run in processes of their own."""
# In the order in which they are met; what is not here yet comes after.
_FIRST = ("compare", "Comparison", "train", "TrainedRun", "diagnose", "Diagnosis")
# What shows how it was made, and says nothing to who reads.
_LEFT_OUT = "__init__, __new__, args, with_traceback, add_note"


def library_page() -> str:
    """Return the page, in MyST's Markdown."""
    names = sorted(
        gan_rosetta.__all__, key=lambda name: (name not in _FIRST, _FIRST.index(name) if name in _FIRST else 0)
    )
    directives = [_directive(f"gan_rosetta.{name}", getattr(gan_rosetta, name)) for name in names]
    directives += [_directive(f"{kind.__module__}.{kind.__name__}", kind) for kind in (Options, FeedOptions)]
    return f"# {_TITLE}\n\n{_LEAD}\n\n```{{eval-rst}}\n" + "\n".join(directives) + "```\n"


def _directive(path: str, value: object) -> str:
    if not inspect.isclass(value):
        return f".. autofunction:: {path}\n"
    if issubclass(value, Exception) or value in (Options, FeedOptions):
        return f".. autoclass:: {path}\n   :no-members:\n"
    return f".. autoclass:: {path}\n   :members:\n   :inherited-members:\n   :exclude-members: {_LEFT_OUT}\n"
