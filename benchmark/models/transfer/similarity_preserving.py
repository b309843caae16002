"""Similarity preserving: images that are alike to the source are alike to the target."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext, TransferLoss


def similarities(features: Tensor) -> Tensor:
    """Inner products of a batch's flattened features (B, ...), each row of length 1: (B, B)."""
    flat = features.flatten(1)
    return functional.normalize(flat @ flat.T, dim=1)


@MODELS.register_module()
class SimilarityPreservingLoss(TransferLoss):
    r"""Squared distance of the batch's similarity matrices (Tung, Mori: ICCV 2019).

    .. math:: L = \frac{1}{B^2} \sum_l \lVert G^s_l - G^t_l \rVert_F^2

    A scale of the features makes no difference. With one image it is 0 whatever the features.

    Symbols: B: batch, l: stages, G: inner products of flattened maps (B, d h w), rows of length 1.

    Args:
        weight: The paper's gamma.
        stages: The stages that are compared.

    Raises:
        ValueError: A negative weight, no stage.
    """

    steady = True
    min_batch = 2

    def __init__(self, weight: float = 3000.0, stages: tuple[str, ...] = ('stage4',)) -> None:
        super().__init__(weight)
        self.source_taps = self.target_taps = self.checked_stages(stages)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return sum(functional.mse_loss(similarities(context.target[stage]), similarities(context.source[stage]))
                   for stage in self.target_taps)
