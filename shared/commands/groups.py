"""Options that several commands take, as one parameter of each: a record whose fields are the options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints

from gan_rosetta.shared.commands import options as its
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.runs.moments import DEFAULT_NUM_MOMENTS
from gan_rosetta.shared.runs.order import DEFAULT_SEED, SECONDS_BETWEEN_CHECKPOINTS
from gan_rosetta.shared.workers.jobs import DEFAULT_PATIENCE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What runs are fed and how they compute: the options of `runs.request.FeedOptions`."""

    batch_size: its.BatchSize = None
    seed: its.Seed = DEFAULT_SEED
    dtype: its.Dtype = "float64"
    execution: its.ExecutionOption = "auto"
    device: its.Device = "cpu"
    initial_state: its.InitialState = None
    tape: its.TapeOption = None
    mnist: its.Mnist = None
    images: its.Images = None

    def as_options(self) -> dict[str, Any]:
        """Return the options by name, as `make_request` takes them."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Training(Feed):
    """How runs are trained besides: the rest of `runs.request.Options`."""

    steps: its.Steps = None
    pretrain_steps: its.PretrainSteps = None
    first_step: its.FirstStep = None
    keep_going: its.KeepGoing = False
    checkpoint_every: its.CheckpointEvery = SECONDS_BETWEEN_CHECKPOINTS
    patience: its.Patience = DEFAULT_PATIENCE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Showing:
    """What is said and shown of runs, which is no part of them."""

    animate: its.Animate = None
    tensorboard: its.TensorBoard = None
    verbose: its.Verbose = False
    quiet: its.Quiet = False
    as_json: its.Json = False

    def require_possible(self) -> None:
        """Raise UsageError, before anything is trained or what draws is imported, where this cannot be shown."""
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose exclude each other; give one of them")
        if self.animate is not None:
            from gan_rosetta.shared.report.film import require_film  # noqa: PLC0415 - it imports what draws

            require_film(self.animate)
        if self.tensorboard is not None:
            from gan_rosetta.shared.report.tensorboard import require_tensorboard  # noqa: PLC0415

            require_tensorboard(self.tensorboard)

    @property
    def num_moments(self) -> int:
        """About how many moments of training a run keeps samples of for this."""
        if self.animate is None:
            return DEFAULT_NUM_MOMENTS
        from gan_rosetta.shared.report.film import NUM_MOMENTS  # noqa: PLC0415

        return NUM_MOMENTS


def with_groups(command: Callable[..., None], /) -> Callable[..., None]:
    """Give a command each option of the groups that it takes; a group is a parameter whose type is a dataclass."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for name, own in inspect.signature(command).parameters.items():
        parameters += _options_of(groups[name]) if name in groups else [own.replace(annotation=hints[name])]

    @wraps(command)
    def call(*arguments: Any, **given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(*arguments, **given)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {own.name: own.annotation for own in parameters}
    return call


def _options_of(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(own.name, inspect.Parameter.KEYWORD_ONLY, default=own.default, annotation=hints[own.name])
        for own in fields(group)
    ]
