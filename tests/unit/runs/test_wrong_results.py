"""A backend that returns what it should not is refused by name; one that returns wrong numbers anywhere disagrees."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.diagnose.job import DiagnosisJob, read_looked_into, rows_path, run_diagnosis_job
from gan_rosetta.shared.diagnose.rows import first_offender
from gan_rosetta.shared.errors import WrongResult
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.gans.affordable import make_affordable
from gan_rosetta.shared.generate import check as check_module
from gan_rosetta.shared.generate.check import find_disagreement, write_reference
from gan_rosetta.shared.interface import Losses
from gan_rosetta.shared.runs import checked as checked_module
from gan_rosetta.shared.runs.comparison import compare_runs
from gan_rosetta.shared.runs.run import run
from gan_rosetta.shared.spec import GanSpec
from tests.unit.runs.orders import changed, order_of

LIAR = replace(BACKENDS["numpy"], name="liar")


class _FewSamples(NumpyTrainer):
    def generate(self, latent):
        return super().generate(latent)[:3]


class _ListOfSamples(NumpyTrainer):
    def generate(self, latent):
        return super().generate(latent).tolist()


class _SinglePrecision(NumpyTrainer):
    def discriminate(self, samples):
        return super().discriminate(samples).astype(np.float32)


class _OneLoss(NumpyTrainer):
    def train(self, staged):
        losses = super().train(staged)
        return Losses(**{name: None if v is None else v[:1] for name, v in vars(losses).items()})


class _NoLossOfG(NumpyTrainer):
    def train(self, staged):
        return replace(super().train(staged), generator=None)


class _StateWithoutATensor(NumpyTrainer):
    def export_state(self):
        state = super().export_state()
        state.pop("generator.output.bias", None)
        return state


class _NoState(NumpyTrainer):
    def export_state(self):
        return None


class _ListOfATensor(NumpyTrainer):
    def export_state(self):
        return {name: array.tolist() for name, array in super().export_state().items()}


class _StateInHalf(NumpyTrainer):
    def export_state(self):
        halves = super().export_state().items()
        return {name: array if array.dtype == np.int64 else array.astype(np.float16) for name, array in halves}


class _TransposedTensors(NumpyTrainer):
    def export_state(self):
        return {name: array.T.copy() for name, array in super().export_state().items()}


class _TableOfLosses(NumpyTrainer):
    def train(self, staged):
        return vars(super().train(staged))


class _ListOfLosses(NumpyTrainer):
    def train(self, staged):
        losses = super().train(staged)
        return Losses(**{name: None if v is None else v.tolist() for name, v in vars(losses).items()})


class _OneMinusD(NumpyTrainer):
    def discriminate(self, samples):
        return 1.0 - super().discriminate(samples)


class _ConstantD(NumpyTrainer):
    def discriminate(self, samples):
        return np.full_like(super().discriminate(samples), 0.5)


class _NaNFromD(NumpyTrainer):
    def discriminate(self, samples):
        return np.full_like(super().discriminate(samples), np.nan)


class _WrongAtOneMoment(NumpyTrainer):
    looks = 0

    def generate(self, latent):
        type(self).looks += 1
        samples = super().generate(latent)
        return samples * 1.001 if type(self).looks == 3 else samples


class _FrozenMean(NumpyTrainer):
    """Never moves BatchNorm's running mean: nothing that training computes hangs on it."""

    def export_state(self):
        return {n: 0.0 * a if n.endswith("running_mean") else a for n, a in super().export_state().items()}


def _compare(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    liar: type[NumpyTrainer],
    gan: str | GanSpec | None = None,
    **options: Any,
):
    # Of its 1000 steps of pretraining a few are as good.
    order = order_of("gaussian-1d", steps=20, pretrain_steps=20) if gan is None else order_of(gan, **options)
    for name, entry in (("numpy", BACKENDS["numpy"]), ("liar", LIAR)):
        if name == "liar":
            monkeypatch.setattr(checked_module, "load_trainer", lambda _entry: liar)
        own = changed(order, folder=str(folder / name), name=name, backend=name, yardstick=name == "numpy")
        run(own, entry, report_progress=lambda *_progress: None)
    return compare_runs([folder / "numpy", folder / "liar"], order.spec, {})


@pytest.mark.parametrize(
    ("liar", "words"),
    [
        (_FewSamples, r"liar: generate returned float64 numbers of shape \(3, 1\); expected float64 of \(10000, 1\)"),
        (_ListOfSamples, r"liar: generate returned list; expected a NumPy array of shape \(10000, 1\)"),
        (_SinglePrecision, "liar: discriminate returned float32 numbers"),
        (_OneLoss, "liar: train's (pretraining|discriminator) returned float64 numbers of shape"),
        (_NoLossOfG, "liar: train returned none of the losses 'generator'"),
        (
            _StateWithoutATensor,
            "liar: export_state returned something else than the GAN's state.*generator.output.bias",
        ),
        (_NoState, "liar: export_state returned NoneType; expected a dictionary"),
        (_ListOfATensor, "liar: export_state returned list for .*; expected a NumPy array"),
        (_StateInHalf, "liar: export_state returned float16 numbers for .*; expected float64"),
        (_TransposedTensors, "liar: export_state returned something else than the GAN's state: .* has shape"),
        (_TableOfLosses, "liar: train returned dict; expected a Losses"),
        (_ListOfLosses, "liar: train's (pretraining|discriminator) returned list; expected a NumPy array"),
    ],
)
def test_a_result_of_a_wrong_number_shape_or_type_is_refused_by_name(tmp_path, monkeypatch, liar, words):
    with pytest.raises(WrongResult, match=words):
        _compare(tmp_path, monkeypatch, liar)


def test_what_is_right_agrees(tmp_path, monkeypatch):
    comparison = _compare(tmp_path, monkeypatch, NumpyTrainer)
    assert (comparison.verdict, comparison.pairs[0].largest) == ("AGREE", 0.0)
    assert "scores after step 10" not in comparison.pairs[0].left_out


@pytest.mark.parametrize(
    ("liar", "verdict", "words"),
    [
        (_OneMinusD, "DISAGREE", "scores"),
        (_ConstantD, "DISAGREE", "scores"),
        (_NaNFromD, "DISAGREE", "scores"),
        (_WrongAtOneMoment, "DISAGREE", "samples after step"),
    ],
)
def test_wrong_numbers_at_any_moment_disagree(tmp_path, monkeypatch, liar, verdict, words):
    comparison = _compare(tmp_path, monkeypatch, liar)
    assert comparison.verdict == verdict
    assert words in comparison.pairs[0].reason


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_running_mean_that_never_moves_disagrees_also_where_it_hangs_on_a_bias(tmp_path, monkeypatch, dtype):
    spec = replace(make_affordable(find_gan("mnist-conv")).spec, name="small-conv", batch_size=4)
    assert spec.discriminator.has_batch_norm
    comparison = _compare(tmp_path, monkeypatch, _FrozenMean, spec, steps=2, dtype=dtype)
    assert comparison.verdict == "DISAGREE"
    wrong = {finding.where.split(" ")[0] for finding in comparison.pairs[0].findings}
    means = {name for name in comparison.runs[0].state if name.endswith("running_mean")}
    assert means <= wrong
    assert any("evaluation mode" in finding.where for finding in comparison.pairs[0].findings)


class _ListsInAProbe(NumpyTrainer):
    def probe(self, chunk):
        return {key: array.tolist() for key, array in super().probe(chunk).items()}


class _TextsAsKeys(NumpyTrainer):
    def probe(self, chunk):
        return {"/".join(key): array for key, array in super().probe(chunk).items()}


class _TextsInAProbe(NumpyTrainer):
    def probe(self, chunk):
        return {key: array.astype(str) for key, array in super().probe(chunk).items()}


class _NoProbe(NumpyTrainer):
    def probe(self, chunk):
        return None


class _EmptyProbe(NumpyTrainer):
    def probe(self, chunk):
        return {}


PROBED = [
    (_NoProbe, "liar: probe returned NoneType; expected a dictionary of arrays by ProbeKey"),
    (_ListsInAProbe, r"liar: probe returned list for ProbeKey\(.*; expected a NumPy array"),
    (_TextsAsKeys, "liar: probe returned 'discriminat.* among its keys; expected a ProbeKey"),
    (_TextsInAProbe, "liar: probe returned <U.* for ProbeKey.*; expected numbers"),
    (_NoLossOfG, "liar: train returned none of the losses 'generator'"),
    (_NoState, "liar: export_state returned NoneType; expected a dictionary"),
    (_TransposedTensors, "liar: export_state returned something else than the GAN's state: .* has shape"),
]


def _diagnose(folder: Path, monkeypatch: pytest.MonkeyPatch, liar: type[NumpyTrainer]) -> Any:
    order = order_of("linear-2d", steps=3)
    jobs = [
        DiagnosisJob(
            order=changed(order, folder=str(folder), name=name, backend=name),
            is_reference=name == "numpy",
            forced=False,
            num_steps=3,
            fault=None,
        )
        for name in ("numpy", "liar")
    ]
    run_diagnosis_job(jobs[0], BACKENDS["numpy"], report_progress=lambda *_progress: None)
    monkeypatch.setattr(checked_module, "load_trainer", lambda _entry: liar)
    run_diagnosis_job(jobs[1], LIAR, report_progress=lambda *_progress: None)
    return read_looked_into(rows_path(jobs[1].order)).rows


@pytest.mark.parametrize(("liar", "words"), PROBED)
def test_a_diagnosis_refuses_what_no_trainer_returns(tmp_path, monkeypatch, liar, words):
    with pytest.raises(WrongResult, match=words):
        _diagnose(tmp_path, monkeypatch, liar)


def test_a_diagnosis_names_what_a_probe_lacks(tmp_path, monkeypatch):
    assert first_offender(_diagnose(tmp_path / "right", monkeypatch, NumpyTrainer)) is None
    offender = first_offender(_diagnose(tmp_path / "wrong", monkeypatch, _EmptyProbe))
    assert (offender.quantity, offender.visit) == ("order", "step 0")


@pytest.mark.parametrize(("liar", "words"), PROBED)
def test_a_generated_gan_s_finding_is_what_no_trainer_returns(tmp_path, monkeypatch, liar, words):
    spec = find_gan("linear-2d").with_steps(training=4)
    write_reference(spec, tmp_path / "reference")
    monkeypatch.setattr(check_module, "BACKENDS", {"liar": LIAR})
    monkeypatch.setattr(check_module, "load_trainer", lambda _entry: liar)
    finding = find_disagreement(spec, tmp_path / "reference", backend="liar")
    assert re.search(words, finding.error), finding


class _Recomputing(NumpyTrainer):
    """Off until it computes every number once, as a compiler may be; ALWAYS: even then."""

    ALWAYS = False
    is_off = True

    def compute_once(self):
        self.is_off = self.ALWAYS

    def probe(self, chunk):
        return {key: value + 1e-6 * self.is_off for key, value in super().probe(chunk).items()}


class _Wrong(_Recomputing):
    ALWAYS = True


@pytest.mark.parametrize(("trainer", "of_compiler"), [(_Recomputing, True), (_Wrong, False)])
def test_a_finding_that_a_compiler_alone_makes_says_so(tmp_path, monkeypatch, trainer, of_compiler):
    spec = find_gan("linear-2d").with_steps(training=4)
    write_reference(spec, tmp_path / "reference")
    monkeypatch.setattr(check_module, "BACKENDS", {"liar": LIAR})
    monkeypatch.setattr(check_module, "load_trainer", lambda _entry: trainer)
    finding = find_disagreement(spec, tmp_path / "reference", backend="liar")
    assert finding.of_compiler is of_compiler
    assert ("computes each number once" in str(finding)) is of_compiler
