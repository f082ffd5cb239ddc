"""Proves programs in this process, where their framework is imported once for all of them."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import runpy
import sys
from pathlib import Path

import numpy as np

from gan_rosetta.shared.cases.measuring import measure_reference
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.conformance.once import once
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.generate.session import draw_specs
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, initial_state, state_schema
from gan_rosetta.shared.translate import proof
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from tests.unit.translate.odd_gans import ODD_GANS

SEED = 3
STEPS_BEFORE = 7


def run_here(folder: Path, arguments: list[str], python: str | None = None) -> dict[str, object]:
    """Run a program as proof._run does, and return its names."""
    assert python is None
    before, given = Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = ["program.py", *arguments]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return runpy.run_path("program.py", run_name="__main__")
    finally:
        os.chdir(before)
        sys.argv = given


def begun_state(spec: GanSpec) -> State:
    """Return a state of a run that has begun: counters, what is kept, squares above 0, averages, a balance."""
    random = np.random.default_rng(SEED)
    state = dict(initial_state(spec, seed=SEED))
    for name, tensor in state_schema(spec).items():
        if tensor.role == "slot":
            is_square = name.endswith((".v", ".square", ".delta", ".largest", ".sum"))
            state[name] = random.uniform(0.01 if is_square else -0.01, 0.02, tensor.shape)
        elif tensor.role == "average":
            state[name] = state[name] + random.uniform(0.01, 0.02, tensor.shape)
        elif tensor.role == "counter":
            state[name] = np.array(STEPS_BEFORE)
        elif tensor.role == "balance":
            state[name] = np.array(0.6)
    return state


@once
def _measured(spec: GanSpec, *, begun: bool) -> tuple[Evidence, Yardstick]:
    return measure_reference(
        spec, _first_state(spec, begun=begun), _tape(spec), dtype=proof.DTYPE, seed=SEED, keep_going=False
    )


class _MeasuredOnce(proof.ReferenceOnce):
    """The reference's side, which is the same for all dialects, whichever process proves them."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__()
        self._begun = begun

    def measure(self, spec, state, tape, /, *, seed):
        assert seed == SEED
        return _measured(spec, begun=self._begun)


def _first_state(spec: GanSpec, *, begun: bool) -> State:
    return begun_state(spec) if begun else initial_state(spec, seed=SEED)


def _tape(spec: GanSpec) -> SeededTape:
    return SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))


def prove_here(
    monkeypatch, spec: GanSpec, to: str, *, steps: int, change=lambda text: text, begun: bool = False
) -> proof.Proof:
    """Prove a program; begun: from a state whose optimizers have begun, else from a fresh one."""
    monkeypatch.setattr(proof, "_run", run_here)
    spec = spec.with_steps(training=steps)
    text = change(write_program(spec, DIALECTS[to]))
    state, once_for_all = _first_state(spec, begun=begun), _MeasuredOnce(begun=begun)
    return proof.prove(text, spec, DIALECTS[to], state, _tape(spec), seed=SEED, once=once_for_all)


def require_drawn_to_agree(monkeypatch, to: str, *, count: int, seed: int) -> None:
    """Prove GANs drawn at random; `gan-rosetta translate --drawn` proves more."""
    for place, spec in enumerate(draw_specs(count, seed=seed)):
        proof = prove_here(monkeypatch, spec.with_steps(pretraining=2), to, steps=3, begun=place % 2 == 1)
        is_nan = proof.verdict == "NOT COMPARABLE" and "NaN" in proof.reason
        assert proof.verdict == "AGREE" or is_nan, f"{spec}: {proof.reason}"


def require_all_that_the_backend_has(to: str) -> None:
    """Require that a dialect writes every layer, loss and optimizer in the tables of its backend."""
    gans = (*CATALOGUE.values(), *ODD_GANS.values())
    layers, losses, optimizers = (
        importlib.import_module(f"gan_rosetta.backends.{DIALECTS[to].BACKEND}.{name}")
        for name in ("layers", "losses", "optimizers")
    )
    assert set(DIALECTS[to].LAYERS) == set(layers.LAYERS)
    tables = {
        "discriminator_loss": losses.DISCRIMINATOR_LOSSES,
        "generator_loss": losses.GENERATOR_LOSSES,
        "discriminator_optimizer": optimizers.OPTIMIZERS,
    }
    for field, table in tables.items():
        assert {type(getattr(spec.training, field)) for spec in gans} == set(table), field
    for spec in gans:
        write_program(spec, DIALECTS[to])
