"""Two programs beside each other: right ones agree, mistakes are found first, and what says nothing is no agreement."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.traces.alignment import align, left_to_chance
from gan_rosetta.shared.traces.files import TraceRecord
from gan_rosetta.shared.traces.rounding import Rounding
from gan_rosetta.shared.traces.trace import Trace

TOLERANCE = Tolerance(num_copies=3, dtype="float64")
STEPS = 4


def network(trace, *, rate=0.1, slope=1.0, names=("weight", "hidden", "loss"), steps=STEPS, turned=False, heeds=True):
    """Train a layer on random numbers, which are the same in each run; turned: with its matrix the other way round."""
    generator = np.random.default_rng(3)
    weight, inputs, targets = (generator.normal(size=shape) for shape in ((4, 3), (8, 4), (8, 3)))
    weight_name, hidden_name, loss_name = names
    for _ in range(steps):
        trace.step()
        nudged = trace.see(weight_name, weight.T if turned else weight)
        if heeds:
            weight = nudged.T if turned else nudged
        # Another order of additions rounds in another way.
        hidden = np.tanh(slope * (np.einsum("bi,io->bo", inputs, weight) if turned else inputs @ weight))
        trace.see(hidden_name, hidden)
        trace.see(loss_name, float(((hidden - targets) ** 2).mean()))
        weight = weight - rate * inputs.T @ (2 / targets.size * (hidden - targets) * (1 - hidden**2) * slope)


def traced(folder, program, rounding=None, **options):
    with Trace(folder, rounding=rounding) as trace:
        program(trace, **options)
    return TraceRecord.read(folder)


def aligned(tmp_path, second, *, first=network, **options):
    own = traced(tmp_path / "first", first, **options)
    copies = [
        traced(
            tmp_path / f"rounded-{seed}",
            first,
            Rounding(seed=seed, coarseness=coarseness, least_epsilon=2.0**-52),
            **options,
        )
        for seed, coarseness in enumerate(TOLERANCE.coarseness)
    ]
    return align(own, second, copies, tolerance=TOLERANCE)


def test_right_programs_agree_whatever_way_they_keep_their_matrices(tmp_path):
    alignment = aligned(tmp_path, traced(tmp_path / "second", network, turned=True))
    assert alignment.verdict == "AGREE", alignment.sentence
    assert (alignment.checked_steps, alignment.num_compared) == (STEPS, 3 * STEPS)
    assert alignment.notes == (alignment.floor,)
    assert "in another last place before each step, since its framework lets nobody round results" in alignment.floor
    alignment.assert_agrees()


@pytest.mark.parametrize(
    ("mistake", "place"),
    [
        ({"rate": 0.1 * (1 + 1e-9)}, "step 1, weight"),
        ({"slope": 1 + 1e-12}, "step 0, hidden"),
        ({"slope": 1.1, "turned": True}, "step 0, hidden"),
    ],
)
def test_a_mistake_is_found_first(tmp_path, mistake, place):
    alignment = aligned(tmp_path, traced(tmp_path / "second", network, **mistake))
    assert (alignment.verdict, alignment.first.place) == ("DISAGREE", place), alignment.sentence
    with pytest.raises(AssertionError, match=f"DISAGREE, first in {place}: "):
        alignment.assert_agrees()
    data = json.loads(json.dumps(alignment.as_data()))
    assert data["first"]["name"] == place.partition(", ")[2]


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("first_step", [0, 2])
def test_what_both_have_that_is_no_number_is_no_agreement(tmp_path, number, first_step):
    def overflows(trace, **options):
        for step in range(STEPS):
            trace.step()
            weight = trace.see("weight", np.ones(3) / 3)
            trace.see("loss", np.array([weight.sum(), number if step >= first_step else 1.0]))

    alignment = aligned(tmp_path, traced(tmp_path / "second", overflows), first=overflows)
    assert alignment.verdict == "NOT COMPARABLE", alignment.sentence
    assert alignment.reason == f"step {first_step}, loss is NaN or infinite in both programs"
    with pytest.raises(AssertionError, match="NOT COMPARABLE"):
        alignment.assert_agrees()


def test_arrays_without_numbers_are_no_agreement(tmp_path):
    def empty(trace, **options):
        trace.step()
        trace.see("nothing", trace.see("none", np.zeros((0, 3))))

    alignment = aligned(tmp_path, traced(tmp_path / "second", empty), first=empty)
    assert (alignment.verdict, alignment.num_compared) == ("NOT COMPARABLE", 0), alignment.sentence


def test_a_name_that_is_no_text_is_refused(tmp_path):
    with Trace(tmp_path / "traced") as trace:
        trace.step()
        with pytest.raises(UsageError, match="given 3 for a name; expected a text"):
            trace.see(3, 1.0)


@pytest.mark.parametrize("other", [np.inf, -np.inf, 1.0])
def test_another_number_that_is_none_is_a_disagreement(tmp_path, other):
    def of(number):
        def program(trace, **options):
            trace.step()
            trace.see("loss", np.array([trace.see("weight", np.ones(3) / 3).sum(), number]))

        return program

    alignment = aligned(tmp_path, traced(tmp_path / "second", of(other)), first=of(np.nan))
    assert alignment.verdict == "DISAGREE", alignment.sentence


def test_other_names_are_paired_by_order_and_shape_and_it_is_said(tmp_path):
    names = ("kernel", "activations", "mean_squares")
    right = aligned(tmp_path, traced(tmp_path / "second", network, names=names))
    assert right.verdict == "AGREE", right.sentence
    assert right.notes[0].startswith("paired by order and shape: weight with kernel, hidden with activations")
    wrong = aligned(tmp_path, traced(tmp_path / "second", network, names=names, slope=1.1))
    assert wrong.first.place == "step 0, hidden (beside activations, by order and shape)"


def test_what_only_one_records_is_said(tmp_path):
    def lacking(trace):
        trace.step()
        trace.see("other", np.zeros(7))

    alignment = aligned(tmp_path, traced(tmp_path / "second", lacking))
    assert alignment.verdict == "NOT COMPARABLE"
    assert alignment.reason.startswith("no quantity of the one is one of the other's")
    assert alignment.notes[:2] == (
        "of the first program alone: weight, hidden, loss",
        "of the second program alone: other",
    )


def test_a_program_that_ends_early_does_not_agree(tmp_path):
    alignment = aligned(tmp_path, traced(tmp_path / "second", network, steps=2))
    assert alignment.verdict == "NOT COMPARABLE"
    assert alignment.reason == f"the first program recorded {STEPS} steps, the second 2"


@pytest.mark.parametrize("factor", [1 + 1e-14, 1.5])
def test_a_floor_that_was_not_seen_says_nothing(tmp_path, factor):
    second = traced(tmp_path / "second", network, slope=factor)
    alignment = aligned(tmp_path, second, heeds=False)
    assert alignment.verdict == "NOT COMPARABLE"
    assert "go on with what trace.see returns" in alignment.reason


def test_what_is_left_to_chance_is_named(tmp_path):
    def unseeded(trace):
        trace.step()
        trace.see("fixed", 1.0)
        trace.see("drawn", np.random.default_rng().normal(size=3))

    first, again = (traced(tmp_path / name, unseeded) for name in ("first", "again"))
    assert left_to_chance(first, again) == "step 0, drawn, is another number"
    assert left_to_chance(first, first) == ""


def test_chaos_is_not_judged(tmp_path):
    def chaotic(trace, *, start=0.3):
        value = np.array([start])
        for _ in range(39):
            trace.step()
            value = trace.see("value", value)
            value = 4 * value * (1 - value) if start == 0.3 else 4 * (value - value * value)

    alignment = aligned(tmp_path, traced(tmp_path / "second", chaotic, start=0.3 + 1e-17), first=chaotic)
    assert alignment.verdict == "AGREE", alignment.sentence
    other = aligned(tmp_path, traced(tmp_path / "second", chaotic, start=0.3 + 1e-9), first=chaotic)
    assert (other.verdict, other.first.visit) == ("DISAGREE", "step 0")


def test_what_is_no_trace_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"holds 'mine\.txt', which is of no trace"):
        gr.trace(tmp_path)
    with pytest.raises(UsageError, match=r"holds no trace\.json"):
        TraceRecord.read(tmp_path)
    with pytest.raises(UsageError, match="steps is 0"):
        gr.trace(tmp_path / "new", steps=0)
    with gr.trace(tmp_path / "new") as trace:
        with pytest.raises(UsageError, match=r"loss is told before the first step; call trace\.step\(\)"):
            trace.see("loss", 1.0)
        with pytest.raises(UsageError, match=r"say params = trace\.see\('params', params\)"):
            trace.watch("params", {"w": np.zeros(2)})
    record = traced(tmp_path / "new", network)
    (tmp_path / "new" / "step-000001.npz").write_bytes(b"torn")
    with pytest.raises(RecordError, match=r"step-000001\.npz cannot be read"):
        record.arrays(1)


def test_containers_keep_their_kind_and_only_floating_numbers_are_nudged(tmp_path):
    trace = Trace(tmp_path / "rounded", rounding=Rounding(seed=0, coarseness=1.0, least_epsilon=0.0))
    trace.step()
    counts = np.arange(3)
    tree = {"layers": [(np.ones(2, np.float32), counts)], "rate": 0.5}
    nudged = trace.see("tree", tree)
    trace.close()
    ((weight, same),) = nudged["layers"]
    assert same is counts
    assert weight.dtype == np.float32
    assert 0 < np.abs(weight - 1).max() <= np.finfo(np.float32).eps
    np.testing.assert_array_equal(tree["layers"][0][0], np.ones(2))


PROGRAM = """
import sys
import numpy as np
import gan_rosetta as gr

trace = gr.trace("mine")
weight = np.array([0.25, 0.5])
print("a line of the program's own", sys.argv[1:])
for _ in range(3):
    trace.step()
    weight = trace.see("weight", weight)
    weight = weight - RATE * weight**2
"""


def test_the_command_runs_both_programs_and_says_where_they_part(tmp_path):
    paths = [tmp_path / name for name in ("first.py", "second.py")]
    for path, rate in zip(paths, ("0.1", "0.1001"), strict=True):
        path.write_text(PROGRAM.replace("RATE", rate), encoding="utf-8")
    kept = tmp_path / "kept"
    options = ["--copies", "3", "--out", str(kept), "--json"]
    command = [sys.executable, "-m", "gan_rosetta", "align", *map(str, paths), "given", *options]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    document = json.loads(finished.stdout)
    assert (finished.returncode, document["status"]) == (1, 1), finished.stderr
    assert document["alignment"]["first"]["name"] == "weight"
    assert document["alignment"]["first"]["visit"] == "step 1"
    assert finished.stderr.count("a line of the program's own ['given']") == 6
    assert {path.name for path in kept.iterdir()} == {"first", "second", "again", "rounded-0", "rounded-1", "rounded-2"}
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [("pass", 2, "made no trace; it is to begin with trace"), ("raise OSError('no disk')", 3, "no disk")],
)
def test_a_program_that_fails_or_traces_nothing_is_no_agreement(tmp_path, source, status, said):
    (tmp_path / "port.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "gan_rosetta", "align", "port.py", "port.py"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (finished.returncode, finished.stdout) == (status, ""), finished.stderr
    assert said in finished.stderr


def test_wrong_usage_in_pythons_words(tmp_path):
    with pytest.raises(UsageError, match="copies is 1; expected 3 to 64"):
        gr.align(tmp_path / "a.py", tmp_path / "b.py", copies=1)
    with pytest.raises(UsageError, match="is a folder; expected the first program itself"):
        gr.align(tmp_path, tmp_path)
    with pytest.raises(UsageError, match=r"absent\.py is no file"):
        gr.align(Path("absent.py"), tmp_path)
