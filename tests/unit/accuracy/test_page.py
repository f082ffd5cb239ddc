from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.accuracy.catalogue import GROUPS, OPERATIONS, find_operations
from gan_rosetta.shared.accuracy.defects import DEFECTS
from gan_rosetta.shared.accuracy.findings import judge_results
from gan_rosetta.shared.accuracy.measure import measure_backend, measure_reference
from gan_rosetta.shared.accuracy.session import Atlas
from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.report.accuracy_page import accuracy_markdown, write_page
from gan_rosetta.shared.report.accuracy_table import accuracy_lines, conclusion, in_words, uncovered_lines
from gan_rosetta.shared.workers.registry import find_backend, load_trainer

_DOCS = Path(__file__).parents[3] / "docs"
_NAMES = ("tanh", "dot", "penalty", "gradient-descent")


@pytest.fixture(scope="module")
def atlas():
    """The reference beside itself, and beside a "torch" whose tanh is off by 500 ulp in float32."""
    rows, measures = [], {}
    trainer_class = load_trainer(find_backend("numpy"))
    operations = find_operations(_NAMES)
    for operation in operations:
        measures[operation.name, "float32"] = measure = measure_reference(operation, "float32")
        results = measure_backend(trainer_class, operation, device="cpu", dtype="float32", execution="eager")
        for backend in ("numpy", "torch"):
            if backend == "torch" and operation.name == "tanh":
                results["value"] = results["value"] * np.float32(1 + 500 * 2**-23)
            rows += judge_results(operation, results, measure, backend=backend, dtype="float32", execution="eager")
    return Atlas(operations=tuple(operations), rows=tuple(rows), measures=measures, failures={})


def test_what_is_planted_is_named_with_its_numbers_and_nothing_else(atlas):
    *lines, last = uncovered_lines(atlas)
    assert lines
    assert all(line.startswith("torch eager float32: tanh, value") for line in lines)
    assert last == conclusion(atlas)
    assert " 0 by known defects" in last
    named = [row for row in atlas.rows if row.unexplained]
    assert [(row.backend, row.operation, row.quantity) for row in named] == [("torch", "tanh", "value")]
    assert named[0].as_data()["covered"] is False
    json.dumps([row.as_data() for row in atlas.rows], allow_nan=False)


def test_the_page_and_its_pictures_are_written(atlas, tmp_path):
    written = write_page(tmp_path / "page.md", atlas)
    assert [path.name for path in written] == [
        "page.md",
        "accuracy-activations.png",
        "accuracy-sums.png",
        "accuracy-norms.png",
        "accuracy-optimizers.png",
    ]
    text = written[0].read_text(encoding="utf-8")
    assert "## Neither covered nor known" in text
    for link in re.findall(r"\]\((pictures/[^)]+)\)", text):
        assert (tmp_path / link).stat().st_size > 10_000
    assert text == accuracy_markdown(atlas)


def test_lines_have_each_quantity_by_its_whole_name(atlas):
    lines = accuracy_lines(atlas)
    for operation in atlas.operations:
        for quantity in operation.quantities:
            (line,) = (each for each in lines if re.match(rf"{operation.name} +{re.escape(quantity.name)}  ", each))
            assert "…" not in line
    named = [line for line in lines if line.startswith("operation ")]
    assert named
    assert all(backend in line for backend in atlas.backends for line in named)


def test_errors_in_words():
    assert [in_words(error, "float32") for error in (0.01, 0.62, 12.34, 358.2, 5e4, 9e6, np.inf)] == [
        "0",
        "0.6",
        "12.3",
        "358",
        "5e4",
        "all",
        "∞",
    ]


def test_the_published_page_names_every_operation_and_backend():
    text = (_DOCS / "accuracy.md").read_text(encoding="utf-8")
    for name in OPERATIONS:
        assert f"| {name} |" in text, f"{name} is not in docs/accuracy.md; make it anew by the command at its top"
    for name, entry in BACKENDS.items():
        assert f"| {name} |" in text or not entry.package.startswith("backends.")
    for defect in DEFECTS:
        assert (defect.title in text) == ("cpu" in defect.devices)
    for group in GROUPS:
        assert (_DOCS / "pictures" / f"accuracy-{group}.png").exists()


def test_the_command_measures_in_workers_and_prints_one_document(monkeypatch, capsys):
    arguments = [
        "gan-rosetta",
        "accuracy",
        "--backends",
        "numpy",
        "--operations",
        "relu",
        "--dtype",
        "float64",
        "--json",
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    document = json.loads(capsys.readouterr().out)
    assert stopped.value.code == document["status"] == 0
    assert [(row["operation"], row["quantity"], row["backend"]) for row in document["rows"]] == [
        ("relu", "value", "numpy"),
        ("relu", "derivative", "numpy"),
    ]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--operations", "tahn", "tanh"),
        ("--backends", "torhc", "torch"),
        ("--dtype", "float16", "expected float32, float64 or both"),
        ("--execution", "fast", "expected eager, compiled or both"),
        ("--markdown", "/no/such/folder/page.md", "a folder that exists"),
    ],
)
def test_wrong_usage_is_one_line(monkeypatch, capsys, option, value, words):
    monkeypatch.setattr(sys, "argv", ["gan-rosetta", "accuracy", option, value])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
