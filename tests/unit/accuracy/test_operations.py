from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.accuracy.catalogue import GROUPS, OPERATIONS, find_operations
from gan_rosetta.shared.accuracy.envelope import row_differences
from gan_rosetta.shared.accuracy.measure import errors_in_ulp, labels, measure_reference, run_trials
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import DTYPES
from gan_rosetta.shared.spec import (
    Activation,
    Layer,
    MeanSquaredErrorLoss,
    PixelShuffle,
    Recall,
    Reshape,
    losses,
    optimizers,
)
from gan_rosetta.shared.workers.registry import find_backend, load_trainer


def test_every_layer_loss_and_optimizer_of_the_vocabulary_is_measured():
    used = set()
    for operation in OPERATIONS.values():
        spec = operation.spec
        used |= {type(layer) for network in spec.networks().values() for layer in network.layers}
        used |= {type(spec.training.discriminator_loss), type(spec.training.generator_loss)}
        used |= {type(spec.training.generator_optimizer), type(spec.training.discriminator_optimizer)}
        used |= {type(spec.pretraining.loss)} if spec.pretraining is not None else set()
    known = {*Layer.__args__, *Activation.__args__, *losses.DiscriminatorLoss.__args__}
    known |= {*losses.GeneratorLoss.__args__, *optimizers.Optimizer.__args__, MeanSquaredErrorLoss}
    known = {kind for each in known for kind in getattr(each, "__args__", (each,))}
    assert known - used <= {Reshape, PixelShuffle, Recall}  # which move numbers alone


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_inputs_are_exact_in_the_type_and_results_have_a_row_each(name):
    operation = OPERATIONS[name]
    assert operation.group in GROUPS
    for dtype in DTYPES:
        for trial in operation.trials(dtype):
            for array in (*trial.arrays.values(), *operation.state(trial).values()):
                assert np.isfinite(array).all()
                assert np.array_equal(array.astype(dtype).astype(np.float64), array)
        measure = measure_reference(operation, dtype)
        for quantity, stand in labels(operation, dtype).items():
            shape = measure.reference[quantity].shape
            assert shape[0] == len(stand) == len(measure.allowed[quantity]) == len(measure.scales[quantity])
            assert measure.truth[quantity].shape == shape
            assert len(set(stand)) == len(stand)


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_truths_in_closed_form_are_those_of_the_reference_where_it_is_sound(name):
    """Two ways to the same number: a formula of its own, and the reference's in extended precision."""
    operation = OPERATIONS[name]
    measure = measure_reference(operation, "float32")
    for quantity in operation.quantities:
        errors = errors_in_ulp(measure.reference[quantity.name], measure.truth[quantity.name], dtype="float32")
        # Most of a loss's inputs are those at which some formula loses digits.
        assert np.quantile(errors, 0.1) < 6


def test_another_name_is_refused_with_the_nearest():
    assert [operation.name for operation in find_operations(["tanh", "optimizers"])][:2] == ["tanh", "gradient-descent"]
    with pytest.raises(UsageError, match="tanh"):
        find_operations(["tahn"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "quantity"),
    [("tanh", "value"), ("minimax", "D's loss"), ("adam", "m"), ("dot", "output"), ("convolution", "output")],
)
def test_a_planted_error_of_a_few_hundred_ulp_is_not_covered(name, quantity, dtype):
    operation = OPERATIONS[name]
    measure = measure_reference(operation, dtype)
    trainer = load_trainer(find_backend("numpy")).build(operation.spec, device="cpu", dtype=dtype, execution="eager")
    results = run_trials(trainer, operation, dtype)[quantity]
    errors = errors_in_ulp(results, measure.truth[quantity], dtype=dtype)
    sound = np.flatnonzero((errors < 2) & (np.abs(results).max(axis=1) > 1e-3))
    wrong = (results * (1 + 300 * np.finfo(dtype).eps)).astype(dtype)
    own = row_differences(results, measure.reference[quantity], scales=measure.scales[quantity])
    apart = row_differences(wrong, measure.reference[quantity], scales=measure.scales[quantity])
    allowed = measure.allowed[quantity]
    assert (own[sound] <= allowed[sound]).all()
    tight = sound[allowed[sound] < 100 * np.finfo(dtype).eps]
    assert len(tight)
    assert (apart[tight] > allowed[tight]).all()


def test_errors_count_last_places_and_what_is_not_finite():
    one = np.float32(1)
    results = np.array([[one], [np.nextafter(one, np.float32(2))], [np.inf], [np.nan], [np.inf], [0]], np.float32)
    truth = np.array([[1], [1], [1], [1], [np.longdouble("1e60")], [np.longdouble("1e-45")]], np.longdouble)
    errors = errors_in_ulp(results, truth, dtype="float32")
    assert errors[:2].tolist() == [0, 1]
    assert errors[2] == errors[3] == np.inf
    assert errors[4] == 0
    assert 0.6 < errors[5] < 0.8
