"""Steps on a GPU as CUDA graphs: what a run of steps launches is captured once, and launched again in one call.

A kernel of a small GAN takes less time than launching it does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import torch
from torch import Tensor

Inputs = Mapping[str, Tensor]
Steps = Callable[[Inputs], Tensor]

# Each keeps its inputs, and what its steps compute on the way is kept in memory that all share.
_MOST_GRAPHS = 16


class CapturedSteps:
    """Graphs by the kind of steps that they launch. The steps may change tensors in place that stay where they are.

    Kinds past the sixteenth are run as they are, and so are steps that run for the first time: what is loaded, compiled
    or tuned then must not be captured.
    """

    def __init__(self) -> None:
        self._graphs: dict[Hashable, _Graph] = {}
        self._pool: tuple[int, int] | None = None

    def run(self, kind: Hashable, inputs: Inputs, steps: Steps, /, *, have_run: bool) -> Tensor:
        """Return what the steps give for inputs, which are of the same shapes in all runs of a kind."""
        if kind not in self._graphs:
            if not have_run or len(self._graphs) == _MOST_GRAPHS:
                return steps(inputs)
            if self._pool is None:
                self._pool = torch.cuda.graph_pool_handle()
            self._graphs[kind] = _Graph(inputs, steps, pool=self._pool)
        return self._graphs[kind].run(inputs)


class _Graph:
    def __init__(self, inputs: Inputs, steps: Steps, *, pool: tuple[int, int]) -> None:
        self._inputs = {name: tensor.clone() for name, tensor in inputs.items()}
        self._graph = torch.cuda.CUDAGraph()
        # Capturing computes nothing. Other threads may go on using the GPU.
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self._outputs = steps(self._inputs)

    def run(self, inputs: Inputs, /) -> Tensor:
        for name, tensor in inputs.items():
            self._inputs[name].copy_(tensor)
        self._graph.replay()
        # The next replay writes over them.
        return self._outputs.clone()
