"""Channel attention: the channels that are active in the source's map are active in the target's."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext, TransferLoss


@MODELS.register_module()
class ChannelAttentionLoss(TransferLoss):
    r"""Distance of channel attention (the fourth constraint of Fu, Jiao, Suttie, Noble: arXiv:2109.05485, 2021).

    .. math:: L_{CA} = \frac{1}{2B} \sum_j \sum_i \lVert q^t_{ij} - q^s_{ij} \rVert_2^2
        = \sum_j \left(1 - \frac{1}{B} \sum_i \cos(Q^t_{ij}, Q^s_{ij})\right), \quad
        Q_c = \frac{1}{h_j w_j} \sum_{x} \lvert A_{cx} \rvert^p, \quad q = \frac{Q}{\lVert Q \rVert_2}

    Of that paper only the abstract was read: it matches 'activation attention maps in both spatial and channel levels'
    of source and target. The formula is inferred: it is :class:`.attention_spatial.SpatialAttentionLoss` with channels
    and places exchanged, squares and a length of 1 included. With ``power=1`` it is the mean of the absolute values,
    the channel attention of Zhang, Ma (ICLR 2021), which on maps that are nowhere negative is the squeeze of Hu, Shen,
    Sun (CVPR 2018); at the encoder's last stage that is equation 4 on pooled vectors, which this suite has anyway
    (``EncoderCosineLoss(mode='pooled')``). A map's scale makes no difference, nor does the order of its places.

    Symbols: B: batch, j: stages, A: a stage's map (B, channels, h, w), x: its places, Q, q: (B, channels), p: power.

    Args:
        weight: Factor of the distance; the abstract names none.
        stages: The stages that are compared.
        power: p.

    Raises:
        ValueError: A negative weight, no stage, a power below 1.
    """

    steady = True

    def __init__(self, weight: float = 1.0, stages: tuple[str, ...] = ('stage4',), power: float = 2.0) -> None:
        super().__init__(weight)
        if not power >= 1:
            raise ValueError(f'ChannelAttentionLoss: power={power} is below 1. Give 2, or 1 for mean absolute values.')
        self.source_taps = self.target_taps = self.checked_stages(stages)
        self.power = float(power)

    def attention(self, features: Tensor) -> Tensor:
        """Mean of the powers over places of maps (B, channels, h, w), of length 1: (B, channels)."""
        return functional.normalize(features.abs().pow(self.power).mean(dim=(2, 3)), dim=1)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return sum((self.attention(context.target[stage]) - self.attention(context.source[stage])).square().sum(dim=1)
                   .mean() for stage in self.target_taps) / 2
