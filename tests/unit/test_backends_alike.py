"""The backends side by side: the same files, and in them the same functions, methods and tables in one order."""

from __future__ import annotations

import ast
from itertools import combinations
from pathlib import Path

import pytest

from gan_rosetta.shared.interface import Device, Trainer

FOLDER = Path(__file__).resolve().parents[2] / "backends"
FILES = (
    *("device.py", "losses.py", "optimizers.py", "program.py", "step.py", "trainer.py"),
    # The table of layers, and the layers that have a file of their own.
    *("layers.py", "activations.py", "augment.py", "branches.py", "classifying.py", "codes.py", "convolution.py"),
    *("pull_away.py", "resampling.py"),
)
BACKENDS = ("numpy", "torch", "tensorflow", "mxnet", "jax")
TABLES = {
    "layers.py": {"LAYERS"},
    "losses.py": {"DISCRIMINATOR_LOSSES", "GENERATOR_LOSSES"},
    "optimizers.py": {"OPTIMIZERS"},
}


def read(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body


def public(statements: list[ast.stmt]) -> list[str]:
    """Return the names of functions that are not private, in their order."""
    return [each.name for each in statements if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")]


def methods(path: Path) -> list[str]:
    """Return the public methods of a file's trainer, in their order."""
    (trainer,) = (each for each in read(path) if isinstance(each, ast.ClassDef) and each.name.endswith("Trainer"))
    return public(trainer.body)


def tables(path: Path) -> dict[str, list[str]]:
    """Return the kinds in each table of a file, in their order."""
    found = {}
    for each in read(path):
        target = each.target if isinstance(each, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and isinstance(each.value, ast.Dict):
            found[target.id] = [key.attr for key in each.value.keys if isinstance(key, ast.Attribute)]
    return found


def out_of_order(names: dict[str, list[str]]) -> list[str]:
    """Return in words which two backends have what both have in different orders."""
    said = []
    for (first, own), (second, other) in combinations(names.items(), 2):
        shared = [[name for name in each if name in own and name in other] for each in (own, other)]
        if shared[0] != shared[1]:
            said.append(f"{first} has {shared[0]}, {second} {shared[1]}")
    return said


def protocol(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_")]


def test_every_backend_is_here():
    assert set(BACKENDS) == {path.parent.name for path in FOLDER.glob("*/trainer.py")}


@pytest.mark.parametrize("name", FILES)
def test_every_backend_has_the_same_files(name):
    assert [backend for backend in BACKENDS if not (FOLDER / backend / name).exists()] == []


@pytest.mark.parametrize("name", FILES)
def test_what_two_backends_have_stands_in_one_order(name):
    assert out_of_order({backend: public(read(FOLDER / backend / name)) for backend in BACKENDS}) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_devices_and_trainers_have_the_protocol_s_functions_in_its_order(backend):
    known, wanted = public(read(FOLDER / backend / "device.py")), protocol(Device)
    assert [name for name in known if name in wanted] == wanted
    known, wanted = methods(FOLDER / backend / "trainer.py"), protocol(Trainer)
    assert [name for name in known if name in wanted] == wanted


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_the_same_kinds_in_one_order(name):
    expected = tables(FOLDER / "numpy" / name)
    for backend in BACKENDS:
        found = tables(FOLDER / backend / name)
        assert {table: found[table] for table in TABLES[name]} == {table: expected[table] for table in TABLES[name]}
        assert all(found[table] for table in TABLES[name])


def test_another_order_is_found():
    assert out_of_order({"numpy": ["a", "b"], "torch": ["b", "x", "a"]}) == ["numpy has ['a', 'b'], torch ['b', 'a']"]
    assert out_of_order({"numpy": ["a", "b"], "torch": ["a", "x", "b", "c"]}) == []
