"""The head of the stacked hourglass: intermediate supervision, and decoding of the last stack."""

from __future__ import annotations

import torch
from mmpose.evaluation.functional import pose_pck_accuracy
from mmpose.models.heads import HeatmapHead
from mmpose.registry import MODELS
from mmpose.utils.tensor_utils import to_numpy
from torch import Tensor


@MODELS.register_module()
class HourglassHead(HeatmapHead):
    r"""Takes the heatmaps of every stack as they are; it has no parameters.

    The loss is the sum of the same heatmap loss over the stacks (Newell et al. 2016),

    .. math:: L = \sum_{s=1}^{S} \ell(h_s, G)

    and the prediction is the last stack's, decoded by the codec. ``predict`` is HeatmapHead's, with its
    ``test_cfg['output_heatmaps']`` and ``test_cfg['flip_test']``.

    Symbols: N: batch, K: landmarks, S: stacks, h, w: height and width of the heatmap, G: true heatmaps.

    Args:
        out_channels: Landmarks K.
        loss: Config of the heatmap loss, called with prediction, target and weights (N, K).
        decoder: Config of the codec; None where nothing is predicted.

    Raises:
        ValueError: The backbone's heatmaps do not have K channels or not the target's size.
    """

    def __init__(self, out_channels: int, loss: dict | None = None, decoder: dict | None = None) -> None:
        loss = loss or {'type': 'KeypointMSELoss', 'use_target_weight': True}
        super().__init__(in_channels=out_channels, out_channels=out_channels, deconv_out_channels=None,
                         final_layer=None, loss=loss, decoder=decoder)

    @property
    def default_init_cfg(self) -> None:
        """Nothing to initialise."""
        return None

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """The last stack's heatmaps (N, K, h, w)."""
        return feats[-1]

    def loss(self, feats: tuple[Tensor, ...], batch_data_samples: list,
             train_cfg: dict | None = None) -> dict[str, Tensor]:
        """Computes the loss of every stack.

        Args:
            feats: Heatmaps (N, K, h, w) of the S stacks, first stack first.
            batch_data_samples: N data samples with ``gt_fields.heatmaps`` and
                ``gt_instance_labels.keypoint_weights``.
            train_cfg: ``compute_acc`` (default True) adds ``acc_pose`` of the last stack.

        Returns:
            ``loss_kpt`` of the last stack and ``loss_kpt_stack{i}``, i = 0 .. S-2, of those before it;
            ``parse_losses`` adds them up.
        """
        target = torch.stack([sample.gt_fields.heatmaps for sample in batch_data_samples])
        weights = torch.cat([sample.gt_instance_labels.keypoint_weights for sample in batch_data_samples])
        for heatmaps in feats:
            if heatmaps.shape != target.shape:
                raise ValueError(
                    f'HourglassHead: the backbone gives heatmaps of shape {tuple(heatmaps.shape)}, '
                    f"the target has {tuple(target.shape)}. Match the backbone's out_channels to the "
                    "landmarks and the codec's heatmap_size to a quarter of its input_size.")
        losses = {f'loss_kpt_stack{i}': self.loss_module(heatmaps, target, weights)
                  for i, heatmaps in enumerate(feats[:-1])}
        losses['loss_kpt'] = self.loss_module(feats[-1], target, weights)
        if (train_cfg or {}).get('compute_acc', True):
            _, accuracy, _ = pose_pck_accuracy(output=to_numpy(feats[-1]), target=to_numpy(target),
                                               mask=to_numpy(weights) > 0)
            losses['acc_pose'] = torch.tensor(accuracy, device=target.device)
        return losses
