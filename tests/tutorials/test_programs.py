"""The programs stand alone, are whole, and have the numbers that the build gives them."""

from __future__ import annotations

import ast
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from gan_rosetta.shared.errors import UsageError
from tutorials.draw import LESSONS as DRAWN
from tutorials.machinery.fingerprint import program_fingerprint
from tutorials.machinery.inputs import STATE_FILE, TAPE_FILE, write_inputs
from tutorials.machinery.lessons import FRAMEWORKS, HOME, LESSONS, choose_lessons, find_lesson
from tutorials.machinery.pages import SECTIONS, split_sections
from tutorials.machinery.worker import parse_program

# What a program may import besides its framework.
_COMMON = {"collections", "copy", "numpy", "matplotlib", "safetensors"}
_OWN = {"torch": {"torch"}, "tensorflow": {"tensorflow", "keras"}, "mxnet": {"mxnet"}, "jax": {"jax", "optax"}}
PROGRAMS = [(name, framework) for name in LESSONS for framework in FRAMEWORKS]


def imported(source: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize(("name", "framework"), PROGRAMS)
def test_a_program_imports_its_framework_and_nothing_of_the_suite(name, framework):
    source = LESSONS[name].program(framework).read_text(encoding="utf-8")
    found = imported(source)
    assert found <= _COMMON | _OWN[framework]
    assert found >= _OWN[framework]
    called = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert not called & {"__import__", "exec", "eval", "compile", "open"}


def test_what_a_notebook_draws_with_needs_nothing_of_the_suite():
    found = imported((HOME / "draw.py").read_text(encoding="utf-8")) - set(sys.stdlib_module_names)
    assert found == {"numpy", "scipy", "safetensors", "mlxtend", "PIL"}


@pytest.mark.parametrize(("name", "framework"), PROGRAMS)
def test_a_program_has_every_section_and_the_builds_own_numbers(name, framework):
    lesson = LESSONS[name]
    sections = split_sections(lesson, framework)
    assert tuple(sections) == SECTIONS
    assert all("```python" in text for text in sections.values())
    as_written = ast.dump(ast.parse(lesson.program(framework).read_text(encoding="utf-8")))
    assert ast.dump(parse_program(lesson.program(framework), lesson.parameters())) == as_written


def test_a_parameter_that_a_program_lacks_is_refused(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("num_steps = 3\nnum_steps = 4\n")
    for name in ("num_steps", "num_pretraining_steps"):
        with pytest.raises(UsageError, match="expected once"):
            parse_program(program, {name: 1})


@pytest.mark.parametrize("name", list(LESSONS))
def test_a_notebook_draws_the_suites_own_numbers(name, tmp_path):
    write_inputs(LESSONS[name], tmp_path)
    with np.load(tmp_path / TAPE_FILE) as archive:
        tape = dict(archive)
    state = {k: v for k, v in load_file(tmp_path / STATE_FILE).items() if not k.startswith("optimizer.")}
    for expected, drawn in zip((tape, state), DRAWN[name](), strict=True):
        assert set(drawn) == set(expected)
        for key, array in expected.items():
            assert np.array_equal(drawn[key], array), key


def test_prose_changes_no_fingerprint_and_code_does(monkeypatch, tmp_path):
    lesson = find_lesson("linear-2d")
    before = program_fingerprint(lesson, "torch")
    source = lesson.program("torch").read_text(encoding="utf-8")
    monkeypatch.setattr(type(lesson), "program", lambda self, framework: tmp_path / "in_torch.py")
    (tmp_path / "in_torch.py").write_text(source.replace("# ## Loop", "# ## Loop\n#\n# A remark."), encoding="utf-8")
    assert program_fingerprint(lesson, "torch") == before
    (tmp_path / "in_torch.py").write_text(source.replace("lr=0.05", "lr=0.06"), encoding="utf-8")
    assert program_fingerprint(lesson, "torch") != before


def test_an_unknown_lesson_is_refused_by_its_nearest_name():
    with pytest.raises(UsageError, match="linear-2d"):
        choose_lessons(["linear2d"])
