"""A phase as one static graph: bound once to the arrays that it reads and writes, run forward and back by no tape.

Autograd's tape makes a graph of what was recorded anew in each step, which takes longer than a small GAN's operators,
and a hybridized block calls one by one those that touch an array which changes from call to call.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.phases import Phase, Trace


class Graph:
    """A phase's static graph. Results, and the gradients that it writes, are the same arrays in every run.

    wanted: the networks whose parameters' gradients it writes, into those that Gluon keeps. step: (1,), the place of a
    step in a chunk's arrays, for a phase that picks. bound: which of the tensors are the same arrays in all calls, so
    that they are read where they are; wants_source: whether the gradient by the first of them is wanted.
    """

    def __init__(
        self,
        phase: Phase,
        /,
        *,
        wanted: Collection[str],
        step: Any,
        bound: Collection[int] = (),
        wants_source: bool = False,
    ) -> None:
        self._phase, self._step = phase, step
        self._wanted, self._bound, self._wants_source = wanted, bound, wants_source
        self._arrays: list[Any] = []
        self._copied: dict[int, Any] = {}
        self._executor: Any = None
        self.source_gradient: Any = None

    def run(self, *tensors: Any) -> Trace:
        """Run the phase on its tensors, as Phase.run without the step's place; the results are the next run's too."""
        if self._executor is None:
            self._bind(tensors)
        for place, (array, tensor) in enumerate(zip(self._arrays, tensors, strict=True)):
            if tensor is array or tensor is self._copied.get(place):
                continue
            tensor.copyto(array)
            if place in self._phase.fed:  # a chunk's, which stays as it is
                self._copied[place] = tensor
        self.run_again()
        return self._phase.as_trace(self._outputs)

    def run_again(self) -> None:
        """Run it on what it was given last: a pass back may write over what the one forward left."""
        # Executor.forward then makes arrays of its outputs anew, which takes as long as many an operator.
        mx.base.check_call(mx.base._LIB.MXExecutorForward(self._executor.handle, 1))

    def backward(self, head: Any = None, /) -> None:
        """Write the gradients of what is followed, or of the first result where its own gradient is given."""
        self._executor.backward(None if head is None else [head, *self._no_heads])

    def _bind(self, tensors: Sequence[Any]) -> None:
        names = [f"tensor{place}" for place in range(len(tensors))]
        symbols = [mx.sym.var(name) for name in (["step"] if self._phase.picks else []) + names]
        results = self._results(self._phase(*symbols))
        self._arrays = [own if place in self._bound else own.copy() for place, own in enumerate(tensors)]
        parameters = {name: own for network in self._phase.networks for name, own in self._parameters(network).items()}
        arrays = dict(zip(names, self._arrays, strict=True)) | {"step": self._step}
        arrays |= {name: parameter.data() for name, parameter in parameters.items()}
        gradients = {
            name: parameter.grad()
            for network in self._wanted
            for name, parameter in self._parameters(network).items()
            if parameter.grad_req != "null"
        }
        if self._wants_source:
            self.source_gradient = gradients[names[0]] = mx.nd.zeros_like(tensors[0])
        graph = mx.sym.Group(results)
        read = {name: arrays[name] for name in graph.list_arguments()}
        written = {name: own for name, own in gradients.items() if name in read}
        requests = {name: "write" if name in written else "null" for name in read}
        unused = {name: arrays[name] for name in graph.list_auxiliary_states()}
        self._executor = graph.bind(self._step.context, read, args_grad=written, grad_req=requests, aux_states=unused)
        self._outputs = self._executor.outputs
        self._no_heads = [mx.nd.zeros_like(output) for output in self._outputs[1:]]

    def _results(self, results: Any) -> list[Any]:
        """Return the results; what is followed alone has a gradient, a loss its own, samples one that is given."""
        found = list(results) if isinstance(results, list | tuple) else [results]
        followed = self._phase.followed
        for place, symbol in enumerate(found):
            if place != followed:
                found[place] = mx.sym.BlockGrad(symbol)
            elif self._phase.results[place] != "fake":
                found[place] = mx.sym.make_loss(symbol)
        return found

    def _parameters(self, network: str) -> Mapping[str, Any]:
        own: Mapping[str, Any] = getattr(self._phase, network).collect_params()
        return own
