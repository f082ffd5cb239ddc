"""Errors in the words of whoever called: what the command line calls an option is an argument in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from gan_rosetta.shared.errors import GanRosettaError

# An option, and the word in capitals that stands for its value.
_OPTION = re.compile(r"--([a-z][a-z-]*)(?: (?:FILE\.[a-z]+|[A-Z]{2,})\b)?")

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def in_python_words(text: str, /) -> str:
    """Return a message with each option as an argument: `--pretrain-steps` becomes `pretrain_steps`."""
    return _OPTION.sub(lambda found: found[1].replace("-", "_"), text)


def speaks_python(function: Callable[_Parameters, _Result], /) -> Callable[_Parameters, _Result]:
    """Have a function raise the errors that a user can cause in Python's words."""

    @wraps(function)
    def call(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
        try:
            return function(*arguments, **options)
        except GanRosettaError as error:
            raise type(error)(in_python_words(str(error))) from None

    return call
