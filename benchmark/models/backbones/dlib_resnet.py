"""dlib's network for face recognition: a ResNet of 29 convolutions with a geometry of its own."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

from .staged import StagedBackbone, resized

#: Side of the image that the public network was trained on, in pixels.
SIDE = 150
#: What the public network takes: RGB images in 0..255, minus the mean, over 256.
DLIB_NORMALISATION = {'mean': (122.782, 117.001, 104.298), 'std': (256.0, 256.0, 256.0)}
#: Channels of the stem, then channels and blocks of each stage; the first block of all but the first stage halves.
STEM = 32
STAGES = ((32, 3), (64, 4), (128, 3), (256, 3))
#: Channels of the public network's embedding.
EMBEDDING = 128


class Resize(nn.Module):
    """Brings images to one size, bilinearly; smoothed where they shrink. Images of this size stay as they are.

    Args:
        side: Height and width in pixels.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, side, side)."""
        return resized(images, (self.side, self.side))

    def extra_repr(self) -> str:
        """Its size, by which the keys of cached features tell networks apart."""
        return f'side={self.side}'


class DlibBlock(BaseModule):
    """Two 3x3 convolutions with batch norm, and a shortcut without weights.

    One that halves has its first convolution unpadded and of stride 2, and averages 2x2 pixels on its shortcut. Where
    one of both has more, channels or rows and columns at right and below, it meets zeros.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output, no fewer.
        halves: Whether it halves the map.
    """

    def __init__(self, in_channels: int, out_channels: int, halves: bool) -> None:
        super().__init__()
        self.halves, self.more = halves, out_channels - in_channels
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, 2 if halves else 1, 0 if halves else 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, h, w), or about half of both sides."""
        y = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        if self.halves:
            x = functional.avg_pool2d(x, 2)
        size = [max(a, b) for a, b in zip(x.shape[-2:], y.shape[-2:])]
        return (_grown(x, size, self.more) + _grown(y, size, 0)).relu()


def _grown(x: Tensor, size: Sequence[int], channels: int) -> Tensor:
    """A map with zeros at right and below, and in further channels."""
    down, right = (wanted - have for wanted, have in zip(size, x.shape[-2:]))
    return functional.pad(x, (0, right, 0, down, 0, channels)) if down or right or channels else x


@MODELS.register_module()
class DlibResNet(StagedBackbone):
    """The encoder of dlib's face recognition network (King 2017, ``dlib_face_recognition_resnet_model_v1``).

    Its convolutions are unpadded where they halve a map, so that the network wants its own input size: images are
    brought to ``side`` inside. The maps of its stages then have 35, 17, 8 and 4 pixels, 32, 64, 128 and 256 channels,
    at strides of about 4, 8, 16 and 32. What follows in the public network is :class:`DlibEmbedding`. For weights see
    ``tools/get_source.py``.

    Args:
        side: Side of the images inside, in pixels; None takes them as they are.
        out_indices: Stages (0..3) whose maps are given.
        frozen_stages: See :class:`.staged.StagedBackbone`.
        norm_eval: The same.
        init_cfg: The same.

    Raises:
        ValueError: A stage that is not there.
    """

    def __init__(self, side: int | None = SIDE, out_indices: Sequence[int] = (0, 1, 2, 3), frozen_stages: int = -1,
                 norm_eval: bool = False, init_cfg: dict | list | None = None) -> None:
        stem = nn.Sequential(nn.Identity() if side is None else Resize(side),
                             nn.Conv2d(3, STEM, 7, 2, bias=False), nn.BatchNorm2d(STEM), nn.ReLU(inplace=True))
        stages, before = [], STEM
        for number, (channels, count) in enumerate(STAGES):
            stages.append(nn.Sequential(*(DlibBlock(channels if block else before, channels, number > 0 and not block)
                                          for block in range(count))))
            before = channels
        super().__init__(stem, stages, nn.MaxPool2d(3, 2), before, out_indices, frozen_stages, norm_eval, init_cfg)


@MODELS.register_module()
class DlibEmbedding(BaseModule):
    """From the last map of :class:`DlibResNet` to the embedding by which the public network tells faces apart.

    Symbols: N: batch, h, w: size of the map.
    """

    width = EMBEDDING

    def __init__(self) -> None:
        super().__init__()
        channels = STAGES[-1][0]
        self.block = DlibBlock(channels, channels, True)
        self.fc = nn.Linear(channels, EMBEDDING, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(N, 256, h, w) -> (N, 128)."""
        return self.fc(self.block(features).mean(dim=(2, 3)))
