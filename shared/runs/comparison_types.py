"""What comparison.json holds: what writes it and what reads it name these. An infinite difference is the text "inf"."""

from __future__ import annotations

from typing import Literal, TypedDict

from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.storage.typed import Count

Difference = float | Literal["inf"]


class FindingRecord(TypedDict):
    """A place where a pair parts."""

    where: str
    difference: Difference
    allowed: float


class FinalState(TypedDict):
    """How far the states are apart at the end; None where they were not compared."""

    largest: Difference | None
    tensor: str | None
    by_tensor: dict[str, Difference]


class PairRecord(TypedDict):
    """A pair of runs, two names, judged. first_step_over: by bound; left_out: tensors that rounding decides."""

    runs: list[str]
    verdict: Verdict
    reason: str
    findings: list[FindingRecord]
    notes: list[str]
    checked_steps: Count
    num_steps: Count
    largest_relative_loss_difference: Difference
    first_step_over: dict[str, str | None]
    final_state: FinalState
    samples: Difference | None
    judged_tensors: Count
    left_out: list[str]


class YardstickRecord(TypedDict):
    """How runs of a type were judged."""

    comparable_steps: Count
    num_copies: Count
    margin: float


class ComparisonRecord(TypedDict):
    """A GAN's comparison.json. yardsticks: by type; failures: what runs that left no record had to say."""

    gan: str
    verdict: Verdict
    yardsticks: dict[str, YardstickRecord]
    pairs: list[PairRecord]
    failures: dict[str, str]
