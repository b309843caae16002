"""Spatial attention: the target's encoder ends with a map that is active where the source's is."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor

from .attention_transfer import attention
from .base import TransferContext, TransferLoss


@MODELS.register_module()
class SpatialAttentionLoss(TransferLoss):
    r"""Distance of spatial attention maps (the third constraint of Fu, Jiao, Suttie, Noble: arXiv:2109.05485, 2021).

    .. math:: L_{SA} = \frac{1}{2B} \sum_j \sum_i \lVert q^t_{ij} - q^s_{ij} \rVert_2^2
        = \sum_j \left(1 - \frac{1}{B} \sum_i \cos(Q^t_{ij}, Q^s_{ij})\right), \quad
        Q = \sum_c A_c^2, \quad q = \frac{Q}{\lVert Q \rVert_2}

    Of that paper only the abstract was read: it matches 'activation attention maps in both spatial and channel levels'
    of source and target. The formula is inferred: the activation map and its length of 1 are attention transfer's
    (Zagoruyko, Komodakis: ICLR 2017), as in :class:`.attention_transfer.AttentionTransferLoss`. That it is summed over
    places and averaged over the batch, and reads the encoder's output, is how equation 4 does it in the same authors'
    first paper: each stage then counts between 0 and 1 at any input size. A map's scale makes no difference.

    Symbols: B: batch, j: stages, A: a stage's map (B, channels, h, w), Q, q: (B, h w).

    Args:
        weight: Factor of the distance; the abstract names none.
        stages: The stages that are compared.

    Raises:
        ValueError: A negative weight, no stage.
    """

    steady = True

    def __init__(self, weight: float = 1.0, stages: tuple[str, ...] = ('stage4',)) -> None:
        super().__init__(weight)
        self.source_taps = self.target_taps = self.checked_stages(stages)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return sum((attention(context.target[stage]) - attention(context.source[stage])).square().sum(dim=1).mean()
                   for stage in self.target_taps) / 2
