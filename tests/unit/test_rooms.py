"""The rooms: imports between folders run one way, lazily too, and the harness imports no framework."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# From the ground floor up: a room imports those before it and no other. errors is a single file.
ROOMS = (
    "shared.errors",
    "shared.storage",
    "shared.spec",
    "shared.interface",
    "shared.gans",
    "shared.data",
    "shared.state",
    "backends",
    "shared.faults",
    "shared.workers",
    "shared.compare",
    "shared.runs",
    "shared.quality",
    "shared.seeds",
    "shared.matters",
    "shared.sweeps",
    "shared.diagnose",
    "shared.cases",
    "shared.translate",
    "shared.traces",
    "shared.generate",
    "shared.defaults",
    "shared.accuracy",
    "shared.calibrate",
    "shared.coverage",
    "shared.report",
    "benchmarks",
    "shared.commands",
    "gan_rosetta",
)
# The laws and their plugin are tests.
TESTS = "shared.conformance"

_PROGRAM = """
import importlib, pkgutil, sys
import gan_rosetta.benchmarks, gan_rosetta.shared, tutorials.machinery
for room in (sys.modules["gan_rosetta.shared"], sys.modules["gan_rosetta.benchmarks"], tutorials.machinery):
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        # Published programs are a framework's own, imported in its worker as backends are.
        if ".benchmarks.published.in_" not in module.name:
            importlib.import_module(module.name)
found = sorted({"torch", "tensorflow", "keras", "mxnet", "jax"} & set(sys.modules))
sys.exit(f"importing shared, benchmarks and the lessons' machinery brought in {found}" if found else 0)
"""


def room_of(module: str) -> str:
    """Return the room of a module, named from the top: that of the face for what no other room holds."""
    name = module.removeprefix("gan_rosetta.")
    return next((room for room in (*ROOMS, TESTS) if name == room or name.startswith(f"{room}.")), "gan_rosetta")


def modules() -> Iterator[tuple[str, Path]]:
    for folder in ("shared", "backends", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(("gan_rosetta", *(part for part in parts if part != "__init__"))), path
    for path in sorted((ROOT / "gan_rosetta").glob("*.py")):
        yield f"gan_rosetta.{path.stem}", path


def imports_of(path: Path, known: set[str]) -> Iterator[str]:
    """Yield every module of ours that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path} imports by dots; name the module whole"
            named = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in known else node.module for name in named)


def upward(files: dict[str, Path]) -> list[str]:
    known = set(files)
    return [
        f"{module} imports {imported}"
        for module, path in files.items()
        for imported in imports_of(path, known)
        if imported in known and TESTS not in (room_of(module), room_of(imported))
        if room_of(module) in ROOMS and ROOMS.index(room_of(imported)) > ROOMS.index(room_of(module))
    ]


def test_imports_between_rooms_run_one_way():
    assert upward(dict(modules())) == []


def test_an_import_upwards_is_found(tmp_path):
    low = tmp_path / "low.py"
    low.write_text("def later():\n    from gan_rosetta.shared.commands import main\n", encoding="utf-8")
    files = {"gan_rosetta.shared.storage.low": low, "gan_rosetta.shared.commands.main": tmp_path / "main.py"}
    (tmp_path / "main.py").touch()
    assert upward(files) == ["gan_rosetta.shared.storage.low imports gan_rosetta.shared.commands.main"]


def test_every_folder_is_a_room():
    folders = {f"shared.{path.name}" for path in (ROOT / "shared").iterdir() if (path / "__init__.py").exists()}
    assert folders - {TESTS} == {room for room in ROOMS if room.startswith("shared.")} - {"shared.errors"}


def test_the_packages_hold_no_second_name_for_a_module():
    for path in (ROOT / "gan_rosetta").iterdir():
        if path.is_symlink():
            assert path.resolve() == ROOT / path.name
            assert not path.readlink().is_absolute()
    for module, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in named if n.partition(".")[0] in ("shared", "backends", "benchmarks")], module


def test_shared_and_benchmarks_import_no_framework():
    finished = subprocess.run([sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_no_room_knows_the_lessons():
    for module, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in named if name.partition(".")[0] == "tutorials"], module
