"""Mistakes in the order of a step and in what flows where."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.places import replace_training
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import EVERY_STEP, GanSpec, HoledLatent, StepPattern

_REDRAW_SEED = 8765


def _not_detached(spec: GanSpec) -> list[Plant]:
    if spec.training.first != "discriminator" or spec.training.generator_steps != EVERY_STEP:
        # With G first, D's gradient reaches G after its update and is cleared before the next, as is what earlier steps
        # of D left where G rests in some.
        return []
    if spec.penalty is not None and spec.penalty.alone:
        return []  # nothing is led back from D's loss
    expected = Location(phase="generator", quantities=("gradient",))
    return [Plant(spec=replace_training(spec, detach_fake=False), expected=expected)]


def _latent_redrawn(spec: GanSpec) -> list[Plant]:
    if spec.training.latent_draws != "shared" or isinstance(spec.latent, HoledLatent):
        return []
    planted = replace_training(spec, latent_draws="separate", fake_batch="regenerated")
    first, second = ("latent_d", "latent_g") if spec.training.first == "discriminator" else ("latent_g", "latent_d")

    def redraw(chunk: Chunk) -> Chunk:
        if chunk.phase == "pretraining":
            return chunk
        shared = chunk.arrays["latent_d"]
        drawn = streams.normal(
            _REDRAW_SEED, "latent", first_step=chunk.first_step, num_steps=len(shared), size=shared[0].size
        )
        return replace(chunk, arrays={**chunk.arrays, first: shared, second: drawn.reshape(shared.shape)})

    # Where the batch was reused, G now runs once more, which is the first thing to be seen.
    phase = "generator" if second == "latent_g" else "discriminator"
    expected = Location(phase=phase, quantities=("output", "order"))
    return [Plant(spec=planted, expected=expected, chunk=redraw)]


def _latent_shared(spec: GanSpec) -> list[Plant]:
    if spec.training.latent_draws != "separate" or spec.training.first != "discriminator":
        return []
    expected = Location(phase="generator", quantities=("output",))
    return [Plant(spec=replace_training(spec, latent_draws="shared"), expected=expected)]


def _order_swapped(spec: GanSpec) -> list[Plant]:
    first = "generator" if spec.training.first == "discriminator" else "discriminator"
    changes: dict[str, object] = {"first": first, "detach_fake": True}
    if first == "discriminator" and spec.generator.has_buffers:
        changes["fake_batch"] = "regenerated"
    expected = Location(phase=spec.training.first, quantities=("order",))
    planted = replace_training(spec, **changes)
    return [Plant(spec=planted, expected=expected, found=first, expected_value=spec.training.first)]


def _trained_every_step(spec: GanSpec) -> list[Plant]:
    if spec.training.discriminator_steps == EVERY_STEP:
        return []

    def train_always(chunk: Chunk) -> Chunk:
        adversarial = chunk.phase == "adversarial"
        return replace(chunk, trains_discriminator=chunk.trains_discriminator | adversarial)

    expected = Location(phase="generator", quantities=("order",))
    pattern = spec.training.discriminator_steps
    planted = replace_training(spec, discriminator_steps=EVERY_STEP)
    return [Plant(spec=planted, expected=expected, chunk=train_always, expected_value=_turn_words(pattern))]


def _generator_every_step(spec: GanSpec) -> list[Plant]:
    pattern = spec.training.generator_steps
    if pattern == EVERY_STEP:
        return []

    def train_always(chunk: Chunk) -> Chunk:
        adversarial = chunk.phase == "adversarial"
        return replace(chunk, trains_generator=chunk.trains_generator | adversarial)

    planted = replace_training(spec, generator_steps=EVERY_STEP)
    # In a step of D's alone, a phase comes that should not.
    expected = Location(phase="generator", quantities=("order",))
    return [Plant(spec=planted, expected=expected, chunk=train_always, expected_value=_turn_words(pattern))]


def _turn_words(pattern: StepPattern) -> str:
    within = ", counted within each epoch" if pattern.counted == "epoch" else ""
    return f"steps {', '.join(map(str, pattern.offsets))} of every {pattern.period}{within}"


def _fake_regenerated(spec: GanSpec) -> list[Plant]:
    if spec.training.fake_batch != "reused":
        return []
    second = "generator" if spec.training.first == "discriminator" else "discriminator"
    expected = Location(phase=second, quantities=("order",))
    return [Plant(spec=replace_training(spec, fake_batch="regenerated"), expected=expected)]


def _shown_once(spec: GanSpec) -> list[Plant]:
    if not spec.training.shows_fake_twice:
        return []
    expected = Location(phase="generator", quantities=("order",))
    return [Plant(spec=replace_training(spec, second_class_asked="together"), expected=expected)]


FAULTS = (
    Fault(
        name="fake-not-detached",
        summary="D's loss reaches G's gradient",
        remedy="The discriminator's loss is differentiated through the fake batch, and its gradient added to the "
        "generator's: detach the fake batch (detach in torch and MXNet, stop_gradient in TensorFlow and JAX), or clear "
        "the generator's gradients before its update.",
        plants=_not_detached,
    ),
    Fault(
        name="latent-redrawn",
        summary="fresh noise where one draw should serve both updates",
        remedy="Fresh noise is drawn for the second update of a step: use the noise of the first.",
        plants=_latent_redrawn,
    ),
    Fault(
        name="latent-shared",
        summary="D's noise for G too where each should have its own",
        remedy="The generator's update takes the noise of the discriminator's: give it its own (latent_g).",
        plants=_latent_shared,
    ),
    Fault(
        name="fake-regenerated",
        summary="the fake batch made anew for the second update",
        remedy="The fake batch is made anew for the second update of a step: use the very batch of the first.",
        plants=_fake_regenerated,
    ),
    Fault(
        name="fakes-shown-once",
        summary="D shown the fake batch once in G's update where it should be twice",
        remedy="In the generator's update D is shown the fake batch once: show it a second time for the second class "
        "loss.",
        plants=_shown_once,
    ),
    Fault(
        name="update-order-swapped",
        summary="G updated before D, or D before G",
        remedy="The {found} is updated first in a step: update the {expected} first.",
        plants=_order_swapped,
    ),
    Fault(
        name="discriminator-every-step",
        summary="D trained in steps that it should sit out",
        remedy="The discriminator trains in every step: let it train in {expected} alone.",
        plants=_trained_every_step,
    ),
    Fault(
        name="generator-every-step",
        summary="G trained in steps that it should sit out",
        remedy="The generator trains in every step: let it train in {expected} alone.",
        plants=_generator_every_step,
    ),
)
