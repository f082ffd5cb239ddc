"""Faults to plant as the user writes them, and a diagnosis as data, sentences and a table."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from gan_rosetta.shared.diagnose.explanation import Cause, Explanation
from gan_rosetta.shared.diagnose.rows import Row
from gan_rosetta.shared.diagnose.session import Diagnosis, choose_backends, parse_plants
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.faults import FAULTS
from gan_rosetta.shared.report.diagnosis_table import diagnosis_lines, diagnosis_sentences, fault_lines
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.workers.jobs import JobOutcome


def row(number: int, *, off: bool = False, comparable: bool = True, **changes: object) -> Row:
    fields: dict[str, object] = {
        "visit": "step 2",
        "phase": "discriminator",
        "quantity": "parameter",
        "stream": "",
        "name": f"discriminator.layer{number}.weight",
        "difference": 1e-3 if off else number * 1e-17,
        "noise": 1e-15,
        "got": 1.25,
        "expected": 1.5,
        "index": (number, 0),
        "allowed": 1e-14 if comparable else 3.0,
    }
    return Row(**{**fields, **changes})


RIGHT = [row(index) for index in range(1, 40)]
WRONG = [*RIGHT[:20], row(20, comparable=False, difference=0.5), row(21, off=True), row(22, off=True), *RIGHT[22:]]


def diagnosis(**rows: list[Row]) -> Diagnosis:
    failed = JobOutcome(settings=Label(gan="sine", backend="mxnet"), status="crash", message="out of memory")
    return Diagnosis(gan="sine", forced=True, planted={"torch": "adam-beta2"}, rows=rows, failures=(failed,))


def test_plants():
    names = ["torch", "mxnet"]
    assert parse_plants([], names) == {}
    assert parse_plants(["adam-beta2"], names) == {"torch": "adam-beta2"}
    both = ["mxnet:adam-beta1", "torch:adam-beta2"]
    assert parse_plants(both, names) == {"mxnet": "adam-beta1", "torch": "adam-beta2"}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["adam-betta2"], "unknown fault 'adam-betta2': did you mean 'adam-beta2'?"),
        (["torch:adam-betta1"], "did you mean 'adam-beta1'?"),
        (["tensorflow:adam-beta2"], "'tensorflow' is not diagnosed; expected one of torch, mxnet"),
        (["adam-beta2", "torch:adam-beta1"], "torch already has 'adam-beta2' planted; plant one fault a run"),
        (["torch:"], "unknown fault ''"),
    ],
)
def test_plants_that_cannot_be(texts, words):
    with pytest.raises(UsageError) as refused:
        parse_plants(texts, ["torch", "mxnet"])
    assert words in str(refused.value)


def test_backends_to_diagnose():
    assert choose_backends(["numpy", "numpy"]) == ["numpy"]
    assert "numpy" not in choose_backends([])
    with pytest.raises(UsageError, match="did you mean 'numpy'"):
        choose_backends(["numpi"])


def test_the_diagnosis_as_json():
    found = diagnosis(torch=WRONG, tensorflow=RIGHT)
    data = json.loads(json.dumps(found.as_data(), allow_nan=False))
    assert (data["format"], data["gan"], data["mode"]) == (4, "sine", "forced")
    assert data["planted"] == {"torch": "adam-beta2"}
    assert data["wrong"] == ["torch"]
    assert data["failures"] == {"mxnet": "out of memory"}
    assert data["runs"]["tensorflow"]["first_offender"] is None
    first = data["runs"]["torch"]["first_offender"]
    assert (first["name"], first["verdict"]) == ("discriminator.layer21.weight", "different mathematics")
    assert [entry["name"] for entry in data["runs"]["torch"]["rows"]] == [entry.name for entry in WRONG]


def explained(*causes: Cause, is_complete: bool = True) -> Diagnosis:
    explanation = Explanation(causes=causes, is_complete=is_complete)
    return replace(diagnosis(torch=WRONG), explanations={"torch": explanation})


BETA = Cause(names=("adam-beta2",), sentences=("β2 is 0.99: set it to 0.999.",))
RATE = Cause(names=("learning-rate-doubled", "adam-beta1"), sentences=("The rate is 2: set it to 1.", "β1 is 0: no."))


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        ((BETA,), "why: β2 is 0.99: set it to 0.999."),
        ((RATE,), "why: The rate is 2: set it to 1. β1 is 0: no."),
        ((), "why: No fault or default that is known explains it, alone or two at once."),
        (
            (BETA, RATE),
            "why: One of 2, which the steps that were looked into do not tell apart. β2 is 0.99: set it to ",
        ),
    ],
)
def test_the_cause_is_said_below(causes, words):
    _, why = diagnosis_sentences(explained(*causes))
    assert why.plain.startswith(words)
    _, partly = diagnosis_sentences(explained(*causes, is_complete=False))
    assert partly.plain.endswith("Not everything was tried: to compute these steps again takes too long.")


def test_the_cause_as_json():
    found = explained(BETA, RATE)
    data = json.loads(json.dumps(found.as_data()))["runs"]["torch"]["cause"]
    assert data["causes"][0] == {"names": ["adam-beta2"], "sentences": ["β2 is 0.99: set it to 0.999."]}
    assert Explanation.from_data(data) == found.cause("torch")
    assert diagnosis(torch=WRONG).cause("torch") is None
    assert diagnosis(torch=WRONG).as_data()["runs"]["torch"]["cause"] is None


def test_infinities_in_json_are_text():
    missing = row(1, difference=float("inf"), got=None, expected=None, index=(), noise=0.0)
    text = json.dumps(diagnosis(torch=[missing]).as_data(), allow_nan=False)
    assert json.loads(text)["runs"]["torch"]["first_offender"]["in_noise"] == "inf"


def test_a_sentence_names_the_first_that_is_off():
    torch, tensorflow = diagnosis_sentences(diagnosis(torch=WRONG, tensorflow=RIGHT))
    expected = "torch is wrong, first in step 2, discriminator phase, parameter of discriminator.layer21.weight: "
    assert torch.plain.startswith(expected)
    assert "1.25 for 1.5 at [21, 0], 1.0e+12 noise floors" in torch.plain
    assert tensorflow.plain.startswith("tensorflow: 39 quantities in 1 steps, none beyond rounding")
    # The largest that is within rounding.
    assert "discriminator.layer39.weight" in tensorflow.plain


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": "order", "got": None}, "the step runs in another order"),
        ({"got": None, "index": ()}, "it is not computed, or has another shape"),
        ({"index": ()}, "1.25 for 1.5 at its only entry"),
        ({"stream": "fake"}, "discriminator.layer1.weight on fake"),
    ],
)
def test_sentences_of_other_kinds(changes, words):
    (sentence,) = diagnosis_sentences(diagnosis(torch=[row(1, off=True, **changes)]))
    assert words in sentence.plain


def test_the_lines_mark_the_first_that_is_off_amid_its_neighbours():
    lines = [line.plain for line in diagnosis_lines("torch", WRONG, WRONG[21])]
    assert lines[3] == "step 2, discriminator phase:"
    (marked,) = [line for line in lines[4:] if line.startswith("→ ")]
    assert marked.split() == ["→", "1.25", "1.5", "1e+12", "parameter", "discriminator.layer21.weight"]
    assert len(lines[4:]) == 12 + 1 + 6
    place = lines.index(marked)
    assert lines[place - 1].startswith("? ")
    assert lines[place + 1].startswith("✗ ")
    assert lines[place + 2].startswith("  ")


def test_a_line_a_quantity_fits_80_columns():
    rows = [row(1, got=-1.2345678e-05, expected=-1.2345678e-05, name="discriminator.hidden1.weight", stream="fake")]
    lines = [line.plain for line in diagnosis_lines("torch", [*rows, *WRONG], WRONG[21])]
    assert max(map(len, lines)) <= 80
    # A longer one loses nothing, since the terminal breaks it.
    name = "optimizer.discriminator." + "layer" * 20
    console = Console(file=io.StringIO(), width=80, color_system=None)
    for line in diagnosis_lines("torch", [row(1, name=name)], None):
        console.print(line, soft_wrap=True)
    assert f"parameter {name}\n" in console.file.getvalue()


def test_the_lines_of_a_right_backend_have_the_worst_of_each_step():
    rows = [*RIGHT, *(row(index, visit="step 3") for index in range(1, 5))]
    lines = [line.plain for line in diagnosis_lines("torch", rows, None)[3:]]
    assert lines[0::2] == ["step 2, discriminator phase:", "step 3, discriminator phase:"]
    assert ["layer39" in lines[1], "layer4." in lines[3]] == [True, True]
    assert len(lines) == 4


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_is_to_be_typed_is_whole_however_narrow_the_terminal(is_terminal):
    console = Console(file=io.StringIO(), width=80, color_system=None, force_terminal=is_terminal)
    for line in fault_lines():
        console.print(line, soft_wrap=not console.is_terminal)
    words = console.file.getvalue().replace(",", " ").replace(":", " ").split()
    for name in (*FAULTS, "gaussian-1d-adam-minibatch", "mnist-wgan-gp-sample"):
        assert name in words
