"""The extension point: a regulariser of the transfer from the source to the target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class TransferContext:
    """What a regulariser may look at.

    Attributes:
        source: Taps of the frozen source; see :class:`benchmark.models.source.FrozenSource`.
        target: Taps of the target, of the same names and shapes where the networks agree.
        source_module: The source network, for distances between parameters.
        target_module: The target's estimator.
        data_samples: The batch's MMPose data samples.
        heatmaps: Predicted heatmaps (B, K, H, W).
        progress: Share of the training that is done, in [0, 1].
    """

    source: dict[str, Tensor]
    target: dict[str, Tensor]
    source_module: nn.Module
    target_module: nn.Module
    data_samples: list
    heatmaps: Tensor
    progress: float


class TransferLoss(nn.Module, ABC):
    """A regulariser L_D of equation 2, L = L_R + weight * L_D.

    A subclass in a file of its own, registered in ``mmpose.registry.MODELS``, declares what it needs and computes the
    raw, unweighted value.

    Attributes:
        source_taps: Taps of the source that it reads; checked when the config is built.
        target_taps: Taps of the target that it reads.
        min_batch: Smallest batch for which it is defined and not constant.

    Args:
        weight: The paper's lambda.

    Raises:
        ValueError: A negative weight.
    """

    source_taps: tuple[str, ...] = ()
    target_taps: tuple[str, ...] = ()
    min_batch: int = 1

    def __init__(self, weight: float = 0.002) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f'{type(self).__name__}: weight={weight} is negative. Give 0 or more.')
        self.weight = float(weight)

    @abstractmethod
    def forward(self, context: TransferContext) -> Tensor:
        """The raw value of the regulariser, a scalar."""
