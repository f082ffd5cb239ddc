from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.conformance import once
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP

REPOSITORY = Path(__file__).resolve().parents[2]
SPEC = CATALOGUE["linear-2d"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(once, "_folder", tmp_path)
    return tmp_path


def counted():
    """Return a function as another process has it, with nothing in memory, and what it was called with."""
    called = []

    @once.once
    def compute(spec, *, factor=1):
        called.append((spec, factor))
        return {"array": factor * np.arange(3), "batch": spec.batch_size}

    return compute, called


def test_what_one_process_computed_another_reads(folder):
    (first, called), (second, called_there) = counted(), counted()
    own, read = first(SPEC, factor=2), second(SPEC, factor=2)
    assert first(SPEC, factor=2) is own
    assert (len(called), called_there) == (1, [])
    np.testing.assert_array_equal(read["array"], own["array"])
    assert read["batch"] == own["batch"]


def test_other_arguments_are_computed_anew(folder):
    compute, called = counted()
    rate = replace(SPEC.training.generator_optimizer.learning_rate, value=0.123456789)
    optimizer = replace(SPEC.training.generator_optimizer, learning_rate=rate)
    specs = [SPEC, replace(SPEC, training=replace(SPEC.training, generator_optimizer=optimizer))]
    for spec in specs:
        compute(spec)
    compute(SPEC, factor=3)
    assert called == [(specs[0], 1), (specs[1], 1), (SPEC, 3)]


def test_every_gan_says_all_that_it_is():
    gans = [*CATALOGUE.values(), *MADE_UP.values()]
    assert len({repr(spec) for spec in gans}) == len(gans)
    # What left something out would be the same of two GANs; what has an address is another in each process.
    assert all("object at" not in repr(spec) and "..." not in repr(spec) for spec in gans)


def test_without_a_folder_nothing_is_written_and_the_latest_are_kept(monkeypatch):
    monkeypatch.setattr(once, "_folder", None)
    compute, called = counted()
    for factor in range(20):
        compute(SPEC, factor=factor)
        compute(SPEC, factor=factor)
    assert len(called) == 20
    compute(SPEC, factor=0)
    assert len(called) == 21


def test_the_laws_of_a_gan_come_one_after_the_other():
    laws = [f"gan_rosetta/shared/conformance/test_{name}_laws.py" for name in ("state", "step", "resume")]
    chosen = ["--gan-rosetta-backend", "numpy", "-k", "linear-2d or sine"]
    command = [sys.executable, "-m", "pytest", *laws, *chosen, "--collect-only", "-q", "-p", "no:xdist"]
    finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    collected = re.findall(r"test_(\w+)_laws.py::\w+\[numpy-(linear-2d|sine)", finished.stdout)
    assert {law for law, _ in collected} == {"state", "step"}
    assert [gan for gan, _ in groupby(gan for _, gan in collected)] == ["linear-2d", "sine"]
