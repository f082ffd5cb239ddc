"""What a traced step is made of: a module as a function of tensors, and an optimizer's updates on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gan_rosetta.backends.torch.averages import averages_of
from gan_rosetta.backends.torch.clipping import clipped
from gan_rosetta.backends.torch.layers import BatchNorm
from gan_rosetta.backends.torch.optimizers import (
    UPDATES,
    NamedOptimizer,
    clip_parameters,
    decayed_gradient,
    shrink_parameters,
    step_values,
)
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.optimizers import kept_share


class TracedUpdates:
    """An optimizer's updates on tensors that are being traced. row: the step within the block."""

    def __init__(
        self,
        spec: GanSpec,
        optimizer: NamedOptimizer,
        /,
        *,
        tensors: Mapping[str, Tensor],
        values: Tensor,
        first_column: int,
        side_by_side: bool,
    ) -> None:
        self._spec = optimizer.spec
        self._bound = optimizer.bound
        self.parameters = [tensors[name].requires_grad_() for name in optimizer.parameters]
        self._slots = [{kind: tensors[name] for kind, name in named.items()} for named in optimizer.slot_names.values()]
        self._averages = None if optimizer.averages is None else averages_of(spec, tensors)
        self._shrinks = kept_share(optimizer.spec, 0) is not None
        num_own = len(step_values(optimizer.spec, counter=0))
        self.num_values = num_own + self._shrinks + (self._averages is not None)
        self._values = values[:, first_column : first_column + self.num_values]
        self.row = 0
        clip = partial(clipped, optimizer.clipping)
        self._clipped = torch.func.vmap(clip) if side_by_side and optimizer.clipping is not None else clip

    @torch.no_grad()
    def update(self, gradients: Sequence[Tensor], /) -> None:
        """Move the parameters, in canonical order as the gradients are."""
        values = list(self._values[self.row].unbind())
        share = values.pop() if self._averages is not None else None
        kept = values.pop() if self._shrinks else None
        held = self._clipped(gradients)
        held = [
            decayed_gradient(self._spec, parameter=parameter, gradient=gradient)
            for parameter, gradient in zip(self.parameters, held, strict=True)
        ]
        shrink_parameters(self.parameters, kept=kept)
        for parameter, gradient, slots in zip(self.parameters, held, self._slots, strict=True):
            UPDATES[type(self._spec)](self._spec, parameter=parameter, gradient=gradient, slots=slots, values=values)
        clip_parameters(self.parameters, bound=self._bound)
        if self._averages is not None:
            self._averages.follow(share)


def functional_module(
    module: nn.Module, network: str, tensors: Mapping[str, Tensor], *, num_passes: int, side_by_side: bool
) -> Callable[[Tensor, Mapping[str, Tensor]], Tensor]:
    """Return the module as a function that uses these tensors in place of its own; a call stands for num_passes."""
    prefix = f"{network}."
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    norms = [part for part in module.modules() if isinstance(part, BatchNorm)]

    def call_one(own: Mapping[str, Tensor], inputs: Tensor, fed: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = functional_call(module, dict(own), (inputs, fed))
        return found

    call_each = torch.func.vmap(call_one) if side_by_side else call_one

    def call(inputs: Tensor, fed: Mapping[str, Tensor]) -> Tensor:
        for norm in norms:
            norm.num_passes = num_passes
        try:
            return call_each(own, inputs, fed)
        finally:
            for norm in norms:
                norm.num_passes = 1

    return call
