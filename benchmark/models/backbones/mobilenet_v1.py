"""MobileNet v1 (Howard et al., *MobileNets*, 2017, arXiv 1704.04861) with TensorFlow's padding."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

from .staged import ClampedReLU6, StagedBackbone, same_convolution

#: Channels behind the first convolution, and of each separable block with its stride.
STEM = 32
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
#: Blocks of each stage: those up to the next one of stride 2; the first stage has the block of stride 2 before it too.
STAGES = ((0, 3), (3, 5), (5, 11), (11, 13))
#: Keras's own; in training mode it counts where a channel is all but constant.
EPS = 1e-3


class SeparableBlock(BaseModule):
    """A depthwise 3x3 convolution and a 1x1 one, each with batch norm and ReLU6.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Of the depthwise convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = same_convolution(in_channels, in_channels, 3, stride, groups=in_channels)
        self.norm1 = nn.BatchNorm2d(in_channels, EPS)
        self.conv2 = same_convolution(in_channels, out_channels, 1)
        self.norm2 = nn.BatchNorm2d(out_channels, EPS)
        self.relu = ClampedReLU6()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, ceil(h / stride), ceil(w / stride))."""
        return self.relu(self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x))))))


@MODELS.register_module()
class MobileNetV1(StagedBackbone):
    """MobileNet v1: thirteen separable blocks; 128, 256, 512 and 1024 channels at strides 4, 8, 16 and 32.

    Padded as TensorFlow pads ('SAME'), and with ReLU6, so that public weights compute what they did. Of an image of 128
    pixels the maps have 32, 16, 8 and 4. For weights see ``tools/get_source.py`` and ``tools/convert_source.py``.

    Args:
        width: Share of all channels, .25 to 1.
        out_indices: Stages (0..3) whose maps are given.
        frozen_stages: See :class:`.staged.StagedBackbone`.
        norm_eval: The same.
        init_cfg: The same.

    Raises:
        ValueError: A stage that is not there, or a width that leaves no channels.
    """

    def __init__(self, width: float = 1.0, out_indices: Sequence[int] = (0, 1, 2, 3), frozen_stages: int = -1,
                 norm_eval: bool = False, init_cfg: dict | list | None = None) -> None:
        if not STEM * width >= 1:
            raise ValueError(f'MobileNetV1: width={width} leaves no channels. Give .25, .5, .75 or 1.')
        channels = [int(STEM * width), *(int(count * width) for count, _ in BLOCKS)]
        blocks = [SeparableBlock(before, after, stride)
                  for before, after, (_, stride) in zip(channels, channels[1:], BLOCKS)]
        stem = nn.Sequential(same_convolution(3, channels[0], 3, 2), nn.BatchNorm2d(channels[0], EPS),
                             ClampedReLU6())
        super().__init__(stem, [nn.Sequential(*blocks[start:stop]) for start, stop in STAGES], None, channels[-1],
                         out_indices, frozen_stages, norm_eval, init_cfg)
