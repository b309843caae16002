"""RKD: distances and angles between items are those of the source."""

from __future__ import annotations

import torch
from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional

from .base import TransferContext
from .relations import RelationalLoss


@MODELS.register_module()
class RelationalDistillationLoss(RelationalLoss):
    r"""Huber distances of relative distances and of angles between items (RKD; Park et al.: CVPR 2019).

    .. math:: L = \frac{a}{|P|} \sum_{(i,j) \in P} l\left(\frac{\lVert s_i - s_j \rVert}{\mu_s},
        \frac{\lVert t_i - t_j \rVert}{\mu_t}\right) + \frac{b}{|Q|} \sum_{(i,j,k) \in Q} l(\cos \angle s_i s_j s_k,
        \cos \angle t_i t_j t_k)

    Sums over pairs and triplets of different items are means here, so that the value does not grow with their number.
    Scales, shifts and rotations of the features make no difference.

    Symbols: s, t: items of source and target (see :class:`RelationalLoss`), mu: mean distance of a group's pairs,
    P, Q: ordered pairs and triplets of all groups, l: Huber's loss with delta = 1, a, b: the two weights.

    Args:
        weight: Factor of the value; the paper's for classification is 25 (with 1 and 2 below: 25 and 50).
        relations: ``batch`` (the paper) or ``token``.
        tap: The features.
        distance_weight: a.
        angle_weight: b.

    Raises:
        ValueError: A negative weight, unknown relations, tokens of a tap without places.
    """

    #: A triplet of places takes some dozens of bytes of each image, more than 1 GiB beyond this.
    most_places = 256

    def __init__(self, weight: float = 25.0, relations: str = 'batch', tap: str = 'stage4',
                 distance_weight: float = 1.0, angle_weight: float = 2.0) -> None:
        super().__init__(weight, relations, tap)
        if distance_weight < 0 or angle_weight < 0:
            raise ValueError(f'RelationalDistillationLoss: distance_weight={distance_weight}, '
                             f'angle_weight={angle_weight}: give 0 or more.')
        self.distance_weight, self.angle_weight = float(distance_weight), float(angle_weight)

    def forward(self, context: TransferContext) -> Tensor:
        """See the class."""
        (source_distances, source_angles), (target_distances, target_angles) = (
            distances_and_angles(self.items(taps)) for taps in (context.source, context.target))
        groups, n = target_distances.shape[:2]
        distance = functional.smooth_l1_loss(target_distances, source_distances, reduction='sum')
        angle = functional.smooth_l1_loss(target_angles, source_angles, reduction='sum')
        # Diagonals and angles of fewer than three different items agree: they add 0 to the sums.
        return (self.distance_weight * distance / (groups * n * (n - 1))
                + self.angle_weight * angle / (groups * n * (n - 1) * (n - 2))).float()


def distances_and_angles(items: Tensor) -> tuple[Tensor, Tensor]:
    """Relative distances and cosines of angles, from the items' inner products.

    In float64, as differences of inner products lose digits where items are alike.

    Args:
        items: Groups of centred items (G, n, d).

    Returns:
        Distances over the group's mean distance (G, n, n), 0 on the diagonal; cosines (G, n, n, n) by corner, first
        and second end. Two items in one place have the distance 0, with a gradient of 0.
    """
    items = items.double()
    products = items @ items.transpose(1, 2)
    own = products.diagonal(dim1=1, dim2=2)
    squared = own[:, :, None] + own[:, None, :] - 2 * products
    same = torch.eye(items.shape[1], dtype=torch.bool, device=items.device)
    tiny = own.detach().mean().clamp(min=1e-18) * 1e-12
    lengths = squared.masked_fill(same, 1).clamp(min=tiny).sqrt()
    distances = lengths.masked_fill(same, 0)
    mean = distances.sum(dim=(1, 2), keepdim=True) / (same.numel() - len(same))
    inner = products[:, None] - products[:, :, :, None] - products[:, :, None, :] + own[:, :, None, None]
    return distances / mean, inner / (lengths[:, :, :, None] * lengths[:, :, None, :])
