"""Reads the networks of a person's own program, which runs in a process of its own.

Run as `python -m gan_rosetta.shared.translate.read_file ORDER RESULT`; ORDER is a JSON file, RESULT a folder.
"""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_rosetta.shared.errors import GanRosettaError, RunFailed, UnsupportedLayer, UsageError, in_a_line
from gan_rosetta.shared.spec.toml_file import read_spec
from gan_rosetta.shared.state.archive import read_state
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.translate.reading import Reading, read, write_reading
from gan_rosetta.shared.workers.process import describe_exit

_SPEC, _ANSWER = "read.toml", "answer.json"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a program has what is read. names: by argument of `read`, in the program's own words."""

    file: Path
    names: Mapping[str, str]


def parse_place(text: str, optimizers: str | None, average: str | None = None, /) -> Place:
    """Return what `FILE.py:GENERATOR,DISCRIMINATOR`, `GENERATOR,DISCRIMINATOR` and a name name; raises UsageError."""
    file, colon, networks = text.rpartition(":")
    names = _pair(networks if colon else "", f"{text}; expected FILE.py:GENERATOR,DISCRIMINATOR")
    if optimizers is not None:
        found = _pair(optimizers, f"--optimizers {optimizers}; expected the generator's and the discriminator's")
        names |= {f"{name}_optimizer": own for name, own in found.items()}
    if average is not None:
        names |= {"generator_average": average}
    if not Path(file).is_file():
        raise UsageError(f"{file} is no file; expected a Python program with both networks")
    return Place(file=Path(file), names=names)


def read_file(place: Place, /, *, like: str | Path, name: str) -> Reading:
    """Run a program in a process of its own, and read its networks there; what it prints goes to standard error.

    Raises as `read` does, and RunFailed where the program fails.
    """
    told: dict[str, Any] = {"file": str(place.file), "names": dict(place.names), "name": name}
    told |= {"like": str(like), "like_is_file": isinstance(like, Path)}
    with temporary_folder() as folder:
        order = folder / "order.json"
        write_json(order, told)
        # -P: modules of the folder that this process is in are none of ours.
        command = [sys.executable, "-P", "-m", "gan_rosetta.shared.translate.read_file", str(order), str(folder)]
        finished = subprocess.run(command, stdout=sys.stderr.fileno(), check=False)
        answer_file = Path(folder) / _ANSWER
        if not answer_file.exists():
            raise RunFailed(f"{place.file} ended with {describe_exit(finished.returncode)} before anything was read")
        answer = json.loads(answer_file.read_text(encoding="utf-8"))
        if answer["failure"]:
            raise RunFailed(f"{place.file}: {answer['failure']}")
        if answer["refusal"]:
            kind = UnsupportedLayer if answer["is_unsupported"] else UsageError
            raise kind(f"{place.file}: {answer['refusal']}")
        spec = read_spec(Path(folder) / _SPEC)
        state = read_state((Path(folder) / _SPEC).with_suffix(".safetensors"), spec)
        return Reading(
            spec=spec, state=state, num_samples=int(answer["num_samples"]), notes=tuple(map(str, answer["notes"]))
        )


def _pair(text: str, said: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts):
        raise UsageError(f"found {said}")
    return dict(zip(("generator", "discriminator"), parts, strict=True))


def _run_here(order: Mapping[str, Any], folder: Path) -> None:
    answer = {"failure": "", "refusal": "", "is_unsupported": False, "num_samples": 0, "notes": []}
    file = str(order["file"])
    sys.argv = [file]
    sys.path.insert(0, str(Path(file).resolve().parent))
    try:
        # No "__main__": a program may train where it is one.
        found = runpy.run_path(file, run_name="read")
        objects = {what: _find(found, own) for what, own in order["names"].items()}
    except GanRosettaError as error:
        answer["refusal"] = str(error)
        objects = {}
    except BaseException as error:  # the program is a stranger's
        traceback.print_exc()
        answer["failure"] = in_a_line(error)
        objects = {}
    if objects:
        like = Path(order["like"]) if order["like_is_file"] else str(order["like"])
        try:
            reading = read(like=like, name=order["name"], **objects)
            write_reading(folder / _SPEC, reading)
            answer |= {"num_samples": reading.num_samples, "notes": list(reading.notes)}
        except GanRosettaError as error:
            answer |= {"refusal": str(error), "is_unsupported": isinstance(error, UnsupportedLayer)}
    write_json(folder / _ANSWER, answer)


def _find(names: Mapping[str, Any], own: str) -> Any:
    """Return what a program has under a name, such as `G` or `models.G`; a class or a function is called."""
    first, *rest = own.split(".")
    if first not in names:
        known = ", ".join(sorted(name for name in names if not name.startswith("_")))
        raise UsageError(f"there is no {first!r} in it; it has {known or 'nothing'}")
    found = names[first]
    for part in rest:
        if not hasattr(found, part):
            raise UsageError(f"{first} has no {part!r}")
        found = getattr(found, part)
    is_maker = isinstance(found, type) or type(found).__name__ == "function"
    return found() if is_maker else found


if __name__ == "__main__":
    _run_here(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
