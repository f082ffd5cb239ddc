"""What a run generates at several moments of training, small enough to keep and to show: moments.npz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from gan_rosetta.shared.compare.outputs import SAMPLES, SCORES, Look, Outputs
from gan_rosetta.shared.compare.yardstick import END
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.runs.moments import Moments
from gan_rosetta.shared.runs.samples import NUM_BOUNDARY_POINTS, boundary_positions, density, sample_latent
from gan_rosetta.shared.runs.samples import histogram_edges as edges_of_histograms
from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.spec.feeding import shown_when_asked

_NUM_BOUNDARY_SHOWN = 125
_MOST_SAMPLES = 500
# Of 32 × 32 each, these make a grid of 8 × 8.
_MOST_PIXELS = 2**16


class LookFollower(Protocol):
    """Something that sees each look whole."""

    def look(self, label: str, look: Look, outputs: Outputs, /) -> None:
        """Take note of what the trainer gave for a look's inputs at a named moment."""
        ...


class LookRecorder:
    """Takes looks at a trainer, which changes nothing in it. moments: when. followers: are shown each look whole."""

    def __init__(
        self,
        trainer: Trainer,
        spec: GanSpec,
        moments: Moments,
        /,
        *,
        tape: Tape,
        seed: int,
        followers: Sequence[LookFollower] = (),
    ) -> None:
        self.moments = moments
        self._trainer, self._spec, self._followers = trainer, spec, followers
        self._latent = sample_latent(spec, tape, seed=seed)
        self._looks: list[dict[str, np.ndarray]] = []

    def take(self, *, pretraining: int, adversarial: int) -> None:
        """Look at the trainer, after so many steps of each phase."""
        look = Look(latent=self._latent)
        if self._spec.discriminator.input_shape == (1,):
            look = self._boundary_look()
        outputs = look.of_trainer(self._trainer)
        num_pretraining = self._spec.num_pretraining_steps
        label = f"step {adversarial}" if pretraining == num_pretraining else f"pretraining step {pretraining}"
        self._show(label, look, outputs)
        boundary = outputs[SCORES][:, 0] if SCORES in outputs else None
        self._add(outputs[SAMPLES], boundary, pretraining=pretraining, adversarial=adversarial)

    def close(self, samples: Mapping[str, np.ndarray], /, *, pretraining: int, adversarial: int) -> None:
        """Add the end, from the arrays of samples.npz."""
        boundary = samples["boundary_y"][self._boundary_rows()] if "boundary_y" in samples else None
        outputs = {SAMPLES: samples["generated"]}
        if boundary is not None:
            self._show(END, self._boundary_look(), outputs | {SCORES: boundary[:, np.newaxis]})
        elif self._followers:
            real = samples["real"][: self._spec.batch_size]
            look = Look(latent=self._latent, asked=shown_when_asked(self._spec, real, samples["latent"]))
            self._show(END, look, outputs | {SCORES: look.scores_of_trainer(self._trainer)})
        self._add(samples["generated"], boundary, pretraining=pretraining, adversarial=adversarial)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of moments.npz, their first axis the moments.

        pretraining_steps, adversarial_steps: (moments,), done by then. For 1D data boundary_x (125,), boundary_y
        (moments, 125), histogram_edges (101,), histogram_generated (moments, 100). For other data generated (moments,
        n, ...), the first of samples.npz.
        """
        if not self._looks:
            return {}
        result = {name: np.stack([look[name] for look in self._looks]) for name in self._looks[0]}
        if "boundary_y" in result:
            result |= {
                "boundary_x": boundary_positions()[self._boundary_rows()],
                "histogram_edges": edges_of_histograms(),
            }
        return result

    def restore(self, arrays: Mapping[str, np.ndarray], /) -> None:
        """Take over the looks that an interrupted run had taken, from its arrays()."""
        names = [name for name in arrays if name not in ("boundary_x", "histogram_edges")]
        count = len(arrays["adversarial_steps"]) if names else 0
        self._looks = [{name: arrays[name][index] for name in names} for index in range(count)]

    def _boundary_look(self) -> Look:
        """Return a look at the boundary: where D looks at whole batches, those that the end is looked at by."""
        block = self._spec.batch_size if self._spec.couples_samples else 1
        rows = (self._boundary_rows()[:, np.newaxis] + np.arange(block)).ravel()
        positions = boundary_positions()[rows[rows < NUM_BOUNDARY_POINTS]]
        return Look(latent=self._latent, asked=positions[:, np.newaxis], block=block)

    def _show(self, label: str, look: Look, outputs: Outputs) -> None:
        for follower in self._followers:
            follower.look(label, look, outputs)

    def _add(self, generated: np.ndarray, boundary: np.ndarray | None, *, pretraining: int, adversarial: int) -> None:
        look = {"pretraining_steps": np.array(pretraining), "adversarial_steps": np.array(adversarial)}
        if boundary is not None:
            look |= {
                "boundary_y": boundary.astype(np.float64),
                "histogram_generated": density(generated, edges_of_histograms()),
            }
        else:
            kind = np.float16 if isinstance(self._spec.real, DigitsReal) else np.float32
            with np.errstate(over="ignore"):  # To infinity, which is shown as such.
                look["generated"] = generated[: num_shown(self._spec)].astype(kind)
        self._looks.append(look)

    def _boundary_rows(self) -> np.ndarray:
        block = self._spec.batch_size if self._spec.couples_samples else 1
        num_blocks = -(-NUM_BOUNDARY_POINTS // block)
        return block * np.arange(0, num_blocks, max(1, num_blocks // _NUM_BOUNDARY_SHOWN))


def num_shown(spec: GanSpec, /) -> int:
    """Return how many samples of a moment are kept at most."""
    source = spec.real
    return max(1, _MOST_PIXELS // source.sample_shape[-1] ** 2) if isinstance(source, DigitsReal) else _MOST_SAMPLES
