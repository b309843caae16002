"""Knowledge distillation: the target's classifier follows the source's softened classes."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext, TransferLoss


def softened_divergence(source: Tensor, target: Tensor, temperature: float) -> Tensor:
    """KL(softmax(source / T) || softmax(target / T)) of logits (B, C), averaged over the batch."""
    return functional.kl_div(functional.log_softmax(target / temperature, dim=1),
                             functional.log_softmax(source / temperature, dim=1), reduction='batchmean',
                             log_target=True)


@MODELS.register_module()
class KnowledgeDistillationLoss(TransferLoss):
    r"""Divergence of softened class distributions, times T^2 (Hinton, Vinyals, Dean: arXiv:1503.02531, 2015).

    .. math:: L = \frac{T^2}{B} \sum_i \mathrm{KL}\left(\mathrm{softmax}(z^s_i / T) \,\Vert\,
        \mathrm{softmax}(z^t_i / T)\right)

    T^2 keeps the size of the gradients where T changes. The paper's second term, the cross-entropy with true classes,
    has no counterpart: the target's images have landmarks, and the heatmap loss takes its place.

    Symbols: B: batch, C: classes of the source, z: logits (B, C), T: temperature.

    Args:
        weight: Factor of the divergence.
        temperature: T.

    Raises:
        ValueError: A negative weight, a temperature that is not positive.
    """

    steady = True
    source_taps = target_taps = ('logits',)

    def __init__(self, weight: float = 1.0, temperature: float = 4.0) -> None:
        super().__init__(weight)
        if not temperature > 0:
            raise ValueError(f'{type(self).__name__}: temperature={temperature} must be above 0.')
        self.temperature = float(temperature)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return self.temperature ** 2 * softened_divergence(context.source['logits'], context.target['logits'],
                                                           self.temperature)
