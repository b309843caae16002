"""Backbones: MMPose plug-ins."""

from .dlib_resnet import DlibEmbedding, DlibResNet
from .efficientnet_lite import EfficientNetLite0, EfficientNetLiteEmbedding
from .mobilenet_v1 import MobileNetV1
from .stacked_hourglass import StackedHourglass
from .tapped import tapped_backbone
from .vggface2_resnet import VGGFace2ResNet

__all__ = ['DlibEmbedding', 'DlibResNet', 'EfficientNetLite0', 'EfficientNetLiteEmbedding', 'MobileNetV1',
           'StackedHourglass', 'tapped_backbone', 'VGGFace2ResNet']
