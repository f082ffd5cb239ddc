"""Measuring a default: what it moves first, how far the losses come apart, and the page made of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.defaults.measure import first_unequal, measure_defaults
from gan_rosetta.shared.defaults.measurement import (
    ALL,
    GanMeasurement,
    Measurement,
    read_measurement,
    write_measurement,
)
from gan_rosetta.shared.faults.defaults import DEFAULTS, FRAMEWORKS
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.gans.affordable import AffordableGan, make_affordable
from gan_rosetta.shared.report.defaults_page import defaults_markdown, write_page
from gan_rosetta.shared.report.defaults_table import HEADERS, cells, percent
from tests.unit.compare.yardsticks import yardstick_of


@cache
def measured(gan: str = "linear-2d", steps: int = 12) -> GanMeasurement:
    spec = find_gan(gan).with_steps(pretraining=3, training=steps)
    return measure_defaults(
        AffordableGan(spec=spec, differs="few steps"),
        seed=14,
        digits=DigitSource.parse(None),
        report_progress=lambda _done, _total: None,
    )


def one(result: GanMeasurement, framework: str, subject: str) -> Measurement:
    (found,) = [m for m in result.measurements if (m.framework, m.subject) == (framework, subject)]
    return found


def test_what_is_the_gan_s_own_is_not_run():
    same = {(m.framework, m.subject) for m in measured().measurements if m.same}
    assert ("torch", "adam-epsilon") in same
    assert ("mxnet", "adam-epsilon") in same
    assert ("tensorflow", "adam-epsilon") not in same
    assert all(not m.losses and m.first is None for m in measured().measurements if m.same)
    assert all(set(m.losses) > {"generator"} for m in measured().measurements if not m.same)


@pytest.mark.parametrize(
    ("framework", "subject", "phase", "quantity"),
    [
        ("tensorflow", "adam-epsilon", "discriminator", "parameter"),
        ("mxnet", "adam-epsilon-placement", "discriminator", "parameter"),
        ("torch", "initial-values", "start", "parameter"),
        ("tensorflow", "all", "start", "parameter"),
    ],
)
def test_the_first_difference_is_where_the_default_acts(framework, subject, phase, quantity):
    first = one(measured(), framework, subject).first
    assert first is not None
    assert (first.visit, first.phase, first.quantity) == ("step 0", phase, quantity)
    assert first.difference > 1e-6


def test_an_optimizer_s_default_moves_no_loss_before_the_first_update():
    result = measured()
    found = one(result, "tensorflow", "adam-epsilon")
    # G's loss of step 0 comes after D's update.
    assert found.losses["discriminator"][0] == result.losses["discriminator"][0]
    assert found.losses["generator"][0] != result.losses["generator"][0]
    assert result.apart(found)[1] > 0


def test_the_same_change_gives_the_same_losses():
    hat = [one(measured(), name, "adam-epsilon-placement").losses for name in ("tensorflow", "mxnet")]
    np.testing.assert_array_equal(hat[0]["generator"], hat[1]["generator"])


def test_a_clamp_that_is_never_reached_differs_nowhere():
    result = measured("gaussian-1d")
    for framework in FRAMEWORKS:
        clamp = one(result, framework, "bce-clamp")
        assert not clamp.same
        assert clamp.first is None
        assert not result.apart(clamp).any()
        assert result.first_over(clamp) is None
        assert cells(result, clamp)[2:4] == ("none in 12 steps", "")


def test_a_clamp_that_acts_later_is_found_where_it_does(monkeypatch):
    # The fake samples' 1 - p starts at 0.4996 and passes this floor after some training; the real ones' p starts above.
    spec = find_gan("sine").with_steps(training=60)
    clamp = DEFAULTS["tensorflow:bce-clamp"]
    high = replace(clamp, value=replace(clamp.value, probability_floor=0.485))
    monkeypatch.setattr("gan_rosetta.shared.defaults.measure.FRAMEWORKS", {"torch": "torch"})
    monkeypatch.setattr("gan_rosetta.shared.defaults.measure.framework_defaults", lambda _name: [high])
    monkeypatch.setattr("gan_rosetta.shared.defaults.measure.apply_all", lambda _name, spec: high.apply(spec))
    result = measure_defaults(
        AffordableGan(spec=spec, differs=""),
        seed=14,
        digits=DigitSource.parse(None),
        report_progress=lambda _done, _total: None,
    )
    found = one(result, "torch", "bce-clamp")
    step = first_unequal(found.losses, result.losses)
    assert step is not None
    assert 10 < step < 60
    assert found.first is not None
    assert found.first.visit in (f"step {step - 1}", f"step {step}")
    assert found.first.quantity in ("loss", "gradient")


def test_running_statistics_move_no_loss():
    spec = make_affordable(find_gan("mnist-conv")).spec
    spec = replace(spec, batch_size=2).with_steps(training=2)
    result = measure_defaults(
        AffordableGan(spec=spec, differs=""),
        seed=14,
        digits=DigitSource.parse(None),
        report_progress=lambda _done, _total: None,
    )
    for subject, buffer in (("batch-norm-momentum", "running_mean"), ("batch-norm-variance", "running_var")):
        found = one(result, "tensorflow", subject)
        assert found.first is not None
        assert (found.first.quantity, found.first.name) == ("buffer", f"generator.norm1.{buffer}")
        for name in ("discriminator", "generator"):
            np.testing.assert_array_equal(found.losses[name], result.losses[name])


def test_distances_leave_out_rounding_and_keep_what_is_not_a_number():
    losses = {"discriminator": np.array([1.0, np.nan, 1.0, 1.0]), "generator": np.array([1.0, 2.0, 2.0, 2.0])}
    rounding = {"discriminator": np.full(4, 1e-9), "generator": np.full(2, 1e-9)}
    other = {"discriminator": np.array([1 + 4e-9, np.nan, np.nan, 1.0]), "generator": np.array([1.0, 2.1, 2.0, 2.0])}
    measurement = Measurement(framework="torch", subject=ALL, own="", value="", same=False, first=None, losses=other)
    result = GanMeasurement(
        gan="x",
        title="",
        differs="",
        losses=losses,
        yardstick=yardstick_of(rounding),
        measurements=(measurement,),
    )
    apart = result.apart(measurement)
    np.testing.assert_allclose(apart, [0.0, 0.1 / 2.1, np.inf, 0.0])
    assert result.first_over(measurement) == 1


def test_first_unequal():
    base = {"discriminator": np.array([1.0, np.nan, 3.0]), "generator": np.array([1.0, 2.0, 3.0])}
    assert first_unequal(base, base) is None
    changed = {**base, "generator": np.array([1.0, 2.0, np.nextafter(3.0, 4.0)])}
    assert first_unequal(changed, base) == 2
    assert first_unequal({**changed, "discriminator": np.array([1.0, 2.0, 3.0])}, base) == 1


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0"), (3e-9, "3e-09"), (0.0123, "1.2%"), (2.0, "200%"), (float("inf"), "not finite")],
)
def test_percent(amount, text):
    assert percent(amount) == text


def test_a_measurement_survives_its_folder(tmp_path):
    result = measured()
    write_measurement(tmp_path / "one", result)
    again = read_measurement(tmp_path / "one")
    assert (again.gan, again.differs, again.horizon, again.num_steps) == ("linear-2d", "few steps", 12, 12)
    assert [cells(again, m) for m in again.measurements] == [cells(result, m) for m in result.measurements]
    assert [m.first for m in again.measurements] == [m.first for m in result.measurements]


def test_the_page_has_a_row_a_default_and_a_picture_a_gan(tmp_path):
    result = measured()
    page, picture = write_page(tmp_path / "page.md", [result], seed=14)
    assert picture.name == "defaults-linear-2d.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = page.read_text(encoding="utf-8")
    assert text == defaults_markdown([result], seed=14)
    assert f"pictures/{picture.name}" in text
    rows = [line for line in text.split("## linear-2d")[1].splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(result.measurements)
    assert {row.replace("\\|", "").count("|") for row in rows} == {len(HEADERS) + 2}
    for name in FRAMEWORKS:
        assert any(row.startswith(f"| {name} | all together") for row in rows)


@pytest.mark.parametrize("gan", CATALOGUE)
def test_affordable_gans_are_the_gans_and_say_what_differs(gan):
    spec, made = find_gan(gan), make_affordable(find_gan(gan))
    assert made.spec.name == spec.name
    assert list(made.spec.networks()) == list(spec.networks())
    assert (made.spec == spec) == (made.differs == "")
    kinds = [[type(layer) for layer in s.discriminator.layers] for s in (spec, made.spec)]
    assert kinds[0] == kinds[1]
    assert (
        len(made.differs.split(", "))
        == sum(
            [
                made.spec.training.num_steps != spec.training.num_steps,
                made.spec.batch_size != spec.batch_size,
                made.spec.discriminator != spec.discriminator,
            ]
        )
        or not made.differs
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("defaults", "linear-2e"), "did you mean 'linear-2d'"),
        (("defaults", "linear-2d", "--markdown", "absent/page.md"), "--markdown absent/page.md cannot be written"),
    ],
)
def test_mistakes_are_one_line(monkeypatch, capsys, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gan-rosetta", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    errors = capsys.readouterr().err
    assert ended.value.code == 2
    assert words in errors
    assert len(errors.splitlines()) == 1
