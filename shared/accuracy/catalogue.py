"""Every operation that is measured, by name."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared.accuracy.activations import ACTIVATIONS
from gan_rosetta.shared.accuracy.augment import AUGMENTATION
from gan_rosetta.shared.accuracy.branches import BRANCHES
from gan_rosetta.shared.accuracy.classifying import CLASS_CONTRASTS, CLASS_CROSS_ENTROPY, PULL_AWAY
from gan_rosetta.shared.accuracy.codes import CODE_ERRORS
from gan_rosetta.shared.accuracy.dropout import DROPOUT
from gan_rosetta.shared.accuracy.group_norms import GROUP_NORMS
from gan_rosetta.shared.accuracy.losses import LOSSES
from gan_rosetta.shared.accuracy.norms import NORMS
from gan_rosetta.shared.accuracy.operation import Operation
from gan_rosetta.shared.accuracy.optimizers import OPTIMIZERS
from gan_rosetta.shared.accuracy.softmax import SOFTMAX
from gan_rosetta.shared.accuracy.sums import SUMS
from gan_rosetta.shared.errors import unknown_name

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        *ACTIVATIONS,
        DROPOUT,
        *LOSSES,
        CLASS_CROSS_ENTROPY,
        *CLASS_CONTRASTS,
        PULL_AWAY,
        *CODE_ERRORS,
        *SUMS,
        AUGMENTATION,
        *BRANCHES,
        *NORMS,
        *GROUP_NORMS,
        SOFTMAX,
        *OPTIMIZERS,
    )
}
GROUPS = {
    "activations": "Activations and dropout",
    "losses": "Losses",
    "sums": "Sums, products, convolutions and upsampling",
    "norms": "BatchNorm, spectral norm, softmax, minibatch discrimination and the penalty",
    "optimizers": "Optimizers",
}


def find_operations(names: Sequence[str], /) -> list[Operation]:
    """Return the operations of these names or groups, all where none is named; raises UsageError for another name."""
    if not names:
        return list(OPERATIONS.values())
    found: dict[str, Operation] = {}
    for name in names:
        if name in GROUPS:
            found |= {key: operation for key, operation in OPERATIONS.items() if operation.group == name}
        elif name in OPERATIONS:
            found[name] = OPERATIONS[name]
        else:
            raise unknown_name("operation", name, [*OPERATIONS, *GROUPS])
    return list(found.values())
