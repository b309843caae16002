"""CKA: the target's features are similar to the source's, up to a rotation and a scale."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext
from .relations import RelationalLoss


@MODELS.register_module()
class CKALoss(RelationalLoss):
    r"""One minus the linear centred kernel alignment (Kornblith et al.: ICML 2019).

    .. math:: L = 1 - \frac{\lVert Y^T X \rVert_F^2}{\lVert X^T X \rVert_F \lVert Y^T Y \rVert_F}
        = 1 - \cos(\mathrm{vec}(X X^T), \mathrm{vec}(Y Y^T))

    Averaged over groups of items. Scales, shifts and rotations of the features make no difference. The paper measures
    with it; as a regulariser it is ours. Of few items with many features the alignment is near 1 whatever they are.

    Symbols: X, Y: centred items of source and target (items, features); see :class:`RelationalLoss`.

    Args:
        weight: Factor of the value.
        relations: ``batch`` (the paper) or ``token``.
        tap: The features.

    Raises:
        ValueError: A negative weight, unknown relations, tokens of a tap without places.
    """

    def __init__(self, weight: float = 1.0, relations: str = 'batch', tap: str = 'stage4') -> None:
        super().__init__(weight, relations, tap)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        source, target = ((items @ items.transpose(1, 2)).flatten(1)
                          for items in (self.items(context.source), self.items(context.target)))
        return 1 - functional.cosine_similarity(source, target, dim=1).mean()
