"""A run's state: which tensors it has, how they start, how they are checked and kept in files."""

from gan_rosetta.shared.state.check import check_state, complete_state
from gan_rosetta.shared.state.initial import State, initial_state
from gan_rosetta.shared.state.schema import (
    BALANCE,
    ROLES,
    TensorSpec,
    average_name,
    averaged,
    averaged_as,
    counter_name,
    gradient_clipping,
    network_parameters,
    optimizers,
    optimizers_of,
    parameter_name,
    require_parameters,
    slot_name,
    state_schema,
    weight_bound,
)

__all__ = [
    "BALANCE",
    "ROLES",
    "State",
    "TensorSpec",
    "average_name",
    "averaged",
    "averaged_as",
    "check_state",
    "complete_state",
    "counter_name",
    "gradient_clipping",
    "initial_state",
    "network_parameters",
    "optimizers",
    "optimizers_of",
    "parameter_name",
    "require_parameters",
    "slot_name",
    "state_schema",
    "weight_bound",
]
