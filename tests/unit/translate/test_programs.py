"""What is written: tidy, nothing of a spec in it that could be code, and every layer and form in every dialect."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

import gan_rosetta as gr
from gan_rosetta.shared import spec as vocabulary
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.generate.session import draw_specs
from gan_rosetta.shared.translate.notebook import notebook_text
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.proof import affordable_proof, same_code
from gan_rosetta.shared.translate.writing import attribute, number, plain
from tests.unit.translate.odd_gans import ODD_GANS

ROOT = Path(__file__).resolve().parents[3]
GANS = {**gr.gans(), **ODD_GANS}
LINE = 100
NUM_DRAWN = 20
MOST_STATEMENTS = 50  # ruff's own for a function


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """The folder with every GAN in every dialect, and some drawn at random."""
    folder = tmp_path_factory.mktemp("programs")
    drawn = {f"drawn-{place}": spec for place, spec in enumerate(draw_specs(NUM_DRAWN, seed=5))}
    for to, dialect in DIALECTS.items():
        for name, spec in (GANS | drawn).items():
            file = folder / f"{name.replace('-', '_')}_in_{to}.py"
            file.write_text(write_program(spec, dialect), encoding="utf-8")
    return folder


def _depth(gan):
    return max(len(network.placed) for network in gan.networks().values())


@pytest.mark.parametrize("command", [["format", "--check"], ["check", "--output-format", "concise"]])
def test_ruff_finds_nothing_and_no_line_is_long(programs, command):
    settings_of_ours = ["--config", str(ROOT / "pyproject.toml"), "--line-length", str(LINE), "--no-cache"]
    # A pass has about as many statements as its network has layers, which for a deep one is more than ours may have.
    deep = [name.replace("-", "_") for name, gan in GANS.items() if _depth(gan) > MOST_STATEMENTS]
    may = [f"--per-file-ignores={name}_in_*.py:PLR0915" for name in deep] if command[0] == "check" else []
    finished = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *settings_of_ours, *may, str(programs)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert len(list(programs.iterdir())) == len(DIALECTS) * (len(GANS) + NUM_DRAWN)
    for file in programs.iterdir():
        assert max(map(len, file.read_text(encoding="utf-8").splitlines())) <= LINE, file.name


@pytest.mark.parametrize("to", DIALECTS)
def test_a_program_imports_its_framework_and_numpy_alone(programs, to):
    of_keras = {"tensorflow", "keras"}
    own = {"torch": {"torch"}, "jax": {"jax", "optax"}, "tensorflow": of_keras, "keras": of_keras, "mxnet": {"mxnet"}}
    own["flax"] = {*own["jax"], "flax"}
    for file in programs.glob(f"*_in_{to}.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module] if isinstance(node, ast.ImportFrom) else []
            first = {name.partition(".")[0] for name in named}
            assert first <= own[to] | {"numpy"} | set(sys.stdlib_module_names), file.name


@pytest.mark.parametrize("subject", ["activations", "normalising", "resampling"])
def test_layers_of_a_subject_are_in_files_of_one_name(subject):
    # Keras's norms are TensorFlow's.
    dialects = [to for to in DIALECTS if (subject, to) != ("normalising", "keras")]
    files = [import_module(f"{DIALECTS[to].__name__}.{subject}") for to in dialects]
    expected = list(files[0].LAYERS)
    assert expected
    assert [list(file.LAYERS) for file in files] == [expected] * len(files)


@pytest.mark.parametrize("to", DIALECTS)
def test_no_dialect_lacks_a_layer_a_loss_or_an_optimizer(to):
    assert set(DIALECTS[to].LAYERS) == set(get_args(vocabulary.Layer))
    written = {type(layer) for spec in GANS.values() for net in spec.networks().values() for layer in net.all_layers}
    assert written == set(get_args(vocabulary.Layer)), "a layer that no GAN of these tests has"
    trainings = [spec.training for spec in GANS.values()]
    assert {type(each.discriminator_loss) for each in trainings} == set(get_args(vocabulary.DiscriminatorLoss))
    assert {type(each.generator_loss) for each in trainings} == set(get_args(vocabulary.GeneratorLoss))
    kinds = {type(each.discriminator_optimizer) for each in trainings}
    assert kinds == set(get_args(vocabulary.Optimizer))


def test_a_layer_that_a_dialect_lacks_is_named(monkeypatch):
    monkeypatch.delitem(DIALECTS["torch"].LAYERS, vocabulary.Tanh)
    with pytest.raises(UnsupportedLayer, match="PyTorch has no Tanh"):
        write_program(gr.spec("linear-2d"), DIALECTS["torch"])


def test_a_proof_takes_so_many_steps_that_each_player_trains():
    for spec in GANS.values():
        short = affordable_proof(spec, steps=None, pretrain_steps=None, batch=None)
        steps = range(short.training.num_steps)
        for pattern in (spec.training.discriminator_steps, spec.training.generator_steps):
            assert any(pattern.includes(step, steps_per_epoch=len(steps)) for step in steps), spec.name


@pytest.mark.parametrize("to", DIALECTS)
@pytest.mark.parametrize("text", ['"""\nimport os\n"""', "\\", "a\r\nb\\N{DIGIT ONE}", "{spec} %s {{", "\ud800\0" * 60])
def test_a_program_of_a_hostile_spec_is_that_of_a_tame_one(to, text):
    tame = replace(gr.spec("linear-2d"), title="A GAN", source="Somebody")
    hostile = write_program(replace(tame, title=text, source=text), DIALECTS[to])
    assert same_code(hostile, write_program(tame, DIALECTS[to]))


def test_numbers_and_texts_read_back():
    assert [number(value) for value in (1e-8, 3, 0.1, 2.0, 1e-16)] == ["1e-8", "3", "0.1", "2.0", "1e-16"]
    assert plain('a "b"\n\\c \ud800d') == "a 'b' /c d"


def test_names_that_the_language_has_are_changed_and_long_ones_refused():
    assert [attribute(name, {"train"}) for name in ("train", "lambda", "hidden")] == ["train_", "lambda_", "hidden"]
    assert attribute("a" * 40 + "_class_cross_entropy", ()) == "a" * 40 + "_class_cross_entropy"
    with pytest.raises(UsageError, match="41 letters"):
        attribute("a" * 41, ())


def test_the_head_says_what_is_known_and_the_code_stays_the_same():
    spec, dialect = gr.spec("sine"), DIALECTS["torch"]
    text, proved = write_program(spec, dialect), write_program(spec, dialect, proof=["Proved somehow."])
    assert same_code(text, proved)
    assert "Proved somehow." in (ast.get_docstring(ast.parse(proved)) or "")
    assert not same_code(text, proved.replace("lr=0.0001", "lr=0.0002"))


@pytest.mark.parametrize("to", DIALECTS)
def test_a_notebook_s_cells_are_the_program(to):
    for name, spec in GANS.items():
        program = write_program(replace(spec, title="A # Data title\n# Model"), DIALECTS[to])
        notebook = json.loads(notebook_text(program))
        assert [notebook["nbformat"], notebook["nbformat_minor"]] == [4, 5]
        kinds = [cell["cell_type"] for cell in notebook["cells"]]
        assert kinds == ["markdown", "code"] * 8, name
        cells = ["".join(cell["source"]) for cell in notebook["cells"]]
        sections = ("Data", "Model", "Losses", "Optimizers", "Step", "Loop", "Picture")
        assert cells[2::2] == [f"## {title}" for title in sections]
        code = "\n".join(cells[1::2]).replace("parse_args([])", "parse_args()")
        assert same_code(program, f'"""Head."""\n{code}'), name
        assert len({cell["id"] for cell in notebook["cells"]}) == len(cells)
