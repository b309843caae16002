"""Learning without forgetting: on new images the old task keeps its answers."""

from __future__ import annotations

from mmpose.registry import MODELS
from torch import Tensor

from .base import TransferContext
from .knowledge_distillation import KnowledgeDistillationLoss, softened_divergence


@MODELS.register_module()
class LearningWithoutForgettingLoss(KnowledgeDistillationLoss):
    r"""Divergence of the old task's softened answers from those recorded (Li, Hoiem: ECCV 2016).

    .. math:: L_{old} = \frac{1}{B} \sum_i \mathrm{KL}\left(\mathrm{softmax}(z^s_i / T) \,\Vert\,
        \mathrm{softmax}(z^t_i / T)\right)

    The paper takes the cross-entropy, which differs by the entropy of the source's answers, a constant, and has the
    same gradients; here the value is 0 where nothing is forgotten. The recorded answers are the frozen source's on the
    view that is trained on. The old task's classifier is g^t: it starts as the source's and is trained on.

    Symbols: B: batch, C: classes of the source, z: logits (B, C), T: temperature.

    Args:
        weight: The paper's lambda_o.
        temperature: T.

    Raises:
        ValueError: A negative weight, a temperature that is not positive.
    """

    def __init__(self, weight: float = 1.0, temperature: float = 2.0) -> None:
        super().__init__(weight, temperature)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        return softened_divergence(context.source['logits'], context.target['logits'], self.temperature)
