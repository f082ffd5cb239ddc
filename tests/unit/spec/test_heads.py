"""A D that tells the class beside its score, and what its losses have of that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import MADE_UP, find_gan
from gan_rosetta.shared.spec import (
    ZEROS,
    Branch,
    Branches,
    ClassContrast,
    ClassCrossEntropy,
    ClassEmbedding,
    ClassLoss,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    GanSpec,
    GradientPenalty,
    Linear,
    Network,
    Recall,
    StopRule,
    Tanh,
    passes,
)
from gan_rosetta.shared.spec.cost import generator_phase_flops
from gan_rosetta.shared.spec.feeding import labels

ACGAN = find_gan("acgan")


def _with_heads(change) -> GanSpec:
    *before, heads = ACGAN.discriminator.layers
    assert isinstance(heads, Branches)
    return replace(ACGAN, discriminator=replace(ACGAN.discriminator, layers=(*before, change(heads))))


def test_each_pass_through_d_is_fed_the_classes_that_its_head_tells():
    assert labels(ACGAN) == ("real_label", "label_d")
    head = "heads.class.linear_class_cross_entropy"
    found = {stream: passes(ACGAN)["discriminator", stream, "discriminator"].fed[head] for stream in ("real", "fake")}
    assert found == {"real": "real_label", "fake": "label_d"}
    assert passes(ACGAN)["generator", "fake", "discriminator"].fed[head] == "label_d"


def test_a_class_loss_wants_a_head_for_it():
    with pytest.raises(SpecError, match="expected a D that ends in Branches with join 'concatenate', of its score and"):
        replace(ACGAN, discriminator=replace(ACGAN.discriminator, layers=ACGAN.discriminator.layers[:-1]))
    with pytest.raises(SpecError, match="'class' ends in Linear"):
        _with_heads(
            lambda heads: replace(
                heads, branches=(heads.branches[0], Branch(name="class", layers=heads.branches[0].layers[:1]))
            )
        )
    with pytest.raises(SpecError, match="needs a discriminator that ends in Sigmoid"):
        _with_heads(
            lambda heads: replace(
                heads, branches=(Branch(name="score", layers=heads.branches[0].layers[:1]), heads.branches[1])
            )
        )
    with pytest.raises(SpecError, match=r"output has shape \(2,\); a loss on a probability expects \(1,\)"):
        replace(ACGAN, training=replace(ACGAN.training, class_loss=None))


def test_a_class_loss_stands_beside_one_number_that_no_rule_or_penalty_looks_at():
    training = ACGAN.training
    with pytest.raises(SpecError, match="leave out stop or class_loss"):
        replace(training, stop=StopRule(tolerance=0.1))
    with pytest.raises(SpecError, match="class_loss stands beside a score of one number"):
        replace(
            training,
            discriminator_loss=CrossEntropyDiscriminatorLoss(reduction="mean", real_label=1),
            generator_loss=CrossEntropyGeneratorLoss(reduction="mean", real_label=1),
        )
    penalty = GradientPenalty(weight=1.0, norm="sample")
    with pytest.raises(SpecError, match="a gradient penalty needs a discriminator of"):
        replace(
            ACGAN, training=replace(training, discriminator_loss=replace(training.discriminator_loss, penalty=penalty))
        )
    with pytest.raises(SpecError, match="on_fake"):
        ClassLoss(on_real=1.0, on_fake=-1.0, of_generator=1.0)
    assert ClassLoss(on_real=0.0, on_fake=1.0, of_generator=-1.0).of_generator == -1.0


def test_a_second_class_loss_wants_a_second_number_of_the_class():
    training = find_gan("sgan").training
    assert training.class_losses == (training.class_loss, training.second_class_loss)
    with pytest.raises(SpecError, match="give class_loss first"):
        replace(training, class_loss=None)
    with pytest.raises(SpecError, match="and D tells 2 classes beside its score"):
        replace(find_gan("sgan"), training=replace(training, second_class_loss=None))
    with pytest.raises(SpecError, match="and D tells 1 classes beside its score"):
        replace(ACGAN, training=replace(ACGAN.training, second_class_loss=training.second_class_loss))


def test_a_class_has_a_logit_of_its_own_or_two_or_one_that_all_share():
    classes = np.array([0, 3, 9])
    logits = {
        (1, 0): [0, 3, 9],
        (0, 10): [10, 10, 10],
        (2, 1): [1, 7, 19],
    }
    for (stride, offset), expected in logits.items():
        entropy = ClassCrossEntropy(num_classes=10, num_logits=20, stride=stride, offset=offset)
        np.testing.assert_array_equal(np.zeros(3, int) + entropy.logit_of(classes), expected)
        assert entropy.output_shape((20,)) == (1,)
    with pytest.raises(SpecError, match="the last of 10 classes is at logit 19 by stride 2 and offset 1"):
        ClassCrossEntropy(num_classes=10, num_logits=19, stride=2, offset=1)
    with pytest.raises(SpecError, match="takes 11 logits for 10 classes"):
        ClassCrossEntropy(num_classes=10, num_logits=11).output_shape((10,))


def test_a_head_has_as_many_logits_as_the_data_has_classes():
    with pytest.raises(SpecError, match="takes a logit for each of 7 classes"):
        _with_heads(
            lambda heads: replace(
                heads,
                branches=(
                    heads.branches[0],
                    Branch(name="class", layers=(*heads.branches[1].layers[:-1], ClassCrossEntropy(num_classes=7))),
                ),
            )
        )


def test_a_contrast_takes_an_embedding_and_its_proxy_and_a_margin_where_its_form_has_one():
    with pytest.raises(SpecError, match="expected one of 'data-to-data' alone"):
        ClassContrast(num_classes=10, form="conditional", temperature=0.5, epsilon=1e-12, margin=0.9)
    with pytest.raises(SpecError, match="temperature"):
        ClassContrast(num_classes=10, form="conditional", temperature=0.01, epsilon=1e-12)
    contrast = ClassContrast(num_classes=10, form="conditional", temperature=0.5, epsilon=1e-12)
    assert contrast.output_shape((8,)) == (1,)
    assert not contrast.is_samplewise
    with pytest.raises(SpecError, match="joined 'after'"):
        contrast.output_shape((7,))


def test_d_is_shown_fakes_again_for_a_second_class_loss_alone():
    spec = MADE_UP["contrast-digits"]
    assert list(passes(spec))[-1] == ("generator", "again", "discriminator")
    together = replace(spec, training=replace(spec.training, second_class_asked="together"))
    assert ("generator", "again", "discriminator") not in passes(together)
    assert generator_phase_flops(spec) > generator_phase_flops(together)
    with pytest.raises(SpecError, match="shows D a batch for second_class_loss, which is None"):
        replace(spec.training, second_class_loss=None)
    with pytest.raises(SpecError, match="expected dropout_masks 'separate'"):
        replace(spec.training, dropout_masks="shared")


def test_a_class_may_have_several_rows_which_are_its_features():
    embedding = ClassEmbedding(
        name="rows", num_classes=10, num_features=3, joined="after", weight_init=ZEROS, rows_per_class=2
    )
    assert embedding.parameters()["weight"].shape == (20, 3)
    assert embedding.output_shape((4,)) == (10,)
    assert replace(embedding, joined="alone").output_shape((4,)) == (6,)
    with pytest.raises(SpecError, match="rows_per_class"):
        replace(embedding, rows_per_class=0)


def test_branches_may_recall_what_they_are_given_and_nothing_else():
    def ways(of: str) -> Network:
        part = Recall(of=of, parts=((0, 2),))
        both = tuple(Branch(name=name, layers=(part, Tanh())) for name in ("one", "two"))
        first, second = (
            Linear(name=name, in_features=4, out_features=4, weight_init=ZEROS, bias_init=None)
            for name in ("first", "second")
        )
        return Network(input_shape=(4,), layers=(first, second, Branches(name="ways", join="add", branches=both)))

    assert ways("second").output_shape == (2,)
    with pytest.raises(SpecError, match="has no branch that takes or recalls what it is given"):
        ways("first")
