"""The compiled path: the eager step's own code, traced over several steps to one graph that inductor compiles.

The graph takes the trainer's tensors and changes them in place. What an update takes from its counter (learning rates,
Adam's corrections) comes in as numbers of each step, computed on the host, so that no counter is part of a graph.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from gan_rosetta.backends.torch.captured import CapturedSteps, Inputs
from gan_rosetta.backends.torch.kept import KeptPrograms
from gan_rosetta.backends.torch.optimizers import NamedOptimizer, step_values
from gan_rosetta.backends.torch.small_products import DECOMPOSITIONS, DECOMPOSITIONS_SIDE_BY_SIDE
from gan_rosetta.backends.torch.step import UNOBSERVED, AdversarialStep, Player, pretraining_step
from gan_rosetta.backends.torch.traced import TracedUpdates, functional_module
from gan_rosetta.shared.interface import Phase, Trains
from gan_rosetta.shared.spec import (
    BalancedDiscriminatorLoss,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    SoftmaxDiscriminatorLoss,
    WassersteinDiscriminatorLoss,
)
from gan_rosetta.shared.spec.optimizers import kept_share
from gan_rosetta.shared.state import BALANCE, averaged, network_parameters, optimizers, optimizers_of

# Steps that one graph takes, by the most parameters that a GAN may have for it: a call costs tens of microseconds, and
# each step in a graph some seconds of compilation. In float64, which is for comparing and not for speed, at most two.
_NUM_UNROLLED_STEPS = {1_000: 4, 100_000: 2}
_MOST_UNROLLED_IN_FLOAT64 = 2
_LARGEST_TINY_GAN = 1_000
# Steps that one CUDA graph launches: enough to drown a launch, few enough to be captured in a fraction of a second.
_NUM_CAPTURED_STEPS = 64

Block = Callable[..., Any]
Pattern = tuple[Trains, ...]


class CompiledTraining:
    """Runs steps in compiled blocks, each of one phase, batch size and pattern of who trains.

    networks, optimizers and tensors (parameters, buffers and slots, by canonical name) are the trainer's own. A block
    is compiled when it is first needed, so a chunk's length never matters. captures: whether blocks are launched as
    CUDA graphs, on a GPU alone. side_by_side: tensors are those of many replicas, with an axis of theirs first, and so
    are arrays, (K, R, B, ...), and losses, (K, number of losses, R).
    """

    def __init__(
        self,
        spec: GanSpec,
        /,
        *,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, NamedOptimizer],
        tensors: Mapping[str, Tensor],
        side_by_side: bool = False,
    ) -> None:
        self._spec = spec
        self._side_by_side = side_by_side
        self._batch_axis = 2 if side_by_side else 1
        self._networks = networks
        self._optimizers = optimizers
        self._tensors = {name: tensor.detach() for name, tensor in tensors.items()}
        self.blocks: dict[tuple[Phase, int, Pattern], Block] = {}
        shapes = [tensor.shape for name in networks for tensor in network_parameters(spec, name)]
        num_parameters = sum(math.prod(shape) for shape in shapes)
        layers = (*spec.generator.all_layers, *spec.discriminator.all_layers)
        self._convolves = any(isinstance(layer, Conv2d | ConvTranspose2d) for layer in layers)
        # A critic's gradients on real and fake samples nearly cancel; one product over both costs torch a digit.
        is_critic = isinstance(
            spec.training.discriminator_loss,
            WassersteinDiscriminatorLoss | BalancedDiscriminatorLoss | SoftmaxDiscriminatorLoss,
        )
        self._stacks = spec.discriminator.is_samplewise and not is_critic
        can_unroll = not self._convolves and spec.training.trains_both_always and not side_by_side
        fitting = (steps for most, steps in _NUM_UNROLLED_STEPS.items() if can_unroll and num_parameters <= most)
        self._num_unrolled_steps = next(fitting, 1)
        self._is_tiny = num_parameters <= _LARGEST_TINY_GAN and not side_by_side
        # What convolutions take is far more than their launches, and a graph would keep memory of its own for them.
        self.captures = not self._convolves
        self._captured = CapturedSteps()
        self._kept = KeptPrograms(spec)

    def run(self, phase: Phase, arrays: Mapping[str, Tensor], trains: Pattern, /, *, epochs: Sequence[int]) -> Tensor:
        """Run K steps and return their losses, (K, number of losses). arrays: (K, B, ...) each; epochs: (K,)."""
        example = next(iter(arrays.values()))
        values = torch.from_numpy(self._step_values(phase, trains, epochs)).to(example)
        if example.device.type == "cuda" and self.captures:
            losses = self._run_captured(phase, arrays, values, trains)
        else:
            losses = self._run_blocks(phase, arrays, values, trains)
        for name in self._phase_optimizers(phase):
            num_updates = sum(_turns(name, trains))
            self._optimizers[name].set_counter(self._optimizers[name].counter + num_updates)
        return losses

    def _run_captured(self, phase: Phase, arrays: Mapping[str, Tensor], values: Tensor, trains: Pattern) -> Tensor:
        losses = []
        for start in range(0, len(trains), _NUM_CAPTURED_STEPS):
            steps = slice(start, start + _NUM_CAPTURED_STEPS)

            def run(inputs: Inputs, turns: Pattern = trains[steps]) -> Tensor:
                return self._run_blocks(phase, {name: inputs[name] for name in arrays}, inputs["values"], turns)

            inputs = {"values": values[steps]} | {name: array[steps] for name, array in arrays.items()}
            example = inputs[next(iter(arrays))]
            patterns = self._patterns(phase, trains[steps], dtype=example.dtype)
            have_run = all((phase, example.shape[self._batch_axis], pattern) in self.blocks for pattern in patterns)
            kind = (phase, example.shape[self._batch_axis], trains[steps])
            losses.append(self._captured.run(kind, inputs, run, have_run=have_run))
        return torch.cat(losses)

    def _run_blocks(self, phase: Phase, arrays: Mapping[str, Tensor], values: Tensor, trains: Pattern) -> Tensor:
        example = next(iter(arrays.values()))
        tensors = self._phase_tensors(phase)
        patterns = list(self._patterns(phase, trains, dtype=example.dtype))
        lengths = [len(pattern) for pattern in patterns]
        losses = []
        # One call cuts an array for all blocks: a slice for each costs as much as the step of a tiny GAN.
        cuts = zip(*(array.split(lengths) for array in (values, *arrays.values())), strict=True)
        for pattern, cut in zip(patterns, cuts, strict=True):
            inputs = [*tensors.values(), *cut]
            key = (phase, example.shape[self._batch_axis], pattern)
            if key not in self.blocks:
                self.blocks[key] = self._compile(
                    inputs, phase=phase, pattern=pattern, names=list(tensors), arrays=list(arrays)
                )
            found = self.blocks[key](*inputs)
            # A program whose tensors lie on the stack gives out the same memory each time.
            losses.append(found.clone() if self._is_tiny else found)
        return torch.cat(losses)

    def _compile(
        self, inputs: list[Tensor], *, phase: Phase, pattern: Pattern, names: list[str], arrays: list[str]
    ) -> Block:
        def block(*flat: Tensor) -> Tensor:
            tensors = dict(zip(names, flat, strict=False))
            batches = dict(zip(arrays, flat[len(names) + 1 :], strict=True))
            return self._block(phase, pattern, tensors=tensors, values=flat[len(names)], arrays=batches)

        def trace() -> Any:
            table = DECOMPOSITIONS_SIDE_BY_SIDE if self._side_by_side else DECOMPOSITIONS
            return make_fx(block, decomposition_table=table, tracing_mode="fake")(*inputs)

        if self._convolves and inputs[0].device.type == "cpu":
            # The graph then runs as it is, on torch's own kernels: on a CPU more than nine tenths of the time is in
            # oneDNN's convolutions, which inductor calls too, and its code for the rest takes minutes to compile.
            return trace()

        def compile_now() -> Block:
            graph = trace()  # anew each time, since inductor changes what it is given
            with torch.no_grad():
                return torch._inductor.compile(graph, inputs, options=self._options(inputs[0]))

        with warnings.catch_warnings():
            # inductor imports torch.utils.mkldnn, which is written with torch's own deprecated decorator.
            warnings.filterwarnings("ignore", "`torch.jit.script_method` is deprecated", DeprecationWarning)
            # It would have float32 products keep ten bits.
            warnings.filterwarnings("ignore", "TensorFloat32 tensor cores", UserWarning)
            return self._kept.compile(compile_now)

    def _block(
        self,
        phase: Phase,
        pattern: Pattern,
        *,
        tensors: Mapping[str, Tensor],
        values: Tensor,
        arrays: Mapping[str, Tensor],
    ) -> Tensor:
        """Run a block's steps on tensors that are being traced; returns their losses, (steps, number of losses)."""
        shares = phase == "adversarial" and _all_train(pattern) and self._spec.makes_same_fake_twice
        players: dict[str, Player] = {}
        joint: list[Player] = []
        updates: list[TracedUpdates] = []
        for name in self._phase_optimizers(phase):
            first_column = sum(update.num_values for update in updates)
            update = TracedUpdates(
                self._spec,
                self._optimizers[name],
                tensors=tensors,
                values=values,
                first_column=first_column,
                side_by_side=self._side_by_side,
            )
            network, _ = optimizers(self._spec)[name]
            is_joint = name in optimizers_of(self._spec, "joint")
            num_passes = 2 if shares and network == "generator" and not is_joint else 1
            call = functional_module(
                self._networks[network], network, tensors, num_passes=num_passes, side_by_side=self._side_by_side
            )
            player = Player(network=call, parameters=update.parameters, optimizer=update)
            if is_joint:
                joint.append(player)
            else:
                players[network] = player
            updates.append(update)
        rows = []
        for row, trains in enumerate(pattern):
            batch = {name: array[row] for name, array in arrays.items()}
            for update in updates:
                update.row = row
            if phase == "pretraining":
                loss = pretraining_step(
                    self._spec, player=players["discriminator"], batch=batch, side_by_side=self._side_by_side
                )
                rows.append(loss.unsqueeze(0))
            else:
                step = AdversarialStep(
                    self._spec,
                    **players,
                    observer=UNOBSERVED,
                    balance=tensors.get(BALANCE),
                    joint=joint,
                    stacks=self._stacks,
                    shares=shares,
                    side_by_side=self._side_by_side,
                )
                rows.append(step.run(batch, trains=trains).stacked())
        return torch.stack(rows)

    def _patterns(self, phase: Phase, trains: Pattern, *, dtype: torch.dtype) -> Iterator[Pattern]:
        """Yield the patterns of the blocks that steps are cut into."""
        start = 0
        while start < len(trains):
            pattern = self._next_pattern(phase, trains[start:], dtype=dtype)
            yield pattern
            start += len(pattern)

    def _next_pattern(self, phase: Phase, trains: Pattern, *, dtype: torch.dtype) -> Pattern:
        wanted = self._num_unrolled_steps
        if dtype == torch.float64:
            wanted = min(wanted, _MOST_UNROLLED_IN_FLOAT64)
        if phase == "pretraining":
            wanted = 1  # it is short: unrolled, it would save milliseconds of calls for seconds of compilation
        pattern = trains[:wanted]
        return pattern if len(pattern) == wanted and _all_train(pattern) else pattern[:1]

    def _phase_optimizers(self, phase: Phase) -> tuple[Any, ...]:
        if phase == "pretraining":
            return ("pretraining",)
        return ("discriminator", "generator", *optimizers_of(self._spec, "joint"))

    def _phase_tensors(self, phase: Phase) -> dict[str, Tensor]:
        names: list[str] = []
        networks = {optimizers(self._spec)[name][0] for name in self._phase_optimizers(phase)}
        for name in self._tensors:
            names += [name] if name.split(".", 1)[0] in networks else []
        for name in self._phase_optimizers(phase):
            names += list(self._optimizers[name].slots)
        if phase == "adversarial":
            names += [*averaged(self._spec), *([BALANCE] if BALANCE in self._tensors else [])]
        return {name: self._tensors[name] for name in names}

    def _step_values(self, phase: Phase, trains: Pattern, epochs: Sequence[int]) -> np.ndarray:
        """Return what each step's updates take from counters and epochs, (K, number of values), in float64."""
        columns: list[list[tuple[float, ...]]] = []
        for name in self._phase_optimizers(phase):
            optimizer = self._optimizers[name]
            moves = np.array(_turns(name, trains), dtype=np.int64)
            # Of its updates so far, each step with those before it.
            counters = (optimizer.counter + np.cumsum(moves) - moves).tolist()
            steps = list(zip(counters, epochs, strict=True))
            columns.append([step_values(optimizer.spec, counter=counter, epoch=epoch) for counter, epoch in steps])
            shares = (kept_share(optimizer.spec, counter, epoch=epoch) for counter, epoch in steps)
            kept: list[tuple[float, ...]] = [(share,) for share in shares if share is not None]
            columns += [kept] if kept else []
            if optimizer.averages is not None:
                columns.append([(optimizer.averages.spec.share(counter),) for counter in counters])
        return np.concatenate(columns, axis=1)

    def _options(self, example: Tensor) -> dict[str, Any]:
        if example.device.type != "cpu":
            # Whether a product is padded and how a sum is cut is found out by timing, and with it how they are rounded:
            # each process would have digits of its own.
            return {"deterministic": True}
        options: dict[str, Any] = {"cpp_wrapper": True}
        # A wrapper in a file of its own, which g++ then need not optimise, compiles in a half to a seventh of the time,
        # and makes every call of a kernel a real one: nothing to most GANs, but twice the time of a step to a tiny one.
        options["cpp_wrapper_build_separate"] = not self._is_tiny
        if self._is_tiny:
            # A tiny GAN's time goes to making a tensor of each intermediate, unless they lie on the stack; where they
            # are more than inductor puts there, they take longer to compute than to make.
            options |= {"aot_inductor.allow_stack_allocation": True, "size_asserts": False}
            if example.dtype == torch.float64:
                # Rows of a few float64 numbers gain nothing from vectors, whose code takes twice as long to compile.
                options["cpp.simdlen"] = 1
        return options


def _turns(optimizer: str, trains: Pattern) -> list[bool]:
    """Return in which steps an optimizer moves its network: those of no player alone do in all."""
    return [bool(getattr(turns, optimizer, True)) for turns in trains]


def _all_train(pattern: Pattern) -> bool:
    return all(turns.discriminator and turns.generator for turns in pattern)
