"""Attention transfer: the target looks where the source looks."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import STAGES, TransferContext, TransferLoss


def attention(features: Tensor) -> Tensor:
    """Sum of squares over channels of maps (B, channels, h, w), flattened and of length 1: (B, h w)."""
    return functional.normalize(features.square().sum(dim=1).flatten(1), dim=1)


@MODELS.register_module()
class AttentionTransferLoss(TransferLoss):
    r"""Squared distance of normalised activation maps (Zagoruyko, Komodakis: ICLR 2017, activation-based, p = 2).

    .. math:: L_{AT} = \frac{1}{2} \sum_j \frac{1}{B h_j w_j} \sum_i \left\lVert
        \frac{Q^t_{ij}}{\lVert Q^t_{ij} \rVert_2} - \frac{Q^s_{ij}}{\lVert Q^s_{ij} \rVert_2} \right\rVert_2^2,
        \quad Q = \sum_c A_c^2

    The printed norm is squared here, as its gradient is undefined where both agree. A map's scale makes no difference.

    Symbols: B: batch, j: stages, A: a stage's map (B, channels, h, w), Q: its activation map (B, h w).

    Args:
        weight: The paper's beta, 1000, before its division by batch and places, which is part of the value.
        stages: The stages that are compared.

    Raises:
        ValueError: A negative weight, no stage.
    """

    steady = True

    def __init__(self, weight: float = 1000.0, stages: tuple[str, ...] = STAGES) -> None:
        super().__init__(weight)
        self.source_taps = self.target_taps = self.checked_stages(stages)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return sum(functional.mse_loss(attention(context.target[stage]), attention(context.source[stage]))
                   for stage in self.target_taps) / 2
