"""Equation 3: L_CD, the distance between the class distributions of source and target."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor

from .base import TransferContext, TransferLoss


@MODELS.register_module()
class ClassDistributionLoss(TransferLoss):
    r"""Squared distance between softened class distributions (CTD-CD).

    .. math:: L_{CD} = \frac{1}{B} \sum_i \left\lVert \mathrm{softmax}(z^s_i / \mu) - \mathrm{softmax}(z^t_i / \mu)
        \right\rVert_2^2

    Symbols: B: batch, C: classes of the source, z: logits (B, C).

    Args:
        weight: The paper's lambda.
        temperature: The paper's mu.
        reduction: ``sum`` over classes (the printed equation) or ``mean``.

    Raises:
        ValueError: A temperature that is not positive, or an unknown reduction.
    """

    steady = True
    source_taps = ('logits',)
    target_taps = ('logits',)

    def __init__(self, weight: float = 0.002, temperature: float = 2.0, reduction: str = 'sum') -> None:
        super().__init__(weight)
        if not temperature > 0:
            raise ValueError(f'ClassDistributionLoss: temperature={temperature} must be above 0.')
        if reduction not in ('sum', 'mean'):
            raise ValueError(f"ClassDistributionLoss: reduction={reduction!r} is unknown. Choose 'sum' or 'mean'.")
        self.temperature = float(temperature)
        self.reduction = reduction

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        source = (context.source['logits'] / self.temperature).softmax(dim=1)
        target = (context.target['logits'] / self.temperature).softmax(dim=1)
        squared = (source - target).square()
        return (squared.sum(dim=1) if self.reduction == 'sum' else squared.mean(dim=1)).mean()
