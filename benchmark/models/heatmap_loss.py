"""Equation 1: the heatmap regression loss."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class HeatmapLoss(nn.Module):
    r"""Squared error between predicted and true heatmaps, over the landmarks that are annotated.

    .. math:: L_R = \frac{1}{B} \sum_i \lVert G_i - h(f(I_i)) \rVert_F^2

    Symbols: B: batch, K: landmarks, H, W: height and width of the heatmap.

    Args:
        reduction: ``mean`` (default) divides by the number of heatmap pixels of annotated landmarks in the batch;
            ``sum`` is the printed equation, a sum over landmarks and pixels and a mean over images. In both, an
            image with missing landmarks does not shrink the weight of those that are there: ``mean`` averages over
            annotated landmarks only, ``sum`` scales each image's sum by K over its annotated landmarks.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: Unknown ``reduction``.
    """

    def __init__(self, reduction: str = 'mean', loss_weight: float = 1.0) -> None:
        super().__init__()
        if reduction not in ('mean', 'sum'):
            raise ValueError(f"HeatmapLoss: reduction={reduction!r} is unknown. Choose 'mean' or 'sum'.")
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(self, output: Tensor, target: Tensor, target_weights: Tensor | None = None) -> Tensor:
        """Computes the loss.

        Args:
            output: Predicted heatmaps (B, K, H, W).
            target: True heatmaps (B, K, H, W).
            target_weights: (B, K), 1 where a landmark is annotated; None where all are.

        Returns:
            A scalar; 0 (with a gradient of 0) where nothing is annotated.
        """
        squared = (output - target).square()
        if target_weights is None:
            target_weights = squared.new_ones(squared.shape[:2])
        squared = squared * target_weights[:, :, None, None]
        if self.reduction == 'mean':
            loss = squared.sum() / (target_weights.sum() * squared[0, 0].numel()).clamp(min=1)
        else:
            scale = squared.shape[1] / target_weights.sum(dim=1).clamp(min=1)
            loss = (squared.sum(dim=(1, 2, 3)) * scale).mean()
        return loss * self.loss_weight
