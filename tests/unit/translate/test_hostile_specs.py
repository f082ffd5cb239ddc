"""Nothing of a spec becomes code: names, texts, numbers and files change nothing but what they stand for."""

from __future__ import annotations

import ast
import itertools
import json
import keyword
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gan_rosetta as gr
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.errors import GanRosettaError, SpecError
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.translate.data import data_section
from gan_rosetta.shared.translate.notebook import notebook_text
from gan_rosetta.shared.translate.program import DIALECTS, write_head, write_program
from gan_rosetta.shared.translate.proof import Proof, same_code
from gan_rosetta.shared.translate.translation import Translation, translate, write_translation
from gan_rosetta.shared.translate.writing import attribute, number
from tests.unit.translate.odd_gans import ODD_GANS

GANS = {**gr.gans(), **MADE_UP, **ODD_GANS}
LINE, LONGEST_NAME = 100, 40
CALL = "__import__('os').system('true')"
PIECES = (
    *('"""', "'''", '"', "'", "\\", "\n", "\r", "\0", "\t", "\x0c", "\x1b[2J", "\u0085", "\u2028", "\u2029"),
    *("{", "}", "{{", "}}", "{0}", "{self}", "%s", "%", "#", "$(true)", "`true`", ";", ")", "]", "\\N{DIGIT ONE}"),
    *("\\x22" * 3, "\\u0022" * 3, "\\", "\u202e", "\u2066", "\ufeff", "\ud800", "\U000e0022", "\uff02" * 3, "a" * 120),
    *(
        "import os",
        CALL,
        "\n# Data\nimport os\n",
        "{% raw %}",
        "{{ 7 * 7 }}",
        "<script>",
        "options = parser.parse_args()",
    ),
)
HOSTILE = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))
# One at a time in each field, where a spec that checks itself refuses all but free text.
TEXTS = (*PIECES, f'"""\n{CALL}\n"""', f"'); {CALL} #", f'"); {CALL} #', f"\\\n{CALL}", f"{{{CALL}}}", "")


def refused(make, *, by: tuple[type[Exception], ...] = (GanRosettaError,)):
    """Return what is made, or None where it is refused as it should be."""
    try:
        return make()
    except by:
        return None


def leaves(
    value: Any, path: tuple[Any, ...] = (), owner: tuple[str, str] = ("", "")
) -> Iterator[tuple[tuple[Any, ...], tuple[str, str], Any]]:
    """Yield all texts and numbers of a spec: where each is, the kind and the field that have it, and what it is."""
    if is_dataclass(value):
        for field in fields(value):
            inside = getattr(value, field.name)
            yield from leaves(inside, (*path, field.name), (type(value).__name__, field.name))
    elif isinstance(value, tuple):
        for index, inside in enumerate(value):
            yield from leaves(inside, (*path, index), owner)
    elif isinstance(value, str | int | float):
        yield path, owner, value


def with_leaf(value: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    """Return a spec with something else in a place; each part of it checks itself."""
    if not path:
        return leaf
    first, *rest = path
    if isinstance(first, int):
        return tuple(with_leaf(each, tuple(rest), leaf) if i == first else each for i, each in enumerate(value))
    return replace(value, **{first: with_leaf(getattr(value, first), tuple(rest), leaf)})


def one_of_each_field() -> dict[tuple[str, str, str], tuple[GanSpec, tuple[Any, ...], Any]]:
    """Return a place for each field of each kind of a spec, in the smallest GAN that has one."""
    found: dict[tuple[str, str, str], tuple[GanSpec, tuple[Any, ...], Any]] = {}
    for spec in sorted(GANS.values(), key=lambda each: len(repr(each))):
        for path, owner, leaf in leaves(spec):
            found.setdefault((*owner, type(leaf).__name__), (spec, path, leaf))
    return found


PLACES = one_of_each_field()
FREE = {("GanSpec", "title", "str"), ("GanSpec", "source", "str")}


def test_a_place_is_found_for_each_field_that_holds_a_text_or_a_number():
    kinds = {owner for owner, _, _ in PLACES}
    assert kinds >= {"GanSpec", "Linear", "Adam", "Training", "Branches", "Branch", "StepPattern", "GradientPenalty"}
    assert len(PLACES) > 150
    for spec, path, leaf in PLACES.values():
        assert with_leaf(spec, path, leaf) == spec


def test_a_hostile_text_is_refused_in_every_field_but_in_those_of_free_text():
    taken = set()
    for owner, (spec, path, leaf) in PLACES.items():
        for text in TEXTS if isinstance(leaf, str) else TEXTS[-5:]:
            if text.isalpha() and text.isascii() and owner[1] == "name":
                continue  # a name like another
            if refused(lambda spec=spec, path=path, text=text: with_leaf(spec, path, text)) is not None:
                taken.add(owner)
    assert taken == FREE


@settings(max_examples=150, deadline=None, derandomize=True)
@given(title=HOSTILE, source=HOSTILE, to=st.sampled_from(list(DIALECTS)))
def test_free_text_stands_in_the_head_alone(title, source, to):
    tame = gr.spec("linear-2d")
    hostile, dialect = replace(tame, title=title, source=source), DIALECTS[to]
    head = write_head(hostile, dialect, [title])
    (statement,) = ast.parse(f"{head}\n").body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    assert isinstance(statement.value.value, str)
    assert all(letter.isprintable() or letter == "\n" for letter in head)
    assert max(map(len, head.splitlines())) <= LINE
    texts = {spec: write_program(spec, dialect) for spec in (hostile, tame)}
    after = [text.removeprefix(write_head(spec, dialect, [])) for spec, text in texts.items()]
    assert after[0] == after[1] != texts[tame]


class EvilText(str):
    """A text of the same letters, which says something else where it is asked."""

    __slots__ = ()

    def __repr__(self):
        return CALL

    __str__ = __format__ = lambda self, *_: CALL


class EvilFloat(float):
    __repr__ = __str__ = __format__ = lambda self, *_: CALL


class EvilInt(int):
    __repr__ = __str__ = __format__ = lambda self, *_: CALL


def with_evil_numbers(value: Any) -> Any:
    """Return a spec each of whose numbers, but one of a choice, says something else where it is asked."""
    if is_dataclass(value):
        for field in fields(value):
            evil = {field.name: with_evil_numbers(getattr(value, field.name))}
            value = refused(lambda given=value, evil=evil: replace(given, **evil)) or value
        return value
    if isinstance(value, tuple):
        return tuple(map(with_evil_numbers, value))
    return {float: EvilFloat, int: EvilInt}.get(type(value), type(value))(value) if value is not None else None


def test_no_number_s_own_words_are_asked():
    assert (number(EvilFloat(0.5)), number(EvilInt(3))) == ("0.5", "3")
    for name, spec in GANS.items():
        evil = with_evil_numbers(spec)
        assert "EvilInt" in {type(leaf).__name__ for _, _, leaf in leaves(evil)}
        for to, dialect in DIALECTS.items():
            assert write_program(evil, dialect) == write_program(spec, dialect), (name, to)


def test_no_text_s_own_words_are_asked():
    for owner, (spec, path, leaf) in PLACES.items():
        if type(leaf) is not str:
            continue
        evil = refused(lambda spec=spec, path=path, leaf=leaf: with_leaf(spec, path, EvilText(leaf)))
        assert evil is not None or owner not in FREE
        for to, dialect in DIALECTS.items() if evil is not None else ():
            assert write_program(evil, dialect) == write_program(spec, dialect), (owner, to)


# What a layer, a block or a branch may be called, and is something else to Python, a framework or the program.
NAMES = (
    *(name for name in keyword.kwlist if name.islower()),
    *("exec", "eval", "open", "compile", "print", "len", "range", "dict", "min", "max", "super", "zip", "int", "id"),
    *("torch", "nn", "functional", "tf", "keras", "ops", "mx", "nd", "jax", "jnp", "lax", "nnx", "optax", "np", "math"),
    *("self", "x", "noise", "samples", "classes", "batch", "state", "options", "parser", "step", "losses", "given"),
    *("generator", "discriminator", "train", "training", "forward", "call", "parameters", "name", "weight", "bias"),
    *("masks", "mask", "dtype", "real", "fake", "average", "random", "picture", "path", "main", "gradients", "layers"),
    *("logits", "score", "mixed", "penalty", "kept", "norm", "conv", "end", "output", "input", "apply", "summary"),
)
# Branches inside of branches, features that are recalled, masks, classes, images.
NAMED = {
    name: GANS[name] for name in ("pooled-digits", "grouped-digits", "reused-gradients", "branched-images", "odd-norms")
}


def names_of(value: Any) -> list[str]:
    """Return the names of all layers, blocks and branches, each once."""
    places = (path[-1:] == ("name",) and len(path) > 1 and leaf for path, _, leaf in leaves(value))
    return list(dict.fromkeys(name for name in places if name))


def with_names(value: Any, names: Mapping[str, str]) -> Any:
    """Return a network with other names."""
    if is_dataclass(value):
        found = {field.name: with_names(getattr(value, field.name), names) for field in fields(value)}
        found |= {"name": names[found["name"]]} if "name" in found else {}
        if isinstance(found.get("of"), str):  # a layer that is recalled, by its path
            found["of"] = ".".join(names[part] for part in found["of"].split("."))
        return type(value)(**found)
    return tuple(with_names(each, names) for each in value) if isinstance(value, tuple) else value


def renamed_gan(spec: GanSpec, names: Mapping[str, str]) -> GanSpec:
    return replace(spec, **{what: with_names(network, names) for what, network in spec.networks().items()})


def tame_names(hostile: Sequence[str]) -> list[str]:
    """Return names of the same lengths that are nobody's, so that lines break where they do."""
    found: list[str] = []
    for name in hostile:
        letters = itertools.product("wyj", repeat=len(name))
        found.append(next(made for each in letters if (made := "".join(each)) not in found))
    return found


class Renaming:
    """Goes through two programs side by side, which may differ in texts, and in names as those of a GAN do.

    changed, kept: names of variables, and of what a class of the program has itself, that do and do not.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._class = ""
        self.changed: set[tuple[str, str]] = set()
        self.kept: set[tuple[str, str]] = set()

    def compare(self, hostile: Any, tame: Any) -> None:
        """Require that two trees, lists or values are alike."""
        assert type(hostile) is type(tame)
        if isinstance(tame, ast.Constant) and isinstance(tame.value, str):
            assert isinstance(hostile.value, str)
        elif isinstance(tame, ast.AST):
            outside = self._class
            self._class = tame.name if isinstance(tame, ast.ClassDef) else outside
            for field in tame._fields:
                given, expected = getattr(hostile, field, None), getattr(tame, field, None)
                if isinstance(expected, str):
                    self._identifier(given, expected, tame)
                else:
                    self.compare(given, expected)
            self._class = outside
        elif isinstance(tame, list):
            assert len(hostile) == len(tame)
            for given, expected in zip(hostile, tame, strict=True):
                self.compare(given, expected)
        else:
            assert hostile == tame

    def _identifier(self, hostile: str, tame: str, node: ast.AST) -> None:
        # A "_" stands between the names of a layer inside of branches.
        parts, others = (each.split("_") for each in (tame, hostile))
        assert [self._names.get(part, part) for part in parts] == others, f"{tame} became {hostile}"
        if isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
            places = [self._class] if is_own else []
        else:
            places = [] if isinstance(node, ast.keyword) else [""]
        (self.kept if parts == others else self.changed).update((place, hostile) for place in places)


@pytest.mark.parametrize("to", DIALECTS)
@pytest.mark.parametrize("name", NAMED)
def test_names_take_no_other_s_place(name, to):
    spec, dialect = NAMED[name], DIALECTS[to]
    shuffled = random.Random(5)  # noqa: S311 - the same names each time
    own = names_of(spec)
    depth = max(placed.name.count(".") + 1 for network in spec.networks().values() for placed in network.placed)
    free = (each for each in NAMES if attribute(each, dialect.RESERVED) == each)
    fitting = [each for each in free if depth * (len(each) + 1) <= LONGEST_NAME]
    for _ in range(-(-len(fitting) // len(own))):
        hostile = shuffled.sample(fitting, len(own))
        tame = tame_names(hostile)
        gans = [renamed_gan(spec, dict(zip(own, names, strict=True))) for names in (hostile, tame)]
        found = Renaming(dict(zip(tame, hostile, strict=True)))
        found.compare(*(ast.parse(write_program(gan, dialect)) for gan in gans))
        assert found.changed.isdisjoint(found.kept), (found.changed & found.kept, hostile)


TOML = spec_to_toml(gr.spec("gaussian-1d-adam"))
TAME = {to: write_program(gr.spec("gaussian-1d-adam"), dialect) for to, dialect in DIALECTS.items()}


def imports_and_names(text: str) -> tuple[set[str], set[str]]:
    walked = list(ast.walk(ast.parse(text)))
    names = {node.id for node in walked if isinstance(node, ast.Name)}
    return {ast.unparse(node) for node in walked if isinstance(node, ast.Import | ast.ImportFrom)}, names


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    place=st.integers(min_value=0, max_value=len(TOML)),
    taken=st.integers(min_value=0, max_value=3),
    text=HOSTILE,
    quotes=st.booleans(),
    to=st.sampled_from(list(DIALECTS)),
)
def test_a_file_with_a_hostile_text_anywhere_is_refused_or_as_tame_as_before(place, taken, text, quotes, to):
    escaped = "".join(rf"\U{ord(letter):08x}" if ord(letter) not in range(0xD800, 0xE000) else "" for letter in text)
    given = escaped if quotes else text.encode("utf-8", "replace").decode()  # as far as a file can hold it
    changed = TOML[:place] + given + TOML[place + taken :]
    found = refused(lambda: spec_from_toml(changed, where="hostile.toml"), by=(SpecError,))
    if found is not None:
        program = write_program(found, DIALECTS[to])
        assert imports_and_names(program) == imports_and_names(TAME[to])
        plain = replace(found, title="A GAN", source="Somebody")
        assert same_code(program, write_program(plain, DIALECTS[to]))


@pytest.mark.parametrize("title", ["\n# Data\nimport os\n", '"""', "# Model", "\u2028# Data"])
def test_a_notebook_takes_no_cell_from_a_text(title):
    spec, dialect = gr.spec("linear-2d"), DIALECTS["torch"]
    cells, tame = (
        json.loads(notebook_text(write_program(each, dialect)))["cells"] for each in (replace(spec, title=title), spec)
    )
    assert cells[1:] == tame[1:]
    assert cells[0]["cell_type"] == "markdown"


PATH = '"""; import os; {x} %s $(touch made) `touch made` \u2028\u202e\'\n'


def test_a_path_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / PATH
    folder.mkdir()
    spec = gr.spec("linear-2d").with_steps(training=1)
    state = initial_state(spec, seed=1)
    tape = SeededTape(spec, seed=1, digits=DigitSource.parse(None))
    write_state(folder / "state.safetensors", state, metadata={"gan": PATH})
    write_tape(folder / "tape.npz", tape, spec, pretraining_steps=0, training_steps=1)
    names: dict[str, Any] = {"np": np, "Path": Path, "Iterator": Iterator, "json": json}
    exec(data_section(spec), names)  # noqa: S102 - what is tested
    assert set(names["read_state"](folder / "state.safetensors")) == set(state)
    assert len(list(names["read_batches"](folder / "tape.npz"))) == 1
    proof = Proof(
        verdict="AGREE", reason="", place="", pretraining=0, adversarial=1, batch_size=4, losses=0.0, state=None,
        num_tensors=0, versions={},
    )  # fmt: skip
    text = write_program(spec, DIALECTS["torch"])
    write_translation(folder / "program.py", Translation(gan=spec.name, to="torch", text=text, proof=proof))
    assert (folder / "program.py").read_text(encoding="utf-8") == text
    for python in (PATH, str(folder / "python"), "true; touch made"):
        assert refused(lambda python=python: translate(spec, to="torch", python=python)) is None
    assert [path.name for path in tmp_path.iterdir()] == [PATH]
