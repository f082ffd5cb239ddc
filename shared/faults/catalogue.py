"""The catalogue of porting mistakes. Each is planted in one place, so that where it must be found is known."""

from __future__ import annotations

from gan_rosetta.shared.errors import unknown_name
from gan_rosetta.shared.faults import (
    attention_faults,
    augment_faults,
    average_faults,
    batch_norm_faults,
    branch_faults,
    class_faults,
    clipping_faults,
    code_faults,
    convolution_faults,
    data_faults,
    decay_faults,
    distance_faults,
    dropout_faults,
    flatten_faults,
    group_norm_faults,
    layer_faults,
    loss_faults,
    loss_form_faults,
    momentum_faults,
    optimizer_faults,
    penalty_faults,
    recall_faults,
    resampling_faults,
    rmsprop_faults,
    spectral_faults,
    step_faults,
)
from gan_rosetta.shared.faults.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        *optimizer_faults.FAULTS,
        *rmsprop_faults.FAULTS,
        *momentum_faults.FAULTS,
        *decay_faults.FAULTS,
        *average_faults.FAULTS,
        *clipping_faults.FAULTS,
        *layer_faults.FAULTS,
        *batch_norm_faults.FAULTS,
        *convolution_faults.FAULTS,
        *resampling_faults.FAULTS,
        *flatten_faults.FAULTS,
        *group_norm_faults.FAULTS,
        *loss_faults.FAULTS,
        *penalty_faults.FAULTS,
        *loss_form_faults.FAULTS,
        *distance_faults.FAULTS,
        *step_faults.FAULTS,
        *data_faults.FAULTS,
        *dropout_faults.FAULTS,
        *class_faults.FAULTS,
        *code_faults.FAULTS,
        *branch_faults.FAULTS,
        *recall_faults.FAULTS,
        *attention_faults.FAULTS,
        *augment_faults.FAULTS,
        *spectral_faults.FAULTS,
    )
}


def find_fault(name: str, /) -> Fault:
    """Return the fault of that name; raises UsageError, with the nearest name, where there is none."""
    if name not in FAULTS:
        raise unknown_name("fault", name, FAULTS)
    return FAULTS[name]
