"""A step of a case, as a program sees it: what to feed its networks, and where to say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from gan_rosetta.shared.cases.telling import not_watched
from gan_rosetta.shared.cases.watching import Watcher
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.interface import Phase

Record = Callable[[Mapping[str, Any]], None]


class Step:
    """One step's batch, and where its losses are recorded.

    phase: "pretraining" or "adversarial"; index: within its phase, from 0. trains_discriminator, trains_generator:
    whether a player has an update in this step. arrays: all that the step is fed, (batch, ...) each, by name; the
    attributes below are these.
    """

    def __init__(
        self,
        visit: Visit,
        arrays: Mapping[str, Any],
        /,
        *,
        rests: Collection[str],
        record: Record,
        watcher: Watcher | None = None,
    ) -> None:
        self._visit = visit
        self._record = record
        self._watcher = watcher
        self.arrays = dict(arrays)
        self.trains_discriminator = "discriminator" not in rests
        self.trains_generator = visit.phase == "adversarial" and "generator" not in rests

    @property
    def phase(self) -> Phase:
        """The phase: "pretraining" or "adversarial"."""
        return self._visit.phase

    @property
    def index(self) -> int:
        """Which step of its phase this is, from 0."""
        return self._visit.step

    @property
    def real(self) -> Any:
        """The real samples, (batch, ...)."""
        return self._array("real")

    @property
    def latent_d(self) -> Any:
        """The noise of D's update, (batch, ...); of G's too where the GAN has one for both."""
        return self._array("latent_d")

    @property
    def latent_g(self) -> Any:
        """The noise of G's update, (batch, ...), where that is another than D's."""
        return self._array("latent_g")

    @property
    def latent_j(self) -> Any:
        """The noise of the third update, of both players, (batch, ...), where the GAN has one."""
        return self._array("latent_j")

    @property
    def real_label(self) -> Any:
        """The classes of the real samples, (batch,) integers."""
        return self._array("real_label")

    @property
    def label_d(self) -> Any:
        """The classes that G is asked for in D's update, (batch,) integers; in G's too where the noise is shared."""
        return self._array("label_d")

    @property
    def label_g(self) -> Any:
        """The classes that G is asked for in its own update, (batch,) integers, where those are others."""
        return self._array("label_g")

    @property
    def label_j(self) -> Any:
        """The classes that G is asked for in the third update, of both players, (batch,) integers."""
        return self._array("label_j")

    @property
    def mix(self) -> Any:
        """How far from its fake to its real sample the gradient penalty looks, (batch, 1, ...), by entry (batch, ...).

        Of a penalty at perturbed samples, how little they are moved.
        """
        return self._array("mix")

    @property
    def perturbation(self) -> Any:
        """By how much of their deviation real samples are moved where the penalty looks, (batch, ...), from 0 to 1."""
        return self._array("perturbation")

    @property
    def pretrain_input(self) -> Any:
        """Where D is fitted to the density, (batch, 1)."""
        return self._array("pretrain_input")

    @property
    def pretrain_target(self) -> Any:
        """The density there, (batch, 1)."""
        return self._array("pretrain_target")

    def record(
        self, *, discriminator: Any = None, generator: Any = None, joint: Any = None, pretraining: Any = None
    ) -> None:
        """Say what the step's losses were: numbers, arrays or tensors of one number each, from before its updates.

        D's with its penalty, unless that is what D follows alone; joint: of the third update, where there is one. May
        be called once for each loss. Raises UsageError for what is none, or comes twice.
        """
        losses = {"pretraining": pretraining, "discriminator": discriminator, "generator": generator, "joint": joint}
        self._record(losses)

    def see(self, name: str, value: Any, /, *, stream: str = "") -> None:
        """Tell what a layer gave, by its name in the GAN, such as "discriminator.hidden1", of a case that is watched.

        value: (batch, ...), an array or tensor; of JAX also while it is differentiated, but not within `jit`. stream:
        of which samples it is, "real", "fake", "mixed" or, in pretraining, "input"; found by its numbers where not
        given. Raises UsageError for a layer that the GAN lacks, a value without numbers, and a case without `watch`.
        """
        if self._watcher is None:
            raise not_watched("see")
        self._watcher.see(name, value, stream=stream)

    def see_update(
        self, network: str, /, *, parameters: Any = None, gradients: Any = None, optimizer: Any = None
    ) -> None:
        """Tell what an update of a network left whose parameters are values, such as a pytree of JAX.

        network: "generator" or "discriminator". parameters, gradients: after the update, and what it was made of, of
        the structure that `case.watch` got. optimizer: its state, of optax or with optax's names. What is left out is
        not judged. Raises UsageError for another structure, and where hooks see the network.
        """
        if self._watcher is None:
            raise not_watched("see_update")
        self._watcher.see_update(network, parameters=parameters, gradients=gradients, optimizer=optimizer)

    def _array(self, name: str) -> Any:
        if name not in self.arrays:
            raise AttributeError(f"{self._visit.label} is fed no {name}, only {', '.join(self.arrays)}")
        return self.arrays[name]

    def __repr__(self) -> str:
        return f"<{self._visit.label}: {', '.join(self.arrays)}>"
