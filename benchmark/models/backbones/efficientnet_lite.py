"""EfficientNet-Lite0 (Liu 2020): EfficientNet-B0 without squeeze-and-excitation, with ReLU6."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from .staged import ClampedReLU6, StagedBackbone, same_convolution

#: What the public network takes: RGB images in 0..255, minus 127, over 128.
LITE_NORMALISATION = {'mean': (127.0, 127.0, 127.0), 'std': (128.0, 128.0, 128.0)}
STEM = 32
#: Of each stage, its rows of blocks: number, kernel, stride of the first, expansion, channels.
STAGES = (((1, 3, 1, 1, 16), (2, 3, 2, 6, 24)), ((2, 5, 2, 6, 40),), ((3, 3, 2, 6, 80), (3, 5, 1, 6, 112)),
          ((4, 5, 2, 6, 192), (1, 3, 1, 6, 320)))
#: Channels of the public network's embedding.
EMBEDDING = 1280
EPS = 1e-3


class InvertedBlock(BaseModule):
    """A 1x1 convolution to more channels, a depthwise one, a 1x1 one to few channels, and the input added.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output; with as many and stride 1 the input is added.
        kernel_size: Side of the depthwise kernel.
        stride: Of the depthwise convolution.
        expansion: Channels in between over those of the input; 1 leaves the first convolution out.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = in_channels * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and in_channels == out_channels
        if self.expands:
            self.conv1, self.norm1 = same_convolution(in_channels, middle, 1), nn.BatchNorm2d(middle, EPS)
        self.conv2 = same_convolution(middle, middle, kernel_size, stride, groups=middle)
        self.norm2 = nn.BatchNorm2d(middle, EPS)
        self.conv3, self.norm3 = same_convolution(middle, out_channels, 1), nn.BatchNorm2d(out_channels, EPS)
        self.relu = ClampedReLU6()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, ceil(h / stride), ceil(w / stride))."""
        y = self.relu(self.norm1(self.conv1(x))) if self.expands else x
        y = self.norm3(self.conv3(self.relu(self.norm2(self.conv2(y)))))
        return x + y if self.adds else y


@MODELS.register_module()
class EfficientNetLite0(StagedBackbone):
    """EfficientNet-Lite0: 24, 40, 112 and 320 channels at strides 4, 8, 16 and 32; padded as TensorFlow pads.

    What follows in the public network is :class:`EfficientNetLiteEmbedding`. For weights see ``tools/get_source.py``.

    Args:
        out_indices: Stages (0..3) whose maps are given.
        frozen_stages: See :class:`.staged.StagedBackbone`.
        norm_eval: The same.
        init_cfg: The same.

    Raises:
        ValueError: A stage that is not there.
    """

    def __init__(self, out_indices: Sequence[int] = (0, 1, 2, 3), frozen_stages: int = -1, norm_eval: bool = False,
                 init_cfg: dict | list | None = None) -> None:
        stages, before = [], STEM
        for rows in STAGES:
            blocks = []
            for count, kernel, stride, expansion, channels in rows:
                for number in range(count):
                    blocks.append(InvertedBlock(before, channels, kernel, 1 if number else stride, expansion))
                    before = channels
            stages.append(nn.Sequential(*blocks))
        stem = nn.Sequential(same_convolution(3, STEM, 3, 2), nn.BatchNorm2d(STEM, EPS), ClampedReLU6())
        super().__init__(stem, stages, None, before, out_indices, frozen_stages, norm_eval, init_cfg)


@MODELS.register_module()
class EfficientNetLiteEmbedding(BaseModule):
    """From the last map of :class:`EfficientNetLite0` to the vector that the public network classifies by."""

    width = EMBEDDING

    def __init__(self) -> None:
        super().__init__()
        self.conv = same_convolution(STAGES[-1][-1][-1], EMBEDDING, 1)
        self.norm = nn.BatchNorm2d(EMBEDDING, EPS)
        self.relu = ClampedReLU6()

    def forward(self, features: Tensor) -> Tensor:
        """(N, 320, h, w) -> (N, 1280)."""
        return self.relu(self.norm(self.conv(features))).mean(dim=(2, 3))
