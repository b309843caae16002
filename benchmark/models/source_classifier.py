"""The source task's network: a classifier of identities."""

from __future__ import annotations

import torch
from mmengine.model import BaseModel
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

from .source import output_channels


@MODELS.register_module()
class SourceClassifier(BaseModel):
    """A backbone, global average pooling and a linear classifier, trained with cross-entropy over identities.

    Symbols: B: batch, H, W: input size in pixels, C: identities.

    Args:
        backbone: Config of an MMPose backbone.
        in_channels: Channels of its last output; None asks the network, with a blank image of 64 x 64 pixels.
        num_classes: Number of identities C.
        data_preprocessor: Normalises RGB images.
        label_smoothing: Share of the target's mass spread over all classes.
        dropout: Share of pooled features dropped in training.
    """

    def __init__(self, backbone: dict, in_channels: int | None, num_classes: int, data_preprocessor: dict | None = None,
                 label_smoothing: float = 0.0, dropout: float = 0.0) -> None:
        super().__init__(data_preprocessor=data_preprocessor)
        self.backbone = MODELS.build(backbone)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(output_channels(self.backbone) if in_channels is None else in_channels, num_classes)
        self.label_smoothing = label_smoothing

    def forward(self, inputs: Tensor, data_samples: Tensor | None = None, mode: str = 'tensor'):
        """Runs the network.

        Args:
            inputs: Normalised images (B, 3, H, W).
            data_samples: Identities (B,), for ``mode='loss'``.
            mode: ``loss`` gives a dict with ``loss``; ``predict`` and ``tensor`` give logits (B, C).
        """
        features = self.backbone(inputs)
        features = features[-1] if isinstance(features, (tuple, list)) else features
        logits = self.classifier(self.dropout(features.mean(dim=(2, 3))))
        if mode != 'loss':
            return logits
        loss = functional.cross_entropy(logits, data_samples, label_smoothing=self.label_smoothing)
        with torch.no_grad():
            accuracy = (logits.argmax(1) == data_samples).float().mean()
        return dict(loss=loss, accuracy=accuracy)
