"""Sums over parameters: the distance of an encoder to where it started, and the size of a decoder."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

#: Parts of a CTDHead that only training has.
EXTRAS = ('classifier.', 'transfer.')


def squared_norm(values: Iterable[Tensor]) -> Tensor:
    """Sum of the squares of all elements of all tensors, a scalar."""
    return torch.stack([value.square().sum() for value in values]).sum()


def decoder_parameters(head: nn.Module) -> list[nn.Parameter]:
    """Parameters of a CTDHead that the source does not have: those of its decoder."""
    return [value for name, value in head.named_parameters() if not name.startswith(EXTRAS)]
