"""PKD: maps of source and target correlate."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext, TransferLoss


def standardise(features: Tensor) -> Tensor:
    """Maps (B, channels, h, w) with mean 0 and variance 1 per channel, over batch and places; constant ones are 0."""
    return functional.batch_norm(features, None, None, training=True, eps=1e-12)


@MODELS.register_module()
class PearsonLoss(TransferLoss):
    r"""One minus the Pearson correlation of each channel, averaged over channels (PKD; Cao et al.: NeurIPS 2022).

    .. math:: L = \frac{1}{2 m} \sum_{k=1}^{m} (\hat u^s_k - \hat u^t_k)^2 = 1 - \frac{1}{d} \sum_c r_c

    Shifts and scales of a channel make no difference.

    Symbols: m: numbers in a map (B d h w), d: channels, u hat: a map standardised per channel over batch and places,
    r: Pearson's correlation over batch and places.

    Args:
        weight: The paper's alpha.
        stage: The map that is compared; the paper takes the levels of a feature pyramid, which there is none of here.

    Raises:
        ValueError: A negative weight.
    """

    steady = True

    def __init__(self, weight: float = 6.0, stage: str = 'stage4') -> None:
        super().__init__(weight)
        self.stage = stage
        self.source_taps = self.target_taps = (stage,)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return functional.mse_loss(standardise(context.target[self.stage]), standardise(context.source[self.stage])) / 2
