"""What tests compute once and all processes of their session read: references, their copies, and yardsticks."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

_Function = TypeVar("_Function", bound=Callable[..., Any])
# What the tests of a GAN, which come one after the other, ask for again; the rest is read anew.
_NUM_IN_MEMORY = 8

_folder: Path | None = None


def keep_in(folder: Path, /) -> None:
    """Have what is computed from now on kept in a folder, which goes with the session."""
    global _folder  # noqa: PLW0603 - one session, whose processes share it
    folder.mkdir(parents=True, exist_ok=True)
    _folder = folder


def once(function: _Function, /) -> _Function:
    """Have a function computed once for its arguments, whose repr says all that they are, as that of a spec does.

    Where no folder is set, each process computes for itself. What is returned is shared and must be left as it is.
    """
    latest: OrderedDict[str, Any] = OrderedDict()

    @wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        said = repr((function.__module__, function.__qualname__, arguments, sorted(keywords.items())))
        key = hashlib.sha256(said.encode()).hexdigest()
        if key not in latest:
            latest[key] = _kept(key, lambda: function(*arguments, **keywords))
            if len(latest) > _NUM_IN_MEMORY:
                latest.popitem(last=False)
        latest.move_to_end(key)
        return latest[key]

    return call  # type: ignore[return-value]


def _kept(key: str, compute: Callable[[], Any]) -> Any:
    if _folder is None:
        return compute()
    path = _folder / f"{key}.pickle"
    # Another process that wants the same waits for it.
    with FileLock(_folder / f"{key}.lock"):
        if path.exists():
            return pickle.loads(path.read_bytes())  # noqa: S301 - our own, of this session
        found = compute()
        # Whole or not at all, also where a process is ended in between.
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(pickle.dumps(found, protocol=pickle.HIGHEST_PROTOCOL))
        unfinished.replace(path)
    return found
