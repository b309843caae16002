"""Equation 4: L_ED, the cosine distance between the encoder outputs of source and target."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext, TransferLoss

MODES = ('map', 'pooled', 'location')


@MODELS.register_module()
class EncoderCosineLoss(TransferLoss):
    r"""One minus the cosine between encoder outputs (CTD-ED).

    .. math:: L_{ED} = 1 - \frac{1}{B} \sum_i \cos(f^s(I_i), f^t(I_i))

    Symbols: B: batch, d: channels, h, w: size of the encoder's map.

    Args:
        weight: The paper's lambda.
        mode: ``map``: the cosine of the whole flattened map (B, d h w); ``pooled``: of the averaged vector (B, d);
            ``location``: of the d-vectors at each place, averaged over places.
        reduction: ``mean`` over the batch, or ``sum``: the printed equation, 1 minus the *sum* of cosines, whose
            value and gradient grow with the batch.
        stage: The tap to compare in modes ``map`` and ``location``.

    Raises:
        ValueError: Unknown mode or reduction.
    """

    steady = True

    def __init__(self, weight: float = 0.002, mode: str = 'map', reduction: str = 'mean',
                 stage: str = 'stage4') -> None:
        super().__init__(weight)
        if mode not in MODES:
            raise ValueError(f'EncoderCosineLoss: mode={mode!r} is unknown. Choose one of {MODES}.')
        if reduction not in ('mean', 'sum'):
            raise ValueError(f"EncoderCosineLoss: reduction={reduction!r} is unknown. Choose 'mean' or 'sum'.")
        self.mode = mode
        self.reduction = reduction
        self.tap = 'pooled' if mode == 'pooled' else stage
        self.source_taps = self.target_taps = (self.tap,)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        source, target = context.source[self.tap], context.target[self.tap]
        if self.mode == 'map':
            source, target = source.flatten(1), target.flatten(1)
        cosine = functional.cosine_similarity(source, target, dim=1)
        cosine = cosine.flatten(1).mean(dim=1) if self.mode == 'location' else cosine
        return 1 - (cosine.mean() if self.reduction == 'mean' else cosine.sum())
