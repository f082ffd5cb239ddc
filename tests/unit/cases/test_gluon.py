"""Programs in Gluon as people write them, watched: right ones agree, mistakes are found at their place."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.cases import explaining
from gan_rosetta.shared.cases.moving import NAME as MOVED_IN_BACKWARD
from gan_rosetta.shared.cases.moving import find_moved_in_backward
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.interface import ProbeKey
from tests.unit.cases.gans import normalised

if gr.backends()["mxnet"].version is None:
    pytest.skip("MXNet is not installed", allow_module_level=True)
from gan_rosetta.backends.mxnet.framework import mx

COSTLY = pytest.mark.skipif(
    os.environ.get("GAN_ROSETTA_LONG") != "1",
    reason="to find that nothing explains it takes 20 s of a core each; GAN_ROSETTA_LONG=1 runs it",
)
nn, autograd = mx.gluon.nn, mx.autograd


class PaperAdam(mx.optimizer.Adam):
    """Adam with its constants in float64 and epsilon after the bias correction; MXNet's own has neither."""

    def update(self, index, weight, grad, state):
        self._update_count(index)
        count, (mean, square) = self._index_update_count[index], state
        gradient = grad * self.rescale_grad
        mean[:] = self.beta1 * mean + (1 - self.beta1) * gradient
        square[:] = self.beta2 * square + (1 - self.beta2) * gradient * gradient
        corrected = mx.nd.sqrt(square / (1 - self.beta2**count))
        weight[:] -= self._get_lr(index) * (mean / (1 - self.beta1**count)) / (corrected + self.epsilon)


def make_networks(mistake, has_norm):
    generator, discriminator = nn.HybridSequential(), nn.HybridSequential()
    if has_norm:
        generator.add(nn.Dense(2, in_units=2), nn.BatchNorm(in_channels=2, epsilon=1e-5))
    generator.add(nn.Dense(2, in_units=2))
    inner = "sigmoid" if mistake == "activation" else "tanh"
    if has_norm == "both":
        discriminator.add(nn.Dense(5, in_units=2), nn.BatchNorm(in_channels=5, epsilon=1e-5), nn.Activation(inner))
    else:
        discriminator.add(nn.Dense(5, activation=inner, in_units=2))
    discriminator.add(nn.Dense(3, in_units=5), nn.Activation("tanh"), nn.Dense(2, in_units=3))
    for network in (generator, discriminator):
        network.cast("float64")
        network.initialize()
    if mistake == "accumulated":
        discriminator.collect_params().setattr("grad_req", "add")
    return generator, discriminator


def cross_entropy(logits, label):
    logits = logits - logits.max(axis=1, keepdims=True)
    return mx.nd.log(mx.nd.exp(logits).sum(axis=1)) - logits[:, label]  # (B,): one loss a sample


def trainer_of(network, rate, mistake=None):
    options = {"learning_rate": rate} | ({"beta2": 0.99} if mistake == "beta2" else {})
    kind = mx.optimizer.Adam if mistake == "mxnet's adam" else PaperAdam
    return mx.gluon.Trainer(network.collect_params(), kind(**options))


def program(*, mistake=None, watch=True, has_norm=False, hybrid=False, steps=2, alone=False):
    generator, discriminator = networks = make_networks(mistake, has_norm)
    trainer_g, trainer_d = trainer_of(generator, 0.01), trainer_of(discriminator, 0.05, mistake)
    spec = normalised(both=has_norm == "both") if has_norm else "linear-2d"
    case = gr.case(spec, steps=steps, framework="mxnet")
    case.load(generator=generator, discriminator=discriminator)
    if hybrid:
        generator.hybridize()
        discriminator.hybridize()
    if watch:
        case.watch(
            generator=generator,
            discriminator=discriminator,
            generator_optimizer=trainer_g,
            discriminator_optimizer=trainer_d,
        )
    real_label = 0 if mistake == "labels" else 1
    for step in case:
        size = 1 if mistake == "size" else len(step.real)
        if mistake == "prediction":
            fake = generator(step.latent_d)  # Outside of record layers are in prediction mode.
        else:
            with autograd.record():
                fake = generator(step.latent_d).detach()
        with autograd.record():
            loss_d = cross_entropy(discriminator(step.real), real_label)
            loss_d = loss_d + cross_entropy(discriminator(fake), 1 - real_label)
            loss_d = loss_d.mean() if mistake == "mean" else loss_d
            if alone:
                discriminator[0](0.5 * (step.real + fake))
        loss_d.backward()
        trainer_d.step(size)
        with autograd.record():
            loss_g = cross_entropy(discriminator(generator(step.latent_d)), real_label)
        loss_g.backward()
        trainer_g.step(size)
        step.record(discriminator=loss_d.mean(), generator=loss_g.mean())
    return case, networks


def test_a_right_program_agrees_and_watching_changes_no_bit():
    case, watched = program()
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == ()
    assert {"output", "loss", "gradient", "parameter", "slot", "counter"} <= set(judgement.seen)
    _, unwatched = program(watch=False)
    for first, second in zip(watched, unwatched, strict=True):
        pairs = zip(first.collect_params().values(), second.collect_params().values(), strict=True)
        for own, other in pairs:
            np.testing.assert_array_equal(own.data().asnumpy(), other.data().asnumpy())


def test_of_a_hybridized_network_its_output_is_seen():
    judgement = program(hybrid=True)[0].judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    # What is within it is not: four passes that differ, of two steps.
    assert judgement.seen["output"] == 2 * 4


def test_a_layer_that_is_called_outside_of_its_network_is_none_of_its_pass():
    # As a gradient penalty that is written by hand does, layer by layer.
    judgement = program(alone=True)[0].judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.seen["output"] == program()[0].judge().seen["output"]


@pytest.mark.parametrize(
    ("mistake", "place", "cause"),
    [
        ("activation", ("discriminator", "output", "discriminator.hidden1_tanh"), ("activation-mistaken",)),
        ("size", ("discriminator", "gradient", "discriminator.hidden1.weight"), ()),
        ("mean", ("discriminator", "gradient", "discriminator.hidden1.weight"), ()),
        ("labels", ("discriminator", "loss", "loss"), ("discriminator-labels-swapped", "generator-labels-swapped")),
        ("beta2", ("discriminator", "slot", "optimizer.discriminator.hidden1.weight.v"), ("adam-beta2",)),
        ("accumulated", ("discriminator", "gradient", "discriminator.hidden1.weight"), ()),
        ("mxnet's adam", ("discriminator", "parameter", "discriminator.hidden1.weight"), ("mxnet:adam",)),
        ("prediction", ("discriminator", "output", "generator.norm"), ()),
    ],
)
def test_a_mistake_is_found_at_its_place_and_given_its_cause_or_none(mistake, place, cause, account):
    judgement = program(mistake=mistake, has_norm=mistake == "prediction")[0].judge()
    account(mistake, judgement)
    assert judgement.verdict == "DISAGREE"
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == place, judgement.sentence
    names = judgement.cause.names
    assert [name for name in names if ":" not in name or name in cause] == list(cause), str(judgement.cause)


def test_buffers_that_gluon_moves_in_the_backward_pass_are_named_as_a_known_difference(account):
    """D's update has no backward pass through G."""
    judgement = program(has_norm=True)[0].judge()
    account("backward", judgement)
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == ("discriminator", "buffer", "generator.norm.running_mean")
    assert judgement.cause.names == (MOVED_IN_BACKWARD,)
    assert str(judgement.cause).startswith(
        "The running statistics of generator.norm are moved in the backward pass and with a momentum in float32, as "
    )
    assert "It is a known difference between frameworks (docs/differences.md)" in str(judgement.cause)


def test_buffers_of_both_networks_are_named_too():
    judgement = program(has_norm="both")[0].judge()
    assert {row.quantity for row in judgement.rows if row.is_off} == {"buffer"}, judgement.sentence
    assert judgement.cause.names == (MOVED_IN_BACKWARD,), str(judgement.cause)
    assert "of generator.norm, discriminator.norm are moved" in str(judgement.cause)
    assert "keeps the biased variance of each batch where the unbiased one is asked for" in str(judgement.cause)


@pytest.mark.parametrize("changed", ["momentum", "beside", "later"])
def test_buffers_that_are_something_else_are_no_known_difference(changed):
    case, _ = program(has_norm=True)
    walk, visit = case._walk, Visit(phase="adversarial", step=0)
    assert find_moved_in_backward(walk, visit, dtype="float64").names == (MOVED_IN_BACKWARD,)
    first, later = walk.kept[visit], walk.kept[Visit(phase="adversarial", step=1)]
    moved = ProbeKey("generator", "buffer", "", "generator.norm.running_mean")
    loss = ProbeKey("generator", "loss", "", "loss")
    if changed == "momentum":
        first = replace(first, quantities={**first.quantities, moved: first.quantities[moved] * 1.000001})
    elif changed == "beside":
        first = replace(first, off=first.off | {loss})
    else:
        later = replace(later, off=later.off | {loss})
    walk.kept = {visit: first, Visit(phase="adversarial", step=1): later}
    assert find_moved_in_backward(walk, visit, dtype="float64") is None


def test_buffers_beside_a_loss_that_is_off_in_a_later_step_are_no_known_difference(monkeypatch):
    case, _ = program(has_norm=True)
    case._recording._losses["generator"][-1] += 1e-3
    # That nothing else explains it takes long to find out.
    monkeypatch.setattr(explaining, "explain", lambda *_steps, **_options: None)
    judgement = case.judge()
    assert judgement.first.quantity == "buffer"
    assert judgement.cause.names == ()


def test_blocks_without_parameters_and_what_is_no_trainer_are_refused():
    case = gr.case("linear-2d", steps=1, framework="mxnet")
    late = nn.Dense(2)
    late.initialize()
    with pytest.raises(gr.GanRosettaError, match=r"weight of the Gluon block .* is not made yet; initialize the block"):
        case.load(generator=late)
    generator, _ = make_networks(None, has_norm=False)
    with pytest.raises(gr.GanRosettaError, match=r"an optimizer is a Adam; expected a gluon\.Trainer"):
        case.watch(generator=generator, generator_optimizer=mx.optimizer.Adam())
