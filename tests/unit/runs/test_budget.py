"""What cannot end is refused before it begins, with the number that would fit."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gan_rosetta.shared.compare.tolerance import num_copies
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.runs import budget
from gan_rosetta.shared.runs.budget import need_of, require_room
from gan_rosetta.shared.runs.jobs_on_disk import write_jobs
from gan_rosetta.shared.runs.order import Course, require_checkpoint_seconds, require_count, require_patience
from gan_rosetta.shared.runs.plan import plan_resume
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.spec import Linear
from tests.unit.runs.orders import order_of

LINEAR = find_gan("linear-2d")
MINIBATCH = find_gan("gaussian-1d-minibatch")
GIBIBYTE = 1 << 30


@pytest.fixture
def room(monkeypatch):
    """A machine with so much memory, and so much of a disk."""

    def give(*, memory: int = 1 << 50, disk: int = 1 << 50) -> None:
        monkeypatch.setattr(budget, "available_bytes", lambda: memory)
        monkeypatch.setattr(budget, "_free_bytes", lambda folder: disk)

    return give


def with_points(count: int):
    return replace(LINEAR, real=replace(LINEAR.real, num_points=count))


@pytest.mark.parametrize(
    ("set_number", "huge", "name"),
    [
        (lambda n: LINEAR.with_steps(training=n), 10**18, "steps (--steps)"),
        (
            lambda n: find_gan("gaussian-1d").with_steps(pretraining=n),
            10**18,
            "steps of pretraining (--pretrain-steps)",
        ),
        (lambda n: replace(LINEAR, batch_size=n), 10**12, "samples a step (--batch-size)"),
        (lambda n: replace(MINIBATCH, batch_size=n), 10**7, "samples a step (--batch-size)"),
        (with_points, 10**12, "points (real.num_points)"),
    ],
)
def test_the_number_that_is_named_fits_and_the_next_does_not(room, set_number, huge, name):
    room(memory=GIBIBYTE)
    with pytest.raises(UsageError) as caught:
        require_room(set_number(huge))
    message = str(caught.value)
    assert "of memory at least, 1 GB are free" in message
    assert name in message
    fits = int(re.search(r"at most ([\d,]+) ", message)[1].replace(",", ""))
    require_room(set_number(fits))
    with pytest.raises(UsageError):
        require_room(set_number(fits + 1))


def test_a_disk_is_counted_too(room, tmp_path):
    room(disk=GIBIBYTE)
    require_room(LINEAR, folder=tmp_path)
    with pytest.raises(UsageError, match=r"takes .* of disk at least, 1 GB are free; at most [\d,]+ steps"):
        require_room(LINEAR.with_steps(training=10**9), folder=tmp_path)


def test_a_layer_that_no_memory_holds(room):
    room(memory=GIBIBYTE)
    layers = list(LINEAR.generator.layers)
    first = next(index for index, layer in enumerate(layers) if isinstance(layer, Linear))
    wide = replace(layers[first], out_features=2**62)
    after = replace(layers[first], name="after", in_features=2**62, out_features=layers[first].out_features)
    layers[first : first + 1] = [wide, after]
    spec = replace(LINEAR, generator=replace(LINEAR.generator, layers=tuple(layers)))
    with pytest.raises(UsageError, match=r"of memory at least, 1 GB are free; make its layers smaller, first gen"):
        require_room(spec)


def test_runs_at_the_same_time_and_copies_are_counted(room):
    spec = find_gan("mnist-conv")
    alone, copied = need_of(spec), need_of(spec, num_copies=num_copies(spec))
    assert copied.memory > alone.memory
    room(memory=copied.memory + alone.memory)
    require_room(spec, num_copies=num_copies(spec), num_runs=2)
    with pytest.raises(UsageError):
        require_room(spec, num_copies=num_copies(spec), num_runs=3)


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_the_catalogue_fits_into_little(room, name):
    room(memory=4 * GIBIBYTE, disk=2 * GIBIBYTE)
    require_room(find_gan(name), num_copies=num_copies(find_gan(name)))


def test_a_request_is_refused_before_anything_is_drawn(room):
    room(memory=GIBIBYTE)
    with pytest.raises(UsageError, match="at most"):
        make_request("linear-2d", steps=10**18).resolve()


@pytest.mark.parametrize("yardstick", [False, True])
def test_going_on_with_what_was_begun_elsewhere_needs_room_too(room, tmp_path, yardstick):
    order = order_of("linear-2d", "numpy", tmp_path / "linear-2d" / "numpy", steps=200_000, yardstick=yardstick)
    write_jobs([order])
    command = "compare" if yardstick else "train"
    assert plan_resume(tmp_path, command=command).jobs
    room(memory=GIBIBYTE >> 10)
    with pytest.raises(UsageError, match=r"going on in .* at most [\d,]+ steps \(training\.num_steps\) fit"):
        plan_resume(tmp_path, command=command)
    # What has ended takes no more.
    Path(order.folder).mkdir()
    (Path(order.folder) / "record.json").touch()
    assert plan_resume(tmp_path, command=command).jobs


def test_moments_are_as_many_as_can_be_kept():
    for count in (0, 10**18):
        with pytest.raises(UsageError, match="num_moments is"):
            Course(num_moments=count)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -1.0, 1e300])
def test_seconds_are_finite(seconds):
    for require in (require_patience, require_checkpoint_seconds):
        with pytest.raises(UsageError, match="a year at the most"):
            require(seconds)


def test_counts_fit_into_64_bits():
    require_count("--seed", 2**63 - 1, minimum=0)
    with pytest.raises(UsageError, match="9,223,372,036,854,775,807 at the most"):
        require_count("--seed", 2**63, minimum=0)
    with pytest.raises(UsageError, match="1,024 at the most"):
        require_count("--threads", 1025, minimum=1, maximum=1024)


@pytest.mark.parametrize("number", [1.5, float("nan"), float("inf"), "7"])
def test_counts_are_whole(number):
    with pytest.raises(UsageError, match="expected a whole number"):
        require_count("--steps", number, minimum=1)
