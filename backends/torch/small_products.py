"""Small matrix products written out, so that inductor fuses them with their neighbours."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

_aten = torch.ops.aten
# A matrix product of at most so many multiplications is written out, so that inductor fuses it with its neighbours.
_LARGEST_FUSED_PRODUCT = 4096


def _small_product(first: Tensor, second: Tensor) -> Any:
    if math.prod(first.shape) * second.shape[1] > _LARGEST_FUSED_PRODUCT:
        return NotImplemented
    return (first.unsqueeze(2) * second.unsqueeze(0)).sum(1)


def _small_affine(bias: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1) -> Any:
    product = _small_product(first, second)
    if product is NotImplemented or beta != 1 or alpha != 1:
        return NotImplemented
    return product + bias


def _small_products(first: Tensor, second: Tensor) -> Any:
    """Write out products of replicas, (R, rows, terms) by (R, terms, columns), where one's is small."""
    if math.prod(first.shape[1:]) * second.shape[2] > _LARGEST_FUSED_PRODUCT:
        return NotImplemented
    return (first.unsqueeze(3) * second.unsqueeze(1)).sum(2)


DECOMPOSITIONS = {
    _aten.mm.default: _small_product,
    _aten.addmm.default: _small_affine,
}
DECOMPOSITIONS_SIDE_BY_SIDE = {**DECOMPOSITIONS, _aten.bmm.default: _small_products}
