"""The ResNet of VGGFace2 (Cao, Shen, Xie, Parkhi, Zisserman: *VGGFace2*, 2018)."""

from __future__ import annotations

from collections.abc import Sequence

from mmpose.models.backbones import ResNet
from mmpose.registry import MODELS
from torch import nn

#: What the public networks were trained with: RGB images in 0..255, minus the mean, not divided.
VGGFACE2_NORMALISATION = {'mean': (131.0912, 103.8827, 91.4953), 'std': (1.0, 1.0, 1.0)}

#: Identities of the public networks' classifier.
VGGFACE2_CLASSES = 8631


@MODELS.register_module()
class VGGFace2ResNet(ResNet):
    """MMPose's ResNet with the geometry of the public VGGFace2 ResNet-50, which came from Caffe.

    It differs from torchvision's in two places that no weight's shape gives away, so that its weights load
    into a plain ResNet without a word and give other features there:

    - a stage's stride is in the first 1x1 convolution of its first bottleneck, not in the 3x3 one
      (``style='caffe'``);
    - the max-pool (3x3, stride 2) is unpadded and rounds its output up, where torchvision's pads by one.

    The stem is the usual 7x7 convolution, stride 2, padding 3. An input side of 256 becomes 128, 64 (pool and
    stage 1), 32, 16, 8; one of 224 becomes 112, 56, 28, 14, 7. The public network averages 7x7 at 224 pixels;
    pool globally for other sizes. Its input is RGB in 0..255 minus (131.0912, 103.8827, 91.4953), standard
    deviation 1, and its classifier has 8631 identities: see :data:`VGGFACE2_NORMALISATION`,
    :data:`VGGFACE2_CLASSES` and, for weights, ``tools/convert_source.py``.

    Args:
        depth: 18, 34, 50, 101 or 152; the public network has 50. Blocks of 18 and 34 have no 1x1 convolution:
            only the pooling differs there.
        out_indices: Stages (0..3) whose maps are given.
        style: ``caffe``, or ``pytorch`` to move the stride to the 3x3 convolution.
        kwargs: The other arguments of MMPose's ResNet.
    """

    def __init__(self, depth: int = 50, out_indices: Sequence[int] = (0, 1, 2, 3), style: str = 'caffe',
                 **kwargs) -> None:
        super().__init__(depth, out_indices=out_indices, style=style, **kwargs)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=0, ceil_mode=True)

    def train(self, mode: bool = True) -> VGGFace2ResNet:
        """Sets the mode and returns the module (MMPose's ResNet returns None)."""
        super().train(mode)
        return self
