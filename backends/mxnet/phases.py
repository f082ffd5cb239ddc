"""What one update differentiates, as Gluon blocks: operator by operator when called plainly, or one graph of symbols.

Every phase takes tensors in a row (a source, then what else it needs, then what its passes are fed beside samples, in
their order, then BatchNorm buffers) and gives a Trace. Where it is a graph, a phase takes its batches out of the
chunk's arrays itself: taking them out one by one outside of the graph costs 5 µs each, this next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gan_rosetta.backends.mxnet import losses
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.input_gradient import InputGradient
from gan_rosetta.backends.mxnet.layers import Network
from gan_rosetta.backends.mxnet.side_by_side import SideBySide
from gan_rosetta.shared import spec

Passes = dict[tuple[str, str], list[Any]]


@dataclass
class Trace:
    """What a phase computed. Losses and scores are (1,).

    passes: every layer's output by (stream, network), in order of execution; filled by `trace` alone.
    moved: each network's buffers after the phase, for the networks that ran. fed: what each pass is fed beside its
    samples, by (stream, network). followed: what the update differentiates where it is not the loss. balance: where D's
    loss leaves what it balances its terms by.
    """

    loss: Any = None
    followed: Any = None
    real_score: Any = None
    balance: Any = None
    penalty: Any = None
    fake: Any = None
    mixed: Any = None
    input_gradient: Any = None
    passes: Passes = field(default_factory=dict)
    moved: dict[str, list[Any]] = field(default_factory=dict)
    fed: Passes = field(default_factory=dict)


class Phase(mx.gluon.HybridBlock):
    """The base of the phases; `networks` lists those that run, in the order of their buffers in the tensors.

    passes: those that it runs, in order. num_inputs: how many tensors come before what they are fed. fed: where the
    step's batches are among the tensors. picks: whether those are whole chunks, (K, B, ...), to be taken at the step
    that a first tensor (1,) gives. side_by_side: whether tensors are of many replicas, whose axis comes first.
    """

    def __init__(
        self,
        networks: dict[str, Network],
        passes: tuple[spec.Pass, ...],
        /,
        *,
        num_inputs: int,
        fed: tuple[int, ...],
        results: tuple[str, ...] = ("loss",),
    ) -> None:
        super().__init__()
        ran = {one.network for one in passes}
        self.networks = uses = tuple(name for name in ("generator", "discriminator") if name in ran)
        self.results = results
        self.passes = passes
        # The tape's arrays that the passes are fed.
        self.arrays = [name for one in passes for name in one.fed.values()]
        self.fed = (*fed, *range(num_inputs, num_inputs + len(self.arrays)))
        self.picks = False
        self.side_by_side = False
        for name in uses:  # only these, since Gluon warns of parameters that a graph does not use
            setattr(self, name, networks[name])

    def trace(self, ops: Any, /, *tensors: Any) -> Trace:
        """Run the phase and keep everything; tensors as in hybrid_forward."""
        raise NotImplementedError

    def hybrid_forward(self, ops: Any, *tensors: Any) -> tuple[Any, ...]:
        """Return the results and the moved buffers in a row."""
        if self.picks:
            step, *rest = tensors
            for place in self.fed:
                rest[place] = ops.reshape(ops.take(rest[place], step), shape=(-3, -2))
            tensors = tuple(rest)
        trace = self.trace(SideBySide(ops) if self.side_by_side else ops, *tensors)
        moved = [buffer for name in self.networks for buffer in trace.moved[name]]
        return (*(getattr(trace, result) for result in self.results), *moved)

    @property
    def followed(self) -> int:
        """Which of the results the update differentiates."""
        return self.results.index("followed") if "followed" in self.results else 0

    def run(self, *tensors: Any) -> Trace:
        """Call the block, operator by operator, and return a Trace without passes."""
        return self.as_trace(self(*tensors))

    def as_trace(self, found: Iterable[Any], /) -> Trace:
        """Return the results and the moved buffers in a row, as hybrid_forward returns them, as a Trace."""
        values = list(found)
        trace = Trace()
        for result in self.results:
            setattr(trace, result, values.pop(0))
        for name in self.networks:
            count = getattr(self, name).num_buffers
            trace.moved[name], values = values[:count], values[count:]
        return trace

    def _split(self, tensors: tuple[Any, ...]) -> tuple[list[Any], Trace]:
        """Part the inputs from the buffers, which a new Trace takes."""
        rest = list(tensors)
        trace = Trace()
        for name in reversed(self.networks):
            start = len(rest) - getattr(self, name).num_buffers
            rest, trace.moved[name] = rest[:start], rest[start:]
        for one in reversed(self.passes):
            start = len(rest) - len(one.fed)
            rest, trace.fed[one.stream, one.network] = rest[:start], rest[start:]
        return rest, trace

    def _pass(self, trace: Trace, name: str, stream: str, inputs: Any) -> Any:
        outputs, trace.moved[name] = getattr(self, name)(inputs, *trace.fed[stream, name], *trace.moved[name])
        trace.passes[stream, name] = outputs
        return outputs[-1]


class Pretraining(Phase):
    """D's regression. tensors: input (B, 1), target (B, 1), what the pass is fed, D's buffers."""

    def __init__(self, networks: dict[str, Network], gan: spec.GanSpec, pretraining: spec.Pretraining, /) -> None:
        run = spec.passes(gan)["pretraining", "input", "discriminator"]
        super().__init__(networks, (run,), num_inputs=2, fed=(0, 1))
        self.loss = pretraining.loss

    def trace(self, ops: Any, /, *tensors: Any) -> Trace:
        (inputs, target), trace = self._split(tensors)
        output = self._pass(trace, "discriminator", "input", inputs)
        trace.loss = losses.mean_squared_error_loss(self.loss, ops, output=output, target=target)
        return trace


class Generation(Phase):
    """G's batch, where both updates use the same. tensors: latent (B, ...), what the pass is fed, G's buffers."""

    def __init__(self, networks: dict[str, Network], gan: spec.GanSpec, /) -> None:
        run = spec.passes(gan)[gan.training.first, "fake", "generator"]
        super().__init__(networks, (run,), num_inputs=1, fed=(0,), results=("fake",))

    def trace(self, ops: Any, /, *tensors: Any) -> Trace:
        del ops
        (latent,), trace = self._split(tensors)
        trace.fake = self._pass(trace, "generator", "fake", latent)
        return trace


class DiscriminatorPhase(Phase):
    """D's loss.

    tensors: fake (B, ...), or the latent where the phase makes its own; real (B, ...); mix (B, 1, ...), and then
    perturbation (B, ...), with a gradient penalty that takes them, or what G started from, where D is shown it; the
    balance (1,) where the loss has one; what the passes are fed; G's buffers where G runs; D's buffers.
    """

    def __init__(self, networks: dict[str, Network], gan: spec.GanSpec, /) -> None:
        training = gan.training
        generates = training.fake_batch == "regenerated"
        results: tuple[str, ...] = ("loss",) if training.stop is None else ("loss", "real_score")
        results += ("followed",) if gan.penalty is not None and gan.penalty.alone else ()
        results += ("balance",) if training.balanced is not None else ()
        self.training = training
        self.penalty = gan.penalty
        fed = tuple(range(2 + gan.uses_mix + gan.uses_perturbation + training.shows_pairs))
        super().__init__(
            networks,
            _passes(gan, "discriminator"),
            num_inputs=len(fed) + (training.balanced is not None),
            fed=fed if generates else fed[1:],
            results=results,
        )
        self.generates = generates
        self.detaches = training.detach_fake
        if self.penalty is not None:
            self.input_gradient = InputGradient(self.discriminator)

    def trace(self, ops: Any, /, *tensors: Any) -> Trace:
        (source, real, *mix), trace = self._split(tensors)
        balance = {"balance": mix.pop()} if self.training.balanced is not None else {}
        fake = self._pass(trace, "generator", "fake", source) if self.generates else source
        fake = ops.BlockGrad(fake) if self.detaches else fake
        start = mix[-1] if self.training.shows_pairs else None
        real_score = self._pass(trace, "discriminator", "real", _shown(self.training, ops, real, start))
        fake_score = self._pass(trace, "discriminator", "fake", _shown(self.training, ops, fake, start))
        trace.loss = losses.discriminator_loss(self.training, ops, real=real_score, fake=fake_score, **balance)
        if balance:
            constant = {name: ops.BlockGrad(score) for name, score in (("real", real_score), ("fake", fake_score))}
            trace.balance = losses.moved_balance(self.training, ops, **constant, **balance)
        trace.real_score = ops.BlockGrad(ops.mean(real_score))
        if self.penalty is not None:
            fake = ops.BlockGrad(fake)
            if self.penalty.at == "mixed":
                mixed = ops.broadcast_mul(mix[0], real) + ops.broadcast_mul(1 - mix[0], fake)
            elif self.penalty.at == "perturbed":
                mixed = losses.perturbed_samples(self.penalty, ops, real=real, mix=mix[0], perturbation=mix[1])
            else:
                mixed = {"real": real, "fake": fake}.get(self.penalty.at)
                mixed = ops.concat(real, fake, dim=0) if mixed is None else mixed
            trace.mixed = self._pass(trace, "discriminator", "mixed", mixed)
            outputs, masks = (kept["mixed", "discriminator"] for kept in (trace.passes, trace.fed))
            trace.input_gradient = self.input_gradient(mixed, *outputs, *masks)
            trace.penalty = losses.gradient_penalty(self.penalty, ops, gradient=trace.input_gradient)
            if self.penalty.alone:
                # It does not hang on D's last layers, at a Reshape of which MXNet would end in a segmentation fault.
                trace.followed = trace.penalty + 0 * ops.sum(outputs[-1])
            else:
                trace.loss = trace.loss + trace.penalty
        return trace


class GeneratorPhase(Phase):
    """G's loss.

    tensors: fake (B, ...), or the latent where the phase makes its own; real (B, ...) where the loss is of both
    batches, or of how far they are apart; what G started from, where D is shown it; what the passes are fed; G's
    buffers where G runs; D's buffers.
    """

    def __init__(self, networks: dict[str, Network], gan: spec.GanSpec, /) -> None:
        generates = gan.training.fake_batch == "regenerated"
        fed = tuple(range(1 + gan.training.takes_real_in_generator + gan.training.shows_pairs))
        super().__init__(networks, _passes(gan, "generator"), num_inputs=len(fed), fed=fed if generates else fed[1:])
        self.generates = generates
        self.training = gan.training

    def trace(self, ops: Any, /, *tensors: Any) -> Trace:
        (source, *real), trace = self._split(tensors)
        fake = self._pass(trace, "generator", "fake", source) if self.generates else source
        start, of_real = real[-1] if self.training.shows_pairs else None, {}
        if self.training.generator_sees_real:
            shown = _shown(self.training, ops, real[0], start)
            of_real["real"] = ops.BlockGrad(self._pass(trace, "discriminator", "real", shown))
        shown = _shown(self.training, ops, fake, start)
        score = self._pass(trace, "discriminator", "fake", shown)
        if self.training.shows_fake_twice:
            again = self._pass(trace, "discriminator", "again", shown)
            parts = ops.slice_axis(score, axis=1, begin=0, end=2), ops.slice_axis(again, axis=1, begin=2, end=None)
            score = ops.concat(*parts, dim=1)
        trace.loss = losses.generator_loss(self.training, ops, fake=score, **of_real)
        if self.training.distance_loss is not None:
            apart = losses.distance_loss(self.training.distance_loss, ops, made=fake, real=real[0])
            trace.loss = trace.loss + apart
        return trace


class JointPhase(Phase):
    """The third update's loss. tensors: latent (B, ...); what the passes are fed; G's buffers; D's buffers."""

    def __init__(self, networks: dict[str, Network], gan: spec.GanSpec, /) -> None:
        own = tuple(one for one in spec.passes(gan).values() if one.phase == "joint")
        super().__init__(networks, own, num_inputs=1, fed=(0,), results=("loss", "followed"))
        self.training = gan.training

    def trace(self, ops: Any, /, *tensors: Any) -> Trace:
        (latent,), trace = self._split(tensors)
        heads = self._pass(trace, "discriminator", "fake", self._pass(trace, "generator", "fake", latent))
        trace.loss = losses.joint_loss(self.training, ops, fake=heads)
        # What no gradient comes to would keep that of the update before: D's score, which has no part in the loss.
        trace.followed = trace.loss + 0 * ops.sum(ops.slice_axis(heads, axis=1, begin=0, end=1))
        return trace


def _shown(training: spec.Training, ops: Any, samples: Any, start: Any) -> Any:
    """Return what D is shown of samples: perhaps with the channels of what G started from."""
    return samples if start is None else ops.concat(*training.in_order(samples, start), dim=1)


def _passes(gan: spec.GanSpec, phase: str) -> tuple[spec.Pass, ...]:
    """Return the passes of an update; one that uses a batch which G has made already runs D alone."""
    generates = gan.training.fake_batch == "regenerated"
    own = (one for one in spec.passes(gan).values() if one.phase == phase)
    return tuple(one for one in own if generates or one.network == "discriminator")
