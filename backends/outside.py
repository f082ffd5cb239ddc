"""Backends that installed packages register by an entry point, each looked up in a process of its own.

What is loaded there may print, hang, raise or end its process; here it can do none of these.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from typing import Any

from gan_rosetta.backends import ENTRY_POINTS, BackendEntry

# An entry names a package and imports nothing of it; one that does may take seconds.
_SECONDS_TO_LOAD = 20.0
_MOST_ANSWER_BYTES = 1 << 16
_MOST_SHOWN = 200

Found = BackendEntry | str
"""A backend, or why it cannot be used."""


def registered_names() -> tuple[str, ...]:
    """Return the names of all entry points; nothing of theirs is loaded."""
    return tuple(dict.fromkeys(point.name for point in importlib.metadata.entry_points(group=ENTRY_POINTS)))


def look_up(name: str, /) -> Found:
    """Return the backend that is registered by a name, or why it cannot be used, in a line."""
    point, *more = importlib.metadata.entry_points(group=ENTRY_POINTS, name=name)
    owners = [each.dist.name if each.dist is not None else "an unknown package" for each in (point, *more)]
    origin = f"{point.value} of {owners[0]}"
    if more:
        return f"{origin}: the name is taken by {owners[1]} too; uninstall one of them"
    try:
        answer = _ask(name, point.value)
    except subprocess.TimeoutExpired:
        return f"{origin} does not load (nothing came of it in {_SECONDS_TO_LOAD:g} s)"
    except OSError as error:
        return f"{origin} cannot be looked at ({error})"
    if "problem" in answer:
        return f"{origin}{answer['problem']}"
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in answer.items()}
    return BackendEntry(**values)


def look_up_all(names: tuple[str, ...], /) -> dict[str, Found]:
    """Return what look_up returns for each name; they are looked up beside each other."""
    if not names:
        return {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(names, pool.map(look_up, names), strict=True))


def _ask(name: str, value: str) -> Mapping[str, Any]:
    request = json.dumps({"name": name, "value": value, "path": [entry for entry in sys.path if entry]})
    finished = subprocess.run(
        [sys.executable, "-P", "-m", "gan_rosetta.backends.outside", request],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS_TO_LOAD,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )
    try:
        answer: dict[str, Any] = json.loads(finished.stdout[:_MOST_ANSWER_BYTES])
    except ValueError:
        return {"problem": f" does not load (its process ended with status {finished.returncode})"}
    return answer


def main(request: str, /) -> None:
    """In a process of its own: load an entry point and answer with its entry, or with what is wrong with it."""
    # What the package prints is not taken for the answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    wanted = json.loads(request)
    sys.path[:] = wanted["path"]
    point = importlib.metadata.EntryPoint(name=wanted["name"], value=wanted["value"], group=ENTRY_POINTS)
    try:
        entry = point.load()
    except BaseException as error:  # SystemExit too: whatever a package does wrong is its own
        said = " ".join(str(error).split())[:_MOST_SHOWN]
        answer = {"problem": f" does not load ({type(error).__name__}: {said})"}
    else:
        problem = _find_fault(entry, wanted["name"])
        answer = asdict(entry) if problem is None else {"problem": f": {problem}"}
    json.dump(answer, answers)
    answers.flush()
    # Threads that the package started are not waited for.
    os._exit(0)


def _find_fault(entry: Any, name: str) -> str | None:
    if not isinstance(entry, BackendEntry):
        return f"expected a backends.BackendEntry, found {type(entry).__name__}"
    for field in fields(BackendEntry):
        value = getattr(entry, field.name)
        is_texts = field.name in ("distributions", "executions")
        good = isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        if not (good if is_texts else isinstance(value, str)):
            return f"{field.name} is {value!r}; expected {'a tuple of texts' if is_texts else 'a text'}"[:_MOST_SHOWN]
    if entry.name != name:
        return f"the entry is named {entry.name!r}; expected {name!r}, as the entry point is"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        return f"the name is {name!r}; expected small letters, digits and hyphens, as it names a folder"
    if not entry.executions or not set(entry.executions) <= {"eager", "compiled"}:
        return f"executions are {entry.executions!r}; expected 'eager', 'compiled' or both"
    return None


if __name__ == "__main__":
    main(sys.argv[1])
