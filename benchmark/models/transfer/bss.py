"""BSS: spectral components of the features that hardly count are suppressed."""

from __future__ import annotations

import torch
from mmpose.registry import MODELS
from torch import Tensor

from .base import TransferContext, TransferLoss


@MODELS.register_module()
class SpectralShrinkageLoss(TransferLoss):
    r"""Squares of the smallest singular values of the batch's features (BSS; Chen et al.: NeurIPS 2019).

    .. math:: L = \sum_{i=1}^{k} \sigma_{-i}^2

    It reads no source: the source is in it as the start of the encoder only.

    Symbols: sigma_-i: the i-th smallest singular value of the matrix of pooled features (B, d).

    Args:
        weight: The paper's eta.
        k: Number of singular values; the batch must be larger, or all of the features would be shrunk.

    Raises:
        ValueError: A negative weight, k below 1.
    """

    target_taps = ('pooled',)

    def __init__(self, weight: float = 0.001, k: int = 1) -> None:
        super().__init__(weight)
        if k < 1:
            raise ValueError(f'SpectralShrinkageLoss: k={k}: give a number of singular values, 1 or more.')
        self.k = int(k)
        self.min_batch = self.k + 1

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return torch.linalg.svdvals(context.target['pooled'])[-self.k:].square().sum()
