"""By how much a fitted decoder's loss grows without a channel of the frozen source."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..source import stage_taps
from .parameters import decoder_parameters

#: Images that go through the network at a time when several channels are knocked out at once.
IMAGES_AT_ONCE = 32


def fit_decoder(source: nn.Module, head: nn.Module, data: Sequence[tuple[Tensor, list]], steps: int,
                rate: float) -> None:
    """Fits a decoder on the frozen source's features with the heatmap loss, and leaves it in eval mode.

    Args:
        source: The FrozenSource.
        head: A CTDHead, which is changed.
        data: Batches, in turn: RGB images (B, 3, H, W) in 0..255 and their data samples.
        steps: Steps of Adam.
        rate: Learning rate.
    """
    features = [stage_maps(source, images)[-1] for images, _ in data]
    parameters = decoder_parameters(head)
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimiser = torch.optim.Adam(parameters, lr=rate)
    head.train()
    with torch.enable_grad():
        for step in range(steps):
            one = step % len(data)
            optimiser.zero_grad()
            head.heatmap_loss(head((features[one],)), data[one][1]).backward()
            optimiser.step()
    head.eval()


@torch.no_grad()
def increases(source: nn.Module, head: nn.Module, data: Sequence[tuple[Tensor, list]], stage: str) -> Tensor:
    """Increase of the heatmap loss when a channel of a stage's output is 0, for each channel, averaged over images.

    Args:
        source: The FrozenSource; its backbone is a ResNet.
        head: A fitted CTDHead in eval mode.
        data: As in :func:`fit_decoder`.
        stage: Name of the stage.

    Returns:
        (channels,), in the heatmap loss's unit.
    """
    backbone = source.backbone
    first, last = (int(tap.removeprefix('stage')) for tap in (stage, stage_taps(backbone)[-1]))
    names = backbone.res_layers[first:last]
    rest = nn.Sequential(*(getattr(backbone, name) for name in names))
    total, images_seen = 0, 0
    for images, samples in data:
        features = stage_maps(source, images)[stage_taps(backbone).index(stage)]
        whole = head.heatmap_loss(head((rest(features),)), samples)
        changes = []
        for channels in torch.arange(features.shape[1]).split(max(1, IMAGES_AT_ONCE // len(images))):
            copies = features.repeat(len(channels), 1, 1, 1)
            for one, channel in zip(copies.split(len(images)), channels):
                one[:, channel] = 0
            changes += [head.heatmap_loss(heatmaps, samples) - whole
                        for heatmaps in head((rest(copies),)).split(len(images))]
        total = total + torch.stack(changes) * len(images)
        images_seen += len(images)
    return total / images_seen


@torch.no_grad()
def stage_maps(source: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    """All stage maps of the source for RGB images in 0..255, whichever taps the regularisers read."""
    return source.backbone(source.normalised(images))
