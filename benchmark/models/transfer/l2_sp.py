"""L2-SP: weights stay near their starting point."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor, nn

from ..source import SourceError
from .base import TransferContext, TransferLoss
from .parameters import decoder_parameters, squared_norm


@MODELS.register_module()
class L2SPLoss(TransferLoss):
    r"""L2 penalty with the starting point as its reference (Li, Grandvalet, Davoine: ICML 2018).

    .. math:: \Omega(w) = \frac{\alpha}{2} \lVert w_S - w_S^0 \rVert_2^2 + \frac{\beta}{2} \lVert w_{\bar S}
        \rVert_2^2

    Symbols: w_S: encoder parameters that source and target share by name and shape, w_S^0: the source's values,
    w_not S: parameters of the decoder. Batch-norm statistics are no parameters and are left out. It reads no features.

    Args:
        weight: Factor of the whole penalty.
        alpha: Pull of the encoder to the source. The paper chooses it by data set from 1e-4 to 1.
        beta: Weight decay of the decoder.

    Raises:
        ValueError: A negative weight, alpha or beta.
    """

    steady = True

    def __init__(self, weight: float = 1.0, alpha: float = 0.1, beta: float = 0.01) -> None:
        super().__init__(weight)
        if alpha < 0 or beta < 0:
            raise ValueError(f'L2SPLoss: alpha={alpha}, beta={beta}: give 0 or more.')
        self.alpha, self.beta = float(alpha), float(beta)
        self.shared: tuple[str, ...] = ()

    def attach(self, source: nn.Module, target: nn.Module) -> None:
        """Finds the parameters that both have.

        Raises:
            SourceError: There are none.
        """
        start = {name: value.shape for name, value in source.named_parameters()}
        self.shared = tuple(name for name, value in target.named_parameters() if start.get(name) == value.shape)
        if not self.shared:
            raise SourceError(f'L2SPLoss: {type(target).__name__} and the source\'s {type(source).__name__} share no '
                              'parameter. Use one backbone for both.')

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        start = dict(context.source_module.backbone.named_parameters())
        now = dict(context.target_module.backbone.named_parameters())
        distance = squared_norm(now[name] - start[name] for name in self.shared)
        return (self.alpha * distance + self.beta * squared_norm(decoder_parameters(context.target_module.head))) / 2
