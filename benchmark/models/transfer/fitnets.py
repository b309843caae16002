"""FitNets: the target predicts a hint of the source through a learnt regressor."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

from ..source import tap_channels
from .base import TransferContext, TransferLoss


@MODELS.register_module()
class FitNetsLoss(TransferLoss):
    r"""Squared distance of the source's map from the regressed map of the target (Romero et al.: ICLR 2015).

    .. math:: L_{HT} = \frac{1}{2} \lVert u^s - r(u^t) \rVert^2

    Averaged over batch, channels and places. The regressor r is a 1x1 convolution with a bias, from the target's
    channels to the source's, trained with the rest.

    Symbols: u: a stage's map (B, channels, h, w).

    Args:
        weight: Factor of the distance.
        stage: The hint and the guided layer; the paper takes the middle of the network.

    Raises:
        ValueError: A negative weight.
    """

    steady = True

    def __init__(self, weight: float = 1.0, stage: str = 'stage2') -> None:
        super().__init__(weight)
        self.stage = stage
        self.source_taps = self.target_taps = (stage,)
        self.regressor: nn.Module | None = None

    def attach(self, source: nn.Module, target: nn.Module) -> None:
        """Makes the regressor."""
        self.regressor = nn.Conv2d(tap_channels(target)[self.stage], tap_channels(source)[self.stage], 1)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return functional.mse_loss(self.regressor(context.target[self.stage]), context.source[self.stage]) / 2
