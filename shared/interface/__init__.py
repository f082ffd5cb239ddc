"""What a backend provides: a Trainer, fed chunks of stacked steps. The harness knows nothing else of a framework."""

from __future__ import annotations

from gan_rosetta.shared.interface.chunk import (
    DTYPES,
    EXECUTIONS,
    Chunk,
    Dtype,
    Execution,
    Losses,
    Phase,
    Probe,
    ProbeKey,
    Trains,
    loss_label,
    losses_of,
)
from gan_rosetta.shared.interface.device import (
    DEVICES,
    PRODUCTS,
    Device,
    Product,
    SeenDevice,
    precision_name,
    require_products,
)
from gan_rosetta.shared.interface.program import Momentum, PassObserver, ProgramFramework, ProgramSlots, ProgramTensor
from gan_rosetta.shared.interface.trainer import (
    ComputesOnce,
    PerturbedCopies,
    PerturbedReplicas,
    PerturbedTrainer,
    Replicas,
    Trainer,
)

__all__ = [
    "DEVICES",
    "DTYPES",
    "EXECUTIONS",
    "PRODUCTS",
    "Chunk",
    "ComputesOnce",
    "Device",
    "Dtype",
    "Execution",
    "Losses",
    "Momentum",
    "PassObserver",
    "PerturbedCopies",
    "PerturbedReplicas",
    "PerturbedTrainer",
    "Phase",
    "Probe",
    "ProbeKey",
    "Product",
    "ProgramFramework",
    "ProgramSlots",
    "ProgramTensor",
    "Replicas",
    "SeenDevice",
    "Trainer",
    "Trains",
    "loss_label",
    "losses_of",
    "precision_name",
    "require_products",
]
