"""Channel-wise distillation: each channel of the target is active in the places where the source's is."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext, TransferLoss


@MODELS.register_module()
class ChannelWiseLoss(TransferLoss):
    r"""Divergence of each channel's softmax over places (Shu et al.: ICCV 2021).

    .. math:: L = \frac{T^2}{B d} \sum_i \sum_c \mathrm{KL}\left(\phi(u^s_{ic} / T) \,\Vert\, \phi(u^t_{ic} / T)
        \right)

    A constant that is added to a channel makes no difference.

    Symbols: B: batch, d: channels, u: a stage's map (B, d, h, w), phi: softmax over its h w places, T: temperature.

    Args:
        weight: The paper's alpha for feature maps.
        stage: The map that is compared.
        temperature: T.

    Raises:
        ValueError: A negative weight, a temperature that is not positive.
    """

    steady = True

    def __init__(self, weight: float = 50.0, stage: str = 'stage4', temperature: float = 4.0) -> None:
        super().__init__(weight)
        if not temperature > 0:
            raise ValueError(f'ChannelWiseLoss: temperature={temperature} must be above 0.')
        self.stage, self.temperature = stage, float(temperature)
        self.source_taps = self.target_taps = (stage,)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        source, target = (functional.log_softmax(taps[self.stage].flatten(2).flatten(0, 1) / self.temperature, dim=1)
                          for taps in (context.source, context.target))
        return self.temperature ** 2 * functional.kl_div(target, source, reduction='batchmean', log_target=True)
